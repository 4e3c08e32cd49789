"""The change log and the feed."""

from __future__ import annotations

import asyncio

from pillarbox.ids import ModSeq
from pillarbox.store.model import Flag, FlagChange
from pillarbox.store.sql import changes, messages
from support.store_box import Box


async def test_since_any_earlier_state_is_exactly_the_difference(box: Box) -> None:
    """Every state that was ever seen leads to the present one by its changes."""
    states = [((await box.account()).modseq, {p.uid: p for p in await box.placed()})]

    async def note() -> None:
        states.append(((await box.account()).modseq, {p.uid: p for p in await box.placed()}))

    sent = await box.mailbox("Sent")
    await box.fill(5)
    await note()
    await box.flag([1, 2], FlagChange.ADD, int(Flag.SEEN))
    await note()
    await box.store.write(lambda tx: messages.move(tx, box.alice.id, box.inbox.id, [2, 3], sent.id))
    await note()
    await box.append()
    await box.flag([1, 6], FlagChange.ADD, int(Flag.DELETED))
    await note()
    await box.store.write(lambda tx: messages.expunge(tx, box.alice.id, box.inbox.id))
    await note()
    await box.store.write(lambda tx: messages.move(tx, box.alice.id, sent.id, [1], box.inbox.id))
    await note()
    now = states[-1][1]
    for modseq, state in states:
        found = await box.since(modseq)
        reached = dict(state)
        for gone in found.expunged:
            reached.pop(gone.uid, None)
        reached.update({placed.uid: placed for placed in found.placed})
        assert reached == now
        assert all(one.modseq > modseq for one in (*found.placed, *found.expunged))
        assert found.upto == (await box.mailbox("INBOX")).modseq
        uids = [placed.uid for placed in found.placed]
        assert uids == sorted(uids)


async def test_an_unchanged_mailbox_costs_one_row(box: Box) -> None:
    await box.fill(2)
    found = await box.since((await box.account()).modseq)
    assert (found.placed, found.expunged, found.exists) == ([], [], True)


async def test_account_modseq(box: Box) -> None:
    done = await box.append()
    assert await box.store.read(lambda db: changes.account_modseq(db, box.alice.id)) == done.modseq


async def test_watchers_hear_of_commits_of_their_account(box: Box) -> None:
    bob = await box.new_account("bob@example.org")
    heard: list[ModSeq] = []
    others: list[ModSeq] = []
    subscription = box.store.feed.subscribe(box.alice.id, heard.append)
    box.store.feed.subscribe(bob.id, others.append)
    done = await box.append()
    await asyncio.sleep(0)
    assert heard == [done.modseq]
    assert others == []
    subscription.cancel()
    subscription.cancel()
    await box.append()
    await asyncio.sleep(0)
    assert heard == [done.modseq]


async def test_a_failed_write_wakes_nobody(box: Box) -> None:
    heard: list[ModSeq] = []
    box.store.feed.subscribe(box.alice.id, heard.append)

    async def fail(tx: object) -> None:
        await messages.expunge(tx, box.alice.id, box.inbox.id)  # type: ignore[arg-type]
        tx.changed(box.alice.id, ModSeq(99))  # type: ignore[attr-defined]
        raise RuntimeError("no")

    for _ in range(2):
        try:
            await box.store.write(fail)
        except RuntimeError:
            continue
    await asyncio.sleep(0.01)
    assert heard == []


async def test_one_watchers_bug_leaves_no_other_asleep(box: Box) -> None:
    heard: list[ModSeq] = []

    def bug(_: ModSeq) -> None:
        raise ZeroDivisionError

    box.store.feed.subscribe(box.alice.id, bug)
    box.store.feed.subscribe(box.alice.id, heard.append)
    done = await box.append()
    assert heard == [done.modseq]


async def test_another_process_is_heard(box: Box) -> None:
    """Two stores on one folder are what two processes have."""
    other = Box(box.folder)
    async with other:
        heard = asyncio.Event()
        other.store.feed.subscribe(box.alice.id, lambda _: heard.set())
        done = await box.append()
        await asyncio.wait_for(heard.wait(), 60)
        assert [p.uid for p in await other.placed()] == [done.uid]


async def test_a_lost_wake_up_is_repaired_by_the_poll(box: Box) -> None:
    other = Box(box.folder)
    async with other:
        heard: list[ModSeq] = []
        other.store.feed.subscribe(box.alice.id, heard.append)
        for name in (box.folder / "data" / "run").iterdir():
            name.unlink()
        done = await box.append()
        assert done.modseq not in heard
        await other.clock.advance(2)
        assert done.modseq in heard


async def test_sockets_of_the_dead_are_cleared_away(box: Box) -> None:
    import socket

    run = box.folder / "data" / "run"
    dead = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    import os

    here = os.getcwd()
    os.chdir(run)
    try:
        dead.bind("1-dead.feed")
    finally:
        os.chdir(here)
    dead.close()
    await box.append()
    for _ in range(6000):
        if not (run / "1-dead.feed").exists():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("still there")
