"""A mailbox whose UIDs run out: new ones, a new UIDVALIDITY, in the transaction that met it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pillarbox.errors import NoSuchMailbox, NoSuchMessage, PillarboxError
from pillarbox.ids import MAX_UID, Uid
from pillarbox.message.digest import digest
from pillarbox.pop3.server.maildrop import Maildrop
from pillarbox.store.database import Transaction
from pillarbox.store.model import Flag, Mailbox
from pillarbox.store.sql import mailboxes, messages
from support.store_box import Box, letter

LAST = MAX_UID - 1  # the last UID that is given


async def near_the_end(box: Box, left: int, path: str = "INBOX") -> None:
    """Only `left` UIDs are left; the last message of the mailbox has a UID near the end, too."""

    async def change(tx: Transaction) -> None:
        at = (box.alice.id, (await mailboxes.find(tx, box.alice.id, path)).id)  # type: ignore[union-attr]
        await tx.run(
            "UPDATE mailbox SET uid_next = ? WHERE account_id = ? AND mailbox_id = ?",
            (LAST - left + 1, *at),
        )
        await tx.run(
            "UPDATE placement SET uid = ? WHERE account_id = ? AND mailbox_id = ? AND uid = "
            "(SELECT max(uid) FROM placement WHERE account_id = ? AND mailbox_id = ?)",
            (LAST - left, *at, *at),
        )

    await box.store.write(change)


async def uids(box: Box, mailbox: Mailbox) -> list[int]:
    return [place.uid for place in await box.placed(mailbox.id)]


async def is_sound(box: Box) -> bool:
    return not (await box.store.verify()).problems


async def test_the_last_uid_is_used_and_the_next_message_gets_a_small_one(tmp_path: Path) -> None:
    async with Box(tmp_path) as box:
        await box.fill(3)
        await near_the_end(box, 1)
        before = await box.mailbox("INBOX")
        last = await box.append()
        assert last.uid == LAST
        order = [place.message for place in await box.placed()]
        after_it = await box.append(flags=int(Flag.SEEN), mailbox=box.inbox.id)
        now = await box.mailbox("INBOX")
        assert (after_it.uid, after_it.mailbox) == (5, now.id)
        assert after_it.uid_validity == now.uid_validity > before.uid_validity
        assert now.uid_next == 6
        assert await uids(box, now) == [1, 2, 3, 4, 5]
        assert [place.message for place in await box.placed(now.id)][:4] == order
        assert (now.messages, now.unseen) == (5, 4)
        assert now.modseq > before.modseq
        assert not (await box.since(before.modseq, before.id)).exists
        assert await is_sound(box)
        await box.reopen()
        assert await uids(box, now) == [1, 2, 3, 4, 5]


async def test_delivery_without_a_named_mailbox_and_children(tmp_path: Path) -> None:
    async with Box(tmp_path) as box:
        await box.create("INBOX/Inside")
        await box.fill(2)
        await near_the_end(box, 0)
        with box.store.spool() as spool:
            spool.write(letter())
            new = messages.NewMessage(
                account=box.alice.id,
                mailbox=None,
                digest=digest(spool.octets()),
                blob=await spool.seal(),
            )
            put = await box.store.write(lambda tx: messages.append(tx, new))
        assert put.uid == 3
        assert (await box.mailbox("INBOX")).id == put.mailbox
        assert (await box.mailbox("INBOX/Inside")).parent == put.mailbox
        assert await is_sound(box)


@pytest.mark.parametrize("how", [messages.copy, messages.move])
async def test_into_a_mailbox_that_is_full(tmp_path: Path, how: object) -> None:
    async with Box(tmp_path) as box:
        sent = await box.mailbox("Sent")
        await box.fill(3)
        await box.fill(2, sent.id)
        await near_the_end(box, 2, "Sent")
        wanted = [place.uid for place in await box.placed()]
        done = await box.store.write(
            lambda tx: how(tx, box.alice.id, box.inbox.id, wanted, sent.id)  # type: ignore[operator]
        )
        now = await box.mailbox("Sent")
        assert done.uid_validity == now.uid_validity > sent.uid_validity
        assert (done.source, done.target) == (wanted, [3, 4, 5])
        assert await uids(box, now) == [1, 2, 3, 4, 5]
        assert await is_sound(box)


@pytest.mark.parametrize(("how", "left"), [(messages.copy, 4), (messages.move, 3)])
async def test_within_a_mailbox_that_is_full(tmp_path: Path, how: object, left: int) -> None:
    async with Box(tmp_path) as box:
        await box.fill(3)
        await near_the_end(box, 0)
        placed = await box.placed()
        await box.store.write(
            lambda tx: how(tx, box.alice.id, box.inbox.id, [placed[2].uid], box.inbox.id)  # type: ignore[operator]
        )
        now = await box.mailbox("INBOX")
        again = await box.placed(now.id)
        assert len(again) == left
        assert (again[-1].uid, again[-1].message) == (4, placed[2].message)
        assert await is_sound(box)


async def test_pop3_knows_the_messages_again(tmp_path: Path) -> None:
    """UIDL stays, so nothing is fetched twice; an open session deletes nothing unseen."""
    async with Box(tmp_path) as box:
        await box.fill(4)
        await near_the_end(box, 0)
        before = await Maildrop.open(box.store, box.alice.id)
        names = [before.unique_id(n) for n in range(1, 5)]
        before.delete(1)
        await box.append(letter("new"))
        after = await Maildrop.open(box.store, box.alice.id)
        assert [after.unique_id(n) for n in range(1, 5)] == names
        assert len({*names, after.unique_id(5)}) == 5
        with pytest.raises(PillarboxError):
            await before.update(keep_retrieved=True, to_trash=False)
        assert len(await box.placed((await box.mailbox("INBOX")).id)) == 5
        with pytest.raises(NoSuchMessage):
            after.unique_id(6)


async def test_copies_have_names_of_their_own(tmp_path: Path) -> None:
    async with Box(tmp_path) as box:
        (uid,) = await box.fill(1)
        await box.store.write(
            lambda tx: messages.copy(tx, box.alice.id, box.inbox.id, [Uid(uid)], box.inbox.id)
        )
        drop = await Maildrop.open(box.store, box.alice.id)
        assert drop.unique_id(1) != drop.unique_id(2)


async def test_the_old_number_is_refused(tmp_path: Path) -> None:
    async with Box(tmp_path) as box:
        await box.fill(1)
        await near_the_end(box, 0)
        await box.append()
        with pytest.raises(NoSuchMailbox):
            await box.append(mailbox=box.inbox.id)
