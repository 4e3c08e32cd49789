"""One server with two workers for all tests of this folder; each test has an account of its own."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pillarbox.testing import RunningServer, running_server
from support.jmap_client import JmapClient, basic

PASSWORD = "correct-horse-9"
READY = 160
LIMITS = {
    "max_upload_octets": 200_000,
    "max_request_octets": 100_000,
    "max_concurrent_requests": 2,
    "max_waiting_requests": 0,
    "max_concurrent_uploads": 1,
    "max_event_streams": 2,
    "uploaded_octets": 500_000,
    "uploaded_files": 10,
    "event_stream_seconds": 60,
}
_numbers = itertools.count()


@dataclass(frozen=True)
class Person:
    """An account with nothing in it."""

    server: RunningServer
    login: str
    number: int

    @property
    def id(self) -> str:
        return f"A{self.number}"

    def client(self, authorization: str | None = None) -> JmapClient:
        given = basic(self.login, PASSWORD) if authorization is None else authorization
        return JmapClient(self.server.https, self.server.certificate, given)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    accounts = {f"user{number}@example.org": PASSWORD for number in range(READY)}
    folder: Path = tmp_path_factory.mktemp("jmap")
    with running_server(
        folder, workers=2, accounts=accounts, settings={"jmap": LIMITS, "web": {"idle_seconds": 5}}
    ) as running:
        yield running


@pytest.fixture
def person(server: RunningServer) -> Person:
    number = next(_numbers)
    return Person(server, f"user{number}@example.org", number + 1)
