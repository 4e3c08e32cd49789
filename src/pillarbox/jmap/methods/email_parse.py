"""Email/parse (RFC 8621 §4.9): messages that are parts of others, or were uploaded."""

from __future__ import annotations

from pillarbox.errors import Damaged
from pillarbox.jmap.blobs import Blob, find_blob, take_apart
from pillarbox.jmap.capabilities import MAIL
from pillarbox.jmap.context import Context
from pillarbox.jmap.email.octets import Held, Source
from pillarbox.jmap.email.record import Email
from pillarbox.jmap.email.wanted import DEFAULT_PARSED, BodyArguments, Wanted, check_wanted
from pillarbox.jmap.errors import MethodRefused
from pillarbox.jmap.method import Answer, Method
from pillarbox.jmap.methods.email_get import Budget
from pillarbox.jmap.standard import Id
from pillarbox.message import header
from pillarbox.message.part import Octets

_MESSAGES = frozenset({"message/rfc822", "message/global"})


class EmailParse(BodyArguments, frozen=True, kw_only=True):
    """RFC 8621 §4.9."""

    blob_ids: tuple[Id, ...]
    properties: tuple[str, ...] | None = None


async def run(ctx: Context, arguments: EmailParse) -> Answer:
    """The records of the blobs, which are not kept."""
    names = DEFAULT_PARSED if arguments.properties is None else arguments.properties
    wanted = check_wanted(names, arguments)
    if len(arguments.blob_ids) > ctx.services.settings.max_objects_in_get:
        raise MethodRefused("requestTooLarge", "That are more blobs than maxObjectsInGet.")
    parsed: dict[str, Answer] = {}
    not_parsable: list[str] = []
    missing: list[str] = []
    budget = Budget(ctx.services.settings.max_text_octets)
    for blob_id in dict.fromkeys(arguments.blob_ids):
        told = None
        try:
            blob = await find_blob(ctx.store, ctx.account, ctx.real_id(blob_id))
            told = None if blob is None else await _parse(ctx, blob_id, blob, wanted)
        except Damaged:
            blob = None
        if told is not None:
            budget.take(told)
            parsed[blob_id] = told
        else:
            (missing if blob is None else not_parsable).append(blob_id)
    return {
        "accountId": arguments.account_id,
        "parsed": parsed or None,
        "notParsable": not_parsable or None,
        "notFound": missing or None,
    }


async def _parse(ctx: Context, blob_id: str, blob: Blob, wanted: Wanted) -> Answer | None:
    """The record; None: it is no message."""
    with ctx.store.spool(max(1, blob.size)) as spool:  # a large one is not held in memory
        async for chunk in blob.chunks():
            spool.write(chunk)
        octets = spool.octets()
        most_header = ctx.store.settings.message.max_part_header_octets
        if blob.type not in _MESSAGES and not _is_message(octets, most_header):
            return None
        found = await take_apart(ctx.store, octets)
        email = Email(ctx.real_id(blob_id), found.envelope, len(octets), found.preview)
        email.has_attachment = found.has_attachment
        email.part_tree = found.root
        await email.load(Source(Held(octets), found.root), wanted, most_header)
        return email.answer(wanted)


def _is_message(octets: Octets, most_header: int) -> bool:
    """Whether it begins with a header field."""
    end = header.header_end(octets, 0, min(len(octets), most_header))
    start = octets[:end]
    first = header.pairs(start)[:1]
    # "From ": the line that stands before each message of a mailbox file.
    return bool(first) and start.startswith((first[0][0], b"From ", b">From "))


METHODS = (Method("Email/parse", MAIL, EmailParse, run),)
