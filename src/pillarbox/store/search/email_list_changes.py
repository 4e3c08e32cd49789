"""What may have changed in an account's list of messages since a modseq (RFC 8620 §5.6).

No old list is kept. From the modseqs of places and tombstones follows which messages changed, and
in which mailboxes each of them was; all others stand in the old order among themselves.
"""

from __future__ import annotations

from itertools import compress, count

import msgspec

from pillarbox.errors import CannotCalculateChanges
from pillarbox.ids import ModSeq
from pillarbox.store import query as q
from pillarbox.store.search.account_wide import AccountSearch
from pillarbox.store.search.changed import Changed, changed_since
from pillarbox.store.search.email_list import EmailList, email_list
from pillarbox.store.sql import changes
from pillarbox.store.sql.account_changes import Point, check_point


class Difference(msgspec.Struct, frozen=True):
    """Take `removed` out of the old list, put `added` in one by one, and it is the new one."""

    now: EmailList
    removed: list[int]  # some of them may not have been in it
    added: list[tuple[int, int]]  # position in the new list and message, the lowest first


class _Depends(msgspec.Struct, frozen=True):
    """Of what the answer to a question may depend, beside which messages there are."""

    flags: bool
    mailboxes: bool
    threads: bool

    @classmethod
    def of(cls, query: q.EmailQuery) -> _Depends:
        """Filter and sort together."""
        terms = (query.filter, *(by.term for by in query.sort if by.key is q.SortKey.HOLDS))
        return cls(
            flags=any(_has(term, (q.HasFlag, q.HasKeyword)) for term in terms),
            mailboxes=any(_has(term, (q.InMailbox, q.InOtherThan)) for term in terms),
            threads=any(_has(term, (q.SomeInThread,)) for term in terms),
        )

    def is_touched(self, one: Changed) -> bool:
        """Whether it may stand elsewhere in the list now, or no longer, or newly."""
        return (
            one.is_doubtful
            or bool(self.flags and one.before and one.after)
            or (one.before != one.after if self.mailboxes else bool(one.before) != bool(one.after))
        )


async def list_now(
    search: AccountSearch, query: q.EmailQuery, known: EmailList | None
) -> EmailList:
    """The answer, made anew only where it may differ from the one that somebody had lately.

    Raises NoSuchAccount.
    """
    modseq = await changes.account_modseq(search.db, search.account)
    if known is None:
        return await email_list(search, query)
    try:
        await check_point(search.db, search.account, Point(known.modseq))
    except CannotCalculateChanges:
        return await email_list(search, query)
    on = _Depends.of(query)
    if any(
        map(on.is_touched, (await changed_since(search.db, search.account, known.modseq)).values())
    ):
        return await email_list(search, query)
    return EmailList(modseq, known.messages)


async def difference(
    search: AccountSearch,
    query: q.EmailQuery,
    since: ModSeq,
    upto: int | None = None,
    known: EmailList | None = None,
) -> Difference:
    """`upto`: what comes behind this message is left out where nothing before it can depend on it.

    `known`: the answer as somebody had it lately.

    Raises CannotCalculateChanges when tombstones that are needed are gone; NoSuchAccount.
    """
    await check_point(search.db, search.account, Point(since))
    on = _Depends.of(query)
    changed = await changed_since(search.db, search.account, since)
    touched = {message: one for message, one in changed.items() if on.is_touched(one)}
    now = await list_now(search, query, known)
    if on.threads or query.collapse_threads:
        threads = {one.thread for one in touched.values()}
        others = await search.in_threads(threads)
        there = {message for message in others if message not in changed or changed[message].before}
        removed = there | {message for message, one in touched.items() if one.before}
        moved = others | touched.keys()
    else:
        removed = {m for m, one in touched.items() if may_hold(query.filter, one.before)}
        moved = set(touched)
    added: list[tuple[int, int]] = []
    if moved:
        places = compress(count(), map(moved.__contains__, now.messages))
        added = [(at, now.messages[at]) for at in places]
    if upto is not None and not (on.flags or on.mailboxes or on.threads):
        last = now.messages.index(upto) if upto in now.messages else len(now.messages)
        added = [(at, message) for at, message in added if at <= last]
    return Difference(now, sorted(removed), added)


def _has(term: q.Query, kinds: tuple[type, ...]) -> bool:
    """Whether a term of these kinds is in the tree."""
    match term:
        case q.And(terms) | q.Or(terms):
            return any(_has(one, kinds) for one in terms)
        case q.Not(inner):
            return _has(inner, kinds)
        case q.SomeInThread(inner):
            return isinstance(term, kinds) or _has(inner, kinds)
    return isinstance(term, kinds)


def may_hold(term: q.Query, mailboxes: set[int]) -> bool:
    """Whether a term may have held for a message that was in these mailboxes, in none: no."""
    return bool(mailboxes) and _held(term, mailboxes) is not False


def _held(term: q.Query, mailboxes: set[int]) -> bool | None:
    """None: that depends on more than the mailboxes."""
    match term:
        case q.InMailbox(mailbox):
            return mailbox in mailboxes
        case q.InOtherThan(others):
            return not mailboxes <= set(others)
        case q.Not(inner):
            held = _held(inner, mailboxes)
            return None if held is None else not held
        case q.And(terms):
            all_held = [_held(one, mailboxes) for one in terms]
            return False if False in all_held else None if None in all_held else True
        case q.Or(terms):
            any_held = [_held(one, mailboxes) for one in terms]
            return True if True in any_held else None if None in any_held else False
        case q.All():
            return True
    return None
