"""Pictures fetched when a letter comes: so no sender learns from them when, or whether, it is read.

A hint and no promise. What has no place in the queue, what a restart forgets and what fails is
fetched when somebody has it shown.
"""

from __future__ import annotations

import asyncio
from collections import deque

from msgspec.structs import replace

from pillarbox.config.bodies import BodySettings, PictureSettings
from pillarbox.errors import NotFound, PillarboxError, Throttled
from pillarbox.ids import AccountId, MessageId
from pillarbox.jmap.ids import message_blob_id
from pillarbox.store import Store
from pillarbox.telemetry.log import get_logger
from pillarbox.web.bodies.cache import Key
from pillarbox.web.bodies.document import shown_pictures
from pillarbox.web.bodies.pictures import Pictures
from pillarbox.web.bodies.pool import Cleaning
from pillarbox.web.bodies.showing import Showing
from pillarbox.web.services import WebServices

log = get_logger("web")
_SHARE = 2  # of the places for pictures, the others are for who looks


class Ahead:
    """One for a worker; messages one after another, each as it would be shown."""

    def __init__(
        self,
        store: Store,
        bodies: BodySettings,
        settings: PictureSettings,
        cleaning: Cleaning,
        pictures: Pictures,
    ) -> None:
        # Nobody waits, and what people have open stays in their cache.
        patient = replace(bodies, answer_seconds=settings.delivery_seconds, cache_octets=0)
        self._showing = Showing(store, patient, cleaning)
        self._settings = settings
        self._pictures = pictures
        self._waiting: deque[tuple[AccountId, MessageId]] = deque()
        self._work: asyncio.Task[None] | None = None
        self._is_full = self._ended = False

    @classmethod
    def of(cls, services: WebServices, cleaning: Cleaning, pictures: Pictures) -> Ahead:
        """Of this server."""
        web = services.settings.web
        return cls(services.store, web.bodies, web.pictures, cleaning, pictures)

    def add(self, account: AccountId, message: MessageId) -> None:
        """A message that came; returns at once. Call it on the loop."""
        if self._ended:
            return
        if len(self._waiting) >= self._settings.delivery_waiting:
            if not self._is_full:
                log.warning_event("web.pictures_left_for_opening", waiting=len(self._waiting))
            self._is_full = True
            return
        self._waiting.append((account, message))
        if self._work is None:
            self._work = asyncio.create_task(self._fetch_all(), name="pictures-ahead")

    async def stop(self) -> None:
        """Break off; the rest is fetched on opening."""
        self._ended = True
        self._waiting.clear()
        if self._work is not None:
            self._work.cancel()
            await asyncio.gather(self._work, return_exceptions=True)

    async def _fetch_all(self) -> None:
        """Until none waits."""
        try:
            while self._waiting:
                await self._fetch(*self._waiting.popleft())
            self._is_full = False
        finally:
            self._work = None

    async def _fetch(self, account: AccountId, message: MessageId) -> None:
        try:
            async with asyncio.timeout(self._settings.delivery_seconds):
                await self._fetch_pictures(account, await self._pictures_of(account, message))
        except (TimeoutError, PillarboxError) as error:
            why = type(error).__name__
            log.event("web.pictures_not_all_fetched", account=account, why=why)
        except Exception:
            log.error_event("web.pictures_ahead_failed", exc=True, account=account)

    async def _pictures_of(self, account: AccountId, message: MessageId) -> deque[str]:
        """Raises NotFound, Damaged, Unavailable."""
        blob = message_blob_id(message)
        if not (await self._showing.open(account, blob)).has_html:
            return deque()
        shown = (await self._showing.see(Key(account, blob, whole=False, as_text=False))).shown
        return deque(
            shown_pictures(shown.cleaned, shown.marker)[: self._settings.delivery_pictures]
        )

    async def _fetch_pictures(self, account: AccountId, left: deque[str]) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(len(left), max(1, self._settings.at_once // _SHARE))):
                group.create_task(self._fetch_some(account, left))

    async def _fetch_some(self, account: AccountId, left: deque[str]) -> None:
        while left:
            try:
                await self._pictures.get_ahead(account, left.popleft())
            except NotFound:  # the next may be at another place
                continue
            except Throttled:
                left.clear()
