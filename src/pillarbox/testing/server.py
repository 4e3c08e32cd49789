"""Starting, stopping, killing and asking a Pillarbox of one's own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

import msgspec

from pillarbox.config.loading import load
from pillarbox.config.settings import Settings
from pillarbox.config.writing import to_toml
from pillarbox.net.secret import Secret
from pillarbox.node.administration import Opened, opened
from pillarbox.node.demonstration import LISTENERS, LOOPBACK, listeners, make_certificate
from pillarbox.node.place import Place
from pillarbox.store.sql import accounts as account_rows

T = TypeVar("T")

START_SECONDS = 60.0
PORTS = range(10_000, 32_000)
STOP_SECONDS = 30.0
SHOWN_LOG = 4000  # characters of the log in an error

# Tests sign in often and guard nothing: the cheapest hashes that the settings allow.
CHEAP_AUTH: dict[str, object] = {
    "argon2_passes": 1,
    "argon2_memory_kib": 8,
    "scram_iterations": 4096,
}


_TAKEN = "already listens"


class CouldNotStart(Exception):
    """The server did not get ready; the message holds the end of its log."""


class RunningServer:
    """One Pillarbox: its ports, files, accounts, and its life in the caller's hands."""

    def __init__(
        self,
        folder: Path,
        *,
        workers: int = 1,
        settings: Mapping[str, Mapping[str, object]] | None = None,
        ports: Mapping[str, int] | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.config = folder / "pillarbox.toml"
        self.data_dir = folder / "data"
        self.log = folder / "log"
        self.certificate, self.key = make_certificate(folder / "tls")
        self.host = LOOPBACK
        self.ports = {**free_ports(), **(ports or {})}  # by listener: "imap", "submissions" …
        self.accounts: dict[str, str] = {}  # passwords by login
        self._workers = workers
        self._settings = settings or {}
        self._process: subprocess.Popen[bytes] | None = None
        self._write_config()

    # Ports, by the name of their listener

    @property
    def smtp(self) -> int:
        """Mail from elsewhere, STARTTLS offered."""
        return self.ports["smtp"]

    @property
    def submission(self) -> int:
        """Mail of our users, STARTTLS offered."""
        return self.ports["submission"]

    @property
    def submissions(self) -> int:
        """Mail of our users, TLS from the start."""
        return self.ports["submissions"]

    @property
    def imap(self) -> int:
        """IMAP, STARTTLS offered."""
        return self.ports["imap"]

    @property
    def imaps(self) -> int:
        """IMAP, TLS from the start."""
        return self.ports["imaps"]

    @property
    def pop3(self) -> int:
        """POP3, STLS offered."""
        return self.ports["pop3"]

    @property
    def pop3s(self) -> int:
        """POP3, TLS from the start."""
        return self.ports["pop3s"]

    @property
    def lmtp(self) -> int:
        """LMTP over TCP."""
        return self.ports["lmtp"]

    @property
    def https(self) -> int:
        """Pages and JMAP, TLS from the start."""
        return self.ports["https"]

    @property
    def web(self) -> int:
        """The same without TLS, for a browser on this computer."""
        return self.ports["web"]

    @property
    def http(self) -> int:
        """`/healthz`, `/readyz`, `/metrics`."""
        return self.ports["http"]

    # Accounts

    @property
    def account(self) -> tuple[str, str]:
        """Login and password of the first account."""
        return next(iter(self.accounts.items()))

    def add_account(self, login: str, password: str, *, octets: int = 0, messages: int = 0) -> None:
        """Make an account, and its domain if it is new; the server may run or not."""
        self.add_accounts({login: password}, octets=octets, messages=messages)

    def add_accounts(
        self, passwords: Mapping[str, str], *, octets: int = 0, messages: int = 0
    ) -> None:
        """The same for many, opening the store once."""

        async def work(open_: Opened) -> None:
            for login, password in passwords.items():
                await open_.admin.create_account(
                    login,
                    Secret(password),
                    quota_octets=octets,
                    quota_messages=messages,
                    add_domain=True,
                )

        self.administer(work)
        self.accounts.update(passwords)

    def message_count(self, login: str) -> int:
        """How many messages the account holds, in all mailboxes."""

        async def work(open_: Opened) -> int:
            account = await open_.store.read(lambda db: account_rows.find(db, login))
            return account.used_messages if account is not None else 0

        return self.administer(work)

    def administer(self, work: Callable[[Opened], Awaitable[T]]) -> T:
        """Do something with the store and the accounts, from this process."""
        return _in_thread(self.settings(), work)

    # Life

    @property
    def pid(self) -> int:
        """The supervisor's process."""
        assert self._process is not None
        return self._process.pid

    @property
    def pids(self) -> list[int]:
        """The supervisor and its workers."""
        node = Place(self.data_dir).find_node()
        workers = list(node.workers) if node is not None else []
        return [self.pid, *workers]

    @property
    def is_running(self) -> bool:
        """Whether the supervisor lives."""
        return self._process is not None and self._process.poll() is None

    def settings(self) -> Settings:
        """The configuration as the server reads it."""
        return load(self.config)

    def start(self, seconds: float = START_SECONDS) -> None:
        """Start, or start again on the same ports; returns when it is ready."""
        reading, writing = os.pipe()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own command
                [
                    *(sys.executable, "-m", "pillarbox.cli", "serve"),
                    *("--config", str(self.config), "--ready-fd", str(writing)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[writing],
                start_new_session=True,
            )
        os.close(writing)
        addresses = _read_ready(reading, seconds)
        if addresses is None:
            self.kill9()
            raise CouldNotStart(self.log_tail())

    def take_other_ports(self) -> None:
        """Before a start."""
        self.ports = free_ports()
        self._write_config()

    def stop(self, seconds: float = STOP_SECONDS) -> int:
        """SIGTERM and wait; the exit code. Killed when it takes too long."""
        if self._process is None:
            return 0
        self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill9()
            raise

    def restart(self) -> None:
        """Stop, then start on the same ports."""
        self.stop()
        self.start()

    def reload(self) -> None:
        """SIGHUP: certificates and configuration are read again."""
        os.kill(self.pid, signal.SIGHUP)

    def kill9(self) -> None:
        """Kill every process at once, as a crash would; `start` may follow."""
        if self._process is None:
            return
        pids = self.pids
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()

    def change(self, settings: Mapping[str, Mapping[str, object]]) -> None:
        """Use other settings from the next start or `reload` on."""
        self._settings = {**self._settings, **settings}
        self._write_config()

    def log_tail(self) -> str:
        """The end of what it logged."""
        return self.log.read_text(errors="replace")[-SHOWN_LOG:] if self.log.exists() else ""

    def _write_config(self) -> None:
        tables: dict[str, object] = {
            "server": {"hostname": "localhost", "workers": self._workers, "drain_seconds": 5.0},
            "log": {"level": "info"},
            "store": {"data_dir": str(self.data_dir)},
            "auth": CHEAP_AUTH,
            "outbound": {"transport": "none"},  # a test's mail must not leave this computer
            "tls": {"certificates": [{"certificate": str(self.certificate), "key": str(self.key)}]},
        }
        for name, table in self._settings.items():
            known = tables.get(name, {})
            assert isinstance(known, Mapping)
            tables[name] = {**known, **table}
        tables["listener"] = listeners(self.ports)
        fresh = self.config.with_suffix(".new")
        fresh.write_text(to_toml(tables))
        fresh.replace(self.config)


@contextlib.contextmanager
def running_server(
    folder: Path | None = None,
    *,
    workers: int = 1,
    accounts: Mapping[str, str] | None = None,
    ports: Mapping[str, int] | None = None,
    settings: Mapping[str, Mapping[str, object]] | None = None,
) -> Iterator[RunningServer]:
    """A Pillarbox for the length of the block, with these accounts (login → password).

    `folder` keeps its files (a temporary one otherwise), `settings` are tables of the
    configuration: `{"smtp": {"max_recipients": 100}}`. Raises CouldNotStart.
    """
    with contextlib.ExitStack() as stack:
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pillarbox-")))
        server = RunningServer(folder, workers=workers, settings=settings, ports=ports)
        given = {"alice@example.org": "alice-secret"} if accounts is None else accounts
        if given:
            server.add_accounts(given)
        try:
            try:
                server.start()
            except CouldNotStart as error:
                if ports or _TAKEN not in str(error):
                    raise
                server.take_other_ports()  # somebody took one since they were chosen
                server.start()
            yield server
        finally:
            if server.is_running:
                server.stop()


def free_ports() -> dict[str, int]:
    """A port for each listener, free now.

    Below the range from which the system takes the ports of outgoing connections: otherwise one of
    those could sit on a server's port while it restarts.
    """
    with contextlib.ExitStack() as held:
        found = {}
        for name, _, _ in LISTENERS:
            trial = held.enter_context(socket.socket())
            while True:
                with contextlib.suppress(OSError):
                    trial.bind((LOOPBACK, secrets.choice(PORTS)))
                    break
            found[name] = trial.getsockname()[1]
        return found


def _read_ready(descriptor: int, seconds: float) -> dict[str, list[str]] | None:
    """The line that `--ready-fd` brings; None when the server ended, or took too long."""
    octets = b""
    with os.fdopen(descriptor, "rb", buffering=0) as pipe, selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while selector.select(seconds):
            chunk = pipe.read(65_536)
            if not chunk:
                break
            octets += chunk
    if not octets.endswith(b"\n"):
        return None
    return msgspec.json.decode(octets, type=dict[str, list[str]])


def _in_thread(settings: Settings, work: Callable[[Opened], Awaitable[T]]) -> T:
    """Run the work on a loop of its own, since the caller may be inside one."""
    results: list[T] = []
    failures: list[BaseException] = []

    async def main() -> None:
        async with opened(settings) as open_:
            results.append(await work(open_))

    def target() -> None:
        try:
            asyncio.run(main())
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=target, name="pillarbox-administration")
    thread.start()
    thread.join()
    if failures:
        raise failures[0]
    return results[0]
