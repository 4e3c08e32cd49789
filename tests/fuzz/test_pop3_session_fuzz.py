"""Whole POP3 sessions under any commands: one answer each, no bug, nothing deleted without QUIT."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pillarbox.pop3.server.session import Next, Session
from support.fuzzing import LONGER
from support.people import ALICE_PASSWORD
from support.pop3_bench import Pop3Bench, pop3_bench

SIGN_IN = [b"USER alice@example.org", b"PASS " + ALICE_PASSWORD.encode()]
MESSAGES = 4

lines = st.one_of(
    st.sampled_from(
        [b"STAT", b"LIST", b"UIDL", b"NOOP", b"RSET", b"CAPA", b"LANG", b"LANG de", b"UTF8",
         b"AUTH", b"AUTH PLAIN", b"AUTH LOGIN", b"AUTH SCRAM-SHA-256 biwsbj1hLHI9eA==", b"*",
         b"USER bob@example.org", b"PASS x", b"STLS", b"", b"QUIT", b"YQ==", b"APOP a b"]
    ),
    st.builds(
        lambda name, number: b"%b %d" % (name, number),
        st.sampled_from([b"RETR", b"DELE", b"LIST", b"UIDL"]),
        st.integers(0, MESSAGES + 2),
    ),
    st.builds(lambda a, b: b"TOP %d %d" % (a, b), st.integers(0, 6), st.integers(0, 5)),
    st.binary(max_size=30).filter(lambda line: b"\n" not in line),
)  # fmt: skip


class Recorder:
    """A peer that keeps what it is sent."""

    journey = "fuzz"

    address = "127.0.0.1"
    is_secure = True
    has_tls = False
    offers_tls = True

    def __init__(self) -> None:
        self.sent = b""

    def bindings(self) -> dict[str, bytes]:
        return {}

    def send(self, octets: bytes) -> None:
        self.sent += octets

    async def room(self) -> bool:
        return True

    def take(self) -> bytes:
        taken, self.sent = self.sent, b""
        return taken


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[asyncio.Runner, Pop3Bench]]:
    with asyncio.Runner() as runner:
        context = pop3_bench(tmp_path_factory.mktemp("fuzz"))
        bench = runner.run(context.__aenter__())
        for number in range(MESSAGES):
            octets = b"Subject: %d\r\n\r\n.body\r\n.\r\nlast" % number
            runner.run(bench.deliver(octets))
        yield runner, bench
        runner.run(context.__aexit__(None, None, None))


def check_answer(answer: bytes, following: Next) -> None:
    """One status line; more only in a multi-line answer, which ends with a dot."""
    if following is Next.START_TLS:
        assert answer == b""
        return
    first, _, rest = answer.partition(b"\r\n")
    assert first.startswith((b"+OK", b"-ERR", b"+ ")), answer
    if rest:
        assert first.startswith(b"+OK")
        assert rest == b".\r\n" or rest.endswith(b"\r\n.\r\n")
        assert rest.count(b"\r\n.\r\n") + rest.startswith(b".\r\n") == 1


@settings(max_examples=60 * LONGER, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.booleans(), st.lists(lines, max_size=25))
def test_any_session(
    opened: tuple[asyncio.Runner, Pop3Bench], signed_in: bool, commands: list[bytes]
) -> None:
    runner, bench = opened

    async def run() -> None:
        peer = Recorder()
        session = Session(bench.services, bench.door._locks, peer)
        for line in [*(SIGN_IN if signed_in else []), *commands]:
            if line.upper() == b"QUIT":
                break  # would delete, and the next example wants its messages
            following = await session.run(line)
            check_answer(peer.take(), following)
            if following is Next.CLOSE:
                break
        session.abandon()
        again = Session(bench.services, bench.door._locks, peer)
        for line in SIGN_IN:
            await again.run(line)
        assert b"+OK %d messages" % MESSAGES in peer.take()
        again.abandon()

    # Signing in is throttled like anywhere; each example begins afresh.
    bench.services.authenticator._throttle._pairs.clear()
    runner.run(run())


def test_the_path_is_used(tmp_path: Path) -> None:
    """The recorder is a peer: a plain session works with it."""

    async def run() -> None:
        async with pop3_bench(tmp_path) as bench:
            peer = Recorder()
            session = Session(bench.services, bench.door._locks, peer)
            for line in [*SIGN_IN, b"STAT", b"QUIT"]:
                await session.run(line)
            assert peer.take().endswith(b"+OK 0 0\r\n+OK Goodbye\r\n")

    asyncio.run(run())
