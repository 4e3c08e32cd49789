"""One session's view of its mailbox: what this client was told, apart from what the store holds.

Sequence numbers are the client's: a message that is gone stays in the view until its EXPUNGE may be
told (RFC 9051 §2.3.1.2, §7.5.1).

The view of a large mailbox only counts its older messages until a command reaches for them
(`picture`, ADR 0018). What holds at every moment: a view is the mailbox at `modseq`, but for
messages that are held back; those are always in the picture; and of a message that is only counted
nothing has been told but that it is there. So what is read later is read together with the changes
since `modseq`, by one snapshot, and both are taken in at once: messages that went meanwhile are put
in at their places and held back, those that changed are told as changed.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pillarbox.ids import MessageId, ModSeq, Uid
from pillarbox.imap.server.picture import Picture, Pictures, flag_names
from pillarbox.imap.server.quirks import CLAMP_SETS_WITH_STAR, RECENT_MESSAGES
from pillarbox.imap.wire.errors import BadSyntax
from pillarbox.imap.wire.sequence_set import SequenceSet, indexes_within
from pillarbox.store.model import FLAG_NAMES, Expunged, Mailbox, MailboxChanges, Placed

_NOWHERE = 2**63  # above every UID and every sequence number


def _uid_of(row: Placed) -> int:
    return row.uid


def first_touched(changes: MailboxChanges) -> int:
    """The lowest UID that changes tell of."""
    placed, expunged = changes.placed, changes.expunged
    return min(placed[0].uid if placed else _NOWHERE, expunged[0].uid if expunged else _NOWHERE)


def _words(texts: set[str]) -> set[str]:
    return {word for text in texts for word in text.split()}


@dataclass(frozen=True, slots=True)
class Reach:
    """How far down a command needs the messages: from a UID, and from a sequence number, on."""

    uid: int = _NOWHERE
    number: int = _NOWHERE


EVERYTHING = Reach(uid=0, number=1)
NOTHING = Reach()


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
        """The number of messages that this client was told of."""
        picture = self.picture
        return picture.below + len(picture.uids)

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

    @property
    def below(self) -> int:
        """How many of the oldest messages are only counted: sequence number - index - 1."""
        return self.picture.below

    @property
    def uids_below(self) -> array[int] | None:
        """The UIDs of those; None: not known yet."""
        return self.picture.uids_below if self.picture.below else array("I")

    def know_below(self, uids: array[int] | None) -> None:
        """Take them over."""
        self.picture.uids_below = uids

    def lacks(self, wanted: Reach) -> bool:
        """Whether messages that are wanted are only counted yet."""
        picture = self.picture
        return picture.below > 0 and (wanted.uid < picture.floor or wanted.number <= picture.below)

    def reach_of(self, wanted: SequenceSet, saved: Sequence[int], *, by_uid: bool) -> Reach:
        """How far down a set goes. By UID and with `*`, the last message must be known."""
        if not self.picture.below:
            return NOTHING
        if wanted.saved:
            return Reach(uid=saved[0]) if saved else NOTHING
        if not by_uid:
            return Reach(
                number=min((low for low, _ in wanted.resolve(len(self))), default=_NOWHERE)
            )
        uids = self.picture.uids
        if wanted.has_star and not uids:
            return Reach(number=len(self))
        return Reach(uid=min((low for low, _ in wanted.resolve(uids[-1] if uids else 0))))

    def touched(self, changes: MailboxChanges) -> Reach:
        """How far down changes go."""
        return Reach(uid=first_touched(changes))

    def adopt_fuller(self) -> None:
        """Go over to a picture of the same moment that another session has read further down."""
        newest = self._pictures.find(self.mailbox)
        if (
            newest is not None
            and not self._held
            and newest.modseq == self.modseq == self.picture.modseq
            and newest.below < self.picture.below
        ):
            self._adopt(newest)

    def put_under(self, older: Picture, changes: MailboxChanges) -> None:
        """Take in what was read below the floor together with `changes`, which are applied next."""
        own = self._own_picture()
        if changes.placed or changes.expunged:  # it holds what is true only after those
            self._pictures.withdraw(self.mailbox, own)
        own.put_under(older)

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

    def know_keywords(self, names: Iterable[str]) -> None:
        """FLAGS is to tell of these, which spares looking at every message."""
        self._keywords = set(names)

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
        """The changes to a whole new copy of the mailbox, for when the store forgot them.

        Which ones went of those that are only counted cannot be told: the mailbox counts as made
        anew.
        """
        if self.picture.below:
            return MailboxChanges(modseq, [], [], exists=False)
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

        What they reach for must have been read (`reach_of`). By UID, those that are not here are
        left out. By sequence number, one above the number of
        messages raises `BadSyntax` (RFC 9051 §9, seq-number).
        """
        if self.lacks(self.reach_of(wanted, (), by_uid=by_uid)):
            raise LookupError("Messages below the floor were asked for before they were read.")
        uids, below = self.picture.uids, self.picture.below
        if by_uid:
            stretches = indexes_within(uids, wanted.resolve(uids[-1] if uids else 0))
            return [at for stretch in stretches for at in stretch]
        count = len(self)
        if wanted.largest > count and not (CLAMP_SETS_WITH_STAR and wanted.has_star):
            raise BadSyntax("There is no message of that number.")
        return [
            at
            for low, high in wanted.resolve(count)
            for at in range(max(low - 1, 0) - below, min(high, count) - below)
        ]

    def resolve_saved(self, uids: Iterable[int]) -> list[int]:
        """The indexes of those of `uids` (ascending) that are still here: SEARCHRES `$`."""
        indexes = (self.picture.index_of(uid) for uid in uids)
        return [at for at in indexes if at >= 0]

    def note(self, rows: Iterable[Placed]) -> None:
        """Take over flags that this session just set, so that they are not told again."""
        shared = self.picture
        newer = [
            (at, row)
            for row in rows
            if (at := shared.index_of(row.uid)) >= 0 and shared.modseqs[at] < row.modseq
        ]
        if not newer:  # what was set was set before: the picture stays true for the others, too
            return
        picture = self._own_picture()
        self._pictures.withdraw(self.mailbox, picture)
        for at, row in newer:
            picture.change(at, row)

    def apply(self, changes: MailboxChanges, *, tell_expunged: bool) -> Told:
        """Move on by `changes`; messages that are gone stay in the picture until they are told."""
        told = Told()
        picture = self.picture
        self.modseq = max(self.modseq, changes.upto)
        self.gone = self.gone or not changes.exists
        last = picture.uids[-1] if picture.uids else max(picture.floor - 1, 0)
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
            told.expunged_seqs = [picture.below + at + 1 for at in reversed(removed)]
        else:
            self._held = gone
        self._move_on(altered, fresh, removed)
        if fresh:
            told.exists = len(self)
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
                and newest.below <= self.picture.below
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
