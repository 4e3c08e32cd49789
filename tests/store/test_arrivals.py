"""The order of arrival, kept and brought up to date, is the one that is read anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pillarbox.ids import MAX_UID, MailboxId, MessageId, ModSeq, Uid
from pillarbox.store.database import Reader
from pillarbox.store.model import Flag, FlagChange
from pillarbox.store.search import arrivals as module
from pillarbox.store.search.arrivals import Arrivals, KeptArrivals, arrivals
from pillarbox.store.search.changed import are_many
from pillarbox.store.sql import mailboxes, messages
from pillarbox.store.sql.changes import account_modseq
from support.email_oracle import Post
from support.jmap_bench import JmapBox
from support.store_box import Box


async def as_kept(box: Box, kept: KeptArrivals, mailbox: MailboxId | None = None) -> Arrivals:
    found = await box.store.read(lambda db: arrivals(db, kept, (box.alice.id, mailbox)))
    assert found is not None
    return found


async def plainly(box: Box, mailbox: MailboxId | None) -> list[tuple[int, int]]:
    """Message and thread, by the rows of the places that are shown."""

    async def read(db: Reader) -> list[tuple[int, int]]:
        rows = await db.rows(
            """
            SELECT DISTINCT received_at, message_id, thread_id FROM placement
            WHERE account_id = ?1 AND flags & 8 = 0 AND (?2 = 0 OR mailbox_id = ?2)
            """,
            (box.alice.id, mailbox or 0),
        )
        return [(message, thread) for _, message, thread in sorted(rows)]

    return await box.store.read(read)


@pytest.mark.parametrize("spliced", [1, 16, 10_000], ids=["all", "some", "each"])
@pytest.mark.parametrize("seed", range(4))
async def test_what_changed_is_put_in(
    tmp_path: Path, seed: int, spliced: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Arrivals, moves, copies, ends, \\Deleted given and taken, mailboxes that go."""
    monkeypatch.setattr(module, "_SPLICED", spliced)
    real, read, asked = module._read, 0, 0

    async def counting(*given: Any) -> Arrivals:
        nonlocal read
        read += 1
        return await real(*given)

    monkeypatch.setattr(module, "_read", counting)
    async with JmapBox(tmp_path) as box:
        kept = KeptArrivals()
        post = Post(box, seed)
        await post.begin()
        for step in range(70):
            await (post.receive() if step < 20 or step % 3 == 0 else post.change())
            if step % 4 == 3:
                continue  # several changes at once
            for mailbox in (None, *post.boxes):
                found = await as_kept(box, kept, mailbox)
                asked += 1
                pairs = list(zip(found.messages, found.threads, strict=True))
                assert pairs == await plainly(box, mailbox), (step, mailbox)
    assert read < asked / 5


async def test_of_an_account_only_what_a_known_mailbox_has_not_is_read(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = await box.create("Other")
    uids = await box.fill(5)
    first = await box.append(mailbox=other.id)
    await box.store.write(
        lambda tx: messages.copy(tx, box.alice.id, box.inbox.id, uids[:2], other.id)
    )
    kept = KeptArrivals()
    await as_kept(box, kept, box.inbox.id)
    read: list[int] = []
    real = module._of_places

    async def noting(*asked: Any) -> dict[int, int]:
        found = await real(*asked)
        read.append(len(found))
        return found

    monkeypatch.setattr(module, "_of_places", noting)
    whole = await as_kept(box, kept)
    assert read == [3]
    assert list(zip(whole.messages, whole.threads, strict=True)) == await plainly(box, None)
    assert first.message in whole.messages


async def test_odd_dates_are_told_and_later_no_more(box: Box) -> None:
    kept = KeptArrivals()
    await box.append()
    assert len((await as_kept(box, kept)).keys) == 1
    odd = await box.append(received_at=2**40)
    scope = (box.alice.id, None)
    assert await box.store.read(lambda db: arrivals(db, kept, scope)) is None
    assert kept.find(scope) is None
    await box.store.write(
        lambda tx: messages.expunge(tx, box.alice.id, box.inbox.id, [odd.uid], force=True)
    )
    assert list((await as_kept(box, kept)).messages) == [MessageId(1)]


async def test_an_older_snapshot_takes_nothing_from_a_later_one(box: Box) -> None:
    kept = KeptArrivals()
    await box.append()
    old = await as_kept(box, kept)
    await box.append()
    new = await as_kept(box, kept)
    kept.keep((box.alice.id, None), old, old.modseq, len(old.keys))
    assert kept.find((box.alice.id, None)) is new


async def test_of_mailboxes_that_are_not_there_nothing_is_kept(tmp_path: Path) -> None:
    async with JmapBox(tmp_path) as box:
        await box.fill(2)
        kept = box.store._engine._kept.arrivals  # type: ignore[attr-defined]
        for number in range(1000, 1040):
            there = await box.call("Email/query", filter={"inMailbox": f"F{number}"})
            assert there["ids"] == []
        assert len(kept) == 0


async def test_of_a_mailbox_that_went_nothing_is_kept(box: Box) -> None:
    kept = KeptArrivals()
    other = await box.create("Other")
    await box.fill(3, other.id)
    assert len((await as_kept(box, kept, other.id)).keys) == 3
    await box.store.write(lambda tx: mailboxes.delete(tx, box.alice.id, "Other"))
    assert len((await as_kept(box, kept, other.id)).keys) == 0
    assert len(kept) == 0


async def mark_read(box: Box, uids: list[Uid]) -> None:
    await box.store.write(
        lambda tx: messages.store_flags(
            tx, box.alice.id, box.inbox.id, uids, FlagChange.ADD, Flag.SEEN, ""
        )
    )


async def expunge(box: Box, mailbox: MailboxId, uids: list[Uid]) -> None:
    await box.store.write(lambda tx: messages.expunge(tx, box.alice.id, mailbox, uids, force=True))


async def not_asked(*_: Any) -> Any:
    raise AssertionError("This is not to be asked for.")


async def test_where_nothing_changed_in_a_mailbox_nothing_is_read(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = KeptArrivals()
    other = await box.create("Other")
    await box.fill(3, other.id)
    before = await as_kept(box, kept, other.id)
    await mark_read(box, await box.fill(5))
    for question in ("changed_since", "are_many", "_of_places"):
        monkeypatch.setattr(module, question, not_asked)
    now = await as_kept(box, kept, other.id)
    assert now.modseq > before.modseq
    assert now.keys is before.keys


@pytest.mark.parametrize("gone", [False, True], ids=["flags", "tombstones"])
async def test_where_much_changed_it_is_read_anew(
    box: Box, gone: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = KeptArrivals()
    uids = await box.fill(8)
    for mailbox in (None, box.inbox.id):
        await as_kept(box, kept, mailbox)
    await (expunge(box, box.inbox.id, uids[:6]) if gone else mark_read(box, uids[:6]))
    monkeypatch.setattr(module, "_FEW", 5)
    monkeypatch.setattr(module, "changed_since", not_asked)
    for mailbox in (None, box.inbox.id):
        found = await as_kept(box, kept, mailbox)
        pairs = list(zip(found.messages, found.threads, strict=True))
        assert pairs == await plainly(box, mailbox)
        assert len(pairs) == (2 if gone else 8)


async def test_no_more_changes_are_counted_than_wanted(box: Box) -> None:
    other = await box.create("Other")
    await box.fill(2, other.id)
    uids = await box.fill(6)
    since = await box.store.read(lambda db: account_modseq(db, box.alice.id))

    async def many(most: int, since: ModSeq = since) -> bool:
        return await box.store.read(lambda db: are_many(db, box.alice.id, since, most))

    assert not await many(0)
    await mark_read(box, uids[:3])
    assert [await many(most) for most in (1, 2, 3)] == [True, True, False]
    await expunge(box, box.inbox.id, uids[2:4])  # one was read, one was not: four places
    assert [await many(most) for most in (3, 4)] == [True, False]
    await box.store.write(lambda tx: mailboxes.delete(tx, box.alice.id, "Other"))
    assert [await many(most) for most in (5, 6)] == [True, False]


async def test_a_mailbox_whose_uids_ran_out(box: Box) -> None:
    """It has another id, and the old one has no tombstones."""
    kept = KeptArrivals()
    await box.fill(4)
    old = box.inbox.id
    await as_kept(box, kept, old)
    await box.store.write(
        lambda tx: tx.run(
            "UPDATE mailbox SET uid_next = ? WHERE account_id = ? AND mailbox_id = ?",
            (MAX_UID, box.alice.id, old),
        )
    )
    await box.append()
    new = (await box.mailbox("INBOX")).id
    assert new != old
    for gone in (0, 2):
        await expunge(box, new, [Uid(uid) for uid in range(1, gone + 1)])
        assert len((await as_kept(box, kept, old)).keys) == 0
        for mailbox in (None, new):
            found = await as_kept(box, kept, mailbox)
            pairs = list(zip(found.messages, found.threads, strict=True))
            assert pairs == await plainly(box, mailbox)
            assert len(pairs) == 5 - gone
