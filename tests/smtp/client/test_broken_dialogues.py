"""Connections that break at every octet, servers that fall silent, and replies that are none."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest

from pillarbox.config.outbound import ClientTimeouts
from pillarbox.smtp.client.connection import Caller, SmtpConnection
from pillarbox.smtp.client.failure import ClientFailure
from pillarbox.smtp.client.transaction import (
    HeldMessage,
    OutgoingRecipient,
    OutgoingTransaction,
    TransactionOutcome,
)
from support.fake_clock import FakeClock
from support.memory_network import Faults, MemoryNetwork
from support.scripted_smtp import EVERYTHING, Script

MESSAGE = b"Subject: Hello\r\n\r\nA line.\r\n"
TO = ("bob@example.net", "carol@example.net")
TRANSACTION = OutgoingTransaction(
    reverse_path="alice@example.org",
    recipients=tuple(OutgoingRecipient(one) for one in TO),
    message=HeldMessage(MESSAGE),
)
PIPELINED = ("PIPELINING",)
OFFERS = pytest.mark.parametrize("offers", [EVERYTHING, PIPELINED, ("CHUNKING",), ()])


def caller(network: MemoryNetwork, clock: FakeClock) -> Caller:
    return Caller(ehlo_name="mx.example.org", clock=clock, connector=network.connector())


async def one_message(
    script: Script, faults: Faults | None = None
) -> TransactionOutcome | ClientFailure:
    clock = FakeClock()
    network = MemoryNetwork(clock)
    network.listen("192.0.2.1", 25, script.connection)
    network.faults["192.0.2.1"] = faults or Faults()
    try:
        connection = await SmtpConnection.open(caller(network, clock), "192.0.2.1", 25)
        outcome = await connection.send(TRANSACTION)
    except ClientFailure as failure:
        return failure
    usable = connection.is_usable
    connection.close()
    assert usable == (outcome.failure is None)
    return outcome


def judge(outcome: TransactionOutcome | ClientFailure, script: Script, whole: bool) -> str:
    """What must hold however the link broke; the kind of the end."""
    if isinstance(outcome, ClientFailure):
        assert outcome.temporary
        assert not script.messages
        return f"no {outcome.stage}"
    if outcome.failure is None:
        assert all(one.kind == "relayed" for one in outcome.replies)
        assert script.messages == [MESSAGE]
        return "relayed"
    assert all(one.kind == "later" for one in outcome.replies)
    # A message that the peer has whole may have been taken, and then it is said.
    assert outcome.uncertain or not script.messages
    assert not whole or outcome.uncertain
    return "uncertain" if outcome.uncertain else "later"


@OFFERS
def test_the_link_breaks_behind_each_octet_to_the_server(offers: tuple[str, ...]) -> None:
    async def run() -> list[str]:
        ends = []
        for cut in itertools.count():
            script = Script(offers=offers)
            outcome = await one_message(script, Faults(cut_to_server=cut))
            ends.append(judge(outcome, script, bool(script.messages)))
            if ends[-1] == "relayed":
                return ends
        return []

    ends = asyncio.run(run())
    assert [end for end, _ in itertools.groupby(ends)][-1] == "relayed"
    assert "uncertain" in ends
    if offers in (PIPELINED, ()):
        # Before 354 nothing was handed over, so nothing is uncertain.
        envelope = ends.index("uncertain")
        assert "uncertain" not in ends[: envelope - 1]
        assert len(ends) - envelope <= len(MESSAGE) + 4


@OFFERS
def test_the_link_breaks_behind_each_octet_to_us(offers: tuple[str, ...]) -> None:
    async def run() -> list[str]:
        ends = []
        for cut in itertools.count():
            script = Script(offers=offers)
            outcome = await one_message(script, Faults(cut_to_client=cut))
            whole = bool(script.messages)
            ends.append(judge(outcome, script, whole and not isinstance(outcome, ClientFailure)
                              and outcome.failure is not None))  # fmt: skip
            if ends[-1] == "relayed":
                return ends
        return []

    ends = asyncio.run(run())
    order = [end for end, _ in itertools.groupby(ends)]
    assert order[0] in ("no greeting", "no connect")
    assert order[-2:] == ["uncertain", "relayed"]


CLOSING = "421 4.3.2 going down\nCLOSE"


@OFFERS
@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA", "."])
def test_421_ends_the_connection_and_is_certain(offers: tuple[str, ...], command: str) -> None:
    script = Script(offers=offers, answers={command: CLOSING})
    outcome = asyncio.run(one_message(script))
    if command == "DATA" and "CHUNKING" in offers:
        return  # there is no DATA
    assert isinstance(outcome, TransactionOutcome)
    assert {one.kind for one in outcome.replies} == {"later"}
    assert {one.status for one in outcome.replies} == {"4.3.2"}
    assert outcome.failure is not None
    assert outcome.failure.reply is not None
    assert not outcome.uncertain


@pytest.mark.parametrize(
    "answers",
    [
        {"MAIL": "354 go on"},
        {"MAIL": "334 "},
        {"RCPT": "hello"},
        {"RCPT": "250-ok\n251 moved"},
        {"DATA": "250 what?"},
        {"RCPT": "999 much"},
        {"RCPT": "250 " + "x" * 5000},
        {"RCPT": "\n".join(["250-" + "x" * 500] * 50)},
        {".": "354 more"},
    ],
)
def test_what_is_no_answer_ends_the_connection(answers: dict[str, str]) -> None:
    script = Script(offers=PIPELINED, answers=answers)
    outcome = asyncio.run(one_message(script))
    assert isinstance(outcome, TransactionOutcome)
    assert {one.kind for one in outcome.replies} == {"later"}
    assert outcome.failure is not None
    assert outcome.failure.temporary
    assert outcome.uncertain == ("." in answers)


TIMEOUTS = ClientTimeouts()


@pytest.mark.parametrize(
    ("silent", "seconds", "stage"),
    [
        ("greeting", 300, "greeting"),
        ("EHLO", 300, "ehlo"),
        ("MAIL", 300, "mail"),
        ("RCPT", 300, "rcpt"),
        ("DATA", 120, "data"),
        (".", 600, "end"),
    ],
)
def test_silence_is_waited_for_as_long_as_is_set(silent: str, seconds: int, stage: str) -> None:
    """RFC 5321 §4.5.3.2; the reply of which half has come counts as none."""

    async def run() -> tuple[float, Any]:
        script = Script(offers=PIPELINED, answers={silent: "…250"})
        if silent == "greeting":
            script.greeting = "…220"
        clock = FakeClock()
        network = MemoryNetwork(clock)
        network.listen("192.0.2.1", 25, script.connection)

        async def work() -> Any:
            connection = await SmtpConnection.open(caller(network, clock), "192.0.2.1", 25)
            return await connection.send(TRANSACTION)

        task = asyncio.create_task(work())
        start = clock.monotonic()
        for _ in range(3):
            await clock.advance(0)
            await asyncio.sleep(0.01)
        while not task.done():
            await clock.advance(1)
        done = (await asyncio.gather(task, return_exceptions=True))[0]
        return clock.monotonic() - start, done

    waited, outcome = asyncio.run(run())
    assert seconds <= waited <= seconds + min(5, TIMEOUTS.quit_seconds) + 1
    failure = outcome if isinstance(outcome, ClientFailure) else outcome.failure
    assert failure.stage == stage
    assert "seconds" in failure.why
    if isinstance(outcome, TransactionOutcome):
        assert outcome.uncertain == (stage == "end")


def test_nobody_answers_or_listens() -> None:
    async def run() -> None:
        clock = FakeClock()
        network = MemoryNetwork(clock)
        with pytest.raises(ClientFailure) as caught:
            await SmtpConnection.open(caller(network, clock), "192.0.2.7", 25)
        assert caught.value.stage == "connect"
        assert caught.value.status == "4.4.1"
        network.faults["192.0.2.7"] = Faults(silent=True)
        opening = asyncio.create_task(SmtpConnection.open(caller(network, clock), "192.0.2.7", 25))
        await asyncio.sleep(0.01)
        await clock.advance(TIMEOUTS.connect_seconds)
        with pytest.raises(ClientFailure, match="does not answer"):
            await opening

    asyncio.run(run())


@pytest.mark.parametrize(
    ("greeting", "temporary"),
    [("554 5.7.1 no mail here", False), ("421 4.7.0 try later", True), ("250 what", True)],
)
def test_greetings_that_are_no_welcome(greeting: str, temporary: bool) -> None:
    failure = asyncio.run(one_message(Script(greeting=greeting)))
    assert isinstance(failure, ClientFailure)
    assert failure.stage == "greeting"
    assert failure.temporary is temporary
    assert failure.reply is not None and failure.reply.verbatim == greeting


def test_helo_for_a_server_that_knows_no_ehlo() -> None:
    script = Script(answers={"EHLO": "502 5.5.1 what?"})
    outcome = asyncio.run(one_message(script))
    assert isinstance(outcome, TransactionOutcome)
    assert outcome.failure is None
    assert script.seen[:3] == [
        "EHLO mx.example.org", "HELO mx.example.org", "MAIL FROM:<alice@example.org>"
    ]  # fmt: skip


def test_one_octet_a_second_is_still_a_reply() -> None:
    async def run() -> None:
        clock = FakeClock()
        network = MemoryNetwork(clock)
        script = Script(offers=PIPELINED)
        network.listen("192.0.2.1", 25, script.connection)
        network.faults["192.0.2.1"] = Faults(octets_per_second=1)
        opening = asyncio.create_task(SmtpConnection.open(caller(network, clock), "192.0.2.1", 25))
        while not opening.done():
            await clock.advance(1)
        sending = asyncio.create_task((await opening).send(TRANSACTION))
        while not sending.done():
            await clock.advance(1)
        assert [one.kind for one in sending.result().replies] == ["relayed"] * 2

    asyncio.run(run())


def test_a_server_that_breaks_in_on_the_message() -> None:
    """Some refuse a large message half-way; what follows must not be read as commands."""

    class Impatient(Script):
        def find(self, line: str) -> str | None:
            return "354 go on\n552 5.3.4 too large" if line == "DATA" else super().find(line)

    large = OutgoingTransaction(
        reverse_path="",
        recipients=TRANSACTION.recipients,
        message=HeldMessage(b"x" * 70 + b"\r\n" * 4_000_000),
    )

    async def run() -> TransactionOutcome:
        clock = FakeClock()
        network = MemoryNetwork(clock)
        network.listen("192.0.2.1", 25, Impatient(offers=PIPELINED).connection)
        connection = await SmtpConnection.open(caller(network, clock), "192.0.2.1", 25)
        return await connection.send(large)

    outcome = asyncio.run(run())
    assert {(one.kind, one.status) for one in outcome.replies} == {("failed", "5.3.4")}
    assert outcome.failure is not None and not outcome.uncertain
