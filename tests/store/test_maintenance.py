"""Retention, compaction, verify."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from pillarbox.errors import CannotCalculateChanges, Damaged, NoSuchMessage
from pillarbox.ids import Uid
from pillarbox.store import maintenance
from pillarbox.store import query as q
from pillarbox.store.blobs.segment import segment_numbers
from pillarbox.store.model import Flag, FlagChange
from pillarbox.store.sql import accounts, mailboxes, messages
from support.store_box import Box, letter

DAY = 86400


async def expunge(box: Box, *uids: int) -> None:
    wanted = [Uid(uid) for uid in uids]
    await box.store.write(
        lambda tx: messages.expunge(tx, box.alice.id, box.inbox.id, wanted, force=True)
    )


def blobs(box: Box) -> Path:
    return box.folder / "data" / "blobs"


async def test_expunged_messages_go_when_their_retention_ends(box: Box) -> None:
    first = await box.append(letter("one"))
    kept = await box.append(letter("two"))
    await box.store.index_now()
    before = (await box.account()).modseq
    await expunge(box, first.uid)
    await box.clock.advance(29 * DAY)
    assert (await box.store.maintain()).messages == 0
    assert await box.octets(first) == letter("one")
    assert [gone.uid for gone in (await box.since(before)).expunged] == [first.uid]
    await box.clock.advance(2 * DAY)
    done = await box.store.maintain()
    assert (done.messages, done.blobs) == (1, 1)
    with pytest.raises(NoSuchMessage):
        await box.octets(first)
    with pytest.raises(CannotCalculateChanges):
        await box.since(before)
    assert (await box.since(before + 1)).exists
    assert await box.octets(kept) == letter("two")
    report = await box.store.verify()
    assert (report.problems, report.documents) == ([], 1)


async def test_much_that_ends_at_once_ends_in_steps(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deliveries come between; each step leaves the store sound."""
    monkeypatch.setattr(maintenance, "TOMBSTONES_AT_ONCE", 2)
    uids = await box.fill(4)
    uids.append((await box.append(letter("gone", Message_ID="<gone@example.org>"))).uid)
    await box.append(letter("kept", Message_ID="<kept@example.org>"))
    await expunge(box, *uids[:3])
    await expunge(box, *uids[3:])
    await box.clock.advance(31 * DAY)
    done = await box.store.maintain()
    assert (done.tombstones_of, done.messages, done.blobs) == (1, 5, 5)
    report = await box.store.verify()
    assert (report.problems, report.messages) == ([], 1)
    left = (
        "SELECT (SELECT count(*) FROM expunged), (SELECT count(DISTINCT thread_id) FROM thread_ref)"
    )
    assert await box.store.read(lambda db: db.row(left)) == (0, 1)


async def test_a_message_that_is_still_placed_or_remembered_elsewhere_stays(box: Box) -> None:
    one, two = [await box.append(letter(name)) for name in ("one", "two")]
    sent = await box.mailbox("Sent")
    for uid in (one.uid, two.uid):
        await box.store.write(
            lambda tx, uid=uid: messages.move(tx, box.alice.id, box.inbox.id, [uid], sent.id)
        )
    await box.clock.advance(20 * DAY)
    await box.store.write(
        lambda tx: messages.expunge(tx, box.alice.id, sent.id, [Uid(2)], force=True)
    )
    await box.clock.advance(20 * DAY)
    assert (await box.store.maintain()).messages == 0
    assert await box.octets(one) == letter("one")
    assert await box.octets(two) == letter("two")
    await box.clock.advance(20 * DAY)
    assert (await box.store.maintain()).messages == 1
    assert await box.octets(one) == letter("one")


async def test_octets_in_use_by_another_account_stay(box: Box) -> None:
    bob = await box.new_account("bob@example.org")
    inbox = await box.mailbox("INBOX", bob.id)
    await box.append()
    await box.append(account=bob.id, mailbox=inbox.id)
    await box.store.write(lambda tx: accounts.remove(tx, bob.id))
    assert (await box.store.maintain()).blobs == 0
    await box.store.write(lambda tx: accounts.remove(tx, box.alice.id))
    assert (await box.store.maintain()).blobs == 1
    assert (await box.store.verify()).problems == []


async def test_mostly_dead_segments_are_compacted(box: Box) -> None:
    box.change_settings(segment_octets=20_000, retention_days=0)
    await box.reopen()
    raws = [letter(str(n), os.urandom(3000).hex()) for n in range(30)]
    done = [await box.append(raw) for raw in raws]
    before = len(segment_numbers(blobs(box)))
    assert before >= 4
    await expunge(box, *[one.uid for one in done if one.uid % 5])
    await box.clock.advance(1)
    await box.store.maintain()
    await box.reopen()  # closed: its last segment may be compacted, too
    await box.store.maintain()
    assert len(segment_numbers(blobs(box))) < before
    for one, raw in zip(done, raws, strict=True):
        if one.uid % 5 == 0:
            assert await box.octets(one) == raw
    report = await box.store.verify()
    assert (report.problems, report.blobs, report.finished) == ([], 6, True)


async def test_reading_goes_on_while_segments_move(box: Box) -> None:
    box.change_settings(segment_octets=20_000, segment_dead_percent=1, retention_days=0)
    await box.reopen()
    raw = letter("kept", os.urandom(3000).hex())
    kept = await box.append(raw)
    row = await box.store.read(lambda db: messages.get(db, box.alice.id, kept.message))
    content = box.store.content(row)
    assert await content.read(0, 10) == raw[:10]
    for n in range(8):
        await box.append(letter(str(n), os.urandom(3000).hex()))
    await expunge(box, 2, 3)
    await box.clock.advance(1)
    assert (await box.store.maintain()).segments >= 1
    assert await content.read(0, content.size) == raw
    await box.clock.advance(1)  # the slow poll lets go of deleted files
    assert await content.read(0, content.size) == raw


async def test_a_segment_nobody_refers_to_is_deleted_unless_in_use(box: Box) -> None:
    await box.append()
    stray = blobs(box) / "00000000.seg"
    stray.write_bytes(b"PBSEG001")
    assert (await box.store.maintain()).segments == 1
    assert not stray.exists()
    assert segment_numbers(blobs(box)) == [1]


async def plant_missing_blob(box: Box) -> None:
    await box.store.write(lambda tx: tx.run("DELETE FROM blob"))


async def plant_wrong_counter(box: Box) -> None:
    await box.store.write(lambda tx: tx.run("UPDATE mailbox SET unseen = unseen + 1"))


async def plant_wrong_quota(box: Box) -> None:
    await box.store.write(lambda tx: tx.run("UPDATE account SET used_octets = 1"))


async def plant_low_uid_next(box: Box) -> None:
    await box.store.write(lambda tx: tx.run("UPDATE mailbox SET uid_next = 1"))


async def plant_low_modseq(box: Box) -> None:
    await box.store.write(lambda tx: tx.run("UPDATE mailbox SET modseq = 1"))
    await box.store.write(lambda tx: tx.run("UPDATE account SET modseq = 0"))


async def plant_wrong_refs(box: Box) -> None:
    await box.store.write(lambda tx: tx.run("UPDATE blob SET refs = 7"))


async def plant_lost_message(box: Box) -> None:
    await box.store.write(lambda tx: tx.run("DELETE FROM message"))


async def plant_lost_mailbox(box: Box) -> None:
    await box.store.write(lambda tx: tx.run("DELETE FROM mailbox WHERE path = 'INBOX'"))


async def plant_flipped_octet(box: Box) -> None:
    flip(blobs(box) / "00000001.seg", -3)


async def plant_torn_segment(box: Box) -> None:
    path = blobs(box) / "00000001.seg"
    os.truncate(path, path.stat().st_size - 5)


async def plant_deleted_segment(box: Box) -> None:
    (blobs(box) / "00000001.seg").unlink()


async def plant_wrong_document(box: Box) -> None:
    import apsw

    connection = apsw.Connection(str(box.folder / "data" / "search.db"))
    connection.execute("UPDATE document SET body = head WHERE number & 1")
    connection.close()


def flip(path: Path, at: int) -> None:
    octets = bytearray(path.read_bytes())
    octets[at] ^= 1
    path.write_bytes(octets)


@pytest.mark.parametrize(
    ("plant", "word"),
    [
        (plant_missing_blob, "no stored octets"),
        (plant_wrong_counter, "counts 3 messages, 4 unseen"),
        (plant_wrong_quota, "counts 1 octets"),
        (plant_low_uid_next, "give out a UID again"),
        (plant_low_modseq, "has a higher one"),
        (plant_wrong_refs, "counted as used 7 times"),
        (plant_lost_message, "has no message"),
        (plant_lost_mailbox, "which does not exist"),
        (plant_flipped_octet, "cannot be read"),
        (plant_torn_segment, "cannot be read"),
        (plant_deleted_segment, "cannot be read"),
        (plant_wrong_document, "search index is wrong"),
    ],
)
async def test_verify_finds_planted_damage(box: Box, plant: object, word: str) -> None:
    await box.fill(3)
    await box.store.index_now()
    assert (await box.store.verify()).problems == []
    await plant(box)  # type: ignore[operator]
    await box.reopen() if plant is plant_deleted_segment else None
    problems = (await box.store.verify()).problems
    assert any(word in problem for problem in problems), problems


async def test_verify_tells_its_progress_and_can_be_stopped(box: Box) -> None:
    await box.fill(450)
    told: list[tuple[int, int]] = []
    report = await box.store.verify(lambda done, of: told.append((done, of)))
    assert report.blobs == report.messages == 450
    assert told == sorted(told)
    assert told[-1][1] == 900
    task = asyncio.ensure_future(box.store.verify())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await box.append()


async def test_damage_is_an_error_of_its_own_when_read(box: Box) -> None:
    done = await box.append()
    flip(blobs(box) / "00000001.seg", -3)
    with pytest.raises(Damaged):
        await box.octets(done)
    query = q.Contains(q.Field.BODY, "words")
    assert await box.store.search(box.alice.id, box.inbox.id, query) == []


async def test_a_deleted_mailbox_frees_what_it_held(box: Box) -> None:
    box.change_settings(retention_days=0)
    await box.reopen()
    box.inbox = await box.create("work")
    await box.fill(3)
    await box.flag([Uid(1)], FlagChange.ADD, int(Flag.SEEN))
    await box.store.write(lambda tx: mailboxes.delete(tx, box.alice.id, "work"))
    assert (await box.account()).used_messages == 0
    await box.clock.advance(1)
    assert (await box.store.maintain()).messages == 3
    assert (await box.store.verify()).problems == []
