"""Connections kept and spread, hosts found and left out, our own mail, the folder for tests."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import msgspec
import pytest

from pillarbox.config.outbound import OutboundSettings, RouteSettings
from pillarbox.dns.errors import Why
from pillarbox.flow.outbound.directory import DirectoryTransport
from pillarbox.flow.outbound.memory import Marks
from pillarbox.flow.outbound.outcome import Destination, Job, Kind, Outcome
from pillarbox.flow.outbound.pace import Pace
from pillarbox.store.sql import accounts
from support.fake_clock import FakeClock
from support.memory_network import Faults
from support.outbound_rig import HOSTNAME, Rig
from support.scripted_smtp import Script

PLAIN = ("PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES")


# Connections


async def test_one_connection_serves_many_messages(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        peer = rig.peer("x.example", Script(offers=PLAIN))
        jobs = [await rig.job(f"u{n}@x.example") for n in range(5)]
        assert len(await rig.send_jobs(*jobs)) == 5
        await rig.send("more@x.example")
        assert len(rig.network.connections) == 1
        assert [line.split()[0] for line in peer.seen[1:4]] == ["MAIL", "RCPT", "DATA"]
        assert "RSET" not in peer.seen
        await rig.clock.advance(1)
        assert peer.seen[-1] != "QUIT"
        await rig.clock.advance(6)
        assert peer.seen[-1] == "QUIT"


async def test_leave_is_taken_at_the_end(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        peer = rig.peer("x.example", Script(offers=PLAIN))
        await rig.send("a@x.example")
        await rig.sender.close()
        assert peer.seen[-1] == "QUIT"


@pytest.mark.parametrize("settings", [{"idle_seconds": 0}, {"idle_connections": 0}])
async def test_no_connection_is_kept(tmp_path: Path, settings: dict[str, int]) -> None:
    async with Rig(tmp_path, dict(settings)) as rig:
        rig.peer("x.example", Script(offers=PLAIN))
        await rig.send("a@x.example")
        await rig.send("b@x.example")
        assert len(rig.network.connections) == 2


async def test_a_refused_transaction_is_reset_before_the_next(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        answers = {"RCPT": ["550 5.1.1 no", "250"], "DATA": ["554 5.5.1 nobody", "354 go on"]}
        peer = rig.peer("x.example", Script(offers=PLAIN, answers=answers))
        jobs = [await rig.job("a@x.example"), await rig.job("b@x.example")]
        found = await rig.send_jobs(*jobs)
        assert [one.kind for one in found] == [Kind.FAILED, Kind.RELAYED]
        assert peer.seen.count("RSET") == 1 and len(rig.network.connections) == 1


async def test_lanes_grow_with_success_and_shrink_with_trouble(tmp_path: Path) -> None:
    async with Rig(tmp_path, {"initial_connections": 2, "connections_per_destination": 5}) as rig:
        peer = rig.peer("x.example", Script(offers=PLAIN))
        there = Destination("x.example")
        seen = [rig.sender.lanes(there)]
        for _ in range(5):
            await rig.send("a@x.example")
            seen.append(rig.sender.lanes(there))
        assert seen == [2, 3, 4, 5, 5, 5]
        peer.greeting = "421 4.3.2 busy"
        await rig.clock.advance(10)
        for _ in range(3):
            await rig.send("a@x.example")
        assert rig.sender.lanes(there) == 1
        assert rig.sender.lanes(Destination("y.example")) == 2


async def test_a_server_that_takes_only_so_many_connections(tmp_path: Path) -> None:
    """What has no connection goes back untried; nobody waits for the destination."""
    async with Rig(tmp_path) as rig:
        peer = rig.peer("x.example", Script(offers=PLAIN, answers={".": None}))
        busy, late = await rig.job("a@x.example"), await rig.job("b@x.example")
        found: list[Outcome] = []

        async def report(outcomes: object) -> None:
            found.extend(outcomes)  # type: ignore[arg-type]

        there = rig.destination(busy)
        first = asyncio.create_task(rig.sender.send(there, [busy], report))
        for _ in range(100):
            await asyncio.sleep(0)
        peer.greeting = "421 4.7.0 too many connections"
        await rig.sender.send(there, [late], report)
        assert found == []
        assert rig.sender.lanes(there) == 1
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)


def test_pace_is_bounded() -> None:
    pace = Pace(first=4, most=20, remembered=3)
    for number in range(10):
        pace.went_badly(str(number))
    assert [pace.lanes(str(number)) for number in (6, 7, 8, 9)] == [4, 2, 2, 2]
    pace.has_no_room("9", 7)
    assert pace.lanes("9") == 2
    pace.has_no_room("9", 0)
    assert pace.lanes("9") == 1


async def test_marks_end() -> None:
    clock = FakeClock()
    marks = Marks(clock, 10, most=2)
    for name in ("a", "b", "c"):
        marks.put(name)
    assert [name in marks for name in ("a", "b", "c")] == [False, True, True]
    marks.clear("b")
    assert "b" not in marks
    await clock.advance(11)
    assert "c" not in marks


# Hosts


async def test_addresses_of_both_kinds_in_turn(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        rig.peer("x.example", Script(offers=PLAIN))
        rig.resolver.records["mx0.x.example"]["AAAA"] = ["2001:db8::1"]
        (found,) = await rig.send("a@x.example")
        assert found.kind is Kind.RELAYED
        assert rig.connector.asked == [("2001:db8::1", 25), ("192.0.2.1", 25)]


async def test_an_implicit_mx_and_an_address(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        address = rig.host("x.example", Script(offers=PLAIN))
        for recipient in ("a@x.example", f"a@[{address}]"):
            (found,) = await rig.send(recipient)
            assert found.kind is Kind.RELAYED


@pytest.mark.parametrize(
    ("records", "fail", "kind", "status"),
    [
        ({}, {}, Kind.FAILED, "5.1.2"),
        ({"x.example": {"MX": [(0, "")]}}, {}, Kind.FAILED, "5.1.10"),
        ({"x.example": {"MX": [(0, "gone.example")]}}, {}, Kind.FAILED, "5.4.4"),
        ({"x.example": {"TXT": ["no mail"]}}, {}, Kind.FAILED, "5.4.4"),
        ({"x.example": {"MX": [(0, HOSTNAME)]}}, {}, Kind.FAILED, "5.4.6"),
        ({}, {"MX x.example": "servfail"}, Kind.LATER, "4.4.3"),
        ({"x.example": {"MX": [(0, "m.example")]}}, {"m.example": "timeout"}, Kind.LATER, "4.4.3"),
        (
            {"x.example": {"MX": [(0, "m.example"), (5, "gone.example")]}},
            {"m.example": "timeout"},
            Kind.LATER,
            "4.4.3",
        ),
    ],
)
async def test_nowhere_to_go(
    tmp_path: Path,
    records: dict[str, dict[str, object]],
    fail: dict[str, Why],
    kind: Kind,
    status: str,
) -> None:
    async with Rig(tmp_path) as rig:
        rig.resolver.records.update(records)
        rig.resolver.fail.update(fail)
        (found,) = await rig.send("a@x.example")
        assert (found.kind, found.status, found.remote_mta) == (kind, status, "")
        assert found.whole_destination == (kind is Kind.LATER)
        assert rig.network.connections == []


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "fd00::1"])
async def test_nobodys_record_leads_into_our_own_network(tmp_path: Path, address: str) -> None:
    async with Rig(tmp_path, {"private_addresses": False}) as rig:
        kind = "AAAA" if ":" in address else "A"
        rig.resolver.records["x.example"] = {kind: [address]}
        literal = f"[IPv6:{address}]" if ":" in address else f"[{address}]"
        for recipient in ("a@x.example", f"a@{literal}"):
            (found,) = await rig.send(recipient)
            assert (found.kind, found.status) == (Kind.FAILED, "5.4.4")
        assert rig.connector.asked == []


async def test_what_leads_back_to_us_is_cut(tmp_path: Path) -> None:
    """By our address, and by the name with which the other end answers."""
    ours = frozenset({("192.0.2.2", 25)})
    async with Rig(tmp_path, listening=ours) as rig:
        rig.peer("x.example", Script(greeting="421 busy"), Script(), Script())
        (found,) = await rig.send("a@x.example")
        assert (found.kind, found.reply) == (Kind.LATER, "421 busy")
        assert {address for address, _ in rig.connector.asked} == {"192.0.2.1"}
        answers = {"EHLO": f"250-{HOSTNAME}\n250 PIPELINING"}
        rig.peer("y.example", Script(greeting="421 busy"), Script(answers=answers), Script())
        (found,) = await rig.send("a@y.example")
        assert found.kind is Kind.LATER
        assert len(rig.connector.asked) == 3
        rig.peer("z.example", Script(answers=answers), Script())
        (found,) = await rig.send("a@z.example")
        assert (found.kind, found.status) == (Kind.FAILED, "5.4.6")


async def test_our_own_name_with_a_port_open_everywhere(tmp_path: Path) -> None:
    async with Rig(tmp_path, listening=frozenset({("*", 25)})) as rig:
        rig.resolver.records[HOSTNAME] = {"A": ["192.0.2.77"]}
        rig.resolver.records["x.example"] = {"A": ["192.0.2.77"]}
        (found,) = await rig.send("a@x.example")
        assert (found.kind, found.status) == (Kind.FAILED, "5.4.6")


async def test_only_so_many_addresses_are_tried(tmp_path: Path) -> None:
    async with Rig(tmp_path, {"max_addresses": 3}) as rig:
        rig.resolver.records["x.example"] = {"A": [f"192.0.2.{n}" for n in range(50, 60)]}
        (found,) = await rig.send("a@x.example")
        assert found.kind is Kind.LATER and len(rig.connector.asked) == 3


@pytest.mark.timed
async def test_a_silent_host_costs_one_time_out(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        rig.peer("x.example", Script(offers=PLAIN), Script(offers=PLAIN))
        rig.network.faults["192.0.2.1"] = Faults(silent=True)
        send = asyncio.create_task(rig.send("a@x.example"))
        async with asyncio.timeout(60):
            for _ in range(4):
                while not (send.done() or rig.clock.sleeping):  # on its way to the next wait
                    await asyncio.sleep(0.005)
                await asyncio.sleep(0.02)
                await rig.clock.advance(10)
            (found,) = await send
        assert (found.kind, found.remote_mta) == (Kind.RELAYED, "mx1.x.example")


# Our own, and the folder


class _Home:
    def __init__(self) -> None:
        self.jobs: list[Job] = []

    async def deliver(self, job: Job) -> list[Outcome]:
        self.jobs.append(job)
        return [
            Outcome(queued=one.queued, number=one.number, kind=Kind.DELIVERED, reply="250 here")
            for one in job.recipients
        ]


async def test_our_own_people_get_it_here(tmp_path: Path) -> None:
    home = _Home()
    async with Rig(tmp_path, home=home) as rig:
        await rig.box.store.write(lambda tx: accounts.add_domain(tx, "example.org"))
        (found,) = await rig.send("alice@example.org")
        assert found.kind is Kind.DELIVERED and len(home.jobs) == 1
        assert rig.resolver.asked == []


async def test_a_route_for_all_leaves_our_own_out(tmp_path: Path) -> None:
    route = RouteSettings(name="all", recipients=("*",), hosts=("h.example",), tls="none")
    home = _Home()
    async with Rig(tmp_path, {"route": (route,)}, home=home) as rig:
        await rig.box.store.write(lambda tx: accounts.add_domain(tx, "example.org"))
        rig.host("h.example", Script(offers=PLAIN))
        job = await rig.job("alice@example.org", "a@x.example")
        found = await rig.send_jobs(job)
        assert [one.kind for one in found] == [Kind.DELIVERED, Kind.RELAYED]
        # … unless the administrator wished it so.
        wished = msgspec.structs.replace(job.recipients[0], route="all")
        found = await rig.send_jobs(msgspec.structs.replace(job, recipients=(wished,)))
        assert [one.kind for one in found] == [Kind.RELAYED]


async def test_the_folder(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        folder = tmp_path / "out"
        rig.sender._folder = DirectoryTransport(folder)
        job = await rig.job("a@x.example", "b@x.example", sender="")
        found = await rig.send_jobs(job)
        assert [one.kind for one in found] == [Kind.DELIVERED] * 2
        content = rig.box.store.content(job.message)
        assert (folder / "1-0.eml").read_bytes() == await content.read(0, content.size)
        envelope = json.loads((folder / "1-0.json").read_text())
        assert envelope["recipients"] == ["a@x.example", "b@x.example"]
        assert envelope["reverse_path"] == ""
        assert rig.resolver.asked == []


def test_settings_have_sense() -> None:
    settings = OutboundSettings()
    assert settings.transport == "smtp" and not settings.private_addresses
    assert settings.dane and settings.mta_sts
