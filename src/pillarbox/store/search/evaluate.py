"""The search evaluator: a query tree to UIDs, cheap terms first.

Every term becomes the set of UIDs that it holds for; what the cheap terms of a conjunction leave
is all that the dear ones look at. Texts are found through the index and verified, so that a match
is an exact substring match; what the index does not have yet is read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence, Set
from functools import partial
from itertools import compress
from typing import Any, NamedTuple, cast

import msgspec

from pillarbox.ids import AccountId, MailboxId, MessageId, Uid
from pillarbox.message.casefold import fold
from pillarbox.store import query as q
from pillarbox.store.database import Reader, Value
from pillarbox.store.search import leaves
from pillarbox.store.search.document import Document, has_field, squeeze
from pillarbox.store.search.glance import is_glanced_for
from pillarbox.store.search.reading import DocumentReader, ReadBlob
from pillarbox.store.search.text_index import EXACT, TextIndex, Where

Check = Callable[[Document], bool]
_numbers = msgspec.json.Decoder(list[int]).decode
_messages = msgspec.json.Decoder(list[MessageId]).decode
_TOGETHER = "SELECT json_group_array(uid) FROM ({sql})"  # half the work of a row for each

# Of messages that are each named once, the lowest first.
_UIDS_OF = """
    SELECT json_group_array(message_id), json_group_array(uid)
    FROM json_each(?3) CROSS JOIN placement INDEXED BY placement_message
    WHERE account_id = ?1 AND mailbox_id = ?2 AND message_id = value
"""
_MESSAGES_OF = """
    SELECT json_group_array(message_id), json_group_array(uid) FROM placement
    WHERE account_id = ? AND mailbox_id = ? AND uid IN (SELECT value FROM json_each(?))
"""
_PLACES_BETWEEN = """
    SELECT json_group_array(message_id), json_group_array(uid) FROM placement
    WHERE account_id = ? AND mailbox_id = ? AND message_id BETWEEN ? AND ?
"""
_PLACES = """
    SELECT json_group_array(message_id), json_group_array(uid) FROM placement
    WHERE account_id = ? AND mailbox_id = ?
"""
# Within an account both numbers grow together, so the account's index is read from its end.
_AFTER = """
    SELECT json_group_array(message_id) FILTER (WHERE seq > ?3),
        json_group_array(message_id) FILTER (WHERE seq <= ?3)
    FROM message
    WHERE account_id = ?1 AND message_id > coalesce((
        SELECT message_id FROM message WHERE account_id = ?1 AND seq <= ?2
        ORDER BY message_id DESC LIMIT 1), 0)
"""
_HOW_MANY_AFTER = """
    SELECT count(*) FROM message
    WHERE account_id = ?1 AND message_id > coalesce((
        SELECT message_id FROM message WHERE account_id = ?1 AND seq <= ?2
        ORDER BY message_id DESC LIMIT 1), 0)
"""
_UNREAD = """
    SELECT message_id, blob_id, structure, trace,
        folded_subject, folded_from, folded_to, folded_cc, folded_bcc
    FROM message WHERE account_id = ? AND message_id IN (SELECT value FROM json_each(?))
"""
_FEW = 1000  # UIDs or messages that are cheaper to ask for than to look through all
_DENSE = 4  # one wanted message of so many is worth reading all between
_FEW_RANGES = 20  # so many are cheaper to ask for than to load all UIDs
_FREQUENT = 4  # a word in one message of so many: which may have it is not worth asking
_AT_ONCE = 1000  # messages that one statement verifies
_READ_AT_ONCE = 64  # of the tail; a row may be large
_WORDS_KEPT = 32 * 1024 * 1024  # octets of documents of the tail that one search keeps


class _Wanted(NamedTuple):
    """What texts are looked through for."""

    where: Where
    needle: str  # for the index
    octets: bytes  # in every text that the check holds for
    check: Check
    exact: bool = False  # what the index finds needs no check
    whole: bool = False  # what holds the octets needs one


class _Places(NamedTuple):
    """Messages and their UIDs in the mailbox, side by side; a message may be there twice."""

    messages: list[MessageId]
    uids: list[int]

    def uids_of(self, messages: set[MessageId]) -> set[int]:
        """The UIDs of some of them."""
        if cast("object", self.uids) is self.messages:  # of an account: messages are asked for
            return cast("set[int]", messages.intersection(self.messages))
        return set(compress(self.uids, map(messages.__contains__, self.messages)))


def _has_field(words: Document, name: bytes, octets: bytes) -> bool:
    return has_field(words.head, name, octets)


class Search:
    """One search in one snapshot."""

    def __init__(
        self,
        db: Reader,
        texts: TextIndex,
        read_blob: ReadBlob,
        account: AccountId,
        mailbox: MailboxId,
        max_octets: int,
    ) -> None:
        self._db = db
        self._texts = texts
        self._documents = DocumentReader(read_blob, max_octets)
        self._account = account
        self._mailbox = mailbox
        self._all: set[int] | None = None
        self._tail: set[MessageId] | None = None  # without document
        self._waiting: set[MessageId] = set()  # with a document, not indexed
        self._kept: dict[MessageId, Document] = {}
        self._kept_octets = 0
        self._frequencies: dict[tuple[Where, str], int] = {}  # as far as terms were compared

    async def run(self, query: q.Query) -> list[Uid]:
        """The UIDs, ascending."""
        alone = leaves.statement(query)
        if alone is None:
            uids = sorted(await self._uids(query, None))
        else:  # a set of 50,000 takes half as long as the statement
            uids = await self._together(*alone)
            uids.sort()
        return cast("list[Uid]", uids)  # a call for each of 50,000 takes milliseconds

    async def _uids(self, query: q.Query, within: set[int] | None) -> set[int]:
        """Those the query holds for; with `within`, at least those of them that are in it."""
        match query:
            case q.And(terms):
                return await self._all_of(terms, within)
            case q.Or(terms):
                found: set[int] = set()
                for term in terms:
                    found |= await self._uids(term, within)
                return found
            case q.Not(term) if not isinstance(term, q.HasFlag):
                universe = await self._everything() if within is None else within
                return universe - await self._uids(term, universe)
            case q.Contains(_, needle) if not needle:
                return await self._everything()
            case q.Contains(field, needle):
                return await self._contains(field, fold(needle), within)
            case q.HasHeader(name, needle):
                return await self._has_header(fold(name), fold(needle), within)
            case q.Uids(ranges):
                return await self._in_ranges(ranges)
            case q.All():
                return await self._everything()
        alone = leaves.statement(query)
        if alone is None:
            raise TypeError(f"not asked of a mailbox: {type(query).__name__}")
        return set(await self._together(*alone))

    async def _all_of(self, terms: tuple[q.Query, ...], within: set[int] | None) -> set[int]:
        for term in await self._cheap_first(terms):
            found = await self._uids(term, within)
            within = found if within is None else within & found
            if not within:
                break
        return await self._everything() if within is None else within

    async def _cheap_first(self, terms: tuple[q.Query, ...]) -> list[q.Query]:
        """Of texts the rarest first: it leaves the others few messages to be looked at in."""
        ordered = sorted(terms, key=leaves.cost)
        texts = [term for term in ordered if leaves.cost(term) >= leaves.TEXT]
        if len(texts) > 1:
            texts.sort(key=self._frequency)
        return [*ordered[: len(ordered) - len(texts)], *texts]

    def _frequency(self, term: q.Query) -> int:
        """In about how many messages a text is; _FEW stands for more than few, or for unknown."""
        match term:
            case q.And(terms):
                return min([self._frequency(one) for one in terms], default=_FEW)
            case q.Or(terms):  # of fields, which share what they may be in
                return max([self._frequency(one) for one in terms], default=0)
            case q.Contains(field, needle):
                half = Where.BODY if field is q.Field.BODY else Where.ANY
                where = Where.HEAD if field in leaves.COLUMN_BEHIND_HAS else half
                key = (where, squeeze(fold(needle)))
                if key not in self._frequencies:
                    found = self._texts.candidates(where, self._account, key[1], _FEW)
                    self._frequencies[key] = _FEW if found is None else len(found)
                return self._frequencies[key]
        return _FEW

    async def _everything(self) -> set[int]:
        if self._all is None:
            self._all = set(await self._together(leaves.EVERYTHING, ()))
        return self._all

    async def _in_ranges(self, ranges: tuple[tuple[int, int], ...]) -> set[int]:
        if self._all is not None or len(ranges) > _FEW_RANGES:
            return leaves.in_ranges(await self._everything(), ranges)
        found: set[int] = set()
        for span in ranges:
            found.update(await self._together(leaves.RANGE, span))
        return found

    async def _together(self, sql: str, params: tuple[Value, ...]) -> list[int]:
        """The UIDs that a statement finds, in no order."""
        found = _TOGETHER.format(sql=sql)
        row = await self._db.row(found, (self._account, self._mailbox, *params))
        return _numbers(row[0]) if row is not None else []

    async def _contains(self, field: q.Field, needle: str, within: set[int] | None) -> set[int]:
        if field in leaves.COLUMN_BEHIND_HAS:
            return await self._column_has(field, needle, within)
        needle = squeeze(needle)
        octets = needle.encode("utf-8", "replace")
        exact = len(needle) == EXACT and needle.split() == [needle]
        if field is q.Field.BODY:
            wanted = _Wanted(Where.BODY, needle, octets, lambda one: octets in one.body, exact)
        else:
            wanted = _Wanted(
                Where.ANY,
                needle,
                octets,
                lambda one: octets in one.head or octets in one.body,
                exact,
            )
        return await self._look_up(wanted, within)

    async def _column_has(self, field: q.Field, needle: str, within: set[int] | None) -> set[int]:
        """By the few candidates that the trigrams leave, else by all columns."""
        candidates: set[MessageId] | None = None
        if within is None or len(within) > _FEW:
            if await self._not_indexed() <= _FEW:
                candidates = self._texts.candidates(Where.HEAD, self._account, needle, _FEW)
            if candidates is None or len(candidates) >= _FEW:
                return await self._all_columns(field, needle, within)
            candidates |= await self._unread() | self._waiting
        places = await self._places(candidates, within)
        messages = list(set(places.messages))
        found: set[MessageId] = set()
        for start in range(0, len(messages), _AT_ONCE):
            part = json.dumps(messages[start : start + _AT_ONCE])
            sql = leaves.COLUMN_OF_THESE_HAS[field]
            found.update(*await self._db.rows(sql, (self._account, part, needle)))
        return places.uids_of(found)

    async def _all_columns(self, field: q.Field, needle: str, within: set[int] | None) -> set[int]:
        octets = needle.encode("utf-8", "replace")
        found, upto = self._texts.columns(field, self._account, octets)
        sql = leaves.COLUMN_BEHIND_HAS[field]
        rows = await self._db.rows(sql, (self._account, upto, needle))
        found.update([message for (message,) in rows])
        return (await self._places(found, within)).uids_of(found)

    async def _has_header(self, name: str, needle: str, within: set[int] | None) -> set[int]:
        needle = squeeze(needle)
        wanted, octets = name.encode("utf-8", "replace"), needle.encode("utf-8", "replace")
        rarer = needle if any(len(word) >= EXACT for word in needle.split()) else name + ":"
        check = partial(_has_field, name=wanted, octets=octets)
        least = octets or b"\n" + wanted + b":"
        return await self._look_up(_Wanted(Where.HEAD, rarer, least, check, whole=True), within)

    async def _look_up(self, wanted: _Wanted, within: set[int] | None) -> set[int]:
        """UIDs of the messages that the check holds for."""
        tail = await self._unread()
        candidates = None if self._is_behind(tail) else self._candidates(wanted, within)
        if candidates is not None:
            candidates |= tail | self._waiting
        places = await self._places(candidates, within)
        there = set(places.messages)
        if candidates is not None:
            there &= candidates
        sure = wanted.exact and candidates is not None
        found = there - tail - self._waiting if sure else set()
        found |= self._of_documents(wanted, there - found - tail)
        found |= await self._of_unread(wanted, sorted(there & tail))
        return places.uids_of(found)

    def _is_behind(self, tail: set[MessageId]) -> bool:
        """Whether more messages are without trigrams than with: the mail of an import, mostly.

        To look at all of them is cheaper then than to tell which. Numbers are given out in turn,
        so there are no more messages than the highest one says.
        """
        behind = len(tail) + len(self._waiting)
        highest = max(max(tail, default=0), max(self._waiting, default=0))
        return behind > _FEW and 2 * behind > highest

    def _candidates(self, wanted: _Wanted, within: set[int] | None) -> set[MessageId] | None:
        """None: all are looked at, because so many may have it, or the index cannot tell."""
        most = -1
        if within is not None and not wanted.exact and not wanted.whole:
            most = max(_FEW, len(within) // _FREQUENT)
        found = self._texts.candidates(wanted.where, self._account, wanted.needle, most)
        return None if found is not None and 0 <= most <= len(found) else found

    def _of_documents(self, wanted: _Wanted, doubtful: set[MessageId]) -> set[MessageId]:
        """Those of the messages whose document the check holds for."""
        found: set[MessageId] = set()
        where, octets = wanted.where, wanted.octets
        if not wanted.whole:
            surely, perhaps = self._texts.holding(where, self._account, doubtful, octets)
            found.update(surely)
            doubtful = set(perhaps)
        for message, words in self._texts.texts(where, self._account, doubtful, octets):
            if wanted.check(words):
                found.add(message)
        return found

    async def _places(self, messages: Set[MessageId] | None, within: set[int] | None) -> _Places:
        """Where the messages are in this mailbox, and perhaps others; all that are for None."""
        key = (self._account, self._mailbox)
        if within is not None and len(within) <= _FEW:
            row = await self._db.row(_MESSAGES_OF, (*key, json.dumps(list(within))))
        elif messages is None:
            row = await self._db.row(_PLACES, key)
        elif messages and max(messages) - min(messages) < _DENSE * len(messages):
            row = await self._db.row(_PLACES_BETWEEN, (*key, min(messages), max(messages)))
        else:
            these = msgspec.json.encode(sorted(messages)).decode()
            row = await self._db.row(_UIDS_OF, (*key, these))
        known, uids = row or ("[]", "[]")
        places = _Places(_messages(known), _numbers(uids))
        if within is None or len(within) <= _FEW:
            return places
        kept = [pair for pair in zip(*places, strict=True) if pair[1] in within]
        return _Places([message for message, _ in kept], [uid for _, uid in kept])

    async def _unread(self) -> set[MessageId]:
        """The account's messages without a document; knows those waiting for the index, too."""
        if self._tail is None:
            upto, indexed = self._texts.upto()
            row = await self._db.row(_AFTER, (self._account, indexed, upto))
            tail, waiting = row or ("[]", "[]")
            self._tail, self._waiting = set(_messages(tail)), set(_messages(waiting))
        return self._tail

    async def _not_indexed(self) -> int:
        """How many of the account's messages are not in the index; cheaper than which."""
        _, indexed = self._texts.upto()
        row = await self._db.row(_HOW_MANY_AFTER, (self._account, indexed))
        return row[0] if row is not None else 0

    async def _of_unread(self, wanted: _Wanted, messages: list[MessageId]) -> set[MessageId]:
        """Those of the messages without a document that the check holds for."""
        found = {one for one in messages if one in self._kept and wanted.check(self._kept[one])}
        unknown = [one for one in messages if one not in self._kept]
        glanced = is_glanced_for(wanted.needle) and not wanted.whole
        for start in range(0, len(unknown), _READ_AT_ONCE):
            some = json.dumps(unknown[start : start + _READ_AT_ONCE])
            for message, *row in await self._db.rows(_UNREAD, (self._account, some)):
                holds: bool | None = None
                if glanced:
                    where, octets = wanted.where, wanted.octets
                    holds = self._documents.holds(row, where, wanted.needle, octets)
                if holds is None:
                    holds = wanted.check(self._words(message, row))
                if holds:
                    found.add(message)
        return found

    def _words(self, message: MessageId, row: Sequence[Any]) -> Document:
        """A message that is not indexed yet; kept for the other terms of this search."""
        words = self._documents.read(row)
        self._kept_octets += len(words.head) + len(words.body)
        if self._kept_octets < _WORDS_KEPT:
            self._kept[message] = words
        return words
