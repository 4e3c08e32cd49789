"""A mail server for testing programs that send mail: it takes everything and passes nothing on.

Whatever the address, the message lands in one mailbox, to be read by IMAP or POP3. Some recipients
misbehave on purpose, at any domain: temperror@ is refused for now (451), permerror@ for good (550),
421@ has the connection closed, timeout@ never gets an answer.

Listens on 127.0.0.1 on the usual ports plus 1000: SMTP 1025, submission 1587 and 1465 (TLS), IMAP
1143 and 1993 (TLS), POP3 1110 and 1995 (TLS), JMAP 1443 (TLS), pages for a browser 1800. In tests,
pillarbox.testing starts a server on free ports.
"""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Mapping
from pathlib import Path

LOGIN = "mail@localhost"
PASSWORD = "localserve"  # noqa: S105 - guards nothing, and is printed
PORT_BASE = 1000
OFFSETS = {
    "smtp": 25,
    "submission": 587,
    "submissions": 465,
    "imap": 143,
    "imaps": 993,
    "pop3": 110,
    "pop3s": 995,
    "lmtp": 24,
    "https": 443,
    "web": 800,
    "http": 80,
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of `pillarbox localserve`."""
    parser.add_argument(
        "--folder", type=Path, help="keep the mail here (else a folder that goes away at the end)"
    )
    parser.add_argument(
        "--port-base", type=int, default=PORT_BASE, metavar="N", help="instead of 1000"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Make what is missing, then serve."""
    import tempfile

    if options.folder is not None:
        return _serve(options.folder, options.port_base)
    with tempfile.TemporaryDirectory(prefix="pillarbox-localserve-") as folder:
        return _serve(Path(folder), options.port_base)


def _serve(folder: Path, base: int) -> int:
    from pillarbox.cli.demonstration import check_port_base, prepare, serve, welcome
    from pillarbox.cli.opened import Opened, run_with
    from pillarbox.config.loading import load
    from pillarbox.errors import AlreadyExists
    from pillarbox.net.secret import Secret

    check_port_base(base, OFFSETS)
    ports = {name: base + offset for name, offset in OFFSETS.items()}
    config = prepare(folder, ports, workers=1)

    async def make_account(opened: Opened) -> None:
        try:
            await opened.admin.create_account(LOGIN, Secret(PASSWORD), add_domain=True)
        except AlreadyExists:
            return
        await welcome(opened, await opened.admin.find_account(LOGIN))

    run_with(load(config), make_account)
    shown = _table(folder, ports)

    def ready(_addresses: Mapping[str, list[str]]) -> None:
        print(shown, flush=True)

    return serve(config, ready, local_login=LOGIN)


def _table(folder: Path, ports: Mapping[str, int]) -> str:
    return textwrap.dedent(
        f"""
        Takes mail for every address, on 127.0.0.1; nothing leaves this computer. Ctrl-C stops it.

          SMTP        {ports["smtp"]}  STARTTLS offered, no sign-in
          submission  {ports["submission"]}  STARTTLS offered; {ports["submissions"]} with TLS
          IMAP        {ports["imap"]}  STARTTLS offered; {ports["imaps"]} with TLS
          POP3        {ports["pop3"]}  STLS offered; {ports["pop3s"]} with TLS
          JMAP        https://localhost:{ports["https"]}/.well-known/jmap
          in a browser  http://localhost:{ports["web"]}/

          user name {LOGIN}, password {PASSWORD}
          certificate {folder / "tls" / "certificate.pem"}

        temperror@ → 451, permerror@ → 550, 421@ → 421 and closed, timeout@ → no answer
        """
    )
