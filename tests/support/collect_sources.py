"""Servers that mail is collected from in tests: each with accounts of its own, on loopback."""

from __future__ import annotations

import contextlib
import imaplib
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from support.certificate import write_certificate
from support.mailbox_compare import signed_in
from support.odd_mailboxes import ODD_NAMES, load, odd_messages
from support.pillarbox_server import running_pillarbox
from support.reference_courier import CourierSettings, missing_courier, running_courier
from support.reference_cyrus import CyrusSettings, missing_cyrus, running_cyrus
from support.reference_dovecot import DovecotSettings, add_user, missing_dovecot, running_dovecot
from support.server import HOST, PASSWORD, free_ports

_ACCOUNTS = 8


@dataclass(slots=True)
class SourceServer:
    """A server that somebody leaves, with empty accounts."""

    name: str
    imap: int
    pop3: int
    logins: list[str]  # one is taken for each test
    password: str = field(default=PASSWORD, repr=False)
    homes: Path | None = None  # where `LOGIN/Maildir` lies, for a server with O(n) in APPEND

    def take(self) -> str:
        """The login of an account that nobody has used."""
        return self.logins.pop()

    def fill_inbox(self, login: str, count: int, seed: int) -> int:
        """Put messages there, straight into its Maildir if it has one; how many octets."""
        if self.homes is None:
            with self.client(login) as client:
                return load(client, 0, seed, pop3=count).octets
        maildir = self.homes / login / "Maildir"
        owner = maildir.stat()
        octets = 0
        for number, message in enumerate(odd_messages(len(ODD_NAMES), count, seed)):
            path = maildir / "new" / f"{message.received_at}.M{number}.source"
            path.write_bytes(message.octets.replace(b"\r\n", b"\n"))  # as it keeps them
            os.chown(path, owner.st_uid, owner.st_gid)
            octets += len(message.octets)
        return octets

    def client(self, login: str) -> imaplib.IMAP4:
        """Signed in."""
        return signed_in(HOST, self.imap, login, self.password)


@contextlib.contextmanager
def dovecot(folder: Path) -> Iterator[SourceServer]:
    """Dovecot with mdbox and "." between levels; any other character may stand in a name."""
    imap, imaps, pop3, pop3s, lmtp = free_ports(5)
    logins = [f"collect{number}@example.org" for number in range(_ACCOUNTS)]
    for login in logins:
        add_user(folder, login, "{PLAIN}" + PASSWORD)
    settings = DovecotSettings(
        imap,
        imaps,
        pop3,
        pop3s,
        lmtp,
        mail_format="mdbox",
        fsync="never",
        separator=".",
        any_name=True,
    )
    with running_dovecot(folder, settings, write_certificate(folder)):
        yield SourceServer("dovecot", imap, pop3, logins)


@contextlib.contextmanager
def courier(folder: Path) -> Iterator[SourceServer]:
    """Courier with Maildir++."""
    imap, pop3 = free_ports(2)
    logins = [f"collect{number}@example.org" for number in range(_ACCOUNTS)]
    with running_courier(folder, CourierSettings(imap, pop3, dict.fromkeys(logins, PASSWORD))):
        yield SourceServer("courier", imap, pop3, logins, homes=folder / "homes")


@contextlib.contextmanager
def cyrus(folder: Path) -> Iterator[SourceServer]:
    """Cyrus with Debian's names."""
    imap, pop3 = free_ports(2)
    logins = [f"collect{number}" for number in range(_ACCOUNTS)]
    with running_cyrus(folder, CyrusSettings(imap, pop3, dict.fromkeys(logins, PASSWORD))):
        yield SourceServer("cyrus", imap, pop3, logins)


@contextlib.contextmanager
def pillarbox(folder: Path) -> Iterator[SourceServer]:
    """Another Pillarbox."""
    with running_pillarbox(folder, workers=1, accounts=_ACCOUNTS) as server:
        logins = [f"user{number}@{server.domain}" for number in range(_ACCOUNTS)]
        yield SourceServer("pillarbox", server.ports.imap, server.ports.pop3, logins)


_Run = Callable[[Path], contextlib.AbstractContextManager[SourceServer]]
_SOURCES: dict[str, tuple[_Run, Callable[[], str | None]]] = {
    "dovecot": (dovecot, missing_dovecot),
    "courier": (courier, missing_courier),
    "cyrus": (cyrus, missing_cyrus),
    "pillarbox": (pillarbox, lambda: None),
}
SOURCES = tuple(_SOURCES)


def missing_source(name: str) -> str | None:
    """Why it can't run here, or None."""
    return _SOURCES[name][1]()


@contextlib.contextmanager
def running_source(name: str) -> Iterator[SourceServer]:
    """Run one of SOURCES, from a folder that other users may enter."""
    with tempfile.TemporaryDirectory(prefix="source-", ignore_cleanup_errors=True) as made:
        Path(made).chmod(0o755)
        with _SOURCES[name][0](Path(made) / name) as server:
            yield server
