"""SearchSnippet/get (RFC 8621 §5.1)."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

import msgspec

from pillarbox.errors import Damaged
from pillarbox.ids import MessageId
from pillarbox.jmap import snippets
from pillarbox.jmap.capabilities import MAIL
from pillarbox.jmap.context import Context
from pillarbox.jmap.errors import MethodRefused
from pillarbox.jmap.filters import store_query
from pillarbox.jmap.ids import email_id, number_of
from pillarbox.jmap.method import Answer, Arguments, Method
from pillarbox.jmap.standard import Id
from pillarbox.message import encoded_word, header
from pillarbox.message.part import Part
from pillarbox.message.text import searchable_text
from pillarbox.store.model import MessageRow
from pillarbox.store.query import Field
from pillarbox.store.search.account_wide import AccountSearch
from pillarbox.store.sql import messages

# A match further back shows no preview: what is read here is decoded anew for each snippet.
_TEXT_OCTETS = 256 * 1024  # of one message's decoded text
_RAW_OCTETS = 3 * _TEXT_OCTETS  # encoded text is at most three times as long
_ALL_OCTETS = 32 * 1024 * 1024  # read for one call; what comes behind has no snippet
_TOGETHER = 256 * 1024  # octets that one turn of a thread looks through, and one message's more
_SUBJECT_CHARACTERS = 1000
_decode_part = msgspec.msgpack.Decoder(Part).decode


class SearchSnippetGet(Arguments, frozen=True, kw_only=True):
    """RFC 8621 §5.1."""

    filter: dict[str, Any] | None = None
    email_ids: tuple[Id, ...]


async def run(ctx: Context, arguments: SearchSnippetGet) -> Answer:
    """Subject and preview with what was looked for marked."""
    ids = list(dict.fromkeys(arguments.email_ids))
    if len(ids) > ctx.services.settings.max_objects_in_get:
        raise MethodRefused("requestTooLarge", "That are more ids than maxObjectsInGet.")
    query = store_query(arguments.filter, ctx.real_id)
    wanted = {MessageId(number_of("M", ctx.real_id(one))): one for one in ids}
    rows = await ctx.store.ask_account(ctx.account, lambda search: _rows(search, list(wanted)))
    words = _Words(snippets.words_for(query, Field.SUBJECT), snippets.words_for(query, Field.BODY))
    found: dict[MessageId, Answer] = {}
    waiting: list[_Read] = []
    left, octets = _ALL_OCTETS, 0
    for row in rows.values():
        found[row.id] = {"emailId": email_id(row.id), "subject": None, "preview": None}
        read = await _read(ctx, row, words, left) if words.any else None
        if read is not None:
            waiting.append(read)
            left -= len(read.octets)
            octets += len(read.octets)
        if octets > _TOGETHER:
            await _mark(waiting, words, found)
            waiting, octets = [], 0
    if waiting:
        await _mark(waiting, words, found)
    missing = [one for message, one in wanted.items() if message not in rows]
    told = [found[message] for message in wanted if message in found]
    return {"accountId": arguments.account_id, "list": told, "notFound": missing or None}


class _Words(NamedTuple):
    """What is looked for."""

    in_subject: list[str]
    in_body: list[str]

    @property
    def any(self) -> bool:
        return bool(self.in_subject or self.in_body)


class _Read(NamedTuple):
    """What was read of a message."""

    message: MessageId
    root: Part
    octets: bytes


async def _rows(search: AccountSearch, wanted: list[MessageId]) -> dict[MessageId, MessageRow]:
    there = await search.present(wanted)
    return await messages.get_many(search.db, search.account, [m for m in wanted if m in there])


async def _read(ctx: Context, row: MessageRow, words: _Words, left: int) -> _Read | None:
    """As much as is looked through; None: it cannot be read, or that is too much."""
    root = _decode_part(row.structure)
    start = len(row.trace)
    size = min(row.size - start, _RAW_OCTETS if words.in_body else root.body_start)
    if size > left:
        return None
    try:
        return _Read(row.id, root, await ctx.store.content(row).read(start, start + size))
    except (Damaged, FileNotFoundError):  # what cannot be read has no snippet
        return None


async def _mark(waiting: list[_Read], words: _Words, found: dict[MessageId, Answer]) -> None:
    """Beside the loop: HTML takes milliseconds to become text."""
    looked = await asyncio.to_thread(lambda: [_look(one, words) for one in waiting])
    for one, (subject, preview) in zip(waiting, looked, strict=True):
        found[one.message] |= {"subject": subject, "preview": preview}


def _look(read: _Read, words: _Words) -> tuple[str | None, str | None]:
    root, subject, preview = read.root, None, None
    if words.in_subject:
        line = snippets.plain_line(_subject(read.octets[root.header_start : root.body_start]))
        spans = snippets.find_spans(line, words.in_subject)
        subject = snippets.marked(line, spans) if spans else None
    if words.in_body:
        text = searchable_text(read.octets, root, max_octets=_TEXT_OCTETS)
        line = snippets.plain_line(text)
        spans = snippets.find_spans(line, words.in_body)
        preview = snippets.marked_part(line, spans) if spans else None
    return subject, preview


def _subject(raw_header: bytes) -> str:
    values = header.pick(raw_header, frozenset({b"subject"})).get(b"subject", [b""])
    return encoded_word.decode(b", ".join(values))[:_SUBJECT_CHARACTERS]


METHODS = (Method("SearchSnippet/get", MAIL, SearchSnippetGet, run),)
