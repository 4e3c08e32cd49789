"""Transactions with a server that follows a script: what is sent, and what becomes of whom."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from pillarbox.smtp.client.connection import Caller, SmtpConnection
from pillarbox.smtp.client.transaction import (
    HeldMessage,
    OutgoingRecipient,
    OutgoingTransaction,
    TransactionOutcome,
)
from support.fake_clock import FakeClock
from support.memory_network import MemoryNetwork
from support.scripted_smtp import EVERYTHING, Script

MESSAGE = b"Subject: Hello\r\n\r\n.\r\n..two dots\r\nA line.\r\n"
PLAIN = ("PIPELINING", "8BITMIME", "SIZE 1000")


def message(
    *to: str, octets: bytes = MESSAGE, sender: str = "alice@example.org", **more: Any
) -> OutgoingTransaction:
    recipients = tuple(OutgoingRecipient(one) for one in to or ("bob@example.net",))
    return OutgoingTransaction(
        reverse_path=sender, recipients=recipients, message=HeldMessage(octets), **more
    )


def play(script: Script, work: Callable[[SmtpConnection], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        clock = FakeClock()
        network = MemoryNetwork(clock)
        network.listen("192.0.2.1", 25, script.connection)
        caller = Caller(ehlo_name="mx.example.org", clock=clock, connector=network.connector())
        connection = await SmtpConnection.open(caller, "192.0.2.1", 25)
        try:
            return await asyncio.wait_for(work(connection), 60)
        finally:
            connection.close()

    return asyncio.run(run())


def send(script: Script, *transactions: OutgoingTransaction) -> list[TransactionOutcome]:
    async def work(connection: SmtpConnection) -> list[TransactionOutcome]:
        return [await connection.send(one) for one in transactions]

    found: list[TransactionOutcome] = play(script, work)
    return found


def kinds(outcome: TransactionOutcome) -> list[tuple[str, str, str]]:
    return [(one.kind, one.stage, one.status) for one in outcome.replies]


RELAYED = ("relayed", "end", "2.0.0")


@pytest.mark.parametrize("offers", [EVERYTHING, PLAIN, ("8BITMIME",), ("CHUNKING",), ()])
def test_messages_arrive_as_they_are_over_one_connection(offers: tuple[str, ...]) -> None:
    script = Script(offers=offers)
    outcomes = send(
        script, message(), message(octets=b""), message("bob@example.net", "carol@example.net")
    )
    assert [kinds(one) for one in outcomes] == [[RELAYED], [RELAYED], [RELAYED, RELAYED]]
    assert script.messages == [MESSAGE, b"", MESSAGE]
    assert "RSET" not in script.seen


def test_bdat_goes_out_with_the_envelope() -> None:
    script = Script()
    send(script, message())
    assert script.bursts[1] == (
        b"MAIL FROM:<alice@example.org> SIZE=%d\r\n" % len(MESSAGE)
        + b"RCPT TO:<bob@example.net>\r\nBDAT %d LAST\r\n" % len(MESSAGE)
        + MESSAGE
    )


def test_data_ends_the_burst() -> None:
    script = Script(offers=PLAIN)
    send(script, message("bob@example.net", "carol@example.net"))
    assert script.bursts[1] == (
        b"MAIL FROM:<alice@example.org> SIZE=%d\r\n" % len(MESSAGE)
        + b"RCPT TO:<bob@example.net>\r\nRCPT TO:<carol@example.net>\r\nDATA\r\n"
    )
    assert script.bursts[2].endswith(b"\r\n\r\n..\r\n...two dots\r\nA line.\r\n.\r\n")
    assert len(script.bursts) == 3


def test_without_pipelining_a_command_at_a_time() -> None:
    script = Script(offers=())
    send(script, message("bob@example.net", "carol@example.net"))
    assert [burst.count(b"\r\n") for burst in script.bursts[:5]] == [1] * 5


REFUSED = "550 5.1.1 no such user"
BOX = "452 4.2.2 box is full"
OUT_OF_ORDER = {"DATA": "503 5.5.1 not now", ".": "503 5.5.1 not now"}
FULL = "452 4.5.3 too many recipients"


@pytest.mark.parametrize("offers", [EVERYTHING, PLAIN, ("CHUNKING",), ()])
@pytest.mark.parametrize(
    ("answers", "expected", "arrives"),
    [
        ({"RCPT TO:<b@example.net>": REFUSED}, [RELAYED, ("failed", "rcpt", "5.1.1")], True),
        ({"RCPT TO:<b@example.net>": "450 busy"}, [RELAYED, ("later", "rcpt", "4.0.0")], True),
        ({"RCPT TO:<b@example.net>": FULL}, [RELAYED, ("again", "rcpt", "4.5.3")], True),
        ({"RCPT TO:<b@example.net>": "552 no more"}, [RELAYED, ("again", "rcpt", "5.0.0")], True),
        ({"RCPT TO:<b@example.net>": BOX}, [RELAYED, ("later", "rcpt", "4.2.2")], True),
        ({"RCPT": FULL}, [("later", "rcpt", "4.5.3")] * 2, False),
        ({"RCPT": REFUSED}, [("failed", "rcpt", "5.1.1")] * 2, False),
        ({"RCPT": REFUSED, **OUT_OF_ORDER}, [("failed", "rcpt", "5.1.1")] * 2, False),
        ({"MAIL": "451 4.7.1 later", "RCPT": "503 5.5.1 no MAIL", **OUT_OF_ORDER},
         [("later", "mail", "4.7.1")] * 2, False),
        ({"MAIL": "550 5.7.1 no"}, [("failed", "mail", "5.7.1")] * 2, False),
        ({".": "554 5.6.0 spam"}, [("failed", "end", "5.6.0")] * 2, True),
        ({".": "451 4.3.0 no"}, [("later", "end", "4.3.0")] * 2, True),
    ],
)  # fmt: skip
def test_refusals(
    offers: tuple[str, ...],
    answers: dict[str, str],
    expected: list[tuple[str, str, str]],
    arrives: bool,
) -> None:
    """The connection can be used again, after RSET where a transaction was left open."""
    script = Script(offers=offers, answers=answers)

    async def work(connection: SmtpConnection) -> list[TransactionOutcome]:
        first = await connection.send(message("a@example.net", "b@example.net"))
        script.answers = {}
        return [first, await connection.send(message())]

    first, second = play(script, work)
    assert kinds(first) == expected
    assert kinds(second) == [RELAYED]
    assert first.failure is None and not first.uncertain
    assert script.messages[-1] == MESSAGE
    if arrives:
        assert MESSAGE in script.messages[:-1]
