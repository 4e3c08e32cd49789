"""The network in memory that other tests build their worlds on."""

from __future__ import annotations

import asyncio

import pytest

from pillarbox.smtp.client.connection import Caller, SmtpConnection
from pillarbox.smtp.client.transaction import (
    HeldMessage,
    OutgoingRecipient,
    OutgoingTransaction,
)
from support.fake_clock import FakeClock
from support.memory_network import Faults, MemoryNetwork
from support.scripted_smtp import Script

MESSAGE = OutgoingTransaction(
    reverse_path="",
    recipients=(OutgoingRecipient("bob@example.net"),),
    message=HeldMessage(b"Subject: x\r\n\r\n"),
)


@pytest.mark.parametrize(("offers", "trips"), [(("PIPELINING",), 4.5), ((), 6.5)])
def test_latency_counts_round_trips(offers: tuple[str, ...], trips: float) -> None:
    """Connecting, greeting (half a trip), EHLO, the envelope, the message."""

    async def run() -> float:
        clock = FakeClock()
        network = MemoryNetwork(clock)
        network.listen("192.0.2.1", 25, Script(offers=offers).connection)
        network.faults["192.0.2.1"] = Faults(latency=0.5)
        caller = Caller(ehlo_name="mx.example.org", clock=clock, connector=network.connector())

        async def work() -> None:
            connection = await SmtpConnection.open(caller, "192.0.2.1", 25)
            outcome = await connection.send(MESSAGE)
            assert [one.kind for one in outcome.replies] == ["relayed"]

        task = asyncio.create_task(work())
        start = clock.monotonic()
        await asyncio.sleep(0)
        while not task.done():
            await clock.advance(0.5)
        await task
        return clock.monotonic() - start

    waited = asyncio.run(run())
    assert waited == pytest.approx(trips, abs=0.5)


def test_who_asked_whom_is_known() -> None:
    async def run() -> None:
        network = MemoryNetwork()
        network.listen("2001:db8::1", 25, Script().connection)
        connector = network.connector("2001:db8::9")
        caller = Caller(ehlo_name="mx.example.org", clock=FakeClock(), connector=connector)
        connection = await SmtpConnection.open(caller, "2001:db8::1", 25)
        assert connector.asked == [("2001:db8::1", 25)]
        assert network.connected_to("2001:db8::1") == 1
        [(client, server)] = network.connections
        assert server.get_extra_info("peername")[0] == "2001:db8::9"
        connection.close()
        await asyncio.sleep(0)
        assert client.is_closing() and server.is_closing()

    asyncio.run(run())
