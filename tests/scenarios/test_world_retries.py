"""Five days of retries: when mail is tried again, and what its sender hears."""

from __future__ import annotations

import email
import itertools
import time
from email.message import Message

import pytest

from pillarbox.config.queue import QueueSettings
from pillarbox.config.trust import GreylistSettings, TrustSettings
from support.scripted_smtp import Script
from support.store_box import letter
from support.world import World, in_world
from support.world_results import told

ALICE, DAVE, CAROL = "alice@example.org", "dave@example.com", "carol@example.net"
LETTER = letter("Tea on Sunday?", From="Alice <alice@example.org>", To=CAROL)
FULL = "452 4.2.2 the mailbox is full"
MINUTE, HOUR, DAY = 60, 3600, 86_400


def schedule(settings: QueueSettings) -> list[int]:
    """When a message is tried that came at 0, in seconds."""
    delays = itertools.chain(settings.retry_minutes, itertools.repeat(settings.retry_minutes[-1]))
    end, at, found = settings.expire_hours * HOUR, 0, []
    while at < end:
        found.append(at)
        at = min(at + next(delays) * MINUTE, end)
    return [*found, end]


def parts(octets: bytes) -> tuple[Message, str, dict[str, str]]:
    """A report: the message, its words for people, the fields of its first recipient."""
    message = email.message_from_bytes(octets)
    assert message.get_content_type() == "multipart/report"
    words, status, _ = message.get_payload()  # type: ignore[misc]
    groups = status.get_payload()  # type: ignore[union-attr]
    return message, words.get_payload(decode=True).decode(), dict(groups[1].items())  # type: ignore[union-attr]


@pytest.mark.timed
def test_five_days_with_a_warning_and_one_report() -> None:
    async def work(world: World) -> None:
        org = await world.pillarbox("example.org", "alice")
        world.peer("example.net", Script(answers={"RCPT": FULL}))
        await org.submit(ALICE, LETTER, CAROL)
        began = time.perf_counter()
        await world.until(org.all_ended)
        assert time.perf_counter() - began < 10  # 0.2 s on an idle machine
        assert world.calls["example.net"] == schedule(QueueSettings())
        warning, failure = await org.mail(ALICE)

        message, words, fields = parts(warning)
        assert message["Subject"] == "Delayed: Tea on Sunday?"
        assert "still on its way" in words
        assert "You need not send it again" in words
        assert "The mailbox is full" in words
        assert fields["Action"] == "delayed"
        assert fields["Status"] == "4.2.2"
        assert fields["Will-Retry-Until"] == "Fri, 6 Nov 2026 12:00:00 +0000"
        assert message["Date"].startswith("Sun, 1 Nov 2026 16:0")

        message, words, fields = parts(failure)
        assert message["Subject"] == "Not delivered: Tea on Sunday?"
        assert message["Return-Path"] == "<>"
        assert message["Auto-Submitted"] == "auto-replied"
        assert "could not be delivered to" in words
        assert "mx.example.net said: 452 4.2.2 the mailbox is full" in words
        assert fields["Action"] == "failed"
        assert fields["Status"] == "5.4.7"
        assert fields["Diagnostic-Code"] == "smtp; 452 4.2.2 the mailbox is full"
        assert message["Date"].startswith("Fri, 6 Nov 2026 12:0")

        _head, came, first, *way = (await org.trace(CAROL)).splitlines()
        assert "alice@example.org at 127.0.0.1 by ESMTPA brought" in came
        assert first.endswith(
            "mx.example.net did not take it yet: 452 4.2.2 the mailbox is full; next attempt "
            "2026-11-01 12:02:00."
        )
        ends = [line.split("  ")[-1] for line in way if "did not take it yet" not in line]
        assert ends == [
            "A report (delayed) was written to <alice@example.org>.",
            "mx.example.net will not take it for <carol@example.net>: 452 4.2.2 the mailbox is "
            "full.",
            "A report (expired) was written to <alice@example.org>.",
        ]
        assert len(way) + 1 == len(schedule(QueueSettings())) + 2

    in_world(work)


def test_a_destination_that_is_down_costs_one_call_at_a_time() -> None:
    """No connection at all: the destination's own pauses count, for all its mail together."""

    async def work(world: World) -> None:
        org = await world.pillarbox("example.org", "alice")
        world.peer("example.net")
        world.network.stop_listening(world.address_of("example.net"), 25)
        for _ in range(5):
            await org.submit(ALICE, LETTER, CAROL)
        await world.until(org.all_ended)
        rows = await org.rows()
        assert {row.state.value for row in rows} == {"expired"}
        assert all("refused" in row.reply for row in rows), rows[0].reply
        assert len(await org.mail(ALICE)) == 10  # each message has its sender's warning and report

    in_world(work)


def test_the_report_goes_to_a_sender_elsewhere() -> None:
    """Dave wrote to an alias of ours that leads to a server which refuses."""

    async def work(world: World) -> None:
        com = await world.pillarbox("example.com", "dave")
        org = await world.pillarbox("example.org", "alice", aliases={"fred": [CAROL]})
        world.peer("example.net", Script(answers={"RCPT": "550 5.1.1 nobody of that name"}))
        await com.submit(DAVE, letter(From=DAVE), "fred@example.org")
        await world.until(lambda: com.mail(DAVE))
        (octets,) = await com.mail(DAVE)
        message, words, fields = parts(octets)
        assert message["Return-Path"] == "<>"
        assert message["From"] == "Mail delivery <postmaster@mx.example.org>"
        assert "There is no such mailbox" in words
        assert fields["Final-Recipient"] == "rfc822; carol@example.net"
        assert fields["Status"] == "5.1.1"
        # It comes with the null sender from a server whose HELO name has an SPF record.
        found = told(octets, "mx.example.com")
        assert (found["spf"], found["dmarc"]) == ({"pass"}, {"pass"})
        await world.until(org.all_ended)
        assert await org.mail(ALICE) == []

    in_world(work)


def test_a_sender_elsewhere_hears_of_the_delay_and_of_the_end() -> None:
    async def work(world: World) -> None:
        com = await world.pillarbox("example.com", "dave")
        org = await world.pillarbox("example.org", "alice", aliases={"fred": [CAROL]})
        world.peer("example.net", Script(answers={"RCPT": FULL}))
        await com.submit(DAVE, letter(From=DAVE), "fred@example.org")
        await world.run(5 * DAY + HOUR)
        assert await org.states() == {CAROL: "expired"} | dict.fromkeys([DAVE], "relayed")
        found = [parts(octets) for octets in await com.mail(DAVE)]
        assert [fields["Action"] for _, _, fields in found] == ["delayed", "failed"]
        assert [fields["Final-Recipient"] for _, _, fields in found] == [f"rfc822; {CAROL}"] * 2

    in_world(work)


def test_nobody_answers_for_the_null_sender() -> None:
    async def work(world: World) -> None:
        org = await world.pillarbox("example.org", "alice", aliases={"fred": [CAROL]})
        world.peer("example.net", Script(answers={"RCPT": "550 5.1.1 nobody"}))
        world.resolver.records["client.example.com"] = {"A": ["198.51.100.7"]}
        await world.hand_over(org, letter(From="daemon@client.example.com"), "fred@example.org",
                              sender="")  # fmt: skip
        await world.until(org.all_ended)
        await world.run(6 * DAY)
        assert await org.states() == {CAROL: "failed"}
        way = await org.trace(CAROL)
        assert "will not take it for <carol@example.net>: 550 5.1.1 nobody" in way
        assert "report" not in way

    in_world(work)


def test_a_report_that_cannot_be_delivered_vanishes_with_a_trace() -> None:
    async def work(world: World) -> None:
        org = await world.pillarbox("example.org", "alice", aliases={"fred": [CAROL]})
        world.peer("example.net", Script(answers={"RCPT": "550 5.1.1 nobody"}))
        sender = world.peer("example.com", Script(answers={"RCPT": "550 5.7.1 go away"}))
        (reply,) = await world.hand_over(
            org, letter(From=DAVE), "fred@example.org", sender=DAVE, address="198.51.100.7"
        )
        assert reply.startswith("250")
        await world.run(6 * DAY)
        assert await org.all_ended()
        assert await org.states() == {CAROL: "failed", DAVE: "failed"}
        (mail,) = [line for line in sender.seen if line.startswith("MAIL")]
        assert mail.startswith("MAIL FROM:<> ")
        way = await org.trace(DAVE)
        assert "A report (failed) was written to <srs0=" in way
        assert "will not take it for <dave@example.com>: 550 5.7.1 go away" in way
        assert await org.mail(ALICE) == []

    in_world(work)


def test_two_of_ours_greylist_and_are_patient() -> None:
    async def work(world: World) -> None:
        org = await world.pillarbox("example.org", "alice")
        grey = TrustSettings(greylist=GreylistSettings(enabled=True))
        net = await world.pillarbox("example.net", "carol", trust=grey)
        await org.submit(ALICE, LETTER, CAROL)
        await world.until(lambda: net.mail(CAROL))
        first, *_, last = world.calls["example.net"]
        assert first == 0
        assert GreylistSettings().delay_seconds <= last <= 10 * MINUTE
        # Who came through is known: the next message waits for nothing.
        await org.submit(ALICE, LETTER, CAROL)
        await world.settle()
        assert len(await net.mail(CAROL)) == 2

    in_world(work)


def test_a_greylisting_stranger() -> None:
    async def work(world: World) -> None:
        org = await world.pillarbox("example.org", "alice")
        waits = ["451 4.7.1 greylisted, come again", "250 2.1.5 ok"]
        peer = world.peer("example.net", Script(offers=("PIPELINING",), answers={"RCPT": waits}))
        await org.submit(ALICE, LETTER, CAROL)
        await world.until(org.all_ended)
        assert world.calls["example.net"] == [0, 2 * MINUTE]
        assert len([one for one in peer.messages if one]) == 1
        assert await org.mail(ALICE) == []

    in_world(work)
