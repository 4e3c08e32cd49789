"""Email/set: drafts made, keywords and mailboxes changed, messages destroyed (RFC 8621 §4.6)."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

from pillarbox.jmap.blobs import Blob, find_blob
from pillarbox.jmap.capabilities import MAIL
from pillarbox.jmap.context import Context
from pillarbox.jmap.email.batches import Batches, too_large
from pillarbox.jmap.email.draft import Draft, parse_draft
from pillarbox.jmap.email.patch import EmailPatch, parse_update
from pillarbox.jmap.email.writing import NewEmail
from pillarbox.jmap.errors import RecordRefused
from pillarbox.jmap.ids import state_of
from pillarbox.jmap.method import Answer, Method
from pillarbox.jmap.standard import Set, check_set
from pillarbox.message.body_parts import encode_message
from pillarbox.store.sql.changes import account_modseq

_IN_THREAD_FROM = 256 * 1024  # octets whose encoding would keep others waiting


async def run_set(ctx: Context, arguments: Set) -> Answer:
    """Created first, then changed, then destroyed; mostly in one transaction."""
    account = ctx.account
    modseq = await ctx.store.read(lambda db: account_modseq(db, account))
    check_set(ctx, arguments, state_of(modseq))
    with Batches(ctx, arguments.if_in_state) as batches:
        for name, email in (arguments.create or {}).items():
            await ctx.services.clock.sleep(0)  # let others have their turn
            try:
                await batches.add(name, await _make(ctx, batches, email))
            except RecordRefused as refused:
                batches.result.not_created[name] = refused.answer
        updated: dict[str, EmailPatch] = {}
        for given, patch in (arguments.update or {}).items():
            try:
                updated[given] = parse_update(patch)
            except RecordRefused as refused:
                batches.result.not_updated[given] = refused.answer
        old, new = await batches.finish(updated, arguments.destroy or ())
        return batches.result.answer(arguments, old, new)


async def _make(ctx: Context, batches: Batches, email: dict[str, Any]) -> NewEmail:
    """A draft's octets. Raises RecordRefused."""
    services = ctx.services
    draft = parse_draft(
        email,
        now=services.clock.now(),
        message_id=f"{uuid.uuid4()}@{services.hostname}",
        max_depth=ctx.store.settings.message.max_depth,
    )
    contents = await _contents(ctx, draft)
    if sum(map(len, contents.values())) < _IN_THREAD_FROM:
        octets = _encode(draft, contents)
    else:
        octets = await asyncio.to_thread(_encode, draft, contents)
    sealed = await batches.seal(octets)
    return NewEmail(sealed, draft.mailboxes, draft.keywords, draft.received_at)


def _encode(draft: Draft, contents: dict[str, bytes]) -> bytes:
    return encode_message(draft.fields, draft.root.build(contents))


async def _contents(ctx: Context, draft: Draft) -> dict[str, bytes]:
    """What its blobs hold. Raises RecordRefused blobNotFound, tooLarge."""
    found: dict[str, Blob] = {}
    missing: list[str] = []
    for blob_id in draft.blob_ids():
        blob = await find_blob(ctx.store, ctx.account, ctx.real_id(blob_id))
        if blob is None:
            missing.append(blob_id)
        else:
            found[blob_id] = blob
    if missing:
        raise RecordRefused("blobNotFound", notFound=missing)
    sizes = [found[part.blob].size for part in draft.parts() if part.blob]
    if sum(sizes) > ctx.store.settings.max_message_octets:
        raise too_large(ctx)
    return {
        blob_id: b"".join([chunk async for chunk in blob.chunks()])
        for blob_id, blob in found.items()
    }


METHODS = (Method("Email/set", MAIL, Set, run_set),)
