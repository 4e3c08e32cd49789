"""Which messages have attachments, kept: what came since is found, and asked for."""

from __future__ import annotations

import pytest

from pillarbox.ids import MessageId
from pillarbox.store import query as q
from pillarbox.store.search import attachments as module
from pillarbox.store.search.account_wide import AccountSearch
from pillarbox.store.search.attachments import KeptAttachments
from pillarbox.store.sql import messages
from support.store_box import Box, letter

WITH = letter(
    body="--x\r\nContent-Disposition: attachment\r\n\r\nthis\r\n--x--",
    Content_Type="multipart/mixed; boundary=x",
)


async def having(box: Box) -> set[int]:
    async def ask(search: AccountSearch) -> set[int]:
        return await search.find(q.HasAttachment())

    return await box.store.ask_account(box.alice.id, ask)


async def test_what_comes_and_goes(box: Box) -> None:
    assert await having(box) == set()
    first = await box.append(WITH)
    await box.append()
    assert await having(box) == {first.message}
    assert await having(box) == {first.message}
    await box.append()
    second = await box.append(WITH)
    assert await having(box) == {first.message, second.message}
    await box.store.write(
        lambda tx: messages.expunge(tx, box.alice.id, box.inbox.id, [first.uid], force=True)
    )
    assert await having(box) == {second.message}


async def test_only_what_came_since_is_asked_for(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = KeptAttachments()

    async def find() -> list[int]:
        return list(await box.store.read(lambda db: kept.of(db, box.alice.id)))

    first = await box.append(WITH)
    assert await find() == [first.message]
    monkeypatch.setattr(module, "_SINCE", "the rows are not asked for again")
    assert await find() == [first.message]
    monkeypatch.undo()
    second = await box.append(WITH)
    assert await find() == [first.message, second.message] == [MessageId(1), MessageId(2)]
