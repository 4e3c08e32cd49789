"""Email/import: messages that were uploaded, or that other messages hold (RFC 8621 §4.8)."""

from __future__ import annotations

from typing import Any

from pillarbox.jmap.blobs import find_blob
from pillarbox.jmap.capabilities import MAIL
from pillarbox.jmap.context import Context
from pillarbox.jmap.email.batches import Batches, too_large
from pillarbox.jmap.email.draft import parse_received_at
from pillarbox.jmap.email.given import parse_keywords, parse_mailbox_ids
from pillarbox.jmap.email.writing import NewEmail
from pillarbox.jmap.errors import MethodRefused, RecordRefused, invalid_properties
from pillarbox.jmap.ids import state_of
from pillarbox.jmap.method import Answer, Arguments, Method
from pillarbox.jmap.standard import Id
from pillarbox.message.date import parse_date
from pillarbox.message.header import header_end, pick
from pillarbox.store.sql.changes import account_modseq

_PROPERTIES = frozenset(("blobId", "mailboxIds", "keywords", "receivedAt"))
_RECEIVED = frozenset((b"received",))


class Import(Arguments, frozen=True, kw_only=True):
    """RFC 8621 §4.8."""

    if_in_state: str | None = None
    emails: dict[Id, dict[str, Any]]


async def run_import(ctx: Context, arguments: Import) -> Answer:
    """Each message by itself; mostly in one transaction."""
    account = ctx.account
    state = state_of(await ctx.store.read(lambda db: account_modseq(db, account)))
    if len(arguments.emails) > ctx.services.settings.max_objects_in_set:
        raise MethodRefused("requestTooLarge", "That are more records than maxObjectsInSet.")
    if arguments.if_in_state is not None and arguments.if_in_state != state:
        raise MethodRefused("stateMismatch")
    with Batches(ctx, arguments.if_in_state) as batches:
        for name, email in arguments.emails.items():
            await ctx.services.clock.sleep(0)  # let others have their turn
            try:
                await batches.add(name, await _bring(ctx, batches, email))
            except RecordRefused as refused:
                batches.result.not_created[name] = refused.answer
        old, new = await batches.finish()
        return {
            "accountId": arguments.account_id,
            "oldState": old,
            "newState": new,
            "created": batches.result.created or None,
            "notCreated": batches.result.not_created or None,
        }


async def _bring(ctx: Context, batches: Batches, email: dict[str, Any]) -> NewEmail:
    """Raises RecordRefused."""
    unknown = [name for name in email if name not in _PROPERTIES]
    if unknown:
        raise invalid_properties("An import has no such property.", *unknown)
    mailboxes = parse_mailbox_ids(email.get("mailboxIds"))
    keywords = parse_keywords(email.get("keywords"))
    received = email.get("receivedAt")
    received_at = None if received is None else parse_received_at(received)
    octets = await _octets(ctx, email.get("blobId"))
    end = header_end(octets, 0, len(octets))
    fields = pick(octets[: min(end, ctx.store.settings.message.max_headers_octets)], _RECEIVED)
    if not octets[:end].strip():
        raise RecordRefused("invalidEmail", "That is no message: it begins with no header.")
    if received_at is None:
        received_at = _received_at(fields.get(b"received", []))
    sealed = await batches.seal(octets)
    return NewEmail(sealed, mailboxes, keywords, received_at, may_be_twin=False)


async def _octets(ctx: Context, blob_id: Any) -> bytes:
    blob = None
    if isinstance(blob_id, str):
        blob = await find_blob(ctx.store, ctx.account, ctx.real_id(blob_id))
    if blob is None:
        raise invalid_properties("There is no such blob.", "blobId")
    if blob.size > ctx.store.settings.max_message_octets:
        raise too_large(ctx)
    return b"".join([chunk async for chunk in blob.chunks()])


def _received_at(received: list[bytes]) -> int | None:
    """When the last server took it; None: now (RFC 5322 §3.6.7)."""
    if not received:
        return None
    found = parse_date(received[0].rpartition(b";")[2])
    return found.at if found is not None and found.at >= 0 else None


METHODS = (Method("Email/import", MAIL, Import, run_import),)
