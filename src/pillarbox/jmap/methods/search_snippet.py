"""SearchSnippet/get (RFC 8621 §5.1)."""

from __future__ import annotations

import asyncio
from typing import Any

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
from pillarbox.store.query import Field, Query
from pillarbox.store.search.account_wide import AccountSearch
from pillarbox.store.sql import messages

# A match further back shows no preview: what is read here is decoded anew for each snippet.
_TEXT_OCTETS = 256 * 1024  # of one message's decoded text
_RAW_OCTETS = 3 * _TEXT_OCTETS  # encoded text is at most three times as long
_ALL_OCTETS = 32 * 1024 * 1024  # read for one call; what comes behind has no snippet
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
    found: list[Answer] = []
    left = _ALL_OCTETS
    for message in wanted.keys() & rows.keys():
        row = rows[message]
        size = min(row.size - len(row.trace), _RAW_OCTETS)
        left -= size
        found.append(await _snippet(ctx, row, query, size if left >= 0 else 0))
    missing = [one for message, one in wanted.items() if message not in rows]
    return {"accountId": arguments.account_id, "list": found, "notFound": missing or None}


async def _rows(search: AccountSearch, wanted: list[MessageId]) -> dict[MessageId, MessageRow]:
    there = await search.present(wanted)
    return await messages.get_many(search.db, search.account, [m for m in wanted if m in there])


async def _snippet(ctx: Context, row: MessageRow, query: Query, size: int) -> Answer:
    answer: Answer = {"emailId": email_id(row.id), "subject": None, "preview": None}
    in_subject = snippets.words_for(query, Field.SUBJECT)
    in_body = snippets.words_for(query, Field.BODY)
    if not size or not (in_subject or in_body):
        return answer
    start = len(row.trace)
    try:
        octets = await ctx.store.content(row).read(start, start + size)
    except (Damaged, FileNotFoundError):  # what cannot be read has no snippet
        return answer
    # Beside the loop: HTML takes milliseconds to become text.
    subject, preview = await asyncio.to_thread(_look, octets, row, in_subject, in_body)
    return answer | {"subject": subject, "preview": preview}


def _look(
    octets: bytes, row: MessageRow, in_subject: list[str], in_body: list[str]
) -> tuple[str | None, str | None]:
    root = _decode_part(row.structure)
    subject = preview = None
    if in_subject:
        line = snippets.plain_line(_subject(octets[root.header_start : root.body_start]))
        spans = snippets.find_spans(line, in_subject)
        subject = snippets.marked(line, spans) if spans else None
    if in_body:
        text = searchable_text(octets, root, max_octets=_TEXT_OCTETS)
        line = snippets.plain_line(text)
        spans = snippets.find_spans(line, in_body)
        preview = snippets.marked_part(line, spans) if spans else None
    return subject, preview


def _subject(raw_header: bytes) -> str:
    values = header.pick(raw_header, frozenset({b"subject"})).get(b"subject", [b""])
    return encoded_word.decode(b", ".join(values))[:_SUBJECT_CHARACTERS]


METHODS = (Method("SearchSnippet/get", MAIL, SearchSnippetGet, run),)
