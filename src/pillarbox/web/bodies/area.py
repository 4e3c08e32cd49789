"""The addresses of mail's own content: bodies, inline pictures, sources, files, remote pictures."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from pillarbox.accounts.browser_sessions import BrowserSession
from pillarbox.errors import Damaged, NotAllowed, NotFound, PillarboxError, Throttled, Unavailable
from pillarbox.jmap.blobs import Blob, find_blob
from pillarbox.jmap.http.files import disposition
from pillarbox.jmap.ids import account_id
from pillarbox.message.raster import MOST_SNIFFED, raster_type
from pillarbox.web.bodies import findings, leaving
from pillarbox.web.bodies.ahead import Ahead
from pillarbox.web.bodies.attachments import zipped
from pillarbox.web.bodies.cache import Key
from pillarbox.web.bodies.document import document, framed, message_document, with_pictures
from pillarbox.web.bodies.notes import (
    LANGUAGES,
    chosen_language,
    files_word,
    malformed,
    sentence,
)
from pillarbox.web.bodies.opened import Oddity
from pillarbox.web.bodies.pictures import Pictures
from pillarbox.web.bodies.policy import VERSION
from pillarbox.web.bodies.pool import Cleaning, Pool
from pillarbox.web.bodies.showing import Seen, Showing, part_path
from pillarbox.web.services import WebServices
from pillarbox.web.session import SignInNeeded, signed_in

SHOWN_SOURCE = 1 << 20  # octets of a source that a page shows; all of it can be downloaded
_PICTURE_OCTETS = 32 << 20  # of an inline picture
_FRAMES = frozenset({"iframe", "document", "empty", ""})  # Sec-Fetch-Dest; a script may fetch it
_IMAGES = frozenset({"image", "document", "empty", ""})
_KEPT = {
    "Cache-Control": "private, max-age=31536000, immutable",
    "Vary": "Cookie, Accept-Language",
}
_STATUSES: tuple[tuple[type[PillarboxError], int], ...] = (
    (SignInNeeded, 401),
    (NotAllowed, 403),
    (NotFound, 404),
    (Throttled, 429),
    (Unavailable, 503),
    (Damaged, 500),
)
Endpoint = Callable[[Request], Awaitable[Response]]


def routes(services: WebServices) -> list[BaseRoute]:
    """For `web.site`."""
    pool = Pool(services.settings.web.bodies)
    pictures = Pictures.of(services)
    if services.settings.web.pictures.fetch_at_delivery:
        ahead = Ahead.of(services, pool, pictures)
        services.store.arrivals.listen(ahead.add)
        services.ending.append(ahead.stop)
    services.ending.append(pool.close)
    services.arriving.append(pool.prepare)
    pages = BodyPages(services, pool, pictures)
    return [*pages.routes(), *leaving.routes(services), *findings.routes(services)]


class BodyPages:
    """One for a worker."""

    def __init__(self, services: WebServices, cleaning: Cleaning, pictures: Pictures) -> None:
        self._services = services
        self._pictures = pictures
        self._showing = Showing(services.store, services.settings.web.bodies, cleaning)

    def routes(self) -> list[BaseRoute]:
        """All addresses."""
        below = "/m/{accountId}/{blobId}"
        return [
            Route(f"{below}/body", _in_frame(self.body), methods=["GET"]),
            Route(f"{below}/text", _in_frame(self.text), methods=["GET"]),
            Route(f"{below}/facts", self.facts, methods=["GET"]),
            Route(f"{below}/part/{{partId}}", self.part, methods=["GET"]),
            Route(f"{below}/source", self.source, methods=["GET"]),
            Route(f"{below}/attachments.zip", self.attachments, methods=["GET"]),
            Route("/imgproxy/{mark}/{target}", self.picture, methods=["GET"]),
        ]

    # Documents

    async def body(self, request: Request) -> Response:
        """The message as it was meant to look."""
        return await self._document(request, as_text=False)

    async def text(self, request: Request) -> Response:
        """The message as plain text."""
        return await self._document(request, as_text=True)

    async def _document(self, request: Request, *, as_text: bool) -> Response:
        key, session = await self._asked(request, as_text=as_text)
        seen = await self._showing.see(key)
        cleaned = seen.shown.cleaned
        origin = f"{request.scope['scheme']}://{request.headers['host'].lower()}"
        allowed = [origin + part_path(key.account, key.blob_id)]
        addresses: list[str] | None = None
        if request.query_params.get("img") == "1" and self._pictures.enabled:
            addresses = [self._pictures.address(session.account, url) for url in cleaned.remote]
            allowed.append(f"{origin}/imgproxy/")
        language = _language(request)
        page = document(
            cleaned,
            markup=with_pictures(cleaned, seen.shown.marker, addresses),
            notes=_notes(seen, language),
            kind=_kind(seen, as_text=as_text),
            is_dark=request.query_params.get("theme") == "d",
            language=language,
            facts=None if as_text else self._told(seen, language),
        )
        kept = _KEPT if request.query_params.get("v") == str(VERSION) else {}
        return framed(page, pictures=allowed, headers=kept)

    async def facts(self, request: Request) -> Response:
        """What the page around tells of the message."""
        _check_destination(request, _FRAMES)
        key, _ = await self._asked(request, as_text=False)
        seen = await self._showing.see(key)
        kept = _KEPT if request.query_params.get("v") == str(VERSION) else {}
        told = self._told(seen, _language(request))
        return Response(told, headers=kept, media_type="application/json")

    def _told(self, seen: Seen, language: str) -> bytes:
        facts = seen.shown.cleaned.facts
        told: dict[str, Any] = {
            "v": VERSION,
            "kind": _kind(seen, as_text=False),
            "remoteImages": facts.images,
            "imagesCanBeShown": self._pictures.enabled,
            "trackers": facts.trackers,
            "mismatchedLinks": [
                {"text": link.text, "host": link.host} for link in facts.mismatched
            ],
            "formsRemoved": facts.forms_removed,
            "truncated": seen.shown.is_truncated,
            "malformed": malformed(seen.oddities, language),
            "notes": _notes(seen, language),
            "textOnly": facts.text_only,
            "darkAware": facts.dark_aware,
        }
        return msgspec.json.encode(told)

    # Octets

    async def part(self, request: Request) -> Response:
        """A picture that the message brings."""
        _check_destination(request, _IMAGES)
        key, _ = await self._asked(request, as_text=False)
        number = request.path_params["partId"].replace(".", "-")
        blob = await self._blob(key, f"{key.blob_id}_{number}")
        if blob.size > _PICTURE_OCTETS:
            raise NotFound("That picture is too large to be shown.")
        octets = await blob.read()
        kind = raster_type(octets[:MOST_SNIFFED])
        if kind is None:
            raise NotFound("That part is no picture.")
        return Response(octets, headers={"Cache-Control": _KEPT["Cache-Control"]}, media_type=kind)

    async def source(self, request: Request) -> Response:
        """The message as it came."""
        _check_destination(request, _FRAMES)
        key, _ = await self._asked(request, as_text=False)
        blob = await self._blob(key, key.blob_id)
        if request.query_params.get("download") == "1":
            headers = {
                "Content-Length": str(blob.size),
                "Content-Disposition": disposition(f"message-{key.blob_id}.eml"),
            }
            return StreamingResponse(blob.chunks(), headers=headers, media_type="message/rfc822")
        octets = await _first_octets(blob, SHOWN_SOURCE)
        text = octets.decode("utf-8", "replace")
        headers = {"X-Pillarbox-Truncated": "1"} if len(octets) < blob.size else {}
        return Response(text, headers=headers, media_type="text/plain")

    async def attachments(self, request: Request) -> Response:
        """All files of the message in one."""
        key, _ = await self._asked(request, as_text=False)
        opened = await self._showing.open(key.account, key.blob_id)
        headers = {"Content-Disposition": disposition(f"attachments-{key.blob_id}.zip")}
        files = zipped(opened, self._services.clock)
        return StreamingResponse(files, headers=headers, media_type="application/zip")

    async def picture(self, request: Request) -> Response:
        """A picture of another server."""
        _check_destination(request, _IMAGES)
        session = await signed_in(request, self._services)
        found = await self._pictures.get(
            session.account, request.path_params["mark"], request.path_params["target"]
        )
        headers = {"Cache-Control": "private, max-age=604800"}
        return Response(found.octets, headers=headers, media_type=found.type)

    # What they share

    async def _asked(self, request: Request, *, as_text: bool) -> tuple[Key, BrowserSession]:
        """Raises SignInNeeded, NotFound."""
        session = await signed_in(request, self._services)
        if request.path_params["accountId"] != account_id(session.account):
            raise NotFound("There is no such account, or it is not yours.")
        whole = request.query_params.get("all") == "1"
        blob_id: str = request.path_params["blobId"]
        return Key(session.account, blob_id, whole, as_text), session

    async def _blob(self, key: Key, blob_id: str) -> Blob:
        found = await find_blob(self._services.store, key.account, blob_id)
        if found is None:
            raise NotFound("That message is no longer here.")
        return found


def _in_frame(endpoint: Endpoint) -> Endpoint:
    """What goes wrong is shown in the frame, which the page around can read."""

    async def answered(request: Request) -> Response:
        try:
            _check_destination(request, _FRAMES)
            return await endpoint(request)
        except PillarboxError as error:
            for kind, status in _STATUSES:
                if isinstance(error, kind):
                    headers = {"Retry-After": "1"} if status in (429, 503) else {}
                    page = message_document(str(error), status, _language(request))
                    return framed(page, status=status, headers=headers)
            raise

    return answered


def _check_destination(request: Request, allowed: frozenset[str]) -> None:
    """Raises NotAllowed: a page of another site would use it, or one of ours as something else."""
    destination = request.headers.get("sec-fetch-dest", "")
    site = request.headers.get("sec-fetch-site", "none")
    if destination not in allowed or site not in ("same-origin", "none"):
        raise NotAllowed("That is shown on pages of this server only.")


def _language(request: Request) -> str:
    asked = request.query_params.get("lang", "")
    if asked in LANGUAGES:
        return asked
    return chosen_language(request.headers.get("accept-language", ""))


def _kind(seen: Seen, *, as_text: bool) -> str:
    is_html = seen.opened.has_html and not as_text and not seen.shown.cleaned.facts.text_only
    return "html" if is_html else "text"


def _notes(seen: Seen, language: str) -> list[str]:
    told = {oddity: sentence(oddity, language) for oddity in seen.oddities}
    if Oddity.EMPTY in told and seen.opened.names:
        told[Oddity.EMPTY] += f" {files_word(language)} {', '.join(seen.opened.names)}"
    return list(told.values())


async def _first_octets(blob: Blob, most: int) -> bytes:
    pieces: list[bytes] = []
    size = 0
    async for chunk in blob.chunks():
        pieces.append(chunk)
        size += len(chunk)
        if size >= most:
            break
    return b"".join(pieces)[:most]
