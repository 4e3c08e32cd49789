"""The sending loop: what is sent when, what comes of each answer, and how it ends."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from pillarbox.clock import unix_seconds
from pillarbox.config.queue import QueueSettings
from pillarbox.flow.outbound.outcome import Kind
from pillarbox.flow.queue.reporter import Reporter
from pillarbox.store.model import QueuedRecipient
from pillarbox.store.model import RecipientState as State
from pillarbox.store.sql import queue
from pillarbox.store.sql.queue_reports import Unreported
from support.queue_bench import (
    FakeBouncer,
    FakeSender,
    addresses,
    all_ended,
    message,
    outcome,
    put,
    rows,
    until,
    worker,
)
from support.store_box import Box

MINUTE, HOUR, DAY = 60, 3600, 86_400


async def test_new_mail_goes_at_once(box: Box) -> None:
    sender = FakeSender()
    loop = worker(box.store, box.clock, sender)
    loop.start()
    await asyncio.sleep(0.05)
    number = (await put(box.store, message("a@x.example", "b@x.example", "c@y.example")))[0]
    await until(lambda: all_ended(box.store))  # the clock never moved
    assert sorted(sender.sends) == [("x.example", 1), ("y.example", 1)]
    found = await rows(box.store)
    assert [one.state for one in found] == [State.RELAYED] * 3
    assert {one.reply for one in found} == {"250 OK"}
    assert {one.queued for one in found} == {number}
    assert found[0].finished_at == found[0].tried_at
    assert found[0].due_at is None
    assert not any(one.uncertain or one.sending for one in found)
    await loop.drain(1)


async def test_each_answer_has_its_state(box: Box) -> None:
    kinds = {"a": Kind.RELAYED, "b": Kind.FAILED, "c": Kind.LATER, "d": Kind.DELIVERED}

    async def answer(_message, recipient):  # type: ignore[no-untyped-def]
        kind = kinds[recipient.forward_path[0]]
        return outcome(recipient, kind, "said\nso", status="5.1.1", remote_mta="mx.x.example")

    loop = worker(box.store, box.clock, FakeSender(answer))
    loop.start()
    await put(box.store, message(*(f"{who}@x.example" for who in kinds)))

    async def tried() -> bool:
        return all(one.attempts for one in await rows(box.store))

    await until(tried)
    found = {one.forward_path[0]: one for one in await rows(box.store)}
    states = {who: one.state for who, one in found.items()}
    assert states == {
        "a": State.RELAYED,
        "b": State.FAILED,
        "c": State.WAITING,
        "d": State.DELIVERED,
    }
    assert found["b"].report == "failed"
    assert (found["b"].reply, found["b"].status) == ("said\nso", "5.1.1")
    assert found["c"].due_at == int(box.clock.now().timestamp()) + 2 * MINUTE
    await loop.drain(1)


async def test_five_days_then_one_report(box: Box) -> None:
    async def answer(_message, recipient):  # type: ignore[no-untyped-def]
        attempts.append(int(box.clock.now().timestamp()) - start)
        return outcome(recipient, Kind.LATER, "451 busy")

    start = int(box.clock.now().timestamp())
    attempts: list[int] = []
    bouncer = FakeBouncer()
    settings = QueueSettings()
    reporter = Reporter(box.store, bouncer, settings, box.clock)
    loop = worker(box.store, box.clock, FakeSender(answer), reporter=reporter)
    loop.start()
    reporter.start()
    number = (await put(box.store, message("a@x.example")))[0]

    async def tried_once() -> bool:
        return len(attempts) == 1 and not (await rows(box.store))[0].sending

    await until(tried_once)
    while not await all_ended(box.store):
        known = len(attempts)
        due = (await rows(box.store))[0].due_at
        assert due is not None
        await box.clock.advance(due - int(box.clock.now().timestamp()) + 1)

        async def tried_or_over(known: int = known) -> bool:
            return len(attempts) > known and not (await rows(box.store))[0].sending

        await until(tried_or_over)
    assert len(attempts) == 37
    assert attempts[-1] >= 5 * DAY
    await box.clock.advance(2 * MINUTE)
    await until(lambda: len(bouncer.told) == 2)
    assert bouncer.told == [
        (number, (("a@x.example", "delayed"),)),
        (number, (("a@x.example", "expired"),)),
    ]
    row = (await rows(box.store))[0]
    assert (row.state, row.reply, row.attempts) == (State.EXPIRED, "451 busy", 37)
    await loop.drain(1)
    await reporter.stop()


async def test_a_dead_destination_costs_one_attempt_at_a_time(box: Box) -> None:
    async def answer(_message, recipient):  # type: ignore[no-untyped-def]
        if recipient.domain == "dead.example":
            return outcome(recipient, Kind.LATER, "no route", whole_destination=True)
        return outcome(recipient)

    sender = FakeSender(answer, lanes=1)
    loop = worker(box.store, box.clock, sender, messages_per_send=5)
    dead = [message(f"u{n}@dead.example") for n in range(300)]
    alive = [message(f"u{n}@d{n}.example") for n in range(50)]
    await put(box.store, *dead, *alive)
    loop.start()
    await until(lambda: len(sender.accepted) == 50)

    async def settled() -> bool:
        return not any(one.sending for one in await rows(box.store))

    await until(settled)
    tried = [one for one in await rows(box.store, domain="dead.example") if one.attempts]
    assert 1 <= len(tried) <= 10  # at most the chunk under way and the next, of 300
    sends = len(sender.sends)
    await box.clock.advance(30)  # the pause is a minute
    await put(box.store, message("new@dead.example"))
    await asyncio.sleep(0.05)
    assert len(sender.sends) == sends
    await box.clock.advance(31)
    await until(lambda: len(sender.sends) > sends)
    assert sender.sends[-1][0] == "dead.example"
    await loop.drain(1)


@pytest.mark.timed
async def test_a_destination_that_comes_back(box: Box) -> None:
    dead = True

    async def answer(_message, recipient):  # type: ignore[no-untyped-def]
        if dead:
            return outcome(recipient, Kind.LATER, "no route", whole_destination=True)
        return outcome(recipient)

    sender = FakeSender(answer)
    loop = worker(box.store, box.clock, sender)
    await put(box.store, *(message(f"u{n}@x.example") for n in range(30)))
    loop.start()
    await until(lambda: len(sender.sends) >= 1)
    await asyncio.sleep(0.05)
    dead = False
    for _ in range(5):
        await box.clock.advance(MINUTE)
        await asyncio.sleep(0.03)
    await until(lambda: all_ended(box.store))
    assert max(sender.accepted.values()) == 1
    stopped = await box.store.read(lambda db: db.rows("SELECT * FROM queue_lane"))
    assert stopped == []
    await loop.drain(1)


async def test_a_hold_ends_by_itself(box: Box) -> None:
    release_at = int(box.clock.now().timestamp()) + HOUR
    sender = FakeSender()
    loop = worker(box.store, box.clock, sender)
    loop.start()
    await put(box.store, message("a@x.example", release_at=release_at))
    await asyncio.sleep(0.05)
    assert [one.state for one in await rows(box.store)] == [State.HELD]
    for _ in range(59):
        await box.clock.advance(MINUTE)
    await asyncio.sleep(0.02)
    assert sender.sends == []
    await box.clock.advance(MINUTE + 1)
    await until(lambda: all_ended(box.store))
    await loop.drain(1)


async def test_after_a_long_hold_there_are_still_five_days(box: Box) -> None:
    async def answer(_message, recipient):  # type: ignore[no-untyped-def]
        return outcome(recipient, Kind.LATER, "451 busy")

    days = 20 * DAY
    release_at = int(box.clock.now().timestamp()) + days
    reporter = Reporter(box.store, FakeBouncer(), QueueSettings(), box.clock)
    held = message("a@x.example", release_at=release_at, hold=f"for;{days}")
    await put(box.store, held)
    await box.clock.advance(days + 1)
    sender = FakeSender(answer)
    loop = worker(box.store, box.clock, sender)
    loop.start()

    async def tried() -> bool:
        return (await rows(box.store))[0].attempts == 1

    await until(tried)
    assert [(one.state, one.report) for one in await rows(box.store)] == [(State.WAITING, "")]
    await loop.drain(1)
    assert await reporter.sweep() == (0, 0)
    await box.clock.advance(4 * HOUR)
    assert await reporter.sweep() == (0, 1)
    await box.clock.advance(5 * DAY)
    assert await reporter.sweep() == (1, 0)


async def test_drain_gives_back_what_was_not_sent(box: Box) -> None:
    gate = asyncio.Event()

    async def answer(_message, recipient):  # type: ignore[no-untyped-def]
        await gate.wait()
        return outcome(recipient)

    sender = FakeSender(answer, lanes=1)
    loop = worker(box.store, box.clock, sender, messages_per_send=2)
    await put(box.store, *(message(one) for one in addresses(100, 1)))
    loop.start()
    await until(lambda: len(sender.sends) == 1)
    ending = asyncio.create_task(loop.drain(60))
    await asyncio.sleep(0.02)
    gate.set()
    await ending
    found = await rows(box.store)
    assert sum(one.state is State.RELAYED for one in found) == 2
    assert not any(one.sending or one.uncertain for one in found)
    assert sum(one.state is State.WAITING and one.attempts == 0 for one in found) == 98


async def test_drain_gives_back_what_is_just_being_marked(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    marking, gate = asyncio.Event(), asyncio.Event()
    write = box.store.write

    async def slow(work, **more):  # type: ignore[no-untyped-def]
        done = await write(work, **more)
        if isinstance(work, partial) and work.keywords["wanted"].start:
            marking.set()
            await gate.wait()
        return done

    monkeypatch.setattr(box.store, "write", slow)
    sender = FakeSender()
    loop = worker(box.store, box.clock, sender)
    await put(box.store, message("a@x.example"))
    loop.start()
    await marking.wait()
    ending = asyncio.create_task(loop.drain(60))
    await asyncio.sleep(0.02)
    gate.set()
    await ending
    (row,) = await rows(box.store)
    assert not sender.sends
    assert (row.state, row.attempts, row.sending) == (State.WAITING, 0, False)
    assert row.due_at == unix_seconds(box.clock.now())


@pytest.mark.timed
@pytest.mark.parametrize("in_doubt", [False, True])
async def test_what_is_cut_off(box: Box, in_doubt: bool) -> None:
    """Only what the sender is in doubt about says so; the rest was not tried."""

    class Cut(FakeSender):
        async def send(self, destination, jobs, report):  # type: ignore[no-untyped-def]
            self.sends.append((destination.key, len(jobs)))
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if in_doubt:
                    first = jobs[0].recipients[0]
                    await report([outcome(first, Kind.LATER, "broken off", uncertain=True)])
                raise

    sender = Cut()
    loop = worker(box.store, box.clock, sender)
    await put(box.store, message("a@x.example"), message("b@x.example"))
    loop.start()
    await until(lambda: sum(count for _, count in sender.sends) == 2)
    ending = asyncio.create_task(loop.drain(5))
    await asyncio.sleep(0.02)
    await box.clock.advance(6)
    await ending
    first, second = await rows(box.store)
    untried = (State.WAITING, False, 0, False)
    said = [(one.state, one.uncertain, one.attempts, one.sending) for one in (first, second)]
    assert said == [(State.WAITING, True, 1, False) if in_doubt else untried, untried]


async def test_a_sender_with_a_bug_loses_nothing(box: Box) -> None:
    async def answer(_message, recipient):  # type: ignore[no-untyped-def]
        raise ValueError("a bug")

    loop = worker(box.store, box.clock, FakeSender(answer))
    await put(box.store, message("a@x.example"))
    loop.start()

    async def tried() -> bool:
        return (await rows(box.store))[0].attempts == 1

    await until(tried)
    (row,) = await rows(box.store)
    assert (row.state, row.due_at is not None) == (State.WAITING, True)
    await loop.drain(1)


async def test_a_lease_is_renewed(box: Box) -> None:
    gate = asyncio.Event()

    async def answer(_message, recipient):  # type: ignore[no-untyped-def]
        await gate.wait()
        return outcome(recipient)

    slow, other = FakeSender(answer), FakeSender()
    await put(box.store, message("a@x.example"))
    one = worker(box.store, box.clock, slow)
    one.start()
    await until(lambda: bool(slow.sends))
    two = worker(box.store, box.clock, other, name="w2")
    two.start()

    async def lasts() -> bool:
        (row,) = await rows(box.store)
        assert row.due_at is not None
        return row.due_at - unix_seconds(box.clock.now()) > 15

    for _ in range(60):
        await box.clock.advance(10)
        await until(lasts)
    assert other.sends == []
    gate.set()
    await until(lambda: all_ended(box.store))
    await asyncio.gather(one.drain(1), two.drain(1))


async def test_one_report_for_all_recipients(box: Box) -> None:
    async def answer(_message, recipient):  # type: ignore[no-untyped-def]
        if recipient.domain == "slow.example":
            await gate.wait()
        kind = Kind.RELAYED if "@ok" in recipient.forward_path else Kind.FAILED
        return outcome(recipient, kind)

    gate = asyncio.Event()
    bouncer = FakeBouncer()
    reporter = Reporter(box.store, bouncer, QueueSettings(), box.clock)
    loop = worker(box.store, box.clock, FakeSender(answer), reporter=reporter)
    reporter.start()
    loop.start()
    quiet = QueuedRecipient("n@x.example", "NEVER")
    asked = QueuedRecipient("s@ok.example", "SUCCESS")
    plain = ("a@x.example", "b@y.example", "c@slow.example", "d@ok.example")
    await put(box.store, message(*plain, quiet, asked))  # type: ignore[arg-type]
    await put(box.store, message("e@x.example", sender=""))
    await asyncio.sleep(0.05)
    assert bouncer.told == []  # slow.example is in its first attempt
    gate.set()
    await until(lambda: bool(bouncer.told))
    assert bouncer.told == [
        (
            1,
            (
                ("a@x.example", "failed"),
                ("b@y.example", "failed"),
                ("c@slow.example", "failed"),
                ("s@ok.example", "relayed"),
            ),
        )
    ]

    async def nothing_left() -> bool:  # the report is told of within the write that clears it
        return not any(one.report for one in await rows(box.store))

    await until(nothing_left)
    await loop.drain(1)
    await reporter.stop()


async def test_reports_that_cannot_be_made_keep_no_others(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Choosy(FakeBouncer):
        async def prepare(self, told: Unreported):  # type: ignore[no-untyped-def]
            if told.recipients[0].domain == "bad.example":
                raise ZeroDivisionError
            return await super().prepare(told)

    monkeypatch.setattr("pillarbox.flow.queue.reporter.AT_ONCE", 2)
    bouncer = Choosy()
    reporter = Reporter(box.store, bouncer, QueueSettings(), box.clock)
    many = [f"{number}@bad.example" for number in range(5)]
    await put(box.store, *(message(one) for one in (*many, "a@good.example")))
    await box.clock.advance(4 * HOUR)
    assert await reporter.sweep() == (0, 6)
    assert await reporter.tell() == 1
    assert [told for _, told in bouncer.told] == [(("a@good.example", "delayed"),)]


async def test_what_is_never_tried_expires_too(box: Box) -> None:
    bouncer = FakeBouncer()
    reporter = Reporter(box.store, bouncer, QueueSettings(sweep_recipients=10), box.clock)
    await put(box.store, *(message(one) for one in addresses(25, 3)))
    await box.clock.advance(4 * HOUR)
    assert await reporter.sweep() == (0, 25)
    assert await reporter.sweep() == (0, 0)
    await box.clock.advance(5 * DAY)
    assert await reporter.sweep() == (25, 0)
    assert await reporter.tell() == 25
    assert {told for _, ((_, told),) in bouncer.told} == {"expired"}
    assert await reporter.tell() == 0


@pytest.mark.parametrize("keep", [0, 72])
async def test_finished_mail_is_kept_and_then_forgotten(box: Box, keep: int) -> None:
    loop = worker(box.store, box.clock, FakeSender())
    loop.start()
    await put(box.store, message("a@x.example"), message("b@x.example"))
    await until(lambda: all_ended(box.store))
    held = int(box.clock.now().timestamp()) + 30 * DAY
    await put(box.store, message("c@x.example", release_at=held))
    await loop.drain(1)
    await box.clock.advance(keep * HOUR + 1)
    before = int(box.clock.now().timestamp()) - keep * HOUR
    gone = await box.store.read(lambda db: queue.ended(db, before, 100))
    assert gone == [1, 2]
    assert await box.store.write(lambda tx: queue.forget(tx, gone)) == 2
    assert [one.forward_path for one in await rows(box.store)] == ["c@x.example"]
    assert (await box.store.verify()).problems == []
