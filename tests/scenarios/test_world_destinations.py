"""Where mail goes: slow and dead servers beside quick ones, loops, and domains that take none."""

from __future__ import annotations

import email
from typing import Any

import pytest

from pillarbox.config.outbound import OutboundSettings
from support.memory_network import Faults
from support.queue_bench import message, put
from support.scripted_smtp import Script
from support.store_box import letter
from support.world import World, in_world
from support.world_node import Node

ALICE = "alice@example.org"
LETTER = letter("Tea on Sunday?", From="Alice <alice@example.org>")
PLAIN = ("PIPELINING", "8BITMIME")


async def one_row(node: Node, world: World) -> Any:
    """What became of the only recipient, once everything is quiet."""
    await world.settle()
    (row,) = await node.rows()
    return row


def test_a_server_of_one_octet_a_second_delays_nobody_else() -> None:
    async def work(world: World) -> None:
        org = await world.pillarbox("example.org", "alice")
        slow = world.peer("slow.example", Script(offers=()))
        world.network.faults[world.address_of("slow.example")] = Faults(octets_per_second=1)
        quick = [world.peer(f"quick{n}.example", Script(offers=PLAIN)) for n in range(3)]
        await put(org.store, *(message(f"u{n}@slow.example") for n in range(12)))
        await put(org.store, *(message(f"u{n}@quick{n % 3}.example") for n in range(30)))
        await world.settle()
        states = await org.states()
        assert [states[f"u{n}@quick{n % 3}.example"] for n in range(30)] == ["relayed"] * 30
        assert [len(one.messages) for one in quick] == [10, 10, 10]
        assert world.clock.monotonic() == 1000.0  # no time has passed
        assert not slow.messages
        await world.until(org.all_ended, step=1.0)  # it is slow, not dead: all of it arrives
        assert set((await org.states()).values()) == {"relayed"}
        assert len(slow.messages) == 12

    in_world(work)


@pytest.mark.parametrize("fault", [Faults(refuses=True), Faults(silent=True)],
                         ids=["refuses", "silent"])  # fmt: skip
def test_a_thousand_messages_to_a_dead_server_beside_a_live_one(fault: Faults) -> None:
    async def work(world: World) -> None:
        org = await world.pillarbox("example.org", "alice")
        dead, live = world.peer("dead.example", Script(PLAIN)), Script(PLAIN)
        world.peer("live.example", live)
        address = world.address_of("dead.example")
        world.network.faults[address] = fault
        asked: list[str] = []
        connect = world.network.connect

        async def counted(source: str, to: str, port: int, factory: Any) -> Any:
            asked.append(to)
            return await connect(source, to, port, factory)

        world.network.connect = counted  # type: ignore[method-assign]
        await put(org.store, *(message(f"u{n}@dead.example") for n in range(1000)))
        await put(org.store, *(message(f"u{n}@live.example") for n in range(100)))
        await world.settle()
        assert len(live.messages) == 100  # at once
        await world.run(3600)
        assert asked.count(address) <= 20, asked.count(address)
        assert {row.state.value for row in await org.rows(domain="dead.example")} == {"waiting"}
        world.network.faults.clear()
        await put(org.store, *(message(f"v{n}@live.example") for n in range(100)))
        await world.until(org.all_ended)
        assert set((await org.states()).values()) == {"relayed"}
        assert len(dead.messages) == 1000
        assert len(live.messages) == 200
        hours = (world.clock.monotonic() - 1000.0) / 3600
        assert hours < 3  # it is looked at every half hour

    in_world(work)


OURS, OTHER = "mx.example.org", "mx.other.example"
LOOPS: list[tuple[str, list[tuple[int, str]], str]] = [
    ("only us", [(10, OURS)], "5.4.6"),
    ("we are the best", [(10, OURS), (20, OTHER)], "5.4.6"),
    ("we are as good", [(10, OURS), (10, OTHER)], "5.4.6"),
    ("there is a better one", [(10, OTHER), (20, OURS)], "2.0.0"),
    ("by another name", [(10, "alias.example.com")], "5.4.6"),
    ("behind an alias", [(10, "cname.example.com")], "5.4.6"),
]


@pytest.mark.parametrize(("mx", "status"), [row[1:] for row in LOOPS], ids=[r[0] for r in LOOPS])
def test_servers_that_are_ourselves(mx: list[tuple[int, str]], status: str) -> None:
    async def work(world: World) -> None:
        org = await world.pillarbox("example.org", "alice")
        world.peer("other.example", Script(PLAIN))
        world.resolver.records |= {
            "loop.example": {"MX": mx},
            "alias.example.com": {"A": [org.address]},
            "cname.example.com": {"CNAME": OURS},
        }
        await org.submit(ALICE, LETTER, "x@loop.example")
        row = await one_row(org, world)
        assert row.status == status, row.reply
        assert row.state.value == ("relayed" if status[0] == "2" else "failed")
        assert not world.calls.get("example.org")

    in_world(work)


NOWHERE: list[tuple[str, dict[str, Any], str, str]] = [
    ("null MX", {"MX": [(0, ".")], "A": ["192.0.2.99"]}, "failed", "5.1.10"),
    ("no such domain", {}, "failed", "5.1.2"),
    ("no mail server at all", {"TXT": ["v=spf1 -all"]}, "failed", "5.4.4"),
    ("servers without an address", {"MX": [(10, "gone.example")]}, "failed", "5.4.4"),
    ("an address in place of a name", {"MX": [(10, "192.0.2.10")]}, "failed", "5.4.4"),
]


@pytest.mark.parametrize(("records", "state", "status"), [row[1:] for row in NOWHERE],
                         ids=[row[0] for row in NOWHERE])  # fmt: skip
def test_domains_that_take_no_mail(records: dict[str, Any], state: str, status: str) -> None:
    async def work(world: World) -> None:
        org = await world.pillarbox("example.org", "alice")
        if records:
            world.resolver.records["none.example"] = records
        await org.submit(ALICE, LETTER, "x@none.example")
        row = await one_row(org, world)
        assert (row.state.value, row.status) == (state, status), row.reply
        await world.until(org.all_ended)
        (report,) = await org.mail(ALICE)
        assert f"Status: {status}".encode() in report
        assert b"Remote-MTA" not in report

    in_world(work)


@pytest.mark.parametrize("why", ["timeout", "servfail", "refused", "malformed"])
def test_while_the_dns_is_ill_mail_waits(why: Any) -> None:
    async def work(world: World) -> None:
        org = await world.pillarbox("example.org", "alice")
        peer = world.peer("example.net", Script(PLAIN))
        world.resolver.fail["MX example.net"] = why
        await org.submit(ALICE, LETTER, "carol@example.net")
        row = await one_row(org, world)
        assert (row.state.value, row.status) == ("waiting", "4.4.3"), row.reply
        world.resolver.fail.clear()
        await world.until(org.all_ended)
        assert len(peer.messages) == 1

    in_world(work)


def test_an_mx_record_does_not_lead_into_our_own_network() -> None:
    async def work(world: World) -> None:
        settings = {"outbound": OutboundSettings()}
        org = await world.pillarbox("example.org", "alice", settings=settings)
        inside = world.peer("evil.example", Script(PLAIN), address="127.0.0.1")
        await org.submit(ALICE, LETTER, "x@evil.example")
        row = await one_row(org, world)
        assert (row.state.value, row.status) == ("failed", "5.4.4"), row.reply
        assert not world.calls["evil.example"]
        assert not inside.messages

    in_world(work)


def test_fifty_recipients_over_three_domains_and_one_report() -> None:
    async def work(world: World) -> None:
        org = await world.pillarbox("example.org", "alice")
        net = await world.pillarbox("example.net", *(f"c{n}" for n in range(8)))
        com = world.peer("example.com", Script(PLAIN))
        com.answers = {f"RCPT TO:<d{n}@example.com>": "550 5.2.1 closed" for n in (3, 4)} | {
            "RCPT TO:<d5@example.com>": ["452 4.2.2 full", "250 2.1.5 ok"]
        }
        late = world.peer("late.example", Script(PLAIN, answers={"MAIL": ["451 4.3.0 later"]}))
        ours = [f"c{n}@example.net" for n in range(10)]  # two of them are not there
        theirs = [f"d{n}@example.com" for n in range(30)]
        slow = [f"e{n}@late.example" for n in range(10)]
        assert await org.submit(ALICE, LETTER, *ours, *theirs, *slow)
        await world.settle()
        assert await org.count(ALICE) == 1  # every address was tried once, and that is told
        late.answers = {}
        await world.until(org.all_ended)

        states = await org.states()
        failed = {one for one, state in states.items() if state == "failed"}
        assert failed == {"c8@example.net", "c9@example.net", "d3@example.com", "d4@example.com"}
        assert {state for one, state in states.items() if one not in failed} == {"relayed"}
        (report,) = await org.mail(ALICE)
        parsed = email.message_from_bytes(report)
        words, status, _ = parsed.get_payload()  # type: ignore[misc]
        groups = status.get_payload()[1:]  # type: ignore[union-attr]
        assert {group["Final-Recipient"] for group in groups} == {f"rfc822; {x}" for x in failed}
        text = words.get_payload(decode=True).decode()  # type: ignore[union-attr]
        assert "could not be delivered to these addresses" in text
        assert all(one in text for one in failed)
        assert [await net.count(one) for one in ours[:8]] == [1] * 8
        # All recipients of a domain go in one transaction; the one that was full comes later.
        counts = [len(one) for one in _by_message(com.seen)]
        assert counts == [30, 1]

    in_world(work)


def _by_message(seen: list[str]) -> list[list[str]]:
    """The RCPT commands after each MAIL."""
    found: list[list[str]] = []
    for line in seen:
        if line.startswith("MAIL"):
            found.append([])
        elif line.startswith("RCPT"):
            found[-1].append(line)
    return found
