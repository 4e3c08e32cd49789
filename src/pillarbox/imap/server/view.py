"""One session's picture of its mailbox: what this client was told, apart from what the store holds.

A `Picture` is a mailbox at one moment as parallel arrays (index = sequence number - 1), about 44
octets a message. Sessions of one process that stand at the same moment share one picture; a picture
with a single holder is changed in place, a shared one is copied when its first holder moves on, and
the others then adopt the copy. So 500 idle clients of one mailbox cost one picture, and a change
costs one copy (RFC 9051 §2.3.1.2, §7.5.1).
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from weakref import WeakValueDictionary

from pillarbox.ids import AccountId, MailboxId, ModSeq
from pillarbox.imap.wire.errors import BadSyntax
from pillarbox.imap.wire.sequence_set import SequenceSet
from pillarbox.store.model import FLAG_NAMES, Expunged, Mailbox, MailboxChanges, Placed

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


def _uid_of(row: Placed) -> int:
    return row.uid


class Picture:
    """A mailbox's messages at one modseq, in UID order."""

    __slots__ = (
        "__weakref__",
        "flags",
        "holders",
        "keywords",
        "messages",
        "modseq",
        "modseqs",
        "saved",
        "sizes",
        "uids",
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

    def __len__(self) -> int:
        return len(self.uids)

    @classmethod
    def of(cls, placed: Sequence[Placed], modseq: ModSeq) -> Picture:
        """A picture of all `placed` rows, ascending in UID."""
        picture = cls()
        picture.modseq = modseq
        picture.extend(placed)
        return picture

    def copy(self) -> Picture:
        twin = Picture()
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
        if not placed:
            return
        columns = list(zip(*placed, strict=True))
        self.uids.extend(columns[0])
        self.messages.extend(columns[1])
        self.flags.extend(columns[2])
        self.modseqs.extend(columns[4])
        self.sizes.extend(columns[5])
        self.saved.extend(columns[6])
        self.keywords.update((p.uid, p.keywords) for p in placed if p.keywords)

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
        for name in ("uids", "messages", "flags", "modseqs", "sizes", "saved"):
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
    """The newest picture of each mailbox that some session of this process holds."""

    def __init__(self) -> None:
        self._newest: WeakValueDictionary[tuple[AccountId, MailboxId], Picture] = (
            WeakValueDictionary()
        )

    def find(self, account: AccountId, mailbox: MailboxId) -> Picture | None:
        return self._newest.get((account, mailbox))

    def publish(self, account: AccountId, mailbox: MailboxId, picture: Picture) -> None:
        """Let other sessions adopt `picture`, which holds all up to its modseq and no more."""
        known = self._newest.get((account, mailbox))
        if known is None or known.modseq <= picture.modseq:
            self._newest[(account, mailbox)] = picture

    def withdraw(self, account: AccountId, mailbox: MailboxId, picture: Picture) -> None:
        """`picture` is about to hold what no one else may adopt."""
        if self._newest.get((account, mailbox)) is picture:
            del self._newest[(account, mailbox)]


class Told:
    """What one step of a view has to be told, in the order in which it is told."""

    __slots__ = ("changed_uids", "exists", "expunged_seqs", "expunged_uids")

    def __init__(self) -> None:
        self.expunged_seqs: list[int] = []  # descending: each is right when it is read
        self.expunged_uids: list[int] = []  # the same messages, ascending
        self.exists: int | None = None  # the new number of messages when some arrived
        self.changed_uids: list[int] = []  # ascending; flags that differ from what was told


class View:
    """A selected mailbox as one client knows it."""

    def __init__(
        self, pictures: Pictures, mailbox: Mailbox, picture: Picture, *, read_only: bool
    ) -> None:
        self._pictures = pictures
        self.mailbox = mailbox  # as it was at SELECT
        self.read_only = read_only
        self.gone = False  # the mailbox was deleted under us
        self.picture = picture
        self.modseq = picture.modseq  # changes up to here are known here, told or held back
        self._held: list[int] = []  # UIDs in the picture that are expunged and not yet told
        picture.holders += 1

    def __len__(self) -> int:
        return len(self.picture.uids)

    @property
    def uids(self) -> array[int]:
        return self.picture.uids

    @property
    def messages(self) -> array[int]:
        return self.picture.messages

    @property
    def flags(self) -> array[int]:
        return self.picture.flags

    @property
    def modseqs(self) -> array[int]:
        return self.picture.modseqs

    @property
    def sizes(self) -> array[int]:
        return self.picture.sizes

    @property
    def saved(self) -> array[int]:
        return self.picture.saved

    @property
    def keywords(self) -> dict[int, str]:
        return self.picture.keywords

    def index_of(self, uid: int) -> int:
        """Where a UID stands, or -1."""
        return self.picture.index_of(uid)

    def flag_names(self, at: int) -> str:
        """The flags of the message at an index, as IMAP writes them."""
        picture = self.picture
        keywords = picture.keywords
        return flag_names(picture.flags[at], keywords.get(picture.uids[at], "") if keywords else "")

    def close(self) -> None:
        """Let go of the picture."""
        self._adopt(Picture())

    def resolve(self, wanted: SequenceSet, *, by_uid: bool) -> list[int]:
        """The indexes that a set names, ascending, each once.

        By UID, those that are not here are left out. By sequence number, one above the number of
        messages raises `BadSyntax` (RFC 9051 §9, seq-number).
        """
        uids = self.picture.uids
        count = len(uids)
        found: list[int] = []
        if not by_uid:
            for low, high in wanted.ranges_upto(count):
                if high > count or low < 1:
                    raise BadSyntax("There is no message of that number")
                found.extend(range(low - 1, high))
            return found
        for low, high in wanted.ranges_upto(uids[-1] if count else 0):
            start = bisect_left(uids, low)
            found.extend(range(start, bisect_right(uids, high, start)))
        return found

    def resolve_saved(self, uids: Iterable[int]) -> list[int]:
        """The indexes of those of `uids` (ascending) that are still here: SEARCHRES `$`."""
        indexes = (self.picture.index_of(uid) for uid in uids)
        return [at for at in indexes if at >= 0]

    def note(self, rows: Iterable[Placed]) -> None:
        """Take over flags that this session just set, so that they are not told again."""
        picture = self._own_picture()
        self._pictures.withdraw(self.mailbox.account, self.mailbox.id, picture)
        for row in rows:
            at = picture.index_of(row.uid)
            if at >= 0 and picture.modseqs[at] < row.modseq:
                picture.change(at, row)

    def apply(self, changes: MailboxChanges, *, tell_expunged: bool) -> Told:
        """Move on by `changes`; messages that are gone stay in the picture until they are told."""
        told = Told()
        picture = self.picture
        self.modseq = max(self.modseq, changes.upto)
        self.gone = self.gone or not changes.exists
        last = picture.uids[-1] if picture.uids else 0
        split = bisect_right(changes.placed, last, key=_uid_of)
        fresh = changes.placed[split:]
        altered: list[tuple[int, Placed]] = []
        for row in changes.placed[:split]:
            at = picture.index_of(row.uid)
            if at >= 0 and picture.modseqs[at] != row.modseq:
                altered.append((at, row))
        told.changed_uids = [row.uid for _, row in altered]
        gone = self._gone(changes.expunged)
        removed: list[int] = []
        if tell_expunged:
            self._held = []
            removed = [picture.index_of(uid) for uid in gone]
            told.expunged_uids = gone
            told.expunged_seqs = [at + 1 for at in reversed(removed)]
        else:
            self._held = gone
        self._move_on(altered, fresh, removed)
        if fresh:
            told.exists = len(self.picture)
        return told

    def _gone(self, expunged: Sequence[Expunged]) -> list[int]:
        """UIDs, ascending, that this client still believes in and that are no more."""
        if not expunged:
            return self._held
        here = [row.uid for row in expunged if self.picture.index_of(row.uid) >= 0]
        return sorted({*self._held, *here}) if self._held else here

    def _move_on(
        self, altered: list[tuple[int, Placed]], fresh: Sequence[Placed], removed: list[int]
    ) -> None:
        """Stand where the changes lead: in a picture that another session made, or in an own."""
        account, mailbox = self.mailbox.account, self.mailbox.id
        clean = not self._held
        if altered or fresh or removed:
            newest = self._pictures.find(account, mailbox)
            if (
                clean
                and newest is not None
                and newest is not self.picture
                and newest.modseq == self.modseq
            ):
                self._adopt(newest)
                return
            own = self._own_picture()
            if not clean:
                self._pictures.withdraw(account, mailbox, own)
            for at, row in altered:
                own.change(at, row)
            own.extend(fresh)
            own.remove(removed)
        if clean:
            self.picture.modseq = self.modseq
            self._pictures.publish(account, mailbox, self.picture)

    def _own_picture(self) -> Picture:
        """The picture as one that only this view holds, copied when it is shared."""
        if self.picture.holders > 1:
            self._adopt(self.picture.copy())
        return self.picture

    def _adopt(self, picture: Picture) -> None:
        self.picture.holders -= 1
        picture.holders += 1
        self.picture = picture
