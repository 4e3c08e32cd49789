"""Upload and download (RFC 8620 §6).

What is downloaded was written by strangers: it is a file to be saved, never a page, and no type
that a browser would run is named. What may be shown all the same is in `preview`.
"""

from __future__ import annotations

import re
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from pillarbox.errors import NotFound
from pillarbox.ids import AccountId
from pillarbox.jmap.blobs import find_blob
from pillarbox.jmap.errors import RequestRefused
from pillarbox.jmap.http.answers import json_answer
from pillarbox.jmap.http.body import pieces
from pillarbox.jmap.http.desk import Desk
from pillarbox.jmap.http.preview import HEADERS as PREVIEW_HEADERS
from pillarbox.jmap.http.preview import find_preview
from pillarbox.jmap.ids import account_id, upload_blob_id
from pillarbox.store import Store
from pillarbox.store.blobs.record import SealedBlob
from pillarbox.store.sql import uploads

ANY_TYPE = "application/octet-stream"
_MOST_TYPE = 255  # characters
_MOST_NAME = 180  # characters; file systems take 255 octets
_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*")
_ACTIVE = re.compile(r"html|xml|script|css|svg|wasm|xsl|json|x-shockwave|java|mhtml|multipart")
_PLAIN_TEXT = frozenset({"text/plain", "text/csv", "text/calendar", "text/vcard", "text/markdown"})
_NOT_IN_NAMES = re.compile(
    r'[\x00-\x1f\x7f-\x9f/\\:*?"<>|\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]'
)


async def post_upload(request: Request, desk: Desk) -> Response:
    """Keep a file for a message to come."""
    identity = await desk.sign_in.identify(request)
    account = identity.account
    _check_account(request, account)
    store, settings = desk.services.store, desk.services.settings
    media_type = given_type(request.headers.get("content-type", ""))
    with desk.uploads.take(account), store.spool(settings.max_upload_octets) as spool:
        async for piece in pieces(request, settings.max_upload_octets, "maxSizeUpload"):
            spool.write(piece)
        sealed = await spool.seal()
        await _keep(store, account, sealed, media_type, desk)
    answer = {
        "accountId": account_id(account),
        "blobId": upload_blob_id(sealed.id),
        "type": media_type,
        "size": sealed.size,
    }
    return json_answer(answer, status=201)


async def _keep(
    store: Store, account: AccountId, sealed: SealedBlob, media_type: str, desk: Desk
) -> None:
    settings = desk.services.settings
    await store.write(
        lambda tx: uploads.add(
            tx,
            account,
            sealed,
            media_type,
            most_files=settings.uploaded_files,
            most_octets=settings.uploaded_octets,
        )
    )


async def get_download(request: Request, desk: Desk) -> Response:
    """A blob as a file to be saved; with `inline=1` shown, if it is of a kind that may be."""
    identity = await desk.sign_in.identify(request)
    _check_account(request, identity.account)
    blob = await find_blob(desk.services.store, identity.account, request.path_params["blobId"])
    if blob is None:
        raise NotFound("There is no such file; what was uploaded is forgotten after some hours.")
    types = request.query_params.getlist("type")
    if len(types) > 1:
        raise RequestRefused("notRequest", "The type is given twice.")
    kind = given_type(types[0] if types else blob.type)
    preview = None
    if request.query_params.get("inline") == "1":
        preview = await find_preview(blob, kind)
    name = request.path_params["name"]
    headers = {
        "Content-Length": str(blob.size),
        "Content-Disposition": disposition(name, inline=preview is not None),
        "Cache-Control": "private, immutable, max-age=86400",
    }
    if preview is not None:
        headers |= PREVIEW_HEADERS
    served = preview if preview is not None else harmless_type(kind)
    return StreamingResponse(blob.chunks(), headers=headers, media_type=served)


def given_type(text: str) -> str:
    """A media type without parameters; what is none stands for any octets."""
    kind = text.partition(";")[0].strip().lower()
    return kind if len(kind) <= _MOST_TYPE and _TYPE.fullmatch(kind) else ANY_TYPE


def harmless_type(kind: str) -> str:
    """What may be said to a browser, which must neither show nor run what a stranger wrote."""
    if kind.startswith("text/") and kind not in _PLAIN_TEXT:
        return ANY_TYPE
    return ANY_TYPE if _ACTIVE.search(kind) else kind


def safe_name(name: str) -> str:
    """A file's name without ways to other folders or to deceive."""
    return _NOT_IN_NAMES.sub("_", name).strip(" .")[:_MOST_NAME].rstrip(" .") or "file"


def disposition(name: str, *, inline: bool = False) -> str:
    """To be saved, or shown, under a safe name (RFC 8620 §6.2)."""
    name = safe_name(name)
    ascii_name = name.encode("ascii", "replace").decode().replace("?", "_")
    how = "inline" if inline else "attachment"
    return f"{how}; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(name, safe='')}"


def _check_account(request: Request, account: AccountId) -> None:
    """Raises NotFound: another's account is as one that nobody has."""
    if request.path_params["accountId"] != account_id(account):
        raise NotFound("There is no such account, or it is not yours.")
