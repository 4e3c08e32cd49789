"""The servers that are compared, each startable from an empty store."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from argon2 import PasswordHasher

from benchmarks.compiled import compiled_build
from pillarbox.node.administration import Opened
from pillarbox.store import Transaction
from pillarbox.store.sql import accounts
from pillarbox.testing import RunningServer, running_server
from support.certificate import write_certificate
from support.pillarbox_server import as_mail_server
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
# Each is another destination: 127.0.0.1, 127.0.0.2 … at the sink's port.
FAR_DOMAINS = tuple(f"far{number}.example" for number in range(10))
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
    add_users: Callable[[int], None]  # so that there are so many
    host: str = HOST
    sink: int = 0  # port at which mail for FAR_DOMAINS is delivered; 0: it goes nowhere

    def login(self, number: int) -> str:
        """The login, and address, of a user."""
        return login_of(number)


def login_of(number: int) -> str:
    """The login, and address, of a user."""
    return f"user{number}@{DOMAIN}"


def logins() -> list[str]:
    """The logins that there are from the start."""
    return [login_of(number) for number in range(USERS)]


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to run Pillarbox."""

    name: str
    workers: int
    compiled: bool = False


def variants(workers: list[int], *, compiled: bool) -> list[Variant]:
    """Each number of workers plain, the first also compiled; the first is what others are
    compared with.
    """
    found = [Variant(OWN, workers[0])]
    if compiled:
        found.append(Variant("compiled", workers[0], compiled=True))
    found += [Variant(f"{number} worker{'s' * (number > 1)}", number) for number in workers[1:]]
    return found


@contextlib.contextmanager
def pillarbox(variant: Variant) -> Iterator[Contender]:
    """Pillarbox as it runs by default."""
    settings: dict[str, dict[str, object]] = {
        "auth": {"argon2_passes": ARGON2_PASSES, "argon2_memory_kib": ARGON2_MEMORY_KIB},
        **NO_LIMITS,
        "submission": {"max_messages_a_day": 0, "max_new_recipients_a_day": 0},
        "outbound": {"transport": "smtp", "route": _routes(sink := free_ports(1)[0])},
    }
    path = compiled_build() if variant.compiled else None
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, _import_from(path):
        first = {logins()[0]: PASSWORD}
        with running_server(
            Path(folder), workers=variant.workers, accounts=first, settings=settings
        ) as server:
            server.add_accounts(dict.fromkeys(logins()[1:], PASSWORD))
            ports = as_mail_server(server).ports
            add_users = partial(_add_users, server)
            yield Contender(variant.name, ports, (server.pid,), add_users, sink=sink)


def _routes(sink: int) -> list[dict[str, object]]:
    return [
        {
            "name": domain.partition(".")[0],
            "recipients": [domain],
            "hosts": [f"{_far_address(number)}:{sink}"],
            "tls": "none",
        }
        for number, domain in enumerate(FAR_DOMAINS)
    ]


def _far_address(number: int) -> str:
    return f"127.0.0.{1 + number}"


def _add_users(server: RunningServer, count: int) -> None:
    """Make the accounts that are missing, in few commits; they get mail and never sign in."""

    async def work(open_: Opened) -> None:
        known = {one.login for one in await open_.store.read(accounts.all_accounts)}
        missing = [login for login in map(login_of, range(count)) if login not in known]
        for start in range(0, len(missing), 500):
            await open_.store.write(partial(_create, logins=missing[start : start + 500]))

    server.administer(work)


async def _create(tx: Transaction, logins: list[str]) -> None:
    for login in logins:
        await accounts.create(tx, login, "")


def _no_more(count: int) -> None:
    """The references have the users that they were started with."""
    if count > USERS:
        raise ValueError(f"{count} users")


@contextlib.contextmanager
def _import_from(folder: Path | None) -> Iterator[None]:
    """Let processes that begin now take `pillarbox` from there."""
    if folder is None:
        yield
        return
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = str(folder)
    try:
        yield
    finally:
        del os.environ["PYTHONPATH"]
        if before is not None:
            os.environ["PYTHONPATH"] = before


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
        sink = free_ports(1)[0] if mail_format == "maildir" else 0  # Dovecot has no part in it
        maps = ", ".join(
            f"{{{domain}=smtp:[{_far_address(number)}]:{sink}}}"
            for number, domain in enumerate(FAR_DOMAINS)
        )
        own = PostfixSettings(
            ports.smtp,
            ports.submission,
            ports.submissions,
            more=f"transport_maps = inline:{{ {maps} }}\n" if sink else "",
        )
        with (
            _room_for_watches(),
            running_dovecot(folder / "dovecot", settings, certificate) as dovecot,
            running_postfix(folder / "postfix", own, certificate) as postfix,
        ):
            roots = (dovecot.process.pid, postfix.pid)
            yield Contender(mail_format, ports, roots, _no_more, sink=sink)


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

OWN = "pillarbox"
NAMES = (OWN, "maildir", "mdbox")


def missing(name: str) -> str | None:
    """Why a contender can't run here, or None."""
    return None if name == OWN else missing_dovecot() or missing_postfix()
