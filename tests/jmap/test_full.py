"""What still works in an account that is full: drafts are kept, and mail can be thrown away."""

from __future__ import annotations

from typing import Any

import pytest

from pillarbox.errors import OverQuota
from pillarbox.ids import MailboxId
from pillarbox.store.model import Copied, Flag
from pillarbox.store.sql import accounts, messages
from support.jmap_bench import JmapBox
from support.store_box import letter

DRAFT = int(Flag.DRAFT)


@pytest.fixture
def box(tmp_path: Any) -> JmapBox:
    """Some room beyond the quota."""
    return JmapBox(tmp_path, draft_reserve_octets=5000, draft_reserve_messages=2)


async def fill(box: JmapBox) -> None:
    """Nothing more fits."""
    await box.append()
    used = (await box.account()).used_octets
    await box.store.write(lambda tx: accounts.set_quota(tx, box.alice.id, used))


async def create(box: JmapBox, path: str, text: str, **keywords: bool) -> str:
    """What refused it; "" for nothing."""
    email = {
        "mailboxIds": {f"F{(await box.mailbox(path)).id}": True},
        "keywords": {f"${name}": value for name, value in keywords.items()},
        "bodyStructure": {"partId": "1", "type": "text/plain"},
        "bodyValues": {"1": {"value": text}},
    }
    answer = await box.call("Email/set", create={"c": email})
    refused: dict[str, Any] = (answer["notCreated"] or {}).get("c", {})
    return str(refused.get("type", ""))


async def test_a_draft_is_kept_when_there_is_no_room(box: JmapBox) -> None:
    await fill(box)
    assert await create(box, "Drafts", "Half a letter", draft=True) == ""
    assert await create(box, "Drafts", "x" * 5000, draft=True) == "overQuota"
    assert await create(box, "Drafts", "No draft") == "overQuota"
    assert await create(box, "INBOX", "Elsewhere", draft=True) == "overQuota"


async def test_the_same_where_messages_are_counted(box: JmapBox) -> None:
    await box.append()
    await box.store.write(lambda tx: accounts.set_quota(tx, box.alice.id, 0, 1))
    told = [await create(box, "Drafts", f"Draft {n}", draft=True) for n in range(3)]
    assert told == ["", "", "overQuota"]


async def test_mail_programs_keep_drafts_too(box: JmapBox) -> None:
    await fill(box)
    drafts, sent = (await box.mailbox("Drafts")).id, (await box.mailbox("Sent")).id
    await box.append(letter("A draft"), drafts, flags=DRAFT)
    for mailbox, flags in ((drafts, 0), (sent, DRAFT), (None, DRAFT)):
        with pytest.raises(OverQuota):
            await box.append(letter("More"), mailbox, flags=flags)
    with pytest.raises(OverQuota):
        await box.append(letter("A long draft", "x" * 6000), drafts, flags=DRAFT)


async def test_programs_without_move_can_throw_away(box: JmapBox) -> None:
    """They copy to the trash, flag and expunge; the room for that has an end."""
    await fill(box)
    [there] = await box.placed()
    trash, archive = (await box.mailbox("Trash")).id, (await box.mailbox("Archive")).id

    async def copy(target: MailboxId) -> Copied:
        return await box.store.write(
            lambda tx: messages.copy(tx, box.alice.id, box.inbox.id, [there.uid], target)
        )

    with pytest.raises(OverQuota):
        await copy(archive)
    assert len((await copy(trash)).target) == 1
    with pytest.raises(OverQuota):
        await copy(trash)
