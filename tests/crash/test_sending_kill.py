"""SIGKILL of every process while the queue is sent: nothing is lost, what is sent twice says so.

PILLARBOX_CRASH_ROUNDS sets how often (4 by default; `make crash` takes 200).
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from pillarbox.node.administration import Opened
from pillarbox.store.database import Transaction
from pillarbox.store.model import QueuedMessage, QueuedRecipient, RecipientState
from pillarbox.store.sql import queue
from pillarbox.store.sql.queue_steer import Filter, list_recipients
from pillarbox.testing import RunningServer, running_server
from support.counting_sink import CountingSink, in_a_thread
from support.programs import run
from support.queue_bench import sealed
from support.server import HOST, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(7200)]

ROUNDS = int(os.environ.get("PILLARBOX_CRASH_ROUNDS", "4"))
MESSAGES = 400  # queued anew in each round
DESTINATIONS = 10
LONGEST = 0.8  # seconds of sending before the kill
WORKERS, SENDS, TOGETHER = 2, 20, 10  # what may be under way at once, and so be uncertain
LEASE = 15
LAST = "The last line."


def test_nothing_queued_is_lost_and_doubles_say_so(
    tmp_path: Path, seed: int, figures: Callable[[str], None]
) -> None:
    rng = random.Random(seed)
    sink = CountingSink(slowest=0.02, mark=f"{LAST}\r\n".encode(), seed=seed)
    with in_a_thread(sink), running_server(tmp_path, settings=_settings(sink.port)) as server:
        asked: list[str] = []
        for _ in range(ROUNDS):
            asked += _queue_more(server, len(asked), rng)
            if not server.is_running:
                server.start()
            before = sum(sink.accepted.values())
            wait_until(lambda: sum(sink.accepted.values()) > before)  # noqa: B023 - at once
            time.sleep(rng.uniform(0, LONGEST))
            server.kill9()
        server.start()
        rows = _wait_for_the_end(server, len(asked))
        _check(sink, asked, rows)
        run([sys.executable, "-m", "pillarbox.cli", "verify", "--config", server.config])
        assert b"Traceback" not in server.log.read_bytes(), server.log_tail()
    doubles = {one: n for one, n in sink.accepted.items() if n > 1}
    uncertain = [one for one, (_, said) in rows.items() if said]
    figures(
        f"{ROUNDS} rounds of SIGKILL while sending: {len(asked)} recipients, none lost; "
        f"{len(uncertain)} uncertain, {len(doubles)} of them sent twice or more "
        f"(most: {max(sink.accepted.values())}); {sink.sessions} connections"
    )
    assert len(uncertain) <= ROUNDS * WORKERS * SENDS * TOGETHER * 2  # those, and as many to follow


def _settings(port: int) -> dict[str, dict[str, object]]:
    route = {"name": "sink", "recipients": ["*"], "hosts": [f"{HOST}:{port}"], "tls": "none"}
    return {
        "server": {"workers": WORKERS},
        "outbound": {"transport": "smtp", "route": [route]},
        "queue": {
            "lease_seconds": LEASE,
            "poll_seconds": 1,
            "sends": SENDS,
            "messages_per_send": TOGETHER,
            "leased_recipients": 100,
        },
    }


def _queue_more(server: RunningServer, first: int, rng: random.Random) -> list[str]:
    """Messages with one to three recipients each; whom they are for."""
    made: list[QueuedMessage] = []
    people: list[str] = []
    for _ in range(MESSAGES):
        domain = f"d{rng.randrange(DESTINATIONS)}.example"
        own = [
            f"user{first + len(people) + n}@{domain}" for n in range(rng.choice((1, 1, 1, 2, 3)))
        ]
        people += own
        recipients = tuple(QueuedRecipient(one) for one in own)
        made.append(
            QueuedMessage(
                account=None,
                reverse_path="alice@example.org",
                trace=b"Received: x\r\n",
                recipients=recipients,
                journey="j",
            )
        )
    blob = sealed(LAST)

    async def work(opened: Opened) -> None:
        def adding(one: QueuedMessage) -> Callable[[Transaction], Awaitable[int]]:
            return lambda tx: queue.add(tx, one, blob)

        await asyncio.gather(*(opened.store.write(adding(one)) for one in made))

    server.administer(work)
    return people


Rows = dict[str, tuple[RecipientState, bool]]


def _rows(server: RunningServer) -> Rows:
    async def work(opened: Opened) -> Rows:
        chosen = Filter(open_only=False)
        found = await opened.store.read(lambda db: list_recipients(db, chosen, 1_000_000))
        return {
            one.recipient.forward_path: (one.recipient.state, one.recipient.uncertain)
            for one in found
        }

    return server.administer(work)


def _wait_for_the_end(server: RunningServer, wanted: int) -> Rows:
    """What killed workers had is due again when its lease ends."""
    end = time.monotonic() + 3 * LEASE + wanted / 100
    while True:
        rows = _rows(server)
        states = Counter(state for state, _ in rows.values())
        if states[RecipientState.WAITING] == 0:
            return rows
        assert time.monotonic() < end, states
        time.sleep(0.5)


def _check(sink: CountingSink, asked: list[str], rows: Rows) -> None:
    assert set(rows) == set(asked), "a row is missing, or nobody asked for it"
    assert sink.wrong == [], "a message was cut"
    assert {state for state, _ in rows.values()} == {RecipientState.RELAYED}
    lost = [one for one in asked if not sink.accepted[one]]
    assert lost == [], f"{len(lost)} said to be relayed and never arrived"
    silent = [one for one, times in sink.accepted.items() if times > 1 and not rows[one][1]]
    assert silent == [], f"{len(silent)} sent twice, and their rows do not say so"
