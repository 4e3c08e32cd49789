"""The evaluator for a whole account: the same trees, and message ids where it had UIDs.

A message is there while it has a place, and what is asked of places (flags, mailboxes) holds for
a message when it holds for one of them.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Collection, Sequence, Set
from copy import copy
from typing import NamedTuple, TypeVar, cast

import msgspec

from pillarbox.ids import AccountId, MailboxId, MessageId
from pillarbox.message.casefold import fold
from pillarbox.store import query as q
from pillarbox.store.database import Reader, Value
from pillarbox.store.model import Mailbox
from pillarbox.store.search.arrivals import Arrivals, KeptArrivals, arrivals
from pillarbox.store.search.attachments import KeptAttachments
from pillarbox.store.search.evaluate import Search, _Places
from pillarbox.store.search.reading import ReadBlob
from pillarbox.store.search.senders import senders
from pillarbox.store.search.text_index import TextIndex
from pillarbox.store.search.unread import KeptUnread, Unread
from pillarbox.store.sql import placements

_NOWHERE = MailboxId(0)  # no mailbox has it
_FEW = 1000  # messages that are cheaper to ask for than to look through all
_ASIDE = 20_000  # in mailboxes that are left out, beyond which the others are read
_NEVER, _ALWAYS = -(2**62), 2**62
T = TypeVar("T")
_numbers = msgspec.json.Decoder(list[int]).decode

# What IMAP flagged \\Deleted is not there for JMAP (RFC 8621 §4.1.1). Few accounts have any, and
# without the look at the flags an index holds all that most of these need.
_ALL_PLACES = "placement{index}"
_SHOWN_PLACES = "(SELECT * FROM placement{index} WHERE flags & 8 = 0)"
# Without a word SQLite looks through all places of an account for some of its messages.
BY_MESSAGE, BY_THREAD = " INDEXED BY placement_message", " INDEXED BY placement_thread"
_PLACES = "SELECT json_group_array(message_id) FROM {{places}} WHERE account_id = ? AND {so}"
_PLACES_OF_THESE = _PLACES.replace("{{places}}", "{{by_message}}")
_EVERYTHING = _PLACES.format(so="true")
_THESE = _PLACES_OF_THESE.format(so="message_id IN (SELECT value FROM json_each(?))")
_IN_MAILBOX = _PLACES.format(so="mailbox_id = ?")
_IN_OTHERS = _PLACES.format(so="mailbox_id NOT IN (SELECT value FROM json_each(?))")
_IN_THESE = _PLACES.format(so="mailbox_id IN (SELECT value FROM json_each(?))")
_OF_THESE_IN_OTHERS = _PLACES_OF_THESE.format(
    so="""message_id IN (SELECT value FROM json_each(?))
        AND mailbox_id NOT IN (SELECT value FROM json_each(?))"""
)
_FLAG = _PLACES.format(so="flags & ? <> 0")
_NO_FLAG = _PLACES.format(so="flags & ? = 0")
_FLAG_OF_THESE = _PLACES_OF_THESE.format(
    so="flags & ? <> 0 AND message_id IN (SELECT value FROM json_each(?))"
)
_KEYWORD = _PLACES.format(so="keywords <> '' AND instr(' ' || lower(keywords) || ' ', ?) > 0")
_LARGER = _PLACES.format(so="size > ?")
_SMALLER = _PLACES.format(so="size < ?")
_RECEIVED = _PLACES.format(so="received_at >= ? AND received_at < ?")
_MARKED_DELETED = """
    SELECT json_group_array(message_id) FROM placement INDEXED BY placement_hidden
    WHERE account_id = ? AND flags & 8 = 8
"""
_SHOWN_OF_THESE = """
    SELECT json_group_array(message_id) FROM placement INDEXED BY placement_message
    WHERE account_id = ? AND message_id IN (SELECT value FROM json_each(?)) AND flags & 8 = 0
"""
_WITH_ATTACHMENT = """
    SELECT json_group_array(message_id) FROM message WHERE account_id = ? AND has_attachment = 1
"""
# Of few threads by their index, else by looking through all places.
_THREADS_OF = """
    SELECT json_group_array(DISTINCT thread_id) FROM {by_message}
    WHERE account_id = ? AND message_id IN (SELECT value FROM json_each(?))
"""
_IN_THREADS = """
    SELECT json_group_array(message_id) FROM {by_thread}
    WHERE account_id = ? AND thread_id IN (SELECT value FROM json_each(?))
"""
_ALL_THREADS = """
    SELECT json_group_array(message_id), json_group_array(thread_id) FROM {places}
    WHERE account_id = ?
"""


class Kept(NamedTuple):
    """What a process keeps of accounts from one question to the next."""

    arrivals: KeptArrivals
    attachments: KeptAttachments
    unread: KeptUnread


class AccountSearch(Search):
    """Questions about all messages of an account, in one snapshot."""

    def __init__(
        self,
        db: Reader,
        texts: TextIndex,
        read_blob: ReadBlob,
        account: AccountId,
        max_octets: int,
        kept: Kept | None = None,
    ) -> None:
        super().__init__(db, texts, read_blob, account, _NOWHERE, max_octets)
        self.db = db
        self.account = account
        self._threads: dict[int, int] | None = None
        self._senders: dict[int, str] | None = None
        self._shown: str | None = None
        self._known = kept

    async def find(self, query: q.Query) -> set[int]:
        """The messages that a query holds for."""
        return await self._uids(query, None)

    def with_hidden(self) -> AccountSearch:
        r"""The same, which also finds what IMAP flagged \Deleted: it still takes room."""
        made = copy(self)
        made._shown = _ALL_PLACES
        made._all = made._threads = made._known = None
        return made

    async def arrivals(self, mailbox: MailboxId | None = None) -> Arrivals | None:
        """Of the account or of one mailbox, as far as these are kept and dates are not too odd."""
        if self._known is None:
            return None
        return await arrivals(self.db, self._known.arrivals, (self.account, mailbox))

    async def unread(self, mailboxes: Sequence[Mailbox]) -> Unread | None:
        """Of these mailboxes, which are all that the account has; None where none is kept."""
        if self._known is None:
            return None
        return await self._known.unread.of(self.db, self.account, mailboxes)

    async def everything(self) -> set[int]:
        """All messages that are somewhere."""
        return await self._everything()

    async def present(self, messages: Collection[int]) -> set[int]:
        """Those of the messages that are somewhere."""
        if len(messages) <= _FEW:
            return await self.ask(_THESE, json.dumps(list(messages)))
        return set(messages) & await self._everything()

    async def threads_of(self, messages: Collection[int]) -> set[int]:
        """The threads that messages are in."""
        if len(messages) <= _FEW:
            return await self.ask(_THREADS_OF, json.dumps(list(messages)))
        threads = await self.threads()
        return {threads[message] for message in messages if message in threads}

    async def in_threads(self, threads: Collection[int]) -> set[int]:
        """All messages of threads."""
        if len(threads) <= _FEW:
            return await self.ask(_IN_THREADS, json.dumps(list(threads)))
        wanted = set(threads)
        every = await self.threads()
        return {message for message, thread in every.items() if thread in wanted}

    async def threads(self) -> dict[int, int]:
        """The thread of each message."""
        if self._threads is None and (every := await self.arrivals()) is not None:
            self._threads = dict(zip(every.messages, every.threads, strict=True))
        if self._threads is None:
            sql = _ALL_THREADS.format(places=await self.shown_places())
            row = await self.db.row(sql, (self.account,))
            messages, threads = row or ("[]", "[]")
            self._threads = dict(zip(_numbers(messages), _numbers(threads), strict=True))
        return self._threads

    async def senders(self) -> dict[int, str]:
        """The first address of From of each message, folded; messages that went may be among."""
        if self._senders is None:
            self._senders = await senders(self.db, self._texts, self.account)
        return self._senders

    async def ask(self, sql: str, *params: Value) -> set[int]:
        """The numbers that a statement gathers for the account; `{places}` are those shown."""
        sql = sql.format(
            places=await self.shown_places(),
            by_message=await self.shown_places(BY_MESSAGE),
            by_thread=await self.shown_places(BY_THREAD),
        )
        row = await self.db.row(sql, (self.account, *params))
        return set(_numbers(row[0])) if row is not None else set()

    async def shown_places(self, index: str = "") -> str:
        """What stands for the places of messages in a statement."""
        if self._shown is None:
            hides = await placements.hides_any(self.db, self.account)
            self._shown = _SHOWN_PLACES if hides else _ALL_PLACES
        return self._shown.format(index=index)

    async def _uids(self, query: q.Query, within: set[int] | None) -> set[int]:
        match query:
            case q.Not(q.HasFlag(flag)):
                return await self._without(flag)
            case q.SomeInThread(term):
                threads = await self.threads_of(await self._uids(term, None))
                return await self.in_threads(threads)
            case q.InMailbox(mailbox) if self._is_kept(mailbox):
                inside = await self.arrivals(mailbox)
                return set(inside.messages) if inside else await self.ask(*_statement(query))
            case q.InOtherThan(mailboxes):
                return await self._in_others(mailboxes)
            case q.FromAddress(address):
                senders, wanted = await self.senders(), fold(address)
                found = {message for message, sender in senders.items() if sender == wanted}
                return found & (await self._everything() if within is None else within)
            case q.Messages(messages):
                return await self.present(messages)
            case q.Hidden():
                found = await self.ask(_MARKED_DELETED)
                return found - await self.ask(_SHOWN_OF_THESE, json.dumps(list(found)))
            case q.HasAttachment():
                if self._known is not None:
                    found = set(await self._known.attachments.of(self.db, self.account))
                else:
                    found = await self.ask(_WITH_ATTACHMENT)
                return found & (await self._everything() if within is None else within)
            case q.All() | q.And() | q.Or() | q.Not() | q.Contains() | q.HasHeader():
                return await super()._uids(query, within)
        return await self.ask(*_statement(query))

    async def _without(self, flag: int) -> set[int]:
        """Messages of which no place has the flag; a place without it is not enough."""
        some = await self.ask(_NO_FLAG, flag)
        if len(some) <= _FEW:
            return some - await self.ask(_FLAG_OF_THESE, flag, json.dumps(list(some)))
        return some - await self.ask(_FLAG, flag)

    def _is_kept(self, mailbox: MailboxId) -> bool:
        scope = (self.account, mailbox)
        return self._known is not None and self._known.arrivals.find(scope) is not None

    async def _in_others(self, mailboxes: tuple[MailboxId, ...]) -> set[int]:
        """Few messages are in the trash alone: all but these are quicker to tell."""
        these = json.dumps(mailboxes)
        aside = await self.ask(_IN_THESE, these) if self._known else set()
        if not self._known or len(aside) > _ASIDE:
            return await self.ask(_IN_OTHERS, these)
        elsewhere = await self.ask(_OF_THESE_IN_OTHERS, json.dumps(list(aside)), these)
        only_there = aside - elsewhere
        every = await self._everything()
        return every - only_there if only_there else every

    async def _everything(self) -> set[int]:
        if self._all is None:
            every = await self.arrivals()
            self._all = set(every.messages) if every else await self.ask(_EVERYTHING)
        return self._all

    async def _places(self, messages: Set[MessageId] | None, within: set[int] | None) -> _Places:
        if within is not None:
            there = within
        elif messages is not None and self._all is None:
            there = await self.present(messages)
        else:
            there = await self._everything()
        found = list(there if messages is None else there.intersection(messages))
        return _Places(cast("list[MessageId]", found), found)


def _statement(query: q.Query) -> tuple[str, *tuple[Value, ...]]:
    """The statement for a term about places, and its parameters."""
    match query:
        case q.InMailbox(mailbox):
            return _IN_MAILBOX, mailbox
        case q.InOtherThan(mailboxes):
            return _IN_OTHERS, json.dumps(mailboxes)
        case q.HasFlag(flag):
            return _FLAG, int(flag)
        case q.HasKeyword(keyword):
            return _KEYWORD, f" {keyword.lower()} "
        case q.Larger(octets):
            return _LARGER, octets
        case q.Smaller(octets):
            return _SMALLER, octets
        case q.ReceivedBetween(since, before):
            first = _NEVER if since is None else since
            return _RECEIVED, first, _ALWAYS if before is None else before
    raise TypeError(f"not asked of an account: {type(query).__name__}")


AskFunction = Callable[[AccountSearch], Awaitable[T]]
