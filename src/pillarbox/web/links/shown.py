"""What everybody sees who has a link's address: a page about the file, and the file itself.

It was made by a person of ours and is trusted no more than mail: a file to be saved, whatever it
is. Unknown, ended and withdrawn links, those of people who are shut out, and all where links are
switched off get one and the same answer.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from pillarbox.clock import from_unix_seconds, unix_seconds
from pillarbox.errors import Unavailable
from pillarbox.jmap.http.files import ANY_TYPE, disposition
from pillarbox.net.limits import network_of
from pillarbox.store.blobs.content import Content
from pillarbox.store.sql import links
from pillarbox.store.sql.links import Link
from pillarbox.telemetry.log import get_logger
from pillarbox.web.basic.desk import shown_octets
from pillarbox.web.links.word import digest_of
from pillarbox.web.pace import Pace
from pillarbox.web.pages import Pages
from pillarbox.web.services import WebServices

log = get_logger("web")
_MINUTE = 60.0
_TOO_OFTEN = "That is too often. Wait a minute."
_RANGE = re.compile(r"bytes=(?:([0-9]{1,18})-([0-9]{0,18})|-([0-9]{1,18}))")
_UNSEEN = {"X-Robots-Tag": "noindex, nofollow, noarchive"}


class Shown:
    """One for a worker."""

    def __init__(self, services: WebServices) -> None:
        settings = services.settings.web.links
        self._services = services
        self._enabled = settings.enabled
        self._pace = Pace(settings.requests_per_minute, _MINUTE, _TOO_OFTEN, services.clock)
        self._pages = Pages(services, "links", cookies=False)

    async def get_page(self, request: Request) -> Response:
        """Name, size, whose it is, until when."""
        found = await self._find(request)
        if found is None:
            return self._gone(request)
        link, owner = found
        return self._pages.render(
            request,
            "link.html",
            headers=_UNSEEN,
            link=link,
            owner=owner,
            size=shown_octets(link.size),
            until=from_unix_seconds(link.expires_at).strftime("%Y-%m-%d"),
            path=f"/links/{request.path_params['word']}/file",
        )

    async def get_file(self, request: Request) -> Response:
        """The octets, or a range of them (RFC 9110 §14)."""
        found = await self._find(request)
        if found is None:
            return self._gone(request)
        link, _ = found
        headers = {
            **_UNSEEN,
            "Accept-Ranges": "bytes",
            "Content-Disposition": disposition(link.name),
            "ETag": f'"{link.blob.hex()}"',
        }
        start, stop = _asked_range(request, link, headers["ETag"])
        if start >= stop and link.size:
            return Response(status_code=416, headers={"Content-Range": f"bytes */{link.size}"})
        status = 200
        if (start, stop) != (0, link.size):
            status = 206
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{link.size}"
        headers["Content-Length"] = str(stop - start)
        if request.method == "HEAD":
            return Response(status_code=status, headers=headers, media_type=ANY_TYPE)
        octets = self._services.store.octets(link.blob, link.size)
        sent = self._sent(octets, link, start, stop)
        return StreamingResponse(sent, status, headers=headers, media_type=ANY_TYPE)

    async def _sent(
        self, octets: Content, link: Link, start: int, stop: int
    ) -> AsyncIterator[bytes]:
        async for chunk in octets.chunks(start, stop):
            yield chunk
        if stop < link.size:
            return
        try:
            await self._services.store.write(lambda tx: links.downloaded(tx, link.id), short=True)
        except Unavailable:  # the file is there; that it is not counted breaks nothing
            log.warning_event("web.link_not_counted", link=link.id)

    async def _find(self, request: Request) -> tuple[Link, str] | None:
        """Raises Throttled."""
        self._pace.take(network_of(request.scope["pillarbox.peer"]))
        digest = digest_of(request.path_params["word"])
        if digest is None or not self._enabled:
            return None
        now = unix_seconds(self._services.clock.now())
        return await self._services.store.read(lambda db: links.find(db, digest, now))

    def _gone(self, request: Request) -> Response:
        return self._pages.render(request, "gone.html", status=404, headers=_UNSEEN)


def _asked_range(request: Request, link: Link, tag: str) -> tuple[int, int]:
    """First octet and the one behind the last; all of them where no single range is asked for.

    Who goes on with a file of another day gets all of it (RFC 9110 §13.1.5).
    """
    found = _RANGE.fullmatch(request.headers.get("range", "").strip().lower())
    # A file without octets has no range (RFC 9110 §14.1.2): it is sent as it is.
    if found is None or not link.size or request.headers.get("if-range", tag) != tag:
        return 0, link.size
    first, last, suffix = found.groups()
    if suffix is not None:
        return max(link.size - int(suffix), 0) if int(suffix) else link.size, link.size
    if last and int(last) < int(first):
        return 0, link.size  # no range at all (RFC 9110 §14.1.1)
    return int(first), min(int(last) + 1, link.size) if last else link.size
