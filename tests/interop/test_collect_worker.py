"""The running server collects by itself, and goes on after it was killed in the middle."""

from __future__ import annotations

import queue
import random
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from pillarbox.testing import RunningServer, running_server
from support.collect_runs import IMPATIENT, Collector, place
from support.collect_sources import SourceServer, missing_source, running_source
from support.cutting_proxy import CuttingProxy
from support.mailbox_compare import contents, signed_in
from support.odd_mailboxes import load
from support.pillarbox_server import as_mail_server
from support.server import HOST, PASSWORD, wait_until

pytestmark = [pytest.mark.interop, pytest.mark.slow]

LOGIN = "alice@example.org"
COUNT = 150
SETTINGS: dict[str, dict[str, object]] = {
    "collect": {
        "allow_private": True,
        **IMPATIENT,
        "shortest_schedule_seconds": 1,
        "round_seconds": 0.5,
        "first_retry_seconds": 1,
    },
}


@pytest.fixture
def source() -> Iterator[SourceServer]:
    """Dovecot."""
    if why := missing_source("dovecot"):
        pytest.skip(why)
    with running_source("dovecot") as server:
        yield server


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_killed_in_the_middle(
    protocol: str, source: SourceServer, tmp_path: Path, seed: int
) -> None:
    login = source.take()
    with source.client(login) as client:
        loaded = load(client, 0, seed, pop3=COUNT)
    everything = _at_source(source, login)
    rng, third = random.Random(seed), loaded.octets // 3
    places = [rng.randrange(third // 2, third), rng.randrange(2 * third, 5 * third // 2)]
    kills: queue.Queue[int] = queue.Queue()
    up = threading.Event()
    up.set()
    with running_server(
        tmp_path, workers=2, accounts={LOGIN: PASSWORD}, settings=SETTINGS
    ) as server:

        def kill() -> None:
            assert up.wait(90)  # what was on its way at the first kill may reach the second place
            up.clear()
            server.kill9()
            kills.put(1)

        port = source.imap if protocol == "imap" else source.pop3
        with CuttingProxy(port, [], [(octet, kill) for octet in places]) as proxy:
            add = ["collect", "add", LOGIN, f"--{protocol}", HOST, *place(proxy.port, login)]
            add += ["--at-source", "delete", "--every", "2s"]
            Collector(as_mail_server(server))(*add, password=source.password)
            for _ in places:
                kills.get(timeout=90)
                both = _at_source(source, login)
                server.start()
                both |= _here(server)
                up.set()  # only now, or the second kill meets this look
                assert not everything - both, "a message is in neither place"
            wait_until(lambda: not _at_source(source, login), seconds=90, what="an empty source")
        assert _here(server) == everything


def test_new_mail_comes_at_once_by_idle(source: SourceServer, tmp_path: Path) -> None:
    login = source.take()
    with (
        running_server(
            tmp_path, workers=1, accounts={LOGIN: PASSWORD}, settings=SETTINGS
        ) as server,
        source.client(login) as there,
    ):
        add = ["collect", "add", LOGIN, "--imap", HOST, *place(source.imap, login)]
        Collector(as_mail_server(server))(*add, "--idle", "--every", "1h", password=source.password)
        for number in range(3):
            there.append("INBOX", "", "", b"Subject: %d\r\n\r\nNew.\r\n" % number)
            wait_until(lambda n=number: _here(server).total() > n, seconds=20, what="new mail")  # type: ignore[misc]


def _at_source(source: SourceServer, login: str) -> Counter[str]:
    with source.client(login) as client:
        return Counter(kept.digest for kept in contents(client, "INBOX"))


def _here(server: RunningServer) -> Counter[str]:
    with signed_in(HOST, server.imap, LOGIN, PASSWORD) as client:
        return Counter(kept.digest for kept in contents(client, "INBOX"))
