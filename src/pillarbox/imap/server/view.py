"""One session's view of its mailbox: what this client was told, apart from what the store holds.

Sequence numbers are the client's: a message that is gone stays in the view until its EXPUNGE may be
told (RFC 9051 §2.3.1.2, §7.5.1).
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Sequence

from pillarbox.ids import MessageId, ModSeq, Uid
from pillarbox.imap.server.picture import Picture, Pictures, flag_names
from pillarbox.imap.server.quirks import CLAMP_SETS_WITH_STAR, RECENT_MESSAGES
from pillarbox.imap.wire.errors import BadSyntax
from pillarbox.imap.wire.sequence_set import SequenceSet, indexes_within
from pillarbox.store.model import FLAG_NAMES, Expunged, Mailbox, MailboxChanges, Placed


def _uid_of(row: Placed) -> int:
    return row.uid


def _words(texts: set[str]) -> set[str]:
    return {word for text in texts for word in text.split()}


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
        self._keywords: set[str] | None = None  # those that FLAGS told of, but for the well-known
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

    @property
    def recent(self) -> int:
        """RFC 3501 §7.3.2."""
        return RECENT_MESSAGES

    @property
    def holds_back(self) -> bool:
        """Whether there are messages whose EXPUNGE is still to be told."""
        return bool(self._held)

    def index_of(self, uid: int) -> int:
        """Where a UID stands, or -1."""
        return self.picture.index_of(uid)

    def flag_names(self, at: int) -> str:
        """The flags of the message at an index, as IMAP writes them."""
        picture = self.picture
        keywords = picture.keywords
        return flag_names(picture.flags[at], keywords.get(picture.uids[at], "") if keywords else "")

    def keyword_list(self) -> list[str]:
        """What FLAGS tells: system flags, well-known keywords and those that occur here."""
        if self._keywords is None:
            self._keywords = _words(set(self.picture.keywords.values()))
        return [*FLAG_NAMES.values(), *sorted(self._keywords)]

    def learn_keywords(self, uids: Iterable[int]) -> bool:
        """Whether messages have keywords that FLAGS has not told of; it is to be told again."""
        keywords = self.picture.keywords
        if not keywords:
            return False
        if self._keywords is None:
            self.keyword_list()
            return True
        known = self._keywords
        found = _words({keywords[uid] for uid in uids if uid in keywords})
        if found <= known:
            return False
        known |= found
        return True

    def differences(self, placed: Sequence[Placed], modseq: ModSeq) -> MailboxChanges:
        """The changes to a whole new copy of the mailbox, for when the store forgot them."""
        here = {row.uid for row in placed}
        gone = [
            Expunged(Uid(uid), MessageId(message), modseq)
            for uid, message in zip(self.uids, self.messages, strict=True)
            if uid not in here
        ]
        return MailboxChanges(modseq, list(placed), gone, exists=True)

    def close(self) -> None:
        """Let go of the picture."""
        self._pictures.keep(self.mailbox, self.picture)
        self._adopt(Picture())

    def resolve(self, wanted: SequenceSet, *, by_uid: bool) -> list[int]:
        """The indexes that a set names, ascending, each once.

        By UID, those that are not here are left out. By sequence number, one above the number of
        messages raises `BadSyntax` (RFC 9051 §9, seq-number).
        """
        uids = self.picture.uids
        count = len(uids)
        if by_uid:
            stretches = indexes_within(uids, wanted.resolve(uids[-1] if count else 0))
            return [at for stretch in stretches for at in stretch]
        if wanted.largest > count and not (CLAMP_SETS_WITH_STAR and wanted.has_star):
            raise BadSyntax("There is no message of that number.")
        return [
            at
            for low, high in wanted.resolve(count)
            for at in range(max(low - 1, 0), min(high, count))
        ]

    def resolve_saved(self, uids: Iterable[int]) -> list[int]:
        """The indexes of those of `uids` (ascending) that are still here: SEARCHRES `$`."""
        indexes = (self.picture.index_of(uid) for uid in uids)
        return [at for at in indexes if at >= 0]

    def note(self, rows: Iterable[Placed]) -> None:
        """Take over flags that this session just set, so that they are not told again."""
        picture = self._own_picture()
        self._pictures.withdraw(self.mailbox, picture)
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
        here: list[int] = [row.uid for row in expunged if self.picture.index_of(row.uid) >= 0]
        return sorted({*self._held, *here}) if self._held else here

    def _move_on(
        self, altered: list[tuple[int, Placed]], fresh: Sequence[Placed], removed: list[int]
    ) -> None:
        """Stand where the changes lead: in a picture that another session made, or in an own."""
        clean = not self._held
        if altered or fresh or removed:
            newest = self._pictures.find(self.mailbox)
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
                self._pictures.withdraw(self.mailbox, own)
            for at, row in altered:
                own.change(at, row)
            own.extend(fresh)
            own.remove(removed)
        if clean:
            self.picture.modseq = self.modseq
            self._pictures.publish(self.mailbox, self.picture)

    def _own_picture(self) -> Picture:
        """The picture as one that only this view holds, copied when it is shared."""
        if self.picture.holders > 1:
            self._adopt(self.picture.copy())
        return self.picture

    def _adopt(self, picture: Picture) -> None:
        self.picture.holders -= 1
        picture.holders += 1
        self.picture = picture
