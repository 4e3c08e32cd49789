"""Large messages in bounded memory, slow peers, and limits over a whole connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.clock import SystemClock
from pillarbox.config.outbound import ClientLimits, ClientTimeouts
from pillarbox.smtp.client.connection import Caller, SmtpConnection
from pillarbox.smtp.client.content import DotStuffer
from pillarbox.smtp.client.transaction import (
    HeldMessage,
    OutgoingRecipient,
    OutgoingTransaction,
)
from pillarbox.smtp.wire.data import DataDecoder
from support.fake_clock import FakeClock
from support.memory_network import MemoryNetwork
from support.scripted_smtp import EVERYTHING, Script
from support.smtp_bench import LISTENERS, open_bench

LINE = b".A line of fifty octets, and a dot in front of it.\r\n"


class Source:
    """A message that is made while it is read; how far ahead of the peer that was, is kept."""

    def __init__(self, pieces: int, taken: Callable[[], int]) -> None:
        self.pieces = pieces
        self.piece = b"\r\n" + LINE * 1000  # an empty line first: a message without fields
        self.size = len(self.piece) * pieces
        self.taken = taken
        self.furthest = 0

    async def chunks(self) -> AsyncIterator[bytes]:
        for number in range(self.pieces):
            self.furthest = max(self.furthest, number * len(self.piece) - self.taken())
            yield self.piece


def transaction(message: Any, *to: str, **more: Any) -> OutgoingTransaction:
    return OutgoingTransaction(
        reverse_path="alice@example.org",
        recipients=tuple(OutgoingRecipient(one) for one in to or ("bob@example.net",)),
        message=message,
        **more,
    )


def play(
    script: Script,
    work: Callable[[SmtpConnection, MemoryNetwork, FakeClock], Awaitable[Any]],
    **limits: Any,
) -> Any:
    async def run() -> Any:
        clock = FakeClock()
        network = MemoryNetwork(clock)
        network.listen("192.0.2.1", 25, script.connection)
        caller = Caller(
            ehlo_name="mx.example.org",
            clock=clock,
            connector=network.connector(),
            limits=ClientLimits(**limits),
        )
        connection = await SmtpConnection.open(caller, "192.0.2.1", 25)
        try:
            return await asyncio.wait_for(work(connection, network, clock), 60)
        finally:
            connection.close()

    return asyncio.run(run())


@pytest.mark.parametrize("offers", [EVERYTHING, ("PIPELINING",), ("CHUNKING",), ()])
def test_a_large_message_goes_out_as_it_is_read(offers: tuple[str, ...]) -> None:
    script = Script(offers=offers)

    async def work(connection: SmtpConnection, network: MemoryNetwork, _: FakeClock) -> Source:
        client = network.connections[0][0]
        source = Source(100, lambda: client.delivered)
        outcome = await connection.send(transaction(source))
        assert [one.kind for one in outcome.replies] == ["relayed"]
        return source

    source = play(script, work, block_octets=65_536)
    assert script.messages == [source.piece * 100]
    assert source.furthest < 400_000  # of 5 MB
    if "CHUNKING" in offers:
        assert sum(line.startswith("BDAT") for line in script.seen) > 20


def test_a_chunk_that_is_refused_ends_the_message() -> None:
    script = Script(answers={"BDAT": "552 5.3.4 enough"})

    async def work(connection: SmtpConnection, network: MemoryNetwork, _: FakeClock) -> None:
        outcome = await connection.send(transaction(Source(200, lambda: 0)))
        assert [(one.kind, one.stage) for one in outcome.replies] == [("failed", "data")]
        script.answers = {}
        again = await connection.send(transaction(HeldMessage(LINE)))
        assert [one.kind for one in again.replies] == ["relayed"]

    play(script, work, block_octets=65_536)
    assert "RSET" in script.seen
    assert script.messages[-1].endswith(LINE)
    assert sum(map(len, script.messages)) < 5_000_000


@pytest.mark.parametrize("offers", [EVERYTHING, ("PIPELINING",)])
def test_a_peer_that_reads_nothing_is_given_up(offers: tuple[str, ...]) -> None:
    script = Script(offers=offers)

    async def work(connection: SmtpConnection, network: MemoryNetwork, clock: FakeClock) -> None:
        sending = asyncio.create_task(connection.send(transaction(Source(200, lambda: 0))))
        await asyncio.sleep(0)
        while not script.messages and "DATA" not in script.seen and not any(
            line.startswith("BDAT") for line in script.seen
        ):  # fmt: skip
            await asyncio.sleep(0)
        network.connections[0][1].pause_reading()
        start = clock.monotonic()
        while not sending.done():
            await clock.advance(1)
        outcome = await sending
        assert clock.monotonic() - start <= ClientTimeouts().data_block_seconds + 6
        assert outcome.failure is not None and outcome.failure.stage == "data"
        assert not outcome.uncertain
        assert {one.kind for one in outcome.replies} == {"later"}

    play(script, work, block_octets=65_536)


def test_recipients_beyond_a_limit_go_with_the_next_transaction() -> None:
    script = Script(offers=("PIPELINING", "LIMITS RCPTMAX=2 MAILMAX=3"))

    async def work(connection: SmtpConnection, *_: Any) -> None:
        left = [f"user{number}@example.net" for number in range(5)]
        while left:
            assert connection.is_usable
            outcome = await connection.send(transaction(HeldMessage(LINE), *left))
            kinds = [one.kind for one in outcome.replies]
            left = [one for one, kind in zip(left, kinds, strict=True) if kind == "again"]
        assert connection.transactions == 3
        assert not connection.is_usable

    play(script, work)
    assert len(script.messages) == 3
    assert sum(line.startswith("RCPT") for line in script.seen) == 5


@pytest.mark.parametrize("body", ["8BITMIME", "BINARYMIME"])
def test_what_the_peer_cannot_carry_is_rewritten(body: Any) -> None:
    script = Script(offers=("PIPELINING",))
    head = b"MIME-Version: 1.0\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: "
    octets = head + (b"binary" if body == "BINARYMIME" else b"8bit") + b"\r\n\r\n\x89PNG\x80\r\n"

    async def work(connection: SmtpConnection, *_: Any) -> None:
        outcome = await connection.send(transaction(HeldMessage(octets), body=body))
        assert [one.kind for one in outcome.replies] == ["relayed"]
        signed = octets.replace(b"image/png", b"message/partial")
        outcome = await connection.send(transaction(HeldMessage(signed), body=body))
        assert [(one.kind, one.status) for one in outcome.replies] == [("failed", "5.6.3")]

    play(script, work)
    assert script.messages == [head + b"base64\r\n\r\niVBOR4ANCg==\r\n"]
    assert "BODY" not in script.seen[1]


def test_binary_goes_as_it_is_where_it_may() -> None:
    script = Script()
    octets = b"MIME-Version: 1.0\r\nContent-Transfer-Encoding: binary\r\n\r\n\0\n\r.\xff"

    async def work(connection: SmtpConnection, *_: Any) -> None:
        await connection.send(transaction(HeldMessage(octets), body="BINARYMIME"))

    play(script, work)
    assert script.messages == [octets]


@given(st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b".", b"..", b"a", b"\r\n.\r\n"])))
def test_no_end_of_data_inside_a_message(pieces: list[bytes]) -> None:
    """What any chunking sends is read back whole, and no line end is left that others could see."""
    whole, split = DotStuffer(), DotStuffer()
    sent = whole.feed(b"".join(pieces)) + whole.finish()
    assert b"".join(map(split.feed, pieces)) + split.finish() == sent
    decoder = DataDecoder()
    text, rest = decoder.feed(sent)
    assert decoder.done and not rest and not decoder.bare_newline
    mended = b"".join(pieces).replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
    if mended and not mended.endswith(b"\r\n"):
        mended += b"\r\n"
    assert text == mended


def test_our_own_door_takes_large_and_binary_messages_by_chunks(tmp_path: Path) -> None:
    async def run() -> None:
        async with open_bench(tmp_path) as bench:
            network = MemoryNetwork()
            network.listen("192.0.2.1", 25, lambda: bench.server.connection(LISTENERS["mx"]))
            caller = Caller(
                ehlo_name="mx.example.net", clock=SystemClock(), connector=network.connector()
            )
            connection = await SmtpConnection.open(caller, "192.0.2.1", 25)
            source = Source(40, lambda: 0)
            outcome = await connection.send(
                transaction(source, "bob@example.org", "nobody@example.org", "alice@example.org")
            )
            assert [one.kind for one in outcome.replies] == ["relayed", "failed", "relayed"]
            assert outcome.replies[1].status == "5.1.1"
            none = await connection.send(transaction(source, "nobody@example.org"))
            assert [one.kind for one in none.replies] == ["failed"]
            last = await connection.send(transaction(HeldMessage(LINE), "bob@example.org"))
            assert [one.kind for one in last.replies] == ["relayed"]
            await connection.quit()
            large, small = await bench.octets("bob@example.org")
            assert large.endswith(source.piece) and len(large) > source.size
            assert small.endswith(LINE)

    asyncio.run(run())


def test_a_large_message_is_rewritten_from_a_file() -> None:
    script = Script(offers=("PIPELINING",))
    head = b"MIME-Version: 1.0\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    lines = "Zeile für Zeile.\r\n".encode() * 100_000

    async def work(connection: SmtpConnection, *_: Any) -> None:
        large = transaction(HeldMessage(head + lines), body="8BITMIME")
        outcome = await connection.send(large)
        assert [one.kind for one in outcome.replies] == ["relayed"]

    play(script, work)
    assert script.messages[0].endswith(b"Zeile f=C3=BCr Zeile.\r\n" * 100_000)
