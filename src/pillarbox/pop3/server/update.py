"""The UPDATE state: what becomes of the messages that were marked (RFC 1939 §6).

They leave the maildrop, which is what the client sees. Whether they leave the account, too, is its
owner's choice. With "read" and "keep" they stay in the inbox, as a site may have it (RFC 1939 §8);
only those who also wish so do not see them again, so that several programs can fetch the same mail,
each by its unique ids.
"""

from __future__ import annotations

from collections.abc import Sequence

from pillarbox.ids import MessageId, Uid
from pillarbox.store import Transaction
from pillarbox.store.model import Flag, FlagChange, Mailbox, Role
from pillarbox.store.sql import expunging, flags, mailboxes, moving, pop_view
from pillarbox.store.sql.pop_view import AfterFetching


async def settle(
    tx: Transaction,
    inbox: Mailbox,
    uids: Sequence[Uid],
    messages: Sequence[MessageId],
    *,
    to_trash: bool,
) -> None:
    """Do with them what the account's owner chose; `to_trash`: what the server has for DELETE.

    Raises NoSuchMailbox, and then nothing is done.
    """
    await mailboxes.get(tx, inbox.account, inbox.id)  # its UIDs may have been given anew
    after = (await pop_view.get(tx, inbox.account)).after
    if after is AfterFetching.DELETE and to_trash:
        after = AfterFetching.TRASH
    match after:
        case AfterFetching.DELETE:
            await expunging.expunge(tx, inbox.account, inbox.id, uids, force=True)
        case AfterFetching.TRASH:
            if not await _move(tx, inbox, uids, Role.TRASH):
                await expunging.expunge(tx, inbox.account, inbox.id, uids, force=True)
        case AfterFetching.ARCHIVE:
            if not await _move(tx, inbox, uids, Role.ARCHIVE):
                await pop_view.note_fetched(tx, inbox.account, messages)  # nothing is lost
        case AfterFetching.READ | AfterFetching.KEEP:
            if after is AfterFetching.READ:
                seen = int(Flag.SEEN)
                await flags.store_flags(tx, inbox.account, inbox.id, uids, FlagChange.ADD, seen)
            await pop_view.note_fetched(tx, inbox.account, messages)


async def _move(tx: Transaction, inbox: Mailbox, uids: Sequence[Uid], role: Role) -> bool:
    """False: the account has no mailbox of that use."""
    target = await mailboxes.by_role(tx, inbox.account, role)
    if target is None:
        return False
    await moving.move(tx, inbox.account, inbox.id, uids, target.id)
    return True
