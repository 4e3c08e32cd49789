"""A mailbox at one moment as parallel arrays, shared by the sessions that stand at that moment.

About 44 octets a message. A picture with a single holder is changed in place, a shared one is
copied when its first holder moves on, and the others then adopt the copy: 500 idle clients of one
mailbox cost one picture, and a change costs one copy.

A picture of a large mailbox may begin above the mailbox's first message (ADR 0018): the `below`
oldest messages, whose UIDs are all under `floor`, are only counted. Index = sequence number - 1 -
`below`. What is below the floor is read when a command needs it (`untagged.reach`); until then it
cannot change here, for a change that touches it makes it be read first.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from weakref import WeakValueDictionary

from msgspec.structs import astuple

from pillarbox.ids import AccountId, MailboxId, ModSeq, UidValidity
from pillarbox.store.model import FLAG_NAMES, Mailbox, Placed
from pillarbox.store.sql.placed_columns import Columns, columns_of

_NAMES_BY_BITS: dict[int, str] = {}  # few flag sets occur in practice


def flag_names(bits: int, keywords: str = "") -> str:
    """Flags as IMAP writes them, separated by spaces."""
    names = _NAMES_BY_BITS.get(bits)
    if names is None:
        names = " ".join(name for flag, name in FLAG_NAMES.items() if bits & flag)
        _NAMES_BY_BITS[bits] = names
    if not keywords:
        return names
    return f"{names} {keywords}" if names else keywords


Key = tuple[AccountId, MailboxId, UidValidity]
_COLUMNS = ("uids", "messages", "flags", "modseqs", "sizes", "saved")
_OCTETS, _UID_OCTETS = 44, 4  # of a message that is here; of one that is not, in `uids_below`
_MOST_KEPT = 1_000  # pictures of mailboxes that nobody has selected


class Picture:
    """A mailbox's messages at one modseq, in UID order."""

    __slots__ = (
        "__weakref__",
        "below",
        "flags",
        "floor",
        "holders",
        "keywords",
        "messages",
        "modseq",
        "modseqs",
        "saved",
        "sizes",
        "uids",
        "uids_below",
    )

    def __init__(self) -> None:
        self.uids: array[int] = array("I")
        self.messages: array[int] = array("q")
        self.flags: array[int] = array("I")
        self.modseqs: array[int] = array("q")
        self.sizes: array[int] = array("q")
        self.saved: array[int] = array("q")
        self.keywords: dict[int, str] = {}  # by UID; only messages that have some
        self.modseq = ModSeq(0)  # everything up to here is in it
        self.holders = 0
        self.below = 0  # messages that are counted and not here
        self.floor = 0  # all UIDs from here on are here; 0: all
        # Those under it, when a search asked for them; replaced as a whole, never changed.
        self.uids_below: array[int] | None = None

    def __len__(self) -> int:
        """How many messages are here; those below the floor are not."""
        return len(self.uids)

    @property
    def weight(self) -> int:
        """About how many messages' room it takes."""
        return len(self.uids) + len(self.uids_below or ()) * _UID_OCTETS // _OCTETS

    @classmethod
    def of(cls, placed: Sequence[Placed], modseq: ModSeq) -> Picture:
        """A picture of all `placed` rows, ascending in UID."""
        picture = cls()
        picture.modseq = modseq
        picture.extend(placed)
        return picture

    @classmethod
    def unread(cls, mailbox: Mailbox) -> Picture:
        """A picture that knows how many messages there are, and none of them."""
        picture = cls()
        picture.modseq = mailbox.modseq
        picture.below = mailbox.messages
        picture.floor = mailbox.uid_next
        return picture

    def copy(self) -> Picture:
        twin = Picture()
        twin.below = self.below
        twin.floor = self.floor
        twin.uids_below = self.uids_below
        twin.uids = self.uids[:]
        twin.messages = self.messages[:]
        twin.flags = self.flags[:]
        twin.modseqs = self.modseqs[:]
        twin.sizes = self.sizes[:]
        twin.saved = self.saved[:]
        twin.keywords = dict(self.keywords)
        twin.modseq = self.modseq
        return twin

    def index_of(self, uid: int) -> int:
        """Where a UID stands, or -1."""
        at = bisect_left(self.uids, uid)
        return at if at < len(self.uids) and self.uids[at] == uid else -1

    def extend(self, placed: Sequence[Placed]) -> None:
        """Append rows whose UIDs are above all here."""
        if placed:
            self.extend_columns(columns_of([astuple(row) for row in placed]))

    def extend_columns(self, columns: Columns) -> None:
        """The same for many, as the store reads them."""
        self.uids.extend(columns.uids)
        self.messages.extend(columns.messages)
        self.flags.extend(columns.flags)
        self.modseqs.extend(columns.modseqs)
        self.sizes.extend(columns.sizes)
        self.saved.extend(columns.saved)
        self.keywords.update(columns.keywords)

    def put_under(self, older: Picture) -> None:
        """Take in what was read of the messages below the floor."""
        for name in _COLUMNS:
            column = getattr(older, name)
            setattr(self, name, column + getattr(self, name))
        self.keywords.update(older.keywords)
        self.floor = older.floor
        self.below = self.below - len(older) if older.floor else 0
        if self.uids_below is not None:
            self.uids_below = self.uids_below[: self.below] if self.below else None

    def change(self, at: int, row: Placed) -> None:
        """Take over a row's flags."""
        self.flags[at] = row.flags
        self.modseqs[at] = row.modseq
        if row.keywords:
            self.keywords[row.uid] = row.keywords
        else:
            self.keywords.pop(row.uid, None)

    def remove(self, indexes: Sequence[int]) -> None:
        """Take out the messages at ascending `indexes`, in one pass over the arrays."""
        if not indexes:
            return
        if self.keywords:
            for at in indexes:
                self.keywords.pop(self.uids[at], None)
        runs = _runs(indexes)
        for name in _COLUMNS:
            column = getattr(self, name)
            if len(runs) == 1:
                del column[runs[0][0] : runs[0][1]]
                continue
            kept = array(column.typecode)
            start = 0
            for low, high in runs:
                kept.extend(column[start:low])
                start = high
            kept.extend(column[start:])
            setattr(self, name, kept)


def _runs(indexes: Iterable[int]) -> list[tuple[int, int]]:
    """Ascending indexes as half-open runs."""
    runs: list[tuple[int, int]] = []
    low = high = -1
    for at in indexes:
        if at == high:
            high += 1
            continue
        if low >= 0:
            runs.append((low, high))
        low, high = at, at + 1
    if low >= 0:
        runs.append((low, high))
    return runs


class Pictures:
    """The newest picture of each mailbox: of those that a session of this process holds, and of
    some that were left lately, so that the next SELECT need not read the whole mailbox.
    """

    def __init__(self, kept_messages: int = 500_000) -> None:
        self._newest: WeakValueDictionary[Key, Picture] = WeakValueDictionary()
        self._kept: dict[Key, Picture] = {}  # the last used is last
        self._kept_messages = kept_messages  # in all kept pictures

    def find(self, mailbox: Mailbox) -> Picture | None:
        """To be adopted only by who stands at its modseq."""
        return self._newest.get(_key(mailbox))

    def publish(self, mailbox: Mailbox, picture: Picture) -> None:
        """Let other sessions adopt `picture`, which holds all up to its modseq and no more."""
        key = _key(mailbox)
        known = self._newest.get(key)
        if (
            known is None
            or known.modseq < picture.modseq
            or (known.modseq == picture.modseq and known.below >= picture.below)
        ):
            self._newest[key] = picture
            if self._kept.get(key, picture) is not picture:
                del self._kept[key]

    def withdraw(self, mailbox: Mailbox, picture: Picture) -> None:
        """`picture` is about to hold what no one else may adopt."""
        key = _key(mailbox)
        if self._newest.get(key) is picture:
            del self._newest[key]
            self._kept.pop(key, None)

    def keep(self, mailbox: Mailbox, picture: Picture) -> None:
        """A session left; keep what it had, if it is the newest, and forget what is old."""
        key = _key(mailbox)
        if self._newest.get(key) is not picture or picture.weight > self._kept_messages:
            return
        self._kept.pop(key, None)
        self._kept[key] = picture
        total = sum(one.weight for one in self._kept.values())
        while total > self._kept_messages or len(self._kept) > _MOST_KEPT:
            oldest = next(iter(self._kept))
            total -= self._kept.pop(oldest).weight


def _key(mailbox: Mailbox) -> Key:
    # A name that was deleted and made again may have its number, but not its UIDVALIDITY.
    return mailbox.account, mailbox.id, mailbox.uid_validity
