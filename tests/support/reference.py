"""Postfix and Dovecot together, as one `MailServer`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from support.certificate import write_certificate
from support.reference_dovecot import (
    DovecotSettings,
    add_user,
    missing_dovecot,
    running_dovecot,
)
from support.reference_postfix import (
    PostfixSettings,
    missing_postfix,
    prepare_queue,
    running_postfix,
)
from support.server import DOMAIN, PASSWORD, MailServer, Ports, free_ports

# Dovecot looks at its users file at most once a second, so the accounts are there from the start.
ACCOUNTS = 500


def missing_reference() -> str | None:
    """Why the reference servers can't run here, or None."""
    return missing_dovecot() or missing_postfix()


@contextlib.contextmanager
def running_reference(folder: Path, mail_format: str = "maildir") -> Iterator[MailServer]:
    """Run both on free ports; everything is below `folder`, whose parents others may enter."""
    ports = Ports(*free_ports(8))
    folder.chmod(0o755)
    certificate = write_certificate(folder)
    sockets = prepare_queue(folder / "postfix")
    dovecot_settings = DovecotSettings(
        imap=ports.imap,
        imaps=ports.imaps,
        pop3=ports.pop3,
        pop3s=ports.pop3s,
        lmtp=ports.lmtp,
        mail_format=mail_format,
        postfix_sockets=sockets,
    )
    postfix_settings = PostfixSettings(ports.smtp, ports.submission, ports.submissions)
    for number in range(ACCOUNTS):
        add_user(folder / "dovecot", f"user{number}@{DOMAIN}", "{PLAIN}" + PASSWORD)
    with (
        running_dovecot(folder / "dovecot", dovecot_settings, certificate),
        running_postfix(folder / "postfix", postfix_settings, certificate),
    ):
        yield MailServer(
            name="reference",
            ports=ports,
            certificate=certificate[0],
            folder=folder,
            add_account=_check_known,
        )


def _check_known(login: str, password: str) -> None:
    number = int(login.partition("@")[0].removeprefix("user"))
    assert number < ACCOUNTS
    assert password == PASSWORD
