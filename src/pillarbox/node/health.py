"""`/healthz`, `/readyz` and `/metrics`: Starlette on uvicorn, in our loop and on our sockets."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from uvicorn.protocols.http.h11_impl import H11Protocol

from pillarbox.config.limits import LimitSettings
from pillarbox.telemetry.metrics import exposition

STOP_SECONDS = 2  # for answers under way when we stop; they are made of what is in memory
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Readiness:
    """Whether this worker wants connections; the `/readyz` answer."""

    def __init__(self) -> None:
        self.ready = False
        self.why = "starting"


class _Server(uvicorn.Server):
    """uvicorn without its hands on our signals."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _bounded(seconds: int) -> type[H11Protocol]:
    """uvicorn's protocol, which waits for a begun request for ever, with a deadline for each."""

    class Bounded(H11Protocol):
        deadline: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self.watch()

        def data_received(self, data: bytes) -> None:
            self.watch()
            super().data_received(data)

        def on_response_complete(self) -> None:
            self.unwatch()
            before = self.cycle
            super().on_response_complete()
            # The next request may be there already; who is closed may not take the last octets.
            if self.cycle is not before or self.transport.is_closing():
                self.watch()

        def timeout_keep_alive_handler(self) -> None:
            self.watch()
            super().timeout_keep_alive_handler()

        def connection_lost(self, exc: Exception | None) -> None:
            self.unwatch()
            super().connection_lost(exc)

        def watch(self) -> None:
            if self.deadline is None:
                self.deadline = self.loop.call_later(seconds, self.transport.abort)

        def unwatch(self) -> None:
            if self.deadline is not None:
                self.deadline.cancel()
                self.deadline = None

    return Bounded


class HealthServer:
    """The HTTP door of one worker."""

    def __init__(self, readiness: Readiness, limits: LimitSettings) -> None:
        self._readiness = readiness
        routes = [
            Route("/healthz", self._healthz),
            Route("/readyz", self._readyz),
            Route("/metrics", self._metrics),
        ]
        configuration = uvicorn.Config(
            Starlette(routes=routes),
            loop="none",
            http=_bounded(limits.http_request_seconds),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            limit_concurrency=limits.http_connections,
            timeout_keep_alive=limits.http_idle_seconds,
            timeout_graceful_shutdown=STOP_SECONDS,
            h11_max_incomplete_event_size=limits.http_head_octets,
        )
        self._server = _Server(configuration)
        self._task: asyncio.Task[None] | None = None

    async def start(self, sockets: list[socket.socket]) -> None:
        """Serve on these sockets until `stop`."""
        self._task = asyncio.create_task(self._server.serve(sockets=sockets))

    async def stop(self) -> None:
        """Finish the answers under way."""
        if self._task is not None:
            self._server.should_exit = True
            await self._task

    async def _healthz(self, _request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def _readyz(self, _request: Request) -> Response:
        if self._readiness.ready:
            return PlainTextResponse("ready\n")
        return PlainTextResponse(f"{self._readiness.why}\n", status_code=503)

    async def _metrics(self, _request: Request) -> Response:
        return Response(exposition(), media_type=CONTENT_TYPE)
