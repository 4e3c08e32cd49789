"""The inbox as one POP3 session sees it: fixed at the start, numbers from 1 (RFC 1939 §5)."""

from __future__ import annotations

from pillarbox.errors import NoSuchMailbox, NoSuchMessage
from pillarbox.ids import AccountId, MessageId, Uid
from pillarbox.store import Reader, Store, Transaction
from pillarbox.store.blobs.content import Content
from pillarbox.store.model import Mailbox, MessageRow, Placed, Role
from pillarbox.store.sql import changes, expunging, mailboxes, messages, moving

_READ_AHEAD = 32  # message rows fetched at once: programs retrieve one after the other
_SCAN_FROM = 2000  # messages from which the inbox is loaded beside the loop's thread
_INBOX = "INBOX"


class Maildrop:
    """Messages by number, and which of them are to be deleted."""

    def __init__(self, store: Store, inbox: Mailbox, placed: list[Placed]) -> None:
        self._store = store
        self._inbox = inbox
        self._placed = placed
        self._rows: dict[MessageId, MessageRow] = {}
        self._retrieved: set[int] = set()
        self.deleted: set[int] = set()  # numbers
        self.count = len(placed)  # not deleted
        self.octets = sum(place.size for place in placed)

    @classmethod
    async def open(cls, store: Store, account: AccountId) -> Maildrop:
        """The inbox as it is now."""

        async def load(db: Reader) -> tuple[Mailbox, list[Placed]]:
            inbox = await _inbox(db, account)
            return inbox, await changes.placed(db, account, inbox.id)

        size = (await store.read(lambda db: _inbox(db, account))).messages
        inbox, placed = await (store.scan(load) if size > _SCAN_FROM else store.read(load))
        return cls(store, inbox, placed)

    @property
    def highest(self) -> int:
        """The last message number, deleted or not."""
        return len(self._placed)

    def size(self, number: int) -> int:
        """Octets of a message. Raises NoSuchMessage."""
        return self._place(number).size

    def unique_id(self, number: int) -> str:
        """RFC 1939 §7 UIDL: never given to another message, the same in every session."""
        return f"{self._inbox.uid_validity}.{self._place(number).uid}"

    def numbers(self) -> list[int]:
        """Those that are not deleted."""
        everyone = range(1, len(self._placed) + 1)
        if not self.deleted:
            return list(everyone)
        return [number for number in everyone if number not in self.deleted]

    def delete(self, number: int) -> None:
        """Mark; nothing happens before `update`. Raises NoSuchMessage."""
        size = self._place(number).size
        self.deleted.add(number)
        self.count -= 1
        self.octets -= size

    def restore(self) -> None:
        """Unmark all."""
        self.deleted.clear()
        self.count = len(self._placed)
        self.octets = sum(place.size for place in self._placed)

    def note_retrieved(self, number: int) -> None:
        """For servers that keep nothing that was retrieved."""
        self._retrieved.add(number)

    async def content(self, number: int) -> Content:
        """A message's octets. Raises NoSuchMessage, Damaged."""
        place = self._place(number)
        row = self._rows.get(place.message)
        if row is None:
            row = await self._fetch_rows(number, place.message)
        return self._store.content(row)

    async def update(self, *, keep_retrieved: bool, to_trash: bool) -> int:
        """The UPDATE state (RFC 1939 §6): returns how many messages went, once that is durable.

        Raises Unavailable and kin with nothing changed.
        """
        gone = self.deleted if keep_retrieved else self.deleted | self._retrieved
        uids = [self._placed[number - 1].uid for number in sorted(gone)]
        if not uids:
            return 0

        async def remove(tx: Transaction) -> int:
            return await self._remove(tx, uids, to_trash)

        return await self._store.write(remove)

    async def _remove(self, tx: Transaction, uids: list[Uid], to_trash: bool) -> int:
        account = self._inbox.account
        if to_trash:
            trash = await mailboxes.by_role(tx, account, Role.TRASH)
            if trash is not None:
                moved = await moving.move(tx, account, self._inbox.id, uids, trash.id)
                return len(moved.target)
        gone = await expunging.expunge(tx, account, self._inbox.id, uids, force=True)
        return len(gone)

    def _place(self, number: int) -> Placed:
        if number > len(self._placed) or number in self.deleted:
            raise NoSuchMessage
        return self._placed[number - 1]

    async def _fetch_rows(self, number: int, message: MessageId) -> MessageRow:
        """Fill the rows from `number` on; only these are kept."""
        ahead = [place.message for place in self._placed[number - 1 : number - 1 + _READ_AHEAD]]
        account = self._inbox.account
        self._rows = await self._store.read(lambda db: messages.get_many(db, account, ahead))
        row = self._rows.get(message)
        if row is None:
            raise NoSuchMessage
        return row


async def _inbox(db: Reader, account: AccountId) -> Mailbox:
    found = await mailboxes.find(db, account, _INBOX)
    if found is None:
        raise NoSuchMailbox
    return found
