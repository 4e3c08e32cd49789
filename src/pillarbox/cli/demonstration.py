"""What `run` and `localserve` share: files, passwords, the table that is printed."""

from __future__ import annotations

import json
import os
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path

from pillarbox.clock import SystemClock
from pillarbox.config.loading import load
from pillarbox.config.writing import to_toml
from pillarbox.errors import ConfigurationError
from pillarbox.node.administration import Opened
from pillarbox.node.demonstration import LOOPBACK, listeners, make_certificate
from pillarbox.node.supervisor import Supervisor
from pillarbox.node.welcome import deliver_welcome
from pillarbox.store.model import Account
from pillarbox.telemetry import log

Ports = Mapping[str, int]

_HEAD = """\
# Written by Pillarbox at each start of its demonstration; changes here are lost.
# Other commands work with it: pillarbox account list --config {path}
"""


def check_port_base(base: int, offsets: Ports) -> None:
    """Raises ConfigurationError when a port would not be one."""
    lowest, highest = min(offsets.values()), max(offsets.values())
    if not 1024 - lowest <= base <= 65535 - highest:
        raise ConfigurationError(
            f"The port base is {1024 - lowest} to {65535 - highest}, not {base}."
        )


def prepare(folder: Path, ports: Ports, workers: int) -> Path:
    """The folder with its certificate and configuration; the configuration's path."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        certificate, key = make_certificate(folder / "tls")
        config = folder / "pillarbox.toml"
        tables = {
            "server": {"hostname": "localhost", "workers": workers, "drain_seconds": 5.0},
            "log": {"level": "warning", "format": "text"},
            "store": {"data_dir": "data"},
            "outbound": {"transport": "directory"},  # nothing leaves this computer
            "tls": {
                "certificates": [
                    {
                        "certificate": str(certificate.relative_to(folder)),
                        "key": str(key.relative_to(folder)),
                    }
                ]
            },
            "listener": listeners(ports),
        }
        config.write_text(_HEAD.format(path=config) + "\n" + to_toml(tables))
    except OSError as error:
        raise ConfigurationError(
            f"The folder {folder} cannot be written: {error.strerror}. --folder names another."
        ) from None
    return config


def load_passwords(folder: Path, made: Mapping[str, str]) -> dict[str, str]:
    """The passwords of an earlier start, those made now for the rest; only the owner can read."""
    path = folder / "passwords.json"
    known: dict[str, str] = {}
    if path.exists():
        path.chmod(0o600)  # opening it for writing would keep the mode that it has
        known = json.loads(path.read_text())
    passwords = {login: known.get(login, password) for login, password in made.items()}
    if passwords != known:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(passwords, file, indent=2)
    return passwords


async def welcome(opened: Opened, account: Account) -> None:
    """The first message of a demonstration's account."""
    lines = [
        f"Welcome{', ' + account.name if account.name else ''}!",
        "",
        "This mailbox lives on your own computer, in the folder that Pillarbox printed when it",
        "started. The lines printed there send a message to the other account and read it again.",
        "",
        "Some things to try with your mail program: sort, search for a word in the middle of a",
        "text, move a message on one device and watch the other, leave the program open while",
        "mail arrives.",
    ]
    await deliver_welcome(opened, account, "Welcome to Pillarbox", lines)


def serve(
    config: Path, ready: Callable[[Mapping[str, list[str]]], None], *, local_login: str = ""
) -> int:
    """Run the server in the foreground until Ctrl-C."""
    settings = load(config)
    log.configure(level=settings.log.level, style=settings.log.format)
    try:
        supervisor = Supervisor(
            settings,
            SystemClock(),
            reread=lambda: load(config),
            on_ready=ready,
            local_login=local_login,
        )
        code = supervisor.run()
    except ConfigurationError as error:
        if "already listens" not in str(error):
            raise
        where = str(error).partition("listens on ")[2].partition(". Stop")[0]
        raise ConfigurationError(
            f"Another program already listens on {where}. Stop it, or move all ports: "
            "PORT_BASE=4000 make run (or --port-base 4000)."
        ) from None
    print("\nPillarbox has stopped.")
    return code


def table(folder: Path, ports: Ports, passwords: Mapping[str, str]) -> str:
    """What a person needs: where, who, and lines to paste."""
    (alice, alice_password), (bob, bob_password) = list(passwords.items())[:2]
    trust = f"--cacert {folder / 'tls' / 'certificate.pem'}"
    rows = [
        ("SMTP", ports["smtp"], "mail from elsewhere, STARTTLS offered"),
        ("submission", ports["submissions"], f"TLS; with STARTTLS {ports['submission']}"),
        ("IMAP", ports["imaps"], f"TLS; with STARTTLS {ports['imap']}"),
        ("POP3", ports["pop3s"], f"TLS; with STARTTLS {ports['pop3']}"),
        ("JMAP", ports["https"], f"https://localhost:{ports['https']}/.well-known/jmap"),
        ("web", ports["web"], f"the mail in a browser; with TLS {ports['https']}"),
        ("LMTP", ports["lmtp"], "from a mail server in front"),
        ("HTTP", ports["http"], "/healthz /readyz /metrics"),
    ]
    services = "\n".join(f"  {name:<11} {LOOPBACK}:{port:<6} {what}" for name, port, what in rows)
    people = "\n".join(f"  {login:<22} {password}" for login, password in passwords.items())
    text = f"""
    Pillarbox runs. Ctrl-C stops it; {folder}/ keeps the mail until the next start.
    Mail to other domains goes no further than the folder {folder / "data" / "outbound"}/.

    In a browser: http://localhost:{ports["web"]}/

    @services@

      user name              password
    @people@

    Send a message from Alice to Bob, then read it by IMAP and by POP3:

    printf 'From: {alice}\\r\\nTo: {bob}\\r\\nSubject: Hello\\r\\n\\r\\nHello, Bob!\\r\\n' |
      curl -sS {trust} smtps://localhost:{ports["submissions"]} --user {alice}:{alice_password} \\
        --mail-from {alice} --mail-rcpt {bob} --upload-file -
    curl -sS {trust} --user {bob}:{bob_password} \\
      'imaps://localhost:{ports["imaps"]}/INBOX;MAILINDEX=*'
    curl -sS {trust} --user {bob}:{bob_password} pop3s://localhost:{ports["pop3s"]}/

    The same with swaks, as mail from elsewhere:

    swaks --server localhost:{ports["smtp"]} --from carol@example.net --to {bob} \\
      --header 'Subject: Hello from elsewhere'

    Thunderbird: add a mail account, "Configure manually":
      incoming IMAP, localhost, {ports["imaps"]}, SSL/TLS, normal password, {alice}
      outgoing SMTP, localhost, {ports["submissions"]}, SSL/TLS, normal password, {alice}
      and trust the certificate when asked; it was made on this computer.
    """
    shown = textwrap.dedent(text)
    return shown.replace("@services@", services).replace("@people@", people)
