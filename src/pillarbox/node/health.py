"""`/healthz`, `/readyz` and `/metrics`: for those who watch the server, without TLS."""

from __future__ import annotations

import asyncio
import socket

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, Router
from uvicorn.server import ServerState

from pillarbox.config.limits import LimitSettings
from pillarbox.net.door import Connection
from pillarbox.telemetry.metrics import exposition
from pillarbox.web.connection import Bounds, HttpConnection, Site, make_config

STOP_SECONDS = 2  # for answers under way when we stop; they are made of what is in memory
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Readiness:
    """Whether this worker wants connections; the `/readyz` answer."""

    def __init__(self) -> None:
        self.ready = False
        self.why = "starting"


class HealthServer:
    """The HTTP door of one worker."""

    def __init__(self, readiness: Readiness, limits: LimitSettings) -> None:
        self._readiness = readiness
        routes = [
            Route("/healthz", self._healthz),
            Route("/readyz", self._readyz),
            Route("/metrics", self._metrics),
        ]
        self._state = ServerState()
        self._standing: set[Connection] = set()
        config = make_config(
            Router(routes),
            head_octets=limits.http_head_octets,
            idle_seconds=limits.http_idle_seconds,
        )
        config.limit_concurrency = limits.http_connections
        seconds = limits.http_request_seconds
        bounds = Bounds(seconds, seconds, seconds, octets_per_second=0)
        self._site = Site(config, self._state, bounds, None, self._standing)
        self._servers: list[asyncio.Server] = []

    async def start(self, sockets: list[socket.socket]) -> None:
        """Serve on these sockets until `stop`."""
        loop = asyncio.get_running_loop()
        for bound in sockets:
            server = await loop.create_server(lambda: HttpConnection(self._site), sock=bound)
            self._servers.append(server)

    async def stop(self) -> None:
        """Finish the answers under way."""
        for server in self._servers:
            server.close()
        for connection in tuple(self._standing):
            connection.finish()
        if self._state.tasks:
            await asyncio.wait(self._state.tasks, timeout=STOP_SECONDS)
        for connection in tuple(self._standing):
            connection.abort()

    async def _healthz(self, _request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def _readyz(self, _request: Request) -> Response:
        if self._readiness.ready:
            return PlainTextResponse("ready\n")
        return PlainTextResponse(f"{self._readiness.why}\n", status_code=503)

    async def _metrics(self, _request: Request) -> Response:
        return Response(exposition(), media_type=CONTENT_TYPE)
