"""One worker process: its loop, its doors on the sockets it was given, its end.

Started by the supervisor as `python -m pillarbox.node.worker DESCRIPTOR`. It reads its assignment
from that socket, loads the certificates, gives up root, opens the store, and only then looks at a
peer.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import socket
import sys
from functools import partial

import uvloop

from pillarbox import __version__
from pillarbox.accounts.throttle import News
from pillarbox.clock import Clock, SystemClock
from pillarbox.config.server import ListenerSettings
from pillarbox.config.settings import Settings
from pillarbox.errors import PillarboxError
from pillarbox.net.gate import TlsGate
from pillarbox.net.listener import Listener, Security
from pillarbox.node.certificates import load_certificates
from pillarbox.node.compose import PROTOCOLS, Composition, compose
from pillarbox.node.control import (
    Assignment,
    FromWorker,
    Lines,
    Order,
    Report,
    decode_for_worker,
    encode,
)
from pillarbox.node.health import HealthServer, Readiness
from pillarbox.node.privileges import become, find_person
from pillarbox.telemetry import log as logs
from pillarbox.telemetry import metrics

BEAT_SECONDS = 1.0  # between signs of life
_MOST_NEWS = 1000  # for the other workers; losing some costs a few guesses

log = logs.get_logger("node")


class Worker:
    """Serves until the supervisor, or SIGTERM, says stop."""

    def __init__(
        self, assignment: Assignment, control: socket.socket, early: bytes, clock: Clock
    ) -> None:
        self._assignment = assignment
        self._settings: Settings = assignment.settings
        self._clock = clock
        self._control = control
        self._early = early  # what came together with the assignment
        self._readiness = Readiness()
        self._servers: list[asyncio.Server] = []
        self._order: asyncio.Future[Order] | None = None
        self._composition: Composition | None = None
        self._news: asyncio.Queue[News] = asyncio.Queue(_MOST_NEWS)
        self._telling = asyncio.Lock()
        self._health = HealthServer(self._readiness, self._settings.limits)

    async def run(self) -> None:
        """The worker's whole life."""
        loop = asyncio.get_running_loop()
        self._order = loop.create_future()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._ordered, Order("stop"))
        tls = load_certificates(self._settings)
        server = self._settings.server
        become(find_person(server.user, server.group))
        os.umask(0o077)
        composition = await compose(self._assignment, tls, self._clock, self._spread)
        self._composition = composition
        tasks = [
            asyncio.create_task(self._obey()),
            asyncio.create_task(self._beat()),
            asyncio.create_task(self._maintain()),
            asyncio.create_task(self._pass_on()),
        ]
        try:
            await self._listen()
            gc.collect()
            gc.freeze()
            metrics.BUILD.labels(__version__).set(1)
            self._readiness.ready = True
            if composition.sending is not None:
                composition.sending.start()
            if composition.collecting is not None:
                composition.collecting.start()
            if composition.bulk is not None:
                composition.bulk.start()
            await self._tell(Report("ready"))
            order = await self._order
            await self._leave(order)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await composition.close()

    # Listening

    async def _listen(self) -> None:
        named = {listener.name: listener for listener in self._settings.listener}
        health: list[socket.socket] = []
        for passed in self._assignment.sockets:
            bound = socket.socket(fileno=passed.descriptor)
            settings = named[passed.listener]
            if settings.role == "http":
                health.append(bound)
            else:
                await self._open_door(settings, bound)
        if health:
            await self._health.start(health)

    async def _open_door(self, settings: ListenerSettings, bound: socket.socket) -> None:
        assert self._composition is not None
        listener = Listener(settings.name, settings.role, Security(settings.tls))
        door = self._composition.doors[PROTOCOLS[settings.role]]
        accepted = metrics.CONNECTIONS.labels(settings.name)

        def connection() -> asyncio.Protocol:
            accepted.inc()
            if listener.security is Security.IMPLICIT:
                return TlsGate(door, lambda: door.connection(listener))
            return door.connection(listener)

        loop = asyncio.get_running_loop()
        if bound.family == socket.AF_UNIX:
            start = partial(loop.create_unix_server, connection, sock=bound)
        else:
            start = partial(loop.create_server, connection, sock=bound)
        self._servers.append(await start(backlog=self._settings.limits.backlog))

    # While it serves

    async def _obey(self) -> None:
        loop = asyncio.get_running_loop()
        lines = Lines()
        await self._obey_lines(lines.feed(self._early))
        while octets := await loop.sock_recv(self._control, 65_536):
            await self._obey_lines(lines.feed(octets))
        self._ordered(Order("stop"))  # the supervisor is gone

    async def _obey_lines(self, lines: list[bytes]) -> None:
        for line in lines:
            message = decode_for_worker(line)
            if isinstance(message, News) and self._composition is not None:
                self._composition.heard(message)
            elif isinstance(message, Order):
                if message.what == "reload":
                    await self._reload()
                else:
                    self._ordered(message)

    def _ordered(self, order: Order) -> None:
        assert self._order is not None
        if not self._order.done():
            self._order.set_result(order)
        elif order.what == "stop" and self._composition is not None:
            self._composition.hurry()  # told to stop while retiring

    async def _reload(self) -> None:
        assert self._composition is not None
        try:
            if self._composition.tls is not None:
                self._composition.tls.reload()
        except PillarboxError as error:
            await self._tell(Report("not_reloaded", str(error)))
        else:
            await self._tell(Report("reloaded"))

    async def _beat(self) -> None:
        assert self._composition is not None
        gauges = [
            (metrics.CONNECTIONS_OPEN.labels(name), door)
            for name, door in self._composition.doors.items()
        ]
        while True:
            before = self._clock.monotonic()
            await self._clock.sleep(BEAT_SECONDS)
            metrics.LOOP_LAG.set(max(0.0, self._clock.monotonic() - before - BEAT_SECONDS))
            for gauge, door in gauges:
                gauge.set(door.connections)
            await self._tell(Report("alive"))

    async def _maintain(self) -> None:
        assert self._composition is not None
        if self._assignment.slot != 0:
            return  # one worker is enough
        while True:
            await self._clock.sleep(self._settings.server.maintain_seconds)
            try:
                await self._composition.maintain()
            except PillarboxError as error:
                log.warning_event("node.maintenance_failed", why=str(error))
            except Exception:
                log.error_event("node.maintenance_failed", exc=True)

    def _spread(self, news: News) -> None:
        """For the other workers; where too much waits already, some is lost."""
        with contextlib.suppress(asyncio.QueueFull):
            self._news.put_nowait(news)

    async def _pass_on(self) -> None:
        while True:
            await self._tell(await self._news.get())

    async def _tell(self, report: FromWorker) -> None:
        async with self._telling:  # a message is a line: no other may begin within it
            with contextlib.suppress(ConnectionError):
                await asyncio.get_running_loop().sock_sendall(self._control, encode(report))

    # The end

    async def _leave(self, order: Order) -> None:
        assert self._composition is not None
        self._readiness.ready, self._readiness.why = False, "stopping"
        for server in self._servers:
            server.close()
        await self._tell(Report("deaf"))
        await self._health.stop()
        settings = self._settings.server
        if order.what == "retire":
            await self._composition.retire(settings.retire_seconds)
        await self._composition.drain(settings.drain_seconds)


def main(descriptor: int) -> int:
    """Read the assignment, then serve. The exit code says nothing that the report does not."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    control = socket.socket(fileno=descriptor)
    control.setblocking(True)
    assignment, early = _assignment(control)
    control.setblocking(False)
    settings = assignment.settings
    logs.configure(level=settings.log.level, style=settings.log.format)
    worker = Worker(assignment, control, early, SystemClock())
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(worker.run())
    except PillarboxError as error:
        if error.__cause__ is not None or error.__context__ is not None:
            log.error_event("node.worker_failed", why=str(error), exc=True)
        _tell_blocking(control, Report("failed", str(error)))
        return 1
    except Exception:
        log.error_event("node.worker_fault", exc=True)
        _tell_blocking(control, Report("failed", "A worker met a fault; its log tells which."))
        return 1
    return 0


def _assignment(control: socket.socket) -> tuple[Assignment, bytes]:
    """The first message, and the octets that came right behind it: an early order to stop."""
    octets = b""
    while b"\n" not in octets:
        more = control.recv(65_536)
        if not more:
            raise SystemExit(1)  # the supervisor died before it spoke
        octets += more
    first, _, rest = octets.partition(b"\n")
    message = decode_for_worker(first)
    assert isinstance(message, Assignment)
    return message, rest


def _tell_blocking(control: socket.socket, report: Report) -> None:
    with contextlib.suppress(OSError):
        control.setblocking(True)
        control.sendall(encode(report))


if __name__ == "__main__":
    if len(sys.argv) != 2 or not sys.argv[1].isdecimal():
        sys.exit("This module is started by 'pillarbox serve', not by hand.")
    sys.exit(main(int(sys.argv[1])))
