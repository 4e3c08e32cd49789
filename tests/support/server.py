"""What a test knows of a running mail server, whoever wrote it.

The interop, concurrency, model and crash tests take a `MailServer` and speak to its ports; the same
test runs against Pillarbox and, with `--reference`, against Postfix and Dovecot, which shows that
the test itself asks for the right thing.
"""

from __future__ import annotations

import contextlib
import itertools
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

HOST = "127.0.0.1"
TLS_HOST = "localhost"  # the name in the certificate
DOMAIN = "example.org"
PASSWORD = "correct-horse-9"


@dataclass(frozen=True, slots=True)
class Account:
    """A user who can sign in at every door."""

    login: str
    password: str = field(repr=False)

    @property
    def address(self) -> str:
        """Where mail reaches the account."""
        return self.login


@dataclass(frozen=True, slots=True)
class Ports:
    """The server's TCP ports on loopback; `imap`, `pop3`, `smtp`, `submission` offer STARTTLS."""

    smtp: int
    submission: int
    submissions: int
    imap: int
    imaps: int
    pop3: int
    pop3s: int
    lmtp: int
    https: int = 0  # JMAP; 0 where there is none


@dataclass(frozen=True, slots=True)
class MailServer:
    """A server that runs for the length of a test session."""

    name: str
    ports: Ports
    certificate: Path  # PEM; clients trust exactly this
    folder: Path  # configuration, logs and state
    add_account: Callable[[str, str], None]  # login, password
    host: str = HOST
    tls_host: str = TLS_HOST
    domain: str = DOMAIN
    _numbers: Iterator[int] = field(default_factory=itertools.count, repr=False)

    def new_account(self) -> Account:
        """A fresh, empty account, so that no test sees another's mail."""
        account = Account(f"user{next(self._numbers)}@{self.domain}", PASSWORD)
        self.add_account(account.login, account.password)
        return account

    @property
    def is_pillarbox(self) -> bool:
        """False for the reference servers."""
        return self.name == "pillarbox"


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now; held together so that all differ."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for listener in sockets:
            listener.bind((HOST, 0))
        return [listener.getsockname()[1] for listener in sockets]


def wait_for_port(port: int, *, host: str = HOST, seconds: float = 20) -> None:
    """Return as soon as someone accepts connections; raise TimeoutError otherwise."""
    wait_until(lambda: _accepts(host, port), seconds=seconds, what=f"a listener on port {port}")


def wait_until(
    condition: Callable[[], bool], *, seconds: float = 60, what: str = "the condition"
) -> None:
    """Poll until `condition` holds; raise TimeoutError when it does not in time."""
    end = time.monotonic() + seconds
    pause = 0.005
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{what} did not come about in {seconds} s")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.2)


def _accepts(host: str, port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=1):
        return True
    return False
