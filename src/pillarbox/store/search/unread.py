"""The unread messages of an account, kept in memory: which threads are unread is asked often.

Where they lie scattered in 100,000 rows, to find them takes some 15 ms; what changed since, one.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from pillarbox.errors import CannotCalculateChanges
from pillarbox.ids import AccountId, MailboxId, ModSeq
from pillarbox.store.database import Reader
from pillarbox.store.model import Mailbox
from pillarbox.store.search.changed import are_many, changed_since
from pillarbox.store.search.recent import Recent
from pillarbox.store.sql.account_changes import Point, check_point
from pillarbox.store.sql.changes import account_modseq

_MOST_MESSAGES = 200_000  # in all that is kept; some 100 octets each
_MOST_CHANGED = 5_000  # places; where more changed it is read anew
# 25: what is seen, a draft or \Deleted is not unread (RFC 8621 §2). `unseen` counts the latter two.
_READ = """
    SELECT message_id, thread_id, flags & 25 FROM placement NOT INDEXED
    WHERE account_id = ? AND mailbox_id = ? AND flags & 1 = 0 ORDER BY uid DESC LIMIT ?
"""
_OF_THESE = """
    SELECT mailbox_id, message_id, thread_id FROM placement INDEXED BY placement_message
    WHERE account_id = ? AND message_id IN (SELECT value FROM json_each(?)) AND flags & 25 = 0
"""

Threads = dict[int, int]  # of unread messages


class Unread(msgspec.Struct, frozen=True):
    """By mailbox, as they were at a modseq."""

    modseq: ModSeq
    mailboxes: dict[MailboxId, Threads]

    @property
    def messages(self) -> int:
        """How many places that are."""
        return sum(map(len, self.mailboxes.values()))


class KeptUnread(Recent[AccountId, Unread]):
    """Of the accounts of one process."""

    def __init__(self, most: int = _MOST_MESSAGES) -> None:
        super().__init__(most)

    async def of(self, db: Reader, account: AccountId, mailboxes: Sequence[Mailbox]) -> Unread:
        """As it is in this snapshot, of which the mailboxes are. Raises NoSuchAccount."""
        known = self.find(account)
        modseq = await account_modseq(db, account)
        if known is not None and known.modseq == modseq:
            return known
        made = await _brought_up(db, account, known, modseq) if known is not None else None
        if made is None:
            made = await _read(db, account, mailboxes, modseq)
        self.keep(account, made, modseq, made.messages)
        return made


async def _read(
    db: Reader, account: AccountId, mailboxes: Sequence[Mailbox], modseq: ModSeq
) -> Unread:
    found: dict[MailboxId, Threads] = {}
    for one in mailboxes:
        if one.unseen:
            rows = await db.rows(_READ, (account, one.id, one.unseen))
            found[one.id] = {message: thread for message, thread, read in rows if not read}
    return Unread(modseq, found)


async def _brought_up(
    db: Reader, account: AccountId, known: Unread, modseq: ModSeq
) -> Unread | None:
    """None: what changed is not known, or very much."""
    try:
        await check_point(db, account, Point(known.modseq))
    except CannotCalculateChanges:
        return None
    if await are_many(db, account, known.modseq, _MOST_CHANGED):
        return None
    changed = await changed_since(db, account, known.modseq)
    mailboxes = {mailbox: dict(threads) for mailbox, threads in known.mailboxes.items()}
    for threads in mailboxes.values():
        for message in changed.keys() & threads.keys():
            del threads[message]
    these = msgspec.json.encode(list(changed)).decode()
    for mailbox, message, thread in await db.rows(_OF_THESE, (account, these)):
        mailboxes.setdefault(mailbox, {})[message] = thread
    return Unread(modseq, mailboxes)
