"""The order of arrival, kept and brought up to date, is the one that is read anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pillarbox.ids import MailboxId, MessageId
from pillarbox.store.database import Reader
from pillarbox.store.search import arrivals as module
from pillarbox.store.search.arrivals import Arrivals, KeptArrivals, arrivals
from pillarbox.store.sql import messages
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
    kept.keep((box.alice.id, None), old)
    assert kept.find((box.alice.id, None)) is new


async def test_what_is_kept_is_bounded(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_MESSAGES", 5)
    kept = KeptArrivals()
    other = await box.create("Other")
    await box.fill(3)
    await box.fill(3, other.id)
    await as_kept(box, kept, box.inbox.id)
    await as_kept(box, kept, other.id)
    assert kept.find((box.alice.id, box.inbox.id)) is None
    assert kept.find((box.alice.id, other.id)) is not None
    assert len((await as_kept(box, kept)).keys) == 6  # told, though it is too large to be kept
    assert kept.find((box.alice.id, None)) is None
