"""Blob/copy (RFC 8620 §6.3): a person here has one account, so its blobs are where they are."""

from __future__ import annotations

from typing import Any

from pillarbox.jmap.blobs import find_blob
from pillarbox.jmap.context import Context
from pillarbox.jmap.errors import MethodRefused
from pillarbox.jmap.method import Answer, Arguments
from pillarbox.jmap.standard import Id


class BlobCopy(Arguments, frozen=True, kw_only=True):
    """RFC 8620 §6.3."""

    from_account_id: str
    blob_ids: list[Id]


async def run(ctx: Context, arguments: BlobCopy) -> Answer:
    """Within the account a blob is its own copy."""
    if arguments.from_account_id != arguments.account_id:
        raise MethodRefused("fromAccountNotFound")
    if len(arguments.blob_ids) > ctx.services.settings.max_objects_in_set:
        raise MethodRefused("requestTooLarge", "That are more blobs than maxObjectsInSet.")
    copied: dict[str, str] = {}
    not_copied: dict[str, dict[str, Any]] = {}
    for given in arguments.blob_ids:
        real = ctx.real_id(given)
        if await find_blob(ctx.store, ctx.account, real) is not None:
            copied[given] = real
        else:
            not_copied[given] = {"type": "notFound"}
    return {
        "fromAccountId": arguments.from_account_id,
        "accountId": arguments.account_id,
        "copied": copied or None,
        "notCopied": not_copied or None,
    }
