"""Conversations with a scripted POP3 server: signing in, reading ahead, deleting, being cut."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from pillarbox.clock import Clock, SystemClock
from pillarbox.config.pop3_client import Pop3ClientLimits, Pop3ClientTimeouts
from pillarbox.errors import TooLarge
from pillarbox.net.secret import Secret
from pillarbox.pop3.client.connection import Pop3Connection, Retrieved
from pillarbox.pop3.client.conversation import Pop3Caller
from pillarbox.pop3.client.failure import Pop3Failure
from pillarbox.sasl.client import Credentials
from support.fake_clock import FakeClock
from support.memory_network import Faults, MemoryNetwork
from support.scripted_pop3 import Drop

HOST, PORT = "192.0.2.1", 110
ALICE = Credentials("alice@example.org", Secret("pencil"))
TOKEN = Credentials("alice@example.org", Secret(b""), token=Secret("T" * 300))
MESSAGES = [b"Subject: %d\r\n\r\n.dot\r\nText\r\n" % n for n in range(100)]
Check = Callable[[Pop3Connection], Awaitable[None]]


class Body:
    """A sink."""

    def __init__(self, most: int = 10**9) -> None:
        self.octets = b""
        self.most = most

    def write(self, chunk: bytes) -> None:
        if len(self.octets) + len(chunk) > self.most:
            raise TooLarge
        self.octets += chunk


async def reach(
    drop: Drop, *, clock: Clock | None = None, faults: Faults | None = None, **limits: Any
) -> Pop3Connection:
    network = MemoryNetwork()
    network.listen(HOST, PORT, drop.connection)
    if faults is not None:
        network.faults[HOST] = faults
    caller = Pop3Caller(
        clock=clock or SystemClock(),
        timeouts=Pop3ClientTimeouts(command_seconds=5, body_seconds=5, auth_seconds=5),
        limits=Pop3ClientLimits(**limits),
        connector=network.connector(),
    )
    return await Pop3Connection.open(caller, HOST, PORT)


def run(drop: Drop, check: Check, *, credentials: Credentials = ALICE, **more: Any) -> None:
    async def all_of_it() -> None:
        connection = await reach(drop, **more)
        await connection.authenticate(credentials, in_the_clear=True)
        await check(connection)
        connection.close()

    asyncio.run(all_of_it())


def sign_in(drop: Drop, credentials: Credentials = ALICE, *, in_the_clear: bool = True) -> None:
    async def all_of_it() -> None:
        connection = await reach(drop)
        await connection.authenticate(credentials, in_the_clear=in_the_clear)
        assert connection.is_open

    asyncio.run(all_of_it())


async def bodies(connection: Pop3Connection, numbers: list[int]) -> dict[int, bytes]:
    sinks: dict[int, Body] = {}
    async for found in connection.retrieve(numbers, lambda n: sinks.setdefault(n, Body())):
        assert found.status.ok and found.error is None
    return {number: sink.octets for number, sink in sinks.items()}


def test_all_messages_with_few_turns() -> None:
    drop = Drop(list(MESSAGES))

    async def check(connection: Pop3Connection) -> None:
        assert await connection.sizes() == {n + 1: len(one) for n, one in enumerate(MESSAGES)}
        names = await connection.unique_ids()
        assert names is not None and len(set(names.values())) == 100
        drop.bursts.clear()
        found = await bodies(connection, list(range(1, 101)))
        assert found == dict(enumerate(MESSAGES, 1))
        assert len(drop.bursts) <= 8, "half a window of 32 commands at a time"
        assert (await connection.quit()).ok

    run(drop, check)
    assert len(drop.messages) == 100


def test_one_at_a_time_where_pipelining_is_not_offered() -> None:
    drop = Drop(MESSAGES[:20], offers=("TOP", "UIDL", "USER"))

    async def check(connection: Pop3Connection) -> None:
        drop.bursts.clear()
        assert len(await bodies(connection, list(range(1, 21)))) == 20
        assert all(burst.count(b"\r\n") == 1 for burst in drop.bursts)

    run(drop, check)


def test_a_refused_message_is_no_end_and_neither_is_a_full_sink() -> None:
    drop = Drop(MESSAGES[:4], answers={"RETR 2": "-ERR it is broken"})

    async def check(connection: Pop3Connection) -> None:
        sinks = {n: Body(most=3 if n == 3 else 100) for n in (1, 2, 3, 4)}
        found: list[Retrieved] = []
        async for one in connection.retrieve([1, 2, 3, 4], sinks.__getitem__):
            found.append(one)
        assert [one.status.ok for one in found] == [True, False, True, True]
        assert isinstance(found[2].error, TooLarge)
        assert sinks[4].octets == MESSAGES[3]

    run(drop, check)


def test_what_nobody_waits_for_is_thrown_away_before_the_next_command() -> None:
    drop = Drop(MESSAGES[:30])

    async def check(connection: Pop3Connection) -> None:
        async for _ in connection.retrieve(list(range(1, 31)), lambda _: Body()):
            break
        assert await connection.delete([1]) == [1]
        assert (await connection.quit()).ok

    run(drop, check)
    assert drop.deleted == MESSAGES[:1]


def test_more_than_may_be_thrown_away_ends_the_connection() -> None:
    drop = Drop(MESSAGES[:30])

    async def check(connection: Pop3Connection) -> None:
        async for _ in connection.retrieve(list(range(1, 31)), lambda _: Body()):
            break
        with pytest.raises(Pop3Failure):
            await connection.delete([1])
        assert not connection.is_open

    run(drop, check, drain_octets=100)
    assert not drop.deleted


def test_deletions_are_made_by_quit() -> None:
    drop = Drop(MESSAGES[:5], answers={"DELE 2": "-ERR no"})

    async def check(connection: Pop3Connection) -> None:
        assert await connection.delete([1, 2, 3]) == [1, 3]
        assert (await connection.quit()).ok
        assert not connection.is_open

    run(drop, check)
    assert sorted(drop.deleted) == [MESSAGES[0], MESSAGES[2]]


def test_closing_deletes_nothing() -> None:
    drop = Drop(MESSAGES[:5])

    async def check(connection: Pop3Connection) -> None:
        assert await connection.delete([1, 2]) == [1, 2]

    run(drop, check)
    assert not drop.deleted
    assert "QUIT" not in drop.seen


def test_no_uidl_and_last() -> None:
    drop = Drop(MESSAGES[:3], offers=None, answers={"UIDL": "-ERR what?", "LAST": "+OK 2"})

    async def check(connection: Pop3Connection) -> None:
        assert not connection.capabilities.known
        assert await connection.unique_ids() is None
        assert await connection.last() == 2

    run(drop, check)


@pytest.mark.parametrize(
    ("offers", "credentials", "expected"),
    [
        (("SASL PLAIN",), ALICE, ["AUTH PLAIN AGFsaWNlQGV4YW1wbGUub3JnAHBlbmNpbA=="]),
        (("USER",), ALICE, ["USER alice@example.org", "PASS pencil"]),
        (None, ALICE, ["USER alice@example.org", "PASS pencil"]),
        (("SASL CRAM-MD5", "USER"), ALICE, ["USER alice@example.org", "PASS pencil"]),
    ],
)
def test_ways_to_sign_in(
    offers: tuple[str, ...] | None, credentials: Credentials, expected: list[str]
) -> None:
    drop = Drop([], offers=offers)
    sign_in(drop, credentials)
    assert [line for line in drop.seen if line != "CAPA"] == expected


def test_a_long_token_waits_for_the_servers_go_ahead() -> None:
    """RFC 2449 §4: a command has 255 octets at most."""
    drop = Drop([], offers=("SASL XOAUTH2",), answers={"AUTH XOAUTH2": "+ ", "dXN": "+OK"})
    sign_in(drop, TOKEN)
    assert drop.seen[1] == "AUTH XOAUTH2"
    assert drop.seen[2].startswith("dXNlcj1hbGljZUBleGFtcGxlLm9yZwFhdXRoPUJlYXJlciBUVFRU")


def test_a_token_that_is_not_taken() -> None:
    short = Credentials("alice", Secret(b""), token=Secret("t"))
    drop = Drop(
        [],
        offers=("SASL OAUTHBEARER",),
        answers={"AUTH": "+ eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIn0=", "AQ==": "-ERR [AUTH] bad token"},
    )
    with pytest.raises(Pop3Failure) as caught:
        sign_in(drop, short)
    assert caught.value.stage == "auth"
    assert caught.value.status is not None and caught.value.status.code == "AUTH"
    assert drop.seen[-1] == "AQ=="


GREETING = "+OK POP3 server ready <1896.697170952@dbc.mtview.ca.us>"


def test_apop_as_published() -> None:
    """The example of RFC 1939 §7; without TLS no password goes out."""
    drop = Drop([], offers=(), greeting=GREETING)
    sign_in(drop, Credentials("mrose", Secret("tanstaaf")), in_the_clear=False)
    assert "APOP mrose c4c9334bac560ecc979e58001b3e22fb" in drop.seen


@pytest.mark.parametrize(
    ("offers", "greeting"),
    [(("USER", "SASL PLAIN LOGIN"), "+OK ready"), (None, "+OK <not a message identity>")],
)
def test_no_password_in_the_clear(offers: tuple[str, ...] | None, greeting: str) -> None:
    drop = Drop([], offers=offers, greeting=greeting)
    with pytest.raises(Pop3Failure) as caught:
        sign_in(drop, in_the_clear=False)
    assert caught.value.stage == "mechanism"
    assert set(drop.seen) == {"CAPA"}


@pytest.mark.parametrize("secret", ["pen\r\nDELE 1", "pen\0cil"])
def test_a_password_is_one_line(secret: str) -> None:
    drop = Drop([], offers=("USER",))
    with pytest.raises(Pop3Failure):
        sign_in(drop, Credentials("alice", Secret(secret)))
    assert set(drop.seen) == {"CAPA"}


@pytest.mark.parametrize(
    ("answers", "stage"),
    [
        ({"PASS": "-ERR [AUTH] no"}, "auth"),
        ({"USER": "-ERR no"}, "auth"),
        ({"PASS": "CLOSE"}, "auth"),
        ({"CAPA": "nonsense"}, "capabilities"),
        ({"CAPA": "CLOSE"}, "capabilities"),
        ({"PASS": "+ challenge"}, "mechanism"),
    ],
)
def test_how_it_can_fail(answers: dict[str, str], stage: str) -> None:
    with pytest.raises(Pop3Failure) as caught:
        sign_in(Drop([], offers=("USER",), answers=answers))
    assert caught.value.stage == stage


def test_greetings() -> None:
    for greeting in ("-ERR [SYS/TEMP] too busy", "220 smtp.example.org", "+ what"):
        with pytest.raises(Pop3Failure) as caught:
            sign_in(Drop([], greeting=greeting))
        assert caught.value.stage == "greeting"


def test_what_was_not_asked_for_is_no_answer() -> None:
    drop = Drop(MESSAGES[:2], answers={"NOOP": "+OK\n-ERR idle for too longCLOSE"})

    async def check(connection: Pop3Connection) -> None:
        await connection.noop()
        await asyncio.sleep(0.01)
        with pytest.raises(Pop3Failure):
            await connection.sizes()

    run(drop, check)


def test_a_silent_server_is_left_in_time() -> None:
    async def all_of_it() -> None:
        clock = FakeClock()
        drop = Drop(MESSAGES[:1], offers=("USER", "UIDL"), answers={"RETR": "+OK\nhalf a line"})
        connection = await reach(drop, clock=clock)
        await connection.authenticate(ALICE, in_the_clear=True)
        reading = asyncio.ensure_future(bodies(connection, [1]))
        for _ in range(20):
            await clock.advance(1)
        with pytest.raises(Pop3Failure, match="5 seconds"):
            await reading

    asyncio.run(all_of_it())


@pytest.mark.parametrize("octets", [60, 200, 777, 1500, 2600])
def test_cut_anywhere_it_is_a_failure(octets: int) -> None:
    drop = Drop(list(MESSAGES))

    async def all_of_it() -> None:
        with pytest.raises(Pop3Failure):
            connection = await reach(drop, faults=Faults(cut_to_client=octets))
            await connection.authenticate(ALICE, in_the_clear=True)
            await connection.sizes()
            await bodies(connection, list(range(1, 101)))

    asyncio.run(all_of_it())


def test_lists_are_bounded() -> None:
    drop = Drop(list(MESSAGES))

    async def check(connection: Pop3Connection) -> None:
        assert len(await connection.sizes()) == 10
        assert len(await connection.unique_ids() or ()) == 10

    run(drop, check, max_messages=10)


def test_capabilities_are_bounded() -> None:
    drop = Drop(list(MESSAGES), offers=[*(f"X-{n}" for n in range(1000)), "STLS"])

    async def check(connection: Pop3Connection) -> None:
        assert not connection.capabilities.stls

    run(drop, check, max_capabilities=10)


def test_sizes_that_are_no_numbers() -> None:
    drop = Drop(MESSAGES[:2], answers={"LIST": "+OK\n1 many\n2 12 octets\nnonsense\n3\n."})

    async def check(connection: Pop3Connection) -> None:
        assert await connection.sizes() == {1: 0, 2: 12, 3: 0}

    run(drop, check)
