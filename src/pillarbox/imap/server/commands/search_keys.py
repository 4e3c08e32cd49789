"""Search criteria: the keys of SEARCH as the store's query tree (RFC 9051 §6.4.4).

A key is read to a criterion: a function that gives the query once the session's facts are known
(what its sequence numbers mean, what `$` holds, what time it is).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from pillarbox.config.imap import ImapSettings
from pillarbox.ids import MessageId, ModSeq, ThreadId
from pillarbox.imap.server.object_ids import parse_object_id
from pillarbox.imap.wire.errors import BadSyntax
from pillarbox.imap.wire.reader import Reader
from pillarbox.imap.wire.sequence_set import SequenceSet, ranges_of
from pillarbox.store import query as q
from pillarbox.store.model import FLAGS_BY_FOLDED_NAME, Flag
from pillarbox.store.query import Query

EVERY = q.All()
NONE = q.Or(())


@dataclass(frozen=True, slots=True)
class Scope:
    """A session's facts that criteria need."""

    uids: Sequence[int]  # of the mailbox as this client knows it, ascending
    saved: Iterable[int]  # `$`
    now: int  # Unix seconds

    def ranges(self, wanted: SequenceSet, *, by_uid: bool) -> tuple[tuple[int, int], ...]:
        """UID ranges of a set. Raises BadSyntax on a sequence number that there is not."""
        uids, count = self.uids, len(self.uids)
        if wanted.saved:
            return tuple(ranges_of(self.saved))
        if by_uid:
            return tuple(wanted.resolve(uids[-1] if count else 0))
        if wanted.largest > count and not wanted.has_star:
            raise BadSyntax("There is no message of that number.")
        clamped = ((max(a, 1), min(b, count)) for a, b in wanted.resolve(count))
        return tuple((uids[a - 1], uids[b - 1]) for a, b in clamped if a <= b)


Criterion = Callable[[Scope], Query]


@dataclass(slots=True)
class KeyReader:
    """A command's criteria while they are read."""

    reader: Reader
    extra: Mapping[str, SearchKey]  # the extensions' keys
    limits: ImapSettings
    charset_known: bool = True
    uses_modseq: bool = False
    _depth: int = field(default=0)
    _count: int = field(default=0)

    def text(self) -> str:
        """A needle, decoded."""
        self.reader.space()
        octets = self.reader.astring()
        if not self.charset_known:  # the command will be refused
            return ""
        try:
            # IMAP4rev2 assumes UTF-8, and US-ASCII is part of it.
            return octets.decode("utf-8")
        except UnicodeDecodeError:
            raise BadSyntax("A search text is not in UTF-8.") from None

    def day(self) -> date:
        self.reader.space()
        return self.reader.date()

    def number(self) -> int:
        self.reader.space()
        return self.reader.number64()

    def program(self) -> Criterion:
        """One or more keys, all of which must match."""
        terms = [self.key()]
        while self.reader.take(b" "):
            terms.append(self.key())
        return terms[0] if len(terms) == 1 else _both(terms)

    def key(self) -> Criterion:
        """One key with its arguments."""
        self._count += 1
        limits = self.limits
        if self._count > limits.max_search_keys or self._depth >= limits.max_search_depth:
            raise BadSyntax("The search has too many parts; ask for less at a time.")
        self._depth += 1
        try:
            return self._key()
        finally:
            self._depth -= 1

    def _key(self) -> Criterion:
        reader = self.reader
        if reader.take(b"("):
            terms = self.program()
            reader.expect(b")")
            return terms
        if any(map(reader.peek, _SET_STARTS)):
            return _numbers(reader.sequence_set(), by_uid=False)
        name = reader.word()
        known = BASE_KEYS.get(name) or self.extra.get(name)
        if known is None:
            raise BadSyntax(f"SEARCH does not know the key {name[:40]}.")
        return known(self)


SearchKey = Callable[[KeyReader], Criterion]

_SET_STARTS = (b"*", b"$", *(b"%d" % digit for digit in range(10)))


def _both(terms: list[Criterion]) -> Criterion:
    return lambda scope: q.And(tuple(term(scope) for term in terms))


def _numbers(wanted: SequenceSet, *, by_uid: bool) -> Criterion:
    return lambda scope: q.Uids(scope.ranges(wanted, by_uid=by_uid))


def _always(query: Query) -> Criterion:
    return lambda scope: query


# What the keys are made of


def _fixed(query: Query) -> SearchKey:
    return lambda keys: _always(query)


def _flag(flag: Flag, *, there: bool = True) -> SearchKey:
    has = q.HasFlag(int(flag))
    return _fixed(has if there else q.Not(has))


def _text(where: q.Field) -> SearchKey:
    return lambda keys: _always(q.Contains(where, keys.text()))


def _keyword(keys: KeyReader) -> Query:
    keys.reader.space()
    name = keys.reader.flag()
    flag = FLAGS_BY_FOLDED_NAME.get(name.lower())
    return q.HasKeyword(name) if flag is None else q.HasFlag(int(flag))


def _header(keys: KeyReader) -> Criterion:
    keys.reader.space()
    name = keys.reader.astring().decode("ascii", "replace")
    return _always(q.HasHeader(name, keys.text()))


def _uid(keys: KeyReader) -> Criterion:
    keys.reader.space()
    return _numbers(keys.reader.sequence_set(), by_uid=True)


def _not(keys: KeyReader) -> Criterion:
    keys.reader.space()
    term = keys.key()
    return lambda scope: q.Not(term(scope))


def _or(keys: KeyReader) -> Criterion:
    keys.reader.space()
    left = keys.key()
    keys.reader.space()
    right = keys.key()
    return lambda scope: q.Or((left(scope), right(scope)))


Days = tuple[int | None, int | None]  # [since, before)


def midnight(day: date) -> int:
    """The first second of a day in UTC, the zone in which INTERNALDATE is told."""
    return int(datetime.combine(day, time(), UTC).timestamp())


def _next(day: date) -> date:
    return day + timedelta(1) if day < date.max else day


def before(count: Callable[[date], int], day: date) -> Days:
    return None, count(day)


def on(count: Callable[[date], int], day: date) -> Days:
    return count(day), count(_next(day))


def since(count: Callable[[date], int], day: date) -> Days:
    return count(day), None


Span = Callable[[Callable[[date], int], date], Days]


def _received(span: Span) -> SearchKey:
    return lambda keys: _always(q.ReceivedBetween(*span(midnight, keys.day())))


def saved(span: Span) -> SearchKey:
    """For RFC 8514's keys."""
    return lambda keys: _always(q.SavedBetween(*span(midnight, keys.day())))


def _sent(span: Span) -> SearchKey:
    return lambda keys: _always(q.SentBetween(*span(date.toordinal, keys.day())))


BASE_KEYS: dict[str, SearchKey] = {
    "ALL": _fixed(EVERY),
    "ANSWERED": _flag(Flag.ANSWERED),
    "DELETED": _flag(Flag.DELETED),
    "DRAFT": _flag(Flag.DRAFT),
    "FLAGGED": _flag(Flag.FLAGGED),
    "SEEN": _flag(Flag.SEEN),
    "UNANSWERED": _flag(Flag.ANSWERED, there=False),
    "UNDELETED": _flag(Flag.DELETED, there=False),
    "UNDRAFT": _flag(Flag.DRAFT, there=False),
    "UNFLAGGED": _flag(Flag.FLAGGED, there=False),
    "UNSEEN": _flag(Flag.SEEN, there=False),
    # No message is ever told to be recent: quirks.RECENT_MESSAGES.
    "RECENT": _fixed(NONE),
    "NEW": _fixed(NONE),
    "OLD": _fixed(EVERY),
    "KEYWORD": lambda keys: _always(_keyword(keys)),
    "UNKEYWORD": lambda keys: _always(q.Not(_keyword(keys))),
    "BCC": _text(q.Field.BCC),
    "BODY": _text(q.Field.BODY),
    "CC": _text(q.Field.CC),
    "FROM": _text(q.Field.FROM),
    "SUBJECT": _text(q.Field.SUBJECT),
    "TEXT": _text(q.Field.TEXT),
    "TO": _text(q.Field.TO),
    "HEADER": _header,
    "BEFORE": _received(before),
    "ON": _received(on),
    "SINCE": _received(since),
    "SENTBEFORE": _sent(before),
    "SENTON": _sent(on),
    "SENTSINCE": _sent(since),
    "LARGER": lambda keys: _always(q.Larger(keys.number())),
    "SMALLER": lambda keys: _always(q.Smaller(keys.number())),
    "UID": _uid,
    "NOT": _not,
    "OR": _or,
}


# Keys that extensions bring

every: SearchKey = _fixed(EVERY)


def _modseq(keys: KeyReader) -> Criterion:
    """RFC 7162 §3.1.5; one modseq a message, so the entry's name and type do not count."""
    keys.uses_modseq = True
    reader = keys.reader
    reader.space()
    if reader.peek(b'"'):
        reader.string()
        reader.space()
        if reader.word() not in ("SHARED", "PRIV", "ALL"):
            raise BadSyntax("MODSEQ's entry type is shared, priv or all.")
        reader.space()
    return _always(q.ModifiedSince(ModSeq(reader.number64())))


def _email_id(keys: KeyReader) -> Criterion:
    """RFC 8474 §6."""
    keys.reader.space()
    return _always(q.IsMessage(MessageId(parse_object_id(b"M", keys.reader.atom()))))


def _thread_id(keys: KeyReader) -> Criterion:
    """RFC 8474 §6."""
    keys.reader.space()
    return _always(q.InThread(ThreadId(parse_object_id(b"T", keys.reader.atom()))))


def within(*, younger: bool) -> SearchKey:
    """RFC 5032 §2: YOUNGER and OLDER, in seconds before now."""

    def read(keys: KeyReader) -> Criterion:
        keys.reader.space()
        seconds = keys.reader.nz_number()
        if younger:
            return lambda scope: q.ReceivedBetween(scope.now - seconds, None)
        return lambda scope: q.ReceivedBetween(None, scope.now - seconds + 1)

    return read


MODSEQ: SearchKey = _modseq
EMAIL_ID: SearchKey = _email_id
THREAD_ID: SearchKey = _thread_id
