"""The HTTP door of a worker."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from uvicorn.server import ServerState

from pillarbox.clock import Clock
from pillarbox.config.web import WebSettings
from pillarbox.ids import AccountId
from pillarbox.net.door import Connection, Door, Lease
from pillarbox.net.listener import Listener
from pillarbox.net.tls import TlsContexts
from pillarbox.web.connection import Application, Bounds, HttpConnection, Site, make_config

_AFTER_CUT_SECONDS = 2.0  # for tasks of connections that were cut off


class WebServer(Door):
    """Makes the connections; the sockets are opened as those of all doors are."""

    def __init__(
        self,
        application: Application,
        settings: WebSettings,
        *,
        admit: Callable[[str], Lease | None],
        tls: TlsContexts | None,
        clock: Clock,
        end_streams: Callable[[], None] = lambda: None,
        end_streams_of: Callable[[AccountId, str | None], None] = lambda account, credential: None,
        ending: Sequence[Callable[[], Awaitable[None]]] = (),
    ) -> None:
        """`end_streams` ends the answers that go on until somebody leaves,
        `end_streams_of` those of an account or of one credential; `ending` is what
        pages began and drain ends."""
        super().__init__(admit, tls, clock)
        self._application = application
        self._settings = settings
        self._end_streams = end_streams
        self._ending = ending
        self.end_streams_of = end_streams_of
        self._state = ServerState()
        self._site: Site | None = None

    def connection(self, listener: Listener) -> Connection:
        """A protocol for one accepted socket."""
        return HttpConnection(self._shared())

    def retire(self) -> None:
        """Who waits for changes connects again, to the next generation; so do idle ones."""
        self._end_streams()
        for connection in tuple(self.standing):
            connection.finish()

    async def drain(self, seconds: float) -> None:
        """Finish the answers under way."""
        self._end_streams()
        await super().drain(seconds)
        tasks = set(self._state.tasks)
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=_AFTER_CUT_SECONDS)
            for task in late:
                task.cancel()
        for end in self._ending:
            await end()

    def _shared(self) -> Site:
        if self._site is None:  # `linger_seconds` is known by now
            settings = self._settings
            config = make_config(
                self._application,
                head_octets=settings.head_octets,
                idle_seconds=settings.idle_seconds,
            )
            bounds = Bounds(
                settings.request_seconds,
                settings.answer_seconds,
                self.linger_seconds,
                settings.least_octets_per_second,
            )
            self._site = Site(config, self._state, bounds, self.admit, self.standing)
        return self._site
