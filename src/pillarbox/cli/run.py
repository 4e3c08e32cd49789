"""A whole mail server for trying out, on this computer alone. `make run` is the same.

Listens on unprivileged ports of 127.0.0.1, with a certificate of its own making and two accounts
that have a welcome message. Everything is in one folder (./var); Ctrl-C stops the server, the next
start finds the mail, and deleting the folder forgets it all. PORT_BASE moves all ports together.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from pathlib import Path

from pillarbox.cli.options import generate_password

DOMAIN = "example.test"
PEOPLE = {"alice": "Alice", "bob": "Bob"}
PORT_BASE = 2000
OFFSETS = {
    "smtp": 525,
    "submission": 587,
    "submissions": 465,
    "imap": 143,
    "imaps": 993,
    "pop3": 110,
    "pop3s": 995,
    "lmtp": 424,
    "https": 443,
    "web": 800,
    "http": 80,
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of `pillarbox run`."""
    parser.add_argument(
        "--folder", type=Path, default=Path("var"), help="where all is kept (./var)"
    )
    parser.add_argument(
        "--port-base",
        type=int,
        default=os.environ.get("PORT_BASE", PORT_BASE),
        metavar="N",
        help=f"added to every port; {PORT_BASE} gives SMTP {PORT_BASE + OFFSETS['smtp']}",
    )
    parser.add_argument("--workers", type=int, default=0, help="processes (one for each core)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Make what is missing, then serve."""
    from pillarbox.cli.demonstration import check_port_base, prepare, serve, table

    check_port_base(options.port_base, OFFSETS)
    folder: Path = options.folder
    ports = {name: options.port_base + offset for name, offset in OFFSETS.items()}
    config = prepare(folder, ports, options.workers)
    passwords = _accounts(config, folder)
    shown = table(folder, ports, passwords)

    def ready(_addresses: Mapping[str, list[str]]) -> None:
        print(shown, flush=True)

    return serve(config, ready)


def _accounts(config: Path, folder: Path) -> dict[str, str]:
    """The passwords by login; accounts that are missing are made, with their welcome."""
    from pillarbox.cli.demonstration import load_passwords, welcome
    from pillarbox.cli.opened import Opened, run_with
    from pillarbox.config.loading import load
    from pillarbox.errors import AlreadyExists
    from pillarbox.net.secret import Secret

    logins = {f"{local}@{DOMAIN}": name for local, name in PEOPLE.items()}
    passwords = load_passwords(folder, {login: generate_password() for login in logins})

    async def work(opened: Opened) -> None:
        for login, name in logins.items():
            try:
                account = await opened.admin.create_account(
                    login, Secret(passwords[login]), name, add_domain=True
                )
            except AlreadyExists:
                continue
            await welcome(opened, account)

    run_with(load(config), work)
    return passwords
