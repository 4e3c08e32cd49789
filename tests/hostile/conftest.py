"""One server with (nearly) its default settings for all hostile tests."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pillarbox.testing import RunningServer, running_server
from support.hostile_bounds import BYSTANDER, PASSWORD, READY
from support.raw_peer import RawPeer, imap_peer, pop3_peer


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """One worker, so that its memory and its patience are one number."""
    accounts = {f"user{n}@example.org": PASSWORD for n in range(READY)}
    folder: Path = tmp_path_factory.mktemp("hostile")
    settings = {"store": {"max_subscriptions": 1000}}  # 10,000 take seconds to make
    everyone = {**accounts, BYSTANDER: PASSWORD}
    with running_server(folder, accounts=everyone, settings=settings) as running:
        yield running
        assert running.is_running, running.log_tail()


@pytest.fixture(scope="session")
def next_login(server: RunningServer) -> Callable[[], str]:
    """An account that no other test uses."""
    numbers = itertools.count()
    return lambda: f"user{next(numbers)}@example.org"


@pytest.fixture
def login(next_login: Callable[[], str]) -> str:
    """An empty account of this test."""
    return next_login()


@pytest.fixture
def worker(server: RunningServer) -> int:
    """The process that serves."""
    return server.pids[1]


@pytest.fixture(autouse=True)
def unharmed(request: pytest.FixtureRequest) -> Iterator[None]:
    """After each test: the same worker lives, and no bug was logged."""
    if "server" not in request.fixturenames:
        yield
        return
    server: RunningServer = request.getfixturevalue("server")
    before, seen = server.pids, server.log.stat().st_size
    yield
    assert server.pids == before, f"a worker died: {server.log_tail()}"
    with server.log.open("rb") as log:
        log.seek(seen)
        new = log.read()
    assert b"Traceback" not in new and b'"level":"error"' not in new, new[-4000:].decode()


@pytest.fixture
def imap(server: RunningServer, login: str) -> Iterator[RawPeer]:
    """Signed in, INBOX selected."""
    with imap_peer(server.imap, login, PASSWORD) as peer:
        assert b" OK " in peer.imap(b"SELECT INBOX")
        yield peer


@pytest.fixture
def pop3(server: RunningServer, login: str) -> Iterator[RawPeer]:
    """Signed in."""
    with pop3_peer(server.pop3, login, PASSWORD) as peer:
        yield peer
