"""A look at another provider before anything is fetched: which server, which folders, what room."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
from starlette.responses import Response

from pillarbox.errors import LimitReached
from pillarbox.flow.collect.autodetect import Surroundings, autodetect
from pillarbox.flow.collect.job import Job
from pillarbox.flow.collect.oauth_offered import Offers
from pillarbox.flow.collect.plan import forecast
from pillarbox.flow.collect.progress import Progress
from pillarbox.flow.collect.remotes import Remote
from pillarbox.flow.collect.settings import RemoteSettings
from pillarbox.flow.collect.source import RemoteFolder, Source, SourceFailure
from pillarbox.ids import RemoteId, RunId
from pillarbox.web.account.asked import Asked, told
from pillarbox.web.account.remote_shown import foreseen, found, only_listed
from pillarbox.web.account.remote_wish import Wish
from pillarbox.web.bodies.minutes import Minutes
from pillarbox.web.services import Elsewhere, WebServices

_MOST_ADDRESS = 320  # characters


class _Address(msgspec.Struct):
    address: str


class Looking:
    """Who looks, adds or runs asks other servers in our name: so often a minute."""

    def __init__(self, services: WebServices, elsewhere: Elsewhere) -> None:
        folder = Path(services.settings.store.data_dir)
        self._offers = Offers(services.settings.collect.oauth, folder)
        self._services = services
        self._elsewhere = elsewhere
        self._settings = services.settings.collect
        self._minutes: Minutes | None = None

    def count(self, asked: Asked) -> None:
        """Once more. Raises LimitReached."""
        if self._minutes is None:
            path = Path(self._services.settings.store.data_dir) / "run" / "looks"
            self._minutes = Minutes(path, self._services.clock)
        if self._minutes.add(asked.account) > self._settings.looks_per_minute:
            raise LimitReached("Those were many tries in a short time. Wait a minute.")

    async def find(self, asked: Asked) -> Response:
        """Which servers an address has."""
        address = (await asked.body(_Address)).address.strip()[:_MOST_ADDRESS]
        self.count(asked)
        around = Surroundings(resolver=self._elsewhere.resolver)
        async with asyncio.timeout(self._settings.look_seconds):
            guess = await autodetect(address, around)
        return told(found(guess) | {"oauthHosts": self._offers.hosts()})

    async def test(self, asked: Asked) -> Response:
        """Sign in there and say what would come. Raises SourceFailure, BadRemote."""
        wish = await asked.body(Wish)
        settings = wish.settings()
        self.count(asked)
        source = await self._elsewhere.open(settings, wish.sign_in())
        return await self._looked(asked, settings, source)

    async def again(self, asked: Asked, remote: Remote) -> Response:
        """The same with the sign-in that is kept. Raises SourceFailure, VaultClosed."""
        self.count(asked)
        source = await self._elsewhere.open_stored(remote)
        return await self._looked(asked, remote.settings, source)

    async def _looked(self, asked: Asked, settings: RemoteSettings, source: Source) -> Response:
        seen: list[list[RemoteFolder]] = []
        host = settings.server.host if settings.server is not None else settings.label
        try:
            async with asyncio.timeout(self._settings.look_seconds):
                seen.append(await source.folders())
                return told(await self._foreseen(asked, settings, source))
        except TimeoutError:
            if not seen:
                raise SourceFailure(
                    "cut", f"{host} does not answer in time. Try again later."
                ) from None
            return told(only_listed(seen[0]))
        finally:
            await source.close()

    async def _foreseen(
        self, asked: Asked, settings: RemoteSettings, source: Source
    ) -> dict[str, object]:
        known = await self._elsewhere.remotes.find_place(asked.account, settings)
        job = Job(
            store=self._services.store,
            account=asked.account,
            remote=RemoteId(0) if known is None else known.id,
            run=RunId(0),
            settings=settings,
            clock=self._services.clock,
            limits=self._settings.intake,
        )
        return foreseen(await forecast(job, source, Progress()))
