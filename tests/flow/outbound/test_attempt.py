"""What becomes of each recipient, whatever the other server does, and when."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from pillarbox.flow.outbound.outcome import Kind, Outcome
from support.memory_network import Faults
from support.outbound_rig import HOSTNAME, Rig
from support.scripted_smtp import Script

PLAIN = ("PIPELINING", "8BITMIME", "DSN", "SIZE 10485760", "ENHANCEDSTATUSCODES", "SMTPUTF8")


def shown(outcome: Outcome) -> tuple[str, str, str, bool]:
    return outcome.kind.value, outcome.status, outcome.reply, outcome.uncertain


async def test_a_message_goes_out(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        peer = rig.peer("x.example", Script(offers=PLAIN))
        job = await rig.job("a@x.example", "b@x.example")
        found = await rig.send_jobs(job)
        assert [shown(one) for one in found] == [("relayed", "2.0.0", "250 2.0.0 taken", False)] * 2
        assert {(one.remote_mta, one.tls, one.sent_dsn) for one in found} == {
            ("mx0.x.example", "", True)
        }
        assert peer.seen[0] == f"EHLO {HOSTNAME}"
        assert peer.seen.count("DATA") == 1
        content = rig.box.store.content(job.message)
        assert peer.messages == [await content.read(0, content.size)]
        assert peer.messages[0].startswith(b"Received: x\r\n")


@pytest.mark.parametrize(
    ("answers", "kind", "status", "reply"),
    [
        ({"MAIL": "451 4.3.2 not now"}, "later", "4.3.2", "451 4.3.2 not now"),
        ({"RCPT": "450 4.2.1 busy"}, "later", "4.2.1", "450 4.2.1 busy"),
        ({"DATA": "451 4.3.0 disk"}, "later", "4.3.0", "451 4.3.0 disk"),
        ({".": "452 4.3.1 full"}, "later", "4.3.1", "452 4.3.1 full"),
        ({"MAIL": "550 5.7.1 go away"}, "failed", "5.7.1", "550 5.7.1 go away"),
        ({"RCPT": "550-5.1.1 who\n550 5.1.1 is that"}, "failed", "5.1.1",
         "550-5.1.1 who\n550 5.1.1 is that"),
        ({"DATA": "554 5.5.1 nobody"}, "failed", "5.5.1", "554 5.5.1 nobody"),
        ({".": "554 5.6.0 ugly"}, "failed", "5.6.0", "554 5.6.0 ugly"),
        ({"RCPT": "550 no code"}, "failed", "5.0.0", "550 no code"),
    ],
)  # fmt: skip
async def test_refusals_at_each_stage(
    tmp_path: Path, answers: dict[str, str], kind: str, status: str, reply: str
) -> None:
    async with Rig(tmp_path) as rig:
        rig.peer("x.example", Script(offers=PLAIN, answers=answers))
        (found,) = await rig.send("a@x.example")
        assert shown(found) == (kind, status, reply, False)
        assert (found.remote_mta, found.whole_destination) == ("mx0.x.example", False)


@pytest.mark.parametrize(
    ("script", "kind", "status"),
    [
        (Script(greeting="421 4.3.2 busy"), "later", "4.3.2"),
        (Script(greeting="554 5.3.2 no mail here"), "failed", "5.3.2"),
        (Script(answers={"EHLO": "421 4.7.0 slow down"}), "later", "4.7.0"),
        (Script(greeting="CLOSE"), "later", "4.4.2"),
        (None, "later", "4.4.1"),
    ],
)
async def test_no_conversation(
    tmp_path: Path, script: Script | None, kind: str, status: str
) -> None:
    async with Rig(tmp_path) as rig:
        rig.resolver.records["x.example"] = {"MX": [(1, "mx0.x.example")]}
        rig.host("mx0.x.example", script)
        (found,) = await rig.send("a@x.example")
        assert (found.kind.value, found.status) == (kind, status)
        assert found.whole_destination == (kind == "later")
        assert bool(found.remote_mta) == (script is not None and script.greeting != "CLOSE")


async def test_each_recipient_has_its_own_answer(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        answers = {"RCPT TO:<b@x.example>": "550 5.1.1 b", "RCPT TO:<c@x.example>": "450 4.2.1 c"}
        rig.peer("x.example", Script(offers=PLAIN, answers=answers))
        found = await rig.send("a@x.example", "b@x.example", "c@x.example", "d@x.example")
        by_number = {one.number: one.kind.value for one in found}
        assert by_number == {0: "relayed", 1: "failed", 2: "later", 3: "relayed"}


async def test_the_next_host_takes_what_the_first_one_cannot(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        busy, good = Script(greeting="421 4.3.2 busy"), Script()
        rig.peer("x.example", busy, good)
        (found,) = await rig.send("a@x.example")
        assert (found.kind, found.remote_mta) == (Kind.RELAYED, "mx1.x.example")
        await rig.send("b@x.example")  # the one that was busy is not asked again so soon
        assert rig.network.connected_to("192.0.2.1") == 1


@pytest.mark.parametrize("word", ["MAIL", "RCPT", "DATA"])
async def test_a_break_before_the_message_leads_to_the_next_host(tmp_path: Path, word: str) -> None:
    async with Rig(tmp_path) as rig:
        first = Script(offers=PLAIN, answers={word: "421 4.3.0 going down\nCLOSE"})
        rig.peer("x.example", first, Script(offers=PLAIN))
        (found,) = await rig.send("a@x.example")
        assert (found.kind, found.remote_mta) == (Kind.RELAYED, "mx1.x.example")


async def test_breaks_are_borne_only_so_often(tmp_path: Path) -> None:
    async with Rig(tmp_path, {"max_sessions": 2}) as rig:
        bad = [Script(offers=PLAIN, answers={"MAIL": "CLOSE"}) for _ in range(5)]
        rig.peer("x.example", *bad)
        (found,) = await rig.send("a@x.example")
        assert (found.kind, found.status) == (Kind.LATER, "4.4.2")
        assert len(rig.network.connections) == 2


async def test_a_break_behind_the_last_octet_is_uncertain(tmp_path: Path) -> None:
    """Another host would make a duplicate of it."""
    async with Rig(tmp_path) as rig:
        rig.peer("x.example", Script(offers=PLAIN, answers={".": "CLOSE"}), Script(offers=PLAIN))
        (found,) = await rig.send("a@x.example")
        assert (found.kind, found.uncertain) == (Kind.LATER, True)
        assert len(rig.network.connections) == 1


async def test_every_octet_at_which_a_link_may_break(tmp_path: Path) -> None:
    """Relayed or uncertain where the server has the whole message, and neither where it has not."""
    async with Rig(tmp_path, {"idle_connections": 0, "max_sessions": 1}) as rig:
        peer = rig.peer("x.example", Script(offers=PLAIN))
        await rig.send("a@x.example")
        total = rig.network.connections[0][0].delivered
        wanted = len(b"QUIT\r\n")
        for cut in range(1, total - wanted):
            rig.network.faults["192.0.2.1"] = Faults(cut_to_server=cut)
            before = len(peer.messages)
            (found,) = await rig.send("a@x.example")
            assert found.kind is Kind.LATER
            assert found.uncertain or len(peer.messages) == before
            await rig.clock.advance(400)  # what is remembered of the host is over


async def test_an_idle_connection_that_went_away_costs_nothing(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        peer = rig.peer("x.example", Script(offers=PLAIN))
        await rig.send("a@x.example")
        rig.network.connections[0][1].abort()
        (found,) = await rig.send("b@x.example")
        assert found.kind is Kind.RELAYED
        # … also when it is noticed only while speaking.
        peer.answers = {"MAIL": ["CLOSE", "250 2.1.0 ok"]}
        (found,) = await rig.send("c@x.example")
        assert found.kind is Kind.RELAYED
        assert len(rig.network.connections) == 3


async def test_recipients_beyond_what_one_transaction_takes(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        peer = rig.peer("x.example", Script(offers=(*PLAIN, "LIMITS RCPTMAX=2")))
        found = await rig.send(*(f"u{n}@x.example" for n in range(5)))
        assert [one.kind for one in found] == [Kind.RELAYED] * 5
        assert len(peer.messages) == 3 and len(rig.network.connections) == 1


async def test_a_server_that_takes_few_messages_a_connection(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        rig.peer("x.example", Script(offers=(*PLAIN, "LIMITS MAILMAX=1 RCPTMAX=1")))
        found = await rig.send("a@x.example", "b@x.example", "c@x.example")
        assert [one.kind for one in found] == [Kind.RELAYED] * 3
        assert len(rig.network.connections) == 3


@pytest.mark.parametrize(
    ("offers", "fields", "status"),
    [
        (("PIPELINING",), {"smtputf8": True}, "5.6.9"),
        (("SIZE 10",), {}, "5.3.4"),
        (PLAIN, {"sender": "jürgen@example.org"}, ""),
        (("PIPELINING",), {"sender": "jürgen@example.org"}, "5.6.7"),
    ],
)
async def test_what_a_server_cannot_carry(
    tmp_path: Path, offers: tuple[str, ...], fields: dict[str, Any], status: str
) -> None:
    async with Rig(tmp_path) as rig:
        rig.peer("x.example", Script(offers=offers))
        (found,) = await rig.send("a@x.example", **fields)
        if not status:
            assert found.kind is Kind.RELAYED
            return
        assert (found.kind, found.status, found.remote_mta) == (Kind.FAILED, status, "")


async def test_a_cancelled_attempt_tells_what_is_in_doubt(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        rig.peer("x.example", Script(offers=PLAIN, answers={".": None}))
        jobs = [await rig.job("a@x.example"), await rig.job("b@x.example")]
        found: list[Outcome] = []

        async def report(outcomes: Any) -> None:
            found.extend(outcomes)

        send = asyncio.create_task(rig.sender.send(rig.destination(jobs[0]), jobs, report))
        for _ in range(200):
            await asyncio.sleep(0)
        assert found == []
        send.cancel()
        await asyncio.gather(send, return_exceptions=True)
        assert [(one.queued, one.kind, one.uncertain) for one in found] == [(1, Kind.LATER, True)]


async def test_a_cancelled_attempt_before_the_message_tells_nothing(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        rig.peer("x.example", Script(offers=PLAIN, answers={"RCPT": None, "DATA": None}))
        job = await rig.job("a@x.example")
        found: list[Outcome] = []

        async def report(outcomes: Any) -> None:
            found.extend(outcomes)

        send = asyncio.create_task(rig.sender.send(rig.destination(job), [job], report))
        for _ in range(200):
            await asyncio.sleep(0)
        send.cancel()
        await asyncio.gather(send, return_exceptions=True)
        assert found == []


async def test_a_message_that_cannot_be_read_stops_no_other(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        rig.peer("x.example", Script(offers=PLAIN))
        bad, good = await rig.job("a@x.example"), await rig.job("b@x.example")
        store = rig.box.store
        real = store.content

        def content(row: Any) -> Any:
            found = real(row)
            if row.id == bad.message.id:
                found._blob = b"\0" * 32
            return found

        store.content = content  # type: ignore[method-assign]
        found = await rig.send_jobs(bad, good)
        assert [one.kind for one in found] == [Kind.LATER, Kind.RELAYED]
        assert found[0].status == "4.3.0"
