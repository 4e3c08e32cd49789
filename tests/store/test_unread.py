"""What is unread, kept and brought up to date, is what the rows say."""

from __future__ import annotations

from pathlib import Path

import pytest

from pillarbox.store.database import Reader
from pillarbox.store.model import Flag
from pillarbox.store.search import unread as module
from pillarbox.store.search.unread import KeptUnread
from pillarbox.store.sql import mailboxes
from support.email_oracle import Post
from support.jmap_bench import JmapBox
from support.store_box import Box

Places = set[tuple[int, int, int]]  # mailbox, message, thread


async def kept_and_plain(box: Box, kept: KeptUnread) -> tuple[Places, Places]:
    async def look(db: Reader) -> tuple[Places, Places]:
        account = box.alice.id
        found = await kept.of(db, account, await mailboxes.tree(db, account))
        rows = await db.rows(
            "SELECT mailbox_id, message_id, thread_id, flags FROM placement WHERE account_id = ?",
            (account,),
        )
        no = Flag.SEEN | Flag.DRAFT | Flag.DELETED
        told = {
            (mailbox, message, thread)
            for mailbox, threads in found.mailboxes.items()
            for message, thread in threads.items()
        }
        return told, {(*row[:3],) for row in rows if not row[3] & no}

    return await box.store.read(look)


@pytest.mark.parametrize("seed", range(6))
async def test_what_changed_is_put_in(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One change or several, with drafts and what has \\Deleted among them."""
    read = 0
    real = module._read

    async def counting(*given: object) -> module.Unread:
        nonlocal read
        read += 1
        return await real(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "_read", counting)
    async with JmapBox(tmp_path) as box:
        post = Post(box, seed)
        flags = post.some_flags

        def with_drafts() -> tuple[int, str]:
            some, keywords = flags()
            return some | (Flag.DRAFT if post.random.random() < 0.2 else 0), keywords

        monkeypatch.setattr(post, "some_flags", with_drafts)
        await post.begin()
        kept = KeptUnread()
        for step in range(80):
            await (post.receive() if step < 20 else post.change())
            if step % 4 < 3:
                told, plain = await kept_and_plain(box, kept)
                assert told == plain, step
    assert read == 1
