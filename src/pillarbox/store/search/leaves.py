"""The terms of a query that one statement answers, and what each kind of term costs."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from pillarbox.store import query as q
from pillarbox.store.database import Value

EVERYTHING = "SELECT uid FROM placement WHERE account_id = ? AND mailbox_id = ?"
RANGE = """
    SELECT uid FROM placement
    WHERE account_id = ? AND mailbox_id = ? AND uid >= ? AND uid <= ?
"""
_FLAG = """
    SELECT uid FROM placement WHERE account_id = ? AND mailbox_id = ? AND flags & ? <> 0
"""
_NO_FLAG = """
    SELECT uid FROM placement WHERE account_id = ? AND mailbox_id = ? AND flags & ? = 0
"""
_KEYWORD = """
    SELECT uid FROM placement
    WHERE account_id = ? AND mailbox_id = ? AND keywords <> ''
        AND instr(' ' || lower(keywords) || ' ', ?) > 0
"""
_LARGER = "SELECT uid FROM placement WHERE account_id = ? AND mailbox_id = ? AND size > ?"
_SMALLER = "SELECT uid FROM placement WHERE account_id = ? AND mailbox_id = ? AND size < ?"
_RECEIVED = """
    SELECT uid FROM placement
    WHERE account_id = ? AND mailbox_id = ? AND received_at >= ? AND received_at < ?
"""
_SAVED = """
    SELECT uid FROM placement
    WHERE account_id = ? AND mailbox_id = ? AND saved_at >= ? AND saved_at < ?
"""
_SENT = """
    SELECT p.uid FROM placement p JOIN message m USING (account_id, message_id)
    WHERE p.account_id = ? AND p.mailbox_id = ? AND m.sent_on >= ? AND m.sent_on < ?
"""
_MODIFIED = "SELECT uid FROM placement WHERE account_id = ? AND mailbox_id = ? AND modseq >= ?"
_MESSAGE = "SELECT uid FROM placement WHERE account_id = ? AND mailbox_id = ? AND message_id = ?"
_THREAD = """
    SELECT p.uid FROM placement p JOIN message m USING (account_id, message_id)
    WHERE p.account_id = ? AND p.mailbox_id = ? AND m.thread_id = ?
"""
_SUBJECT_BEHIND = """
    SELECT message_id FROM message
    WHERE account_id = ? AND message_id > ? AND instr(folded_subject, ?) > 0
"""
_FROM_BEHIND = """
    SELECT message_id FROM message
    WHERE account_id = ? AND message_id > ? AND instr(folded_from, ?) > 0
"""
_TO_BEHIND = """
    SELECT message_id FROM message
    WHERE account_id = ? AND message_id > ? AND instr(folded_to, ?) > 0
"""
_CC_BEHIND = """
    SELECT message_id FROM message
    WHERE account_id = ? AND message_id > ? AND instr(folded_cc, ?) > 0
"""
_BCC_BEHIND = """
    SELECT message_id FROM message
    WHERE account_id = ? AND message_id > ? AND instr(folded_bcc, ?) > 0
"""
COLUMN_BEHIND_HAS = {
    q.Field.SUBJECT: _SUBJECT_BEHIND,
    q.Field.FROM: _FROM_BEHIND,
    q.Field.TO: _TO_BEHIND,
    q.Field.CC: _CC_BEHIND,
    q.Field.BCC: _BCC_BEHIND,
}
_SUBJECT_OF_THESE = """
    SELECT message_id FROM message
    WHERE account_id = ? AND message_id IN (SELECT value FROM json_each(?))
        AND instr(folded_subject, ?) > 0
"""
_FROM_OF_THESE = """
    SELECT message_id FROM message
    WHERE account_id = ? AND message_id IN (SELECT value FROM json_each(?))
        AND instr(folded_from, ?) > 0
"""
_TO_OF_THESE = """
    SELECT message_id FROM message
    WHERE account_id = ? AND message_id IN (SELECT value FROM json_each(?))
        AND instr(folded_to, ?) > 0
"""
_CC_OF_THESE = """
    SELECT message_id FROM message
    WHERE account_id = ? AND message_id IN (SELECT value FROM json_each(?))
        AND instr(folded_cc, ?) > 0
"""
_BCC_OF_THESE = """
    SELECT message_id FROM message
    WHERE account_id = ? AND message_id IN (SELECT value FROM json_each(?))
        AND instr(folded_bcc, ?) > 0
"""
COLUMN_OF_THESE_HAS = {
    q.Field.SUBJECT: _SUBJECT_OF_THESE,
    q.Field.FROM: _FROM_OF_THESE,
    q.Field.TO: _TO_OF_THESE,
    q.Field.CC: _CC_OF_THESE,
    q.Field.BCC: _BCC_OF_THESE,
}

_NEVER = -(2**62)
_ALWAYS = 2**62


def statement(query: q.Query) -> tuple[str, tuple[Value, ...]] | None:
    """The statement for a term, its parameters after account and mailbox; None: it takes more."""
    match query:
        case q.All():
            return EVERYTHING, ()
        case q.HasFlag(flag):
            return _FLAG, (int(flag),)
        case q.Not(q.HasFlag(flag)):
            return _NO_FLAG, (int(flag),)
        case q.HasKeyword(keyword):
            return _KEYWORD, (f" {keyword.lower()} ",)
        case q.Larger(octets):
            return _LARGER, (octets,)
        case q.Smaller(octets):
            return _SMALLER, (octets,)
        case q.ReceivedBetween(since, before):
            return _RECEIVED, _between(since, before)
        case q.SavedBetween(since, before):
            return _SAVED, _between(since, before)
        case q.SentBetween(since, before):
            return _SENT, _between(since, before)
        case q.ModifiedSince(modseq):
            return _MODIFIED, (modseq,)
        case q.IsMessage(message):
            return _MESSAGE, (message,)
        case q.InThread(thread):
            return _THREAD, (thread,)
    return None


def _between(since: int | None, before: int | None) -> tuple[int, int]:
    return (_NEVER if since is None else since, _ALWAYS if before is None else before)


def in_ranges(uids: set[int], ranges: tuple[tuple[int, int], ...]) -> set[int]:
    """Those within inclusive ranges."""
    ordered = sorted(uids)
    found: set[int] = set()
    for first, last in ranges:
        found.update(ordered[bisect_left(ordered, first) : bisect_right(ordered, last)])
    return found


TEXT = 2  # what terms cost at least that look for a text


def cost(query: q.Query) -> int:
    """How dear a term is, roughly; cheap ones go first."""
    match query:
        case q.And(terms) | q.Or(terms):
            return max(map(cost, terms), default=0)
        case q.Not(term):
            return cost(term)
        case q.SentBetween() | q.InThread():
            return 1
        case q.Contains(q.Field.BODY | q.Field.TEXT) | q.HasHeader():
            return 3
        case q.Contains():
            return TEXT
        case _:
            return 0
