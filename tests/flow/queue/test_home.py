"""Queued mail to our own people: copy and row end together, and each failure has its answer."""

from __future__ import annotations

from functools import partial

from pillarbox.accounts.directory import Directory
from pillarbox.flow.outbound.outcome import Job, Kind, Outcome
from pillarbox.flow.queue.home import HomeDelivery
from pillarbox.store.model import QueuedRecipient
from pillarbox.store.model import RecipientState as State
from pillarbox.store.sql import accounts, addresses, messages, queue_lease
from pillarbox.store.sql.queue_lease import Ask, Turn
from support.queue_bench import message, put, rows
from support.store_box import Box


async def leased(box: Box, *recipients: QueuedRecipient | str, mark: bool = True) -> Job:
    """A message whose recipients a worker has, marked as about to be sent."""
    await put(box.store, message(*recipients))  # type: ignore[arg-type]
    until = box.store.clock.now().timestamp() + 90
    ask = Turn(worker="w", until=int(until), ask=[Ask("example.org", 10)])
    turned = await box.store.write(partial(queue_lease.turn, wanted=ask))
    found = turned.leased
    if mark:
        start = Turn(
            worker="w",
            until=0,
            start=[(one.recipient.queued, one.recipient.number) for one in found],
        )
        await box.store.write(partial(queue_lease.turn, wanted=start))
    return Job(found[0].message, tuple(one.recipient for one in found))


def home(box: Box) -> HomeDelivery:
    directory = Directory(box.store)
    return HomeDelivery(box.store, directory, hostname="mail.example.org", clock=box.clock)


async def texts(box: Box) -> list[bytes]:
    placed = await box.placed()

    async def read(db):  # type: ignore[no-untyped-def]
        return await messages.get_many(db, box.alice.id, [one.message for one in placed])

    found = await box.store.read(read)
    return [await box.store.content(row).read(0, row.size) for row in found.values()]


async def deliver(box: Box, job: Job) -> list[Outcome]:
    return await home(box).deliver(job)


async def test_it_is_delivered_once(box: Box) -> None:
    await box.store.write(lambda tx: accounts.add_domain(tx, "example.org"))
    job = await leased(box, "alice@example.org")
    (outcome,) = await deliver(box, job)
    assert (outcome.kind, outcome.status) == (Kind.DELIVERED, "2.0.0")
    (text,) = await texts(box)
    assert text.startswith(
        b"Return-Path: <alice@example.org>\r\nDelivered-To: alice@example.org\r\n"
    )
    assert text.count(b"Received: ") == 2
    (row,) = await rows(box.store)
    assert (row.state, row.finished_at is not None) == (State.DELIVERED, True)
    # A worker that died right behind this commit: nobody delivers it again.
    assert await deliver(box, job) == []
    assert len(await texts(box)) == 1
    assert (await box.store.verify()).problems == []


async def test_what_is_not_marked_is_not_ours(box: Box) -> None:
    await box.store.write(lambda tx: accounts.add_domain(tx, "example.org"))
    job = await leased(box, "alice@example.org", mark=False)
    assert await deliver(box, job) == []
    assert await texts(box) == []


async def test_failures_have_their_answers(box: Box) -> None:
    await box.store.write(lambda tx: accounts.add_domain(tx, "example.org"))
    await box.new_account("full@example.org", quota_octets=1)
    job = await leased(box, "nobody@example.org", "full@example.org", "alice@example.org")
    found = await deliver(box, job)
    assert [(one.kind, one.status) for one in found] == [
        (Kind.FAILED, "5.1.1"),
        (Kind.LATER, "4.2.2"),
        (Kind.DELIVERED, "2.0.0"),
    ]
    assert len(await texts(box)) == 1


async def test_an_alias_that_leads_away_queues_anew(box: Box) -> None:
    await box.store.write(lambda tx: accounts.add_domain(tx, "example.org"))
    targets = ["alice@example.org", "far@example.net"]
    await box.store.write(partial(addresses.add_alias, address="all@example.org", targets=targets))
    job = await leased(box, QueuedRecipient("all@example.org", notify="SUCCESS"))
    (outcome,) = await deliver(box, job)
    assert (outcome.kind, outcome.sent_dsn) == (Kind.EXPANDED, True)
    assert [one.forward_path for one in await rows(box.store)] == [
        "all@example.org",
        "far@example.net",
    ]
