"""The servers that are compared, each startable from an empty store."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from argon2 import PasswordHasher

from pillarbox.testing import running_server
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
from support.server import DOMAIN, HOST, PASSWORD, Ports, free_ports

USERS = 100
# The product's own defaults, which `running_server` lowers for tests.
WATCHES = 8192
_INOTIFY = Path("/proc/sys/fs/inotify/max_user_instances")
ARGON2_PASSES, ARGON2_MEMORY_KIB = 2, 19 * 1024


@dataclass(frozen=True, slots=True)
class Contender:
    """A running server under test."""

    name: str
    ports: Ports
    roots: tuple[int, ...]  # processes whose trees are the server
    host: str = HOST

    def login(self, number: int) -> str:
        """The login, and address, of a user."""
        return f"user{number % USERS}@{DOMAIN}"


def logins() -> list[str]:
    """All users' logins."""
    return [f"user{number}@{DOMAIN}" for number in range(USERS)]


@contextlib.contextmanager
def pillarbox(workers: int = 2) -> Iterator[Contender]:
    """Pillarbox as it runs by default."""
    settings: dict[str, dict[str, object]] = {
        "auth": {"argon2_passes": ARGON2_PASSES, "argon2_memory_kib": ARGON2_MEMORY_KIB},
        **NO_LIMITS,
    }
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        first = {logins()[0]: PASSWORD}
        with running_server(
            Path(folder), workers=workers, accounts=first, settings=settings
        ) as server:
            server.add_accounts(dict.fromkeys(logins()[1:], PASSWORD))
            ports = Ports(
                smtp=server.smtp,
                submission=server.submission,
                submissions=server.submissions,
                imap=server.imap,
                imaps=server.imaps,
                pop3=server.pop3,
                pop3s=server.pop3s,
                lmtp=server.lmtp,
            )
            yield Contender("pillarbox", ports, (server.pid,))


@contextlib.contextmanager
def postfix_dovecot(mail_format: str) -> Iterator[Contender]:
    """Postfix in front of Dovecot's LMTP, Dovecot with the given mailbox format."""
    hashed = PasswordHasher(
        time_cost=ARGON2_PASSES, memory_cost=ARGON2_MEMORY_KIB, parallelism=1
    ).hash(PASSWORD)
    ports = Ports(*free_ports(8))
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        certificate = write_certificate(folder)
        for login in logins():
            add_user(folder / "dovecot", login, "{ARGON2ID}" + hashed)
        settings = DovecotSettings(
            imap=ports.imap,
            imaps=ports.imaps,
            pop3=ports.pop3,
            pop3s=ports.pop3s,
            lmtp=ports.lmtp,
            mail_format=mail_format,
            postfix_sockets=prepare_queue(folder / "postfix"),
        )
        own = PostfixSettings(ports.smtp, ports.submission, ports.submissions)
        with (
            _room_for_watches(),
            running_dovecot(folder / "dovecot", settings, certificate) as dovecot,
            running_postfix(folder / "postfix", own, certificate) as postfix,
        ):
            yield Contender(mail_format, ports, (dovecot.process.pid, postfix.pid))


@contextlib.contextmanager
def _room_for_watches() -> Iterator[None]:
    """Each IDLE connection of Dovecot holds an inotify instance, of which a user may have 128.

    Without one it looks every 30 seconds. The kernel's setting is put back afterwards.
    """
    before = _INOTIFY.read_text()
    _INOTIFY.write_text(str(max(int(before), WATCHES)))
    try:
        yield
    finally:
        _INOTIFY.write_text(before)


NO_LIMITS: dict[str, dict[str, object]] = {}

NAMES = ("pillarbox", "maildir", "mdbox")


def missing(name: str) -> str | None:
    """Why a contender can't run here, or None."""
    return None if name == "pillarbox" else missing_dovecot() or missing_postfix()


def start(name: str, workers: int) -> contextlib.AbstractContextManager[Contender]:
    """Start a contender by name."""
    return pillarbox(workers) if name == "pillarbox" else postfix_dovecot(name)
