"""Write a commented configuration for a domain and make its first account.

Run once, on the computer that will serve. Nothing is overwritten. As root the files go to
/etc/pillarbox and /var/lib/pillarbox and the server will run as the user `pillarbox`; otherwise
they go to the current folder. Afterwards it prints what is left to do: DNS records, the service.
"""

from __future__ import annotations

import argparse
import os
import shutil
from pathlib import Path

from pillarbox.cli.options import SYSTEM_CONFIG, add_json, add_password, take_password

SYSTEM_DATA = Path("/var/lib/pillarbox")
SYSTEM_USER = "pillarbox"


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of `pillarbox setup`."""
    parser.add_argument("domain", help="the domain whose mail ends here: example.org")
    parser.add_argument(
        "--account", metavar="NAME", default="postmaster", help="first account (postmaster)"
    )
    parser.add_argument(
        "--hostname", help="this computer's name in the DNS (mail.DOMAIN when left out)"
    )
    parser.add_argument("--config", metavar="FILE", type=Path, help="where to write the settings")
    parser.add_argument("--data-dir", metavar="FOLDER", type=Path, help="where mail will be kept")
    parser.add_argument("--user", help="user that the server becomes when started as root")
    parser.add_argument(
        "--certificate", metavar="FILE", type=Path, help="PEM certificate with its chain"
    )
    parser.add_argument("--key", metavar="FILE", type=Path, help="its private key, PEM")
    add_password(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write, make, tell."""
    from pillarbox.accounts.names import fold_domain
    from pillarbox.accounts.signing_keys import DkimKeys
    from pillarbox.cli.opened import Opened, run_with
    from pillarbox.cli.output import print_json
    from pillarbox.cli.setup_texts import next_steps
    from pillarbox.clock import SystemClock
    from pillarbox.config.loading import load
    from pillarbox.errors import AlreadyExists, ConfigurationError
    from pillarbox.node.privileges import become, check_reach, find_person, prepare_folder
    from pillarbox.node.welcome import deliver_welcome

    is_root = os.geteuid() == 0
    domain = fold_domain(options.domain)
    hostname = options.hostname or f"mail.{domain}"
    config = (options.config or (SYSTEM_CONFIG if is_root else Path("pillarbox.toml"))).absolute()
    data_dir = (options.data_dir or (SYSTEM_DATA if is_root else Path("mail"))).absolute()
    user = options.user if options.user is not None else SYSTEM_USER if is_root else ""
    if (options.certificate is None) != (options.key is None):
        raise ConfigurationError("--certificate and --key go together.")
    if config.exists():
        raise AlreadyExists(
            f"{config} is there already and is left as it is. Remove it, or use --config."
        )
    person = find_person(user)
    check_reach(person)
    login = f"{options.account}@{domain}"
    password, show = take_password(options, login)
    certificate, key = _certificate(options, config.parent, hostname)
    _write_config(config, _values(hostname, domain, data_dir, user, certificate, key))
    try:
        settings = load(config)
        prepare_folder(data_dir, person)
        become(person)

        async def make(opened: Opened) -> None:
            account = await opened.admin.create_account(login, password, add_domain=True)
            await DkimKeys(opened.store, SystemClock()).ensure(domain)
            lines = ["This account is ready. Mail programs use the whole address as user name."]
            await deliver_welcome(opened, account, "Welcome to Pillarbox", lines)

        run_with(settings, make)
    except BaseException:
        _withdraw(config)
        raise
    made = {"config": str(config), "data_dir": str(data_dir), "login": login}
    if show:
        made["password"] = password.reveal().decode()
    if options.json:
        print_json(made)
    else:
        print(next_steps(made, hostname, domain, own_certificate=options.certificate is not None))
    return 0


def _certificate(options: argparse.Namespace, folder: Path, hostname: str) -> tuple[Path, Path]:
    """The given one, or one of our own making so that the server can start today."""
    from pillarbox.clock import SystemClock
    from pillarbox.net.self_signed import create_self_signed

    if options.certificate is not None:
        return options.certificate.absolute(), options.key.absolute()
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    if not certificate.exists() and not key.exists():
        folder.mkdir(parents=True, exist_ok=True)
        names = (hostname, "localhost", "127.0.0.1")
        create_self_signed(names, certificate, key, now=SystemClock().now())
    return certificate, key


def _values(
    hostname: str, domain: str, data_dir: Path, user: str, certificate: Path, key: Path
) -> dict[str, object]:
    return {
        "hostname": hostname,
        "domain": domain,
        "data_dir": str(data_dir),
        "user": user,
        "certificate": str(certificate),
        "key": str(key),
    }


def _write_config(path: Path, values: dict[str, object]) -> None:
    from pillarbox.cli.setup_texts import CONFIG
    from pillarbox.config.schema import toml_value
    from pillarbox.errors import ConfigurationError

    text = CONFIG.format(
        command=shutil.which("pillarbox") or "pillarbox",
        **{name: toml_value(value) for name, value in values.items()},
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x") as file:
            file.write(text)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}.") from None


def _withdraw(config: Path) -> None:
    """A setup that failed half-way can be run again. Where root was given up, it stays."""
    try:
        config.unlink()
    except OSError:
        print(f"pillarbox: remove {config} before you try again")
