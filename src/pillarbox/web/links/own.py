"""A person's own links: made from a file that comes in as the body, listed, withdrawn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from pillarbox.clock import unix_seconds
from pillarbox.config.links import LinkSettings
from pillarbox.config.site import site_ports
from pillarbox.errors import NotAllowed, OverQuota, Throttled, TooLarge
from pillarbox.ids import AccountId
from pillarbox.jmap.http.files import safe_name
from pillarbox.net.problem import problem
from pillarbox.store import Reader
from pillarbox.store.blobs.record import SealedBlob
from pillarbox.store.sql import links
from pillarbox.store.sql.links import Bounds, Link, NewLink
from pillarbox.telemetry.log import get_logger
from pillarbox.web.account.asked import Asked, NotUnderstood, done, instant, told
from pillarbox.web.links.word import digest_of, new_word
from pillarbox.web.services import WebServices
from pillarbox.web.sites import origin_for_letters

log = get_logger("web")
_DAY = 86_400
_OFF = "Whoever runs this server has switched off sending files as links."
_BUSY = "Your other files are still on their way. Wait for the end of one."
_SLOW = "Nothing more of the file came. Look at your connection and send it again."
_FULL = "Your mailbox has no room for that file. Make room, or send a smaller one."


class Own:
    """One for a worker."""

    def __init__(self, services: WebServices) -> None:
        self._store = services.store
        self._settings = services.settings.web.links
        self._hostname = services.hostname
        self._ports = site_ports(services.settings)
        self._uploads = _Uploads(self._settings)
        self._bounds = Bounds(
            links=self._settings.account_links, octets=self._settings.account_octets
        )

    async def get_all(self, asked: Asked) -> Response:
        """The newest first, and what a new one may be; their addresses are told once, when made."""
        settings = self._settings
        now = unix_seconds(asked.services.clock.now())

        async def look(db: Reader) -> tuple[list[Link], int]:
            left = await links.room(db, asked.account, self._bounds)
            return await links.all_of(db, asked.account, now), left.most

        found, most = await self._store.read(look)
        return told(
            {
                "maxOctets": settings.max_octets if settings.enabled else None,
                "room": most,
                "days": settings.days_of(None),
                "mostDays": settings.most_days,
                "list": [_told_of(one) for one in found],
            }
        )

    async def post(self, asked: Asked) -> Response:
        """`?name=…&days=…`, the file as the body. Nothing of it is kept unless all of it is."""
        settings, store, account = self._settings, self._store, asked.account
        if not settings.enabled:
            raise NotAllowed(_OFF)
        name, days = _wish(asked.request, settings)
        size = _told_size(asked.request)
        if size > settings.max_octets:
            raise _too_large(settings)
        try:
            # Before a gigabyte is read; and once more with what was read, in the write itself.
            (await store.read(lambda db: links.room(db, account, self._bounds))).check(size)
            with self._uploads.take(account), store.spool(settings.max_octets) as spool:
                async for piece in _pieces(asked.request, settings.pause_seconds):
                    if spool.size + len(piece) > settings.max_octets:
                        raise _too_large(settings)
                    spool.write(piece)
                sealed = await spool.seal()
                if await asked.request.is_disconnected():
                    raise ClientDisconnect  # nobody would ever learn the address
                return await self._kept(asked, sealed, name, days)
        except OverQuota:
            return problem(409, _FULL, reason="quota")

    async def delete(self, asked: Asked) -> Response:
        """It leads nowhere from now on."""
        number = asked.number()
        await self._store.write(lambda tx: links.withdraw(tx, asked.account, number), short=True)
        log.event("web.link_withdrawn", account=asked.account, link=number)
        return done()

    async def _kept(self, asked: Asked, sealed: SealedBlob, name: str, days: int) -> Response:
        word = new_word()
        digest = digest_of(word)
        assert digest is not None  # it was made by the same rule
        new = NewLink(digest=digest, blob=sealed, name=name, seconds=days * _DAY)
        made = await self._store.write(lambda tx: links.add(tx, asked.account, new, self._bounds))
        log.event("web.link_made", account=asked.account, link=made.id, octets=made.size)
        origin = origin_for_letters(asked.request, self._hostname, self._ports)
        answer = told({**_told_of(made), "url": f"{origin}/links/{word}"})
        answer.status_code = 201
        return answer


class _Uploads:
    """Files that come in now, in this worker."""

    def __init__(self, settings: LinkSettings) -> None:
        self._most = settings.uploads
        self._running: dict[AccountId, int] = {}

    @contextmanager
    def take(self, account: AccountId) -> Iterator[None]:
        """A place for the length of the block. Raises Throttled."""
        running = self._running.get(account, 0)
        if running >= self._most:
            raise Throttled(_BUSY)
        self._running[account] = running + 1
        try:
            yield
        finally:
            self._running[account] -= 1
            if not self._running[account]:
                del self._running[account]


async def _pieces(request: Request, pause_seconds: float) -> AsyncIterator[bytes]:
    """Of the body. Raises Throttled where nothing came for too long, ClientDisconnect."""
    stream = request.stream()
    while True:
        try:
            async with asyncio.timeout(pause_seconds):
                piece = await anext(stream, None)
        except TimeoutError:
            raise Throttled(_SLOW) from None
        if piece is None:
            return
        yield piece


def _wish(request: Request, settings: LinkSettings) -> tuple[str, int]:
    """A safe name and the days. Raises NotUnderstood."""
    asked = request.query_params
    days = asked.get("days", "")
    if days and not (days.isascii() and days.isdecimal() and len(days) < 6):
        raise NotUnderstood
    return safe_name(asked.get("name", "")), settings.days_of(int(days) if days else None)


def _told_size(request: Request) -> int:
    """What the head says of the body; 0 where it says nothing."""
    text = request.headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


def _too_large(settings: LinkSettings) -> TooLarge:
    return TooLarge(f"A file sent as a link has at most {settings.max_octets} octets.")


def _told_of(link: Link) -> dict[str, object]:
    return {
        "id": str(link.id),
        "name": link.name,
        "size": link.size,
        "createdAt": instant(link.created_at),
        "expiresAt": instant(link.expires_at),
        "downloads": link.downloads,
    }
