"""A list is left with one click: our server asks the list's, as the message says (RFC 8058).

The person asks for it each time, on a page of ours; nothing of them goes along: no cookie, no
address of theirs, and the URL is what the list itself wrote.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from pillarbox.accounts.browser_sessions import BrowserSession
from pillarbox.config.bodies import UnsubscribeSettings
from pillarbox.errors import NotAllowed, NotFound, Throttled
from pillarbox.jmap.blobs import MESSAGE_TYPE, find_blob
from pillarbox.jmap.ids import account_id
from pillarbox.message.header import find_header_end
from pillarbox.net.address_policy import AddressPolicy
from pillarbox.net.https import Fetched, FetchFailed, Limits, Resolve, post
from pillarbox.net.problem import problem
from pillarbox.telemetry.log import get_logger
from pillarbox.trust.one_click import POSTED, one_click_url
from pillarbox.web.bodies.minutes import Minutes
from pillarbox.web.bodies.pictures import PicturePolicy
from pillarbox.web.services import WebServices
from pillarbox.web.session import check_csrf, signed_in

log = get_logger("web")
_FORM = "application/x-www-form-urlencoded"
_MOST_ANSWER = 65_536  # octets that nobody reads
_MOST_HEADER = 262_144  # octets of trace and header that are looked at
_MISSING = "That message is no longer here."
_OFF = "This server asks no other for that. Whoever runs it can allow it: web.unsubscribe.enabled."


class Asking(Protocol):
    """One POST, no redirects followed."""

    async def __call__(self, url: str) -> Fetched:
        """Raises FetchFailed."""


class ListAsker:
    """Over the network; to public addresses alone."""

    def __init__(
        self,
        settings: UnsubscribeSettings,
        policy: AddressPolicy | None = None,
        resolve: Resolve | None = None,
    ) -> None:
        self._limits = Limits(_MOST_ANSWER, settings.seconds)
        self._policy = policy or PicturePolicy(ports=(443,))
        self._resolve = resolve

    async def __call__(self, url: str) -> Fetched:
        """Raises FetchFailed."""
        return await post(
            url,
            POSTED,
            _FORM,
            address_policy=self._policy,
            limits=self._limits,
            resolve=self._resolve,
        )


class Leaving:
    """One for a worker."""

    def __init__(self, services: WebServices, asking: Asking, counts: Minutes) -> None:
        self._services = services
        self._settings = services.settings.web.unsubscribe
        self._asking = asking
        self._counts = counts
        self._authserv_id = services.settings.trust.authserv_id or services.hostname
        self._own_hosts = frozenset((services.hostname, *services.settings.web.hosts))

    @classmethod
    def of(cls, services: WebServices) -> Leaving:
        """Of this server."""
        place = Path(services.settings.store.data_dir) / "cache" / "unsubscribes"
        return cls(
            services,
            ListAsker(services.settings.web.unsubscribe),
            Minutes(place, services.clock),
        )

    def routes(self) -> list[BaseRoute]:
        """Where it is asked whether, and where it is done."""
        path = "/m/{accountId}/{blobId}/unsubscribe"
        return [Route(path, self.look, methods=["GET"]), Route(path, self.leave, methods=["POST"])]

    async def look(self, request: Request) -> Response:
        """Whether one click is enough, and whose server is asked."""
        session = await signed_in(request, self._services)
        url = await self._url(request, session)
        told = {"oneClick": url is not None, "host": urlsplit(url).hostname if url else None}
        return Response(msgspec.json.encode(told), media_type="application/json")

    async def leave(self, request: Request) -> Response:
        """Ask the list's server; 204: it said yes."""
        session = await signed_in(request, self._services)
        check_csrf(request, session)
        url = await self._url(request, session)
        if url is None:
            return problem(409, "That list cannot be left with one click.", reason="notOneClick")
        if self._counts.add(session.account) > self._settings.per_minute:
            raise Throttled("Too many lists in a minute. Wait for the next one.")
        host = urlsplit(url).hostname or ""
        try:
            answer = await self._asking(url)
        except FetchFailed as error:
            log.event("web.unsubscribe_failed", host=host, why=error.why)
            return _failed(f"{host} cannot be asked: {error}")
        # A page behind a redirect would want a person; RFC 8058 §3.1 forbids lists to send one.
        if not 200 <= answer.status < 300:
            log.event("web.unsubscribe_failed", host=host, why=str(answer.status))
            return _failed(f"{host} refused it with status {answer.status}.")
        return Response(status_code=204)

    async def _url(self, request: Request, session: BrowserSession) -> str | None:
        """Raises NotFound, NotAllowed."""
        if not self._settings.enabled:
            raise NotAllowed(_OFF)
        if request.path_params["accountId"] != account_id(session.account):
            raise NotFound(_MISSING)
        blob_id = request.path_params["blobId"]
        blob = await find_blob(self._services.store, session.account, blob_id)
        if blob is None or blob.type != MESSAGE_TYPE or blob.part is not None:
            raise NotFound(_MISSING)
        trace = blob.source.trace
        octets = await blob.source.octets.read(0, min(blob.size, _MOST_HEADER))
        end = find_header_end(octets[trace:], len(octets) - trace, _MOST_HEADER)
        if end is None:
            return None
        url = one_click_url(octets[:trace], octets[trace : trace + end], self._authserv_id)
        return url if url and self._is_foreign(url) else None

    def _is_foreign(self, url: str) -> bool:
        try:
            host = (urlsplit(url).hostname or "").lower().rstrip(".")
        except ValueError:
            return False
        return bool(host) and host not in self._own_hosts


def _failed(sentence: str) -> Response:
    return problem(502, sentence, reason="listRefused")


def routes(services: WebServices) -> list[BaseRoute]:
    """For the area of bodies."""
    leaving = Leaving.of(services)
    return leaving.routes()
