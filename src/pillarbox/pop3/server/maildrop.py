"""The inbox as one POP3 session sees it: fixed at the start, numbers from 1 (RFC 1939 §5)."""

from __future__ import annotations

import contextlib
from array import array
from collections import Counter

from pillarbox.clock import unix_seconds
from pillarbox.errors import NoSuchMailbox, NoSuchMessage, PillarboxError
from pillarbox.ids import AccountId, MessageId, Uid
from pillarbox.pop3.server.update import settle
from pillarbox.store import Reader, Store, Transaction
from pillarbox.store.blobs.content import Content
from pillarbox.store.database import Row
from pillarbox.store.model import Mailbox
from pillarbox.store.sql import changes, mailboxes, messages, pop_view

_READ_AHEAD = 32  # messages looked up at once: programs retrieve one after the other
_SCAN_FROM = 2000  # messages from which the inbox is loaded beside the loop's thread
_INBOX = "INBOX"


class Places:
    """Where the messages are, by number - 1: 28 octets for each."""

    def __init__(self) -> None:
        self.uids: array[int] = array("I")
        self.messages: array[int] = array("q")
        self.sizes: array[int] = array("q")
        self.saved: array[int] = array("q")

    def __len__(self) -> int:
        return len(self.uids)

    def extend(self, rows: list[Row]) -> None:
        """Append rows in the order of Placed's fields."""
        self.uids.extend([row[0] for row in rows])
        self.messages.extend([row[1] for row in rows])
        self.sizes.extend([row[5] for row in rows])
        self.saved.extend([row[6] for row in rows])


class Maildrop:
    """Messages by number, and which of them are to be deleted."""

    def __init__(self, store: Store, inbox: Mailbox, places: Places) -> None:
        self._store = store
        self._inbox = inbox
        self._places = places
        self._unique_ids: list[str] = []  # made when they are first asked for
        self._contents: dict[MessageId, Content] = {}
        self._read_last = 0  # the number that was asked for last
        self._in_order = False  # and whether it followed the one before
        self._held: Content | None = None  # the only one whose octets may be in memory
        self._retrieved: set[int] = set()
        self.deleted: set[int] = set()  # numbers
        self.highest = len(places)  # the last message number, deleted or not
        self.count = len(places)  # not deleted
        self.octets = sum(places.sizes)

    @classmethod
    async def open(cls, store: Store, account: AccountId) -> Maildrop:
        """The inbox as it is now, or what its owner lets programs see of it."""
        now = unix_seconds(store.clock.now())

        async def load(db: Reader) -> tuple[Mailbox, Places]:
            inbox, places = await _inbox(db, account), Places()
            view = await pop_view.get(db, account)
            shown = await pop_view.shown_uids(db, account, inbox.id, view, now)
            async for rows in changes.placed_as_of(
                db, account, inbox.id, inbox.modseq, low=0, high=inbox.uid_next
            ):
                places.extend(rows if shown is None else [row for row in rows if row[0] in shown])
            return inbox, places

        size = (await store.read(lambda db: _inbox(db, account))).messages
        inbox, places = await (store.scan(load) if size > _SCAN_FROM else store.read(load))
        return cls(store, inbox, places)

    def size(self, number: int) -> int:
        """Octets of a message. Raises NoSuchMessage."""
        return self._places.sizes[self._index(number)]

    def unique_id(self, number: int) -> str:
        """RFC 1939 §7 UIDL: never given to another message, the same in every session.

        It does not depend on the UID, so that a mailbox whose UIDs ran out is not fetched again.
        """
        at = self._index(number)
        if not self._unique_ids:
            self._unique_ids = _unique_ids(self._places)
        return self._unique_ids[at]

    def numbers(self) -> list[int]:
        """Those that are not deleted."""
        everyone = range(1, self.highest + 1)
        if not self.deleted:
            return list(everyone)
        return [number for number in everyone if number not in self.deleted]

    def delete(self, number: int) -> None:
        """Mark; nothing happens before `update`. Raises NoSuchMessage."""
        size = self.size(number)
        self.deleted.add(number)
        self.count -= 1
        self.octets -= size

    def restore(self) -> None:
        """Unmark all."""
        self.deleted.clear()
        self.count = len(self._places)
        self.octets = sum(self._places.sizes)

    def note_retrieved(self, number: int) -> None:
        """For servers that keep nothing that was retrieved."""
        self._retrieved.add(number)

    async def content(self, number: int) -> Content:
        """A message's octets. Raises NoSuchMessage, Damaged."""
        content = await self._find(number)
        if self._held is not content:
            self._let_go()
        self._in_order, self._read_last = number == self._read_last + 1, number
        return content

    @property
    def may_read_ahead(self) -> bool:
        """Whether the client takes one message after the other, and there is a next one."""
        return self._in_order and self._read_last < self.highest

    async def read_ahead(self) -> None:
        """Have the next message at hand while the client is busy with the last one."""
        self._let_go()
        if not self.may_read_ahead:
            return
        number = self._read_last + 1
        with contextlib.suppress(PillarboxError):  # whoever asks for it will hear of that
            content = await self._find(number)
            if self._held is None and self._read_last == number - 1:
                self._held = content
                await content.read_ahead()

    def _let_go(self) -> None:
        if self._held is not None:
            self._held.release()
            self._held = None

    async def update(self, *, keep_retrieved: bool, to_trash: bool) -> int:
        """The UPDATE state (RFC 1939 §6): returns how many messages went, once that is durable.

        What becomes of them is in `update`; `to_trash`: what deleting means on this server.
        Raises NoSuchMailbox, Unavailable and kin with nothing changed.
        """
        gone = sorted(self.deleted if keep_retrieved else self.deleted | self._retrieved)
        uids = [Uid(self._places.uids[number - 1]) for number in gone]
        whose = [MessageId(self._places.messages[number - 1]) for number in gone]
        if not uids:
            return 0

        async def work(tx: Transaction) -> None:
            await settle(tx, self._inbox, uids, whose, to_trash=to_trash)

        await self._store.write(work)
        return len(uids)

    def _index(self, number: int) -> int:
        """Raises NoSuchMessage."""
        if number > self.highest or number in self.deleted:
            raise NoSuchMessage
        return number - 1

    async def _find(self, number: int) -> Content:
        """Raises NoSuchMessage."""
        at = self._index(number)
        message = MessageId(self._places.messages[at])
        if message not in self._contents:
            ahead = [MessageId(one) for one in self._places.messages[at : at + _READ_AHEAD]]
            self._contents = await self._store.read(lambda db: self._look_up(db, ahead))
        if message not in self._contents:
            raise NoSuchMessage
        return self._contents[message]

    async def _look_up(self, db: Reader, wanted: list[MessageId]) -> dict[MessageId, Content]:
        rows = await messages.get_many(db, self._inbox.account, wanted)
        return dict(zip(rows, self._store.contents(list(rows.values())), strict=True))


def _unique_ids(places: Places) -> list[str]:
    """By when a message was put here and which one it is; a second copy of it has a suffix."""
    seen: Counter[str] = Counter()
    found = []
    for saved_at, message in zip(places.saved, places.messages, strict=True):
        name = f"{saved_at}.{message}"
        seen[name] += 1
        found.append(name if seen[name] == 1 else f"{name}.{seen[name]}")
    return found


async def _inbox(db: Reader, account: AccountId) -> Mailbox:
    found = await mailboxes.find(db, account, _INBOX)
    if found is None:
        raise NoSuchMailbox
    return found
