"""A question of one statement needs no transaction around it, and may not become two."""

from __future__ import annotations

import pytest

from pillarbox.store import Reader
from pillarbox.store.sql import accounts, mailboxes
from support.store_box import Box


async def test_it_answers_what_a_snapshot_answers(box: Box) -> None:
    await box.fill(3)

    async def ask(db: Reader) -> object:
        return await mailboxes.find(db, box.alice.id, "INBOX")

    assert await box.store.read_one(ask) == await box.store.read(ask)


async def test_it_sees_the_last_commit_and_holds_no_snapshot_open(box: Box) -> None:
    for messages in range(1, 4):
        await box.append()
        found = await box.store.read_one(lambda db: mailboxes.find(db, box.alice.id, "INBOX"))
        assert found is not None
        assert found.messages == messages


async def test_a_second_statement_is_refused(box: Box) -> None:
    async def ask(db: Reader) -> None:
        await accounts.find(db, "alice@example.org")
        await mailboxes.find(db, box.alice.id, "INBOX")

    with pytest.raises(RuntimeError, match="snapshot of both"):
        await box.store.read_one(ask)
    assert (await box.account()).login == "alice@example.org", "the reader is as it was"
