"""Cleaning processes: started when they are needed, killed when they do not answer."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from typing import Protocol

import msgspec

from pillarbox.config.bodies import BodySettings
from pillarbox.errors import Unavailable
from pillarbox.telemetry.log import get_logger
from pillarbox.web.bodies.child import LENGTH
from pillarbox.web.bodies.job import Cleaned, Job

log = get_logger("web")
_START_SECONDS = 20.0  # an interpreter on a busy computer; nobody waits as long for an answer
# After somebody came: their first page has the processor for itself, and is read before it is left.
_REST_SECONDS = 2.0
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "VIRTUAL_ENV")  # and what begins with PYTHON
_BUSY = "Many messages are being opened just now. Try again in a moment."
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Cleaned).decode


class GaveUp(Exception):
    """The job took more than it may; the process is no more."""


class Cleaning(Protocol):
    """What the pages need."""

    async def clean(self, job: Job, seconds: float) -> Cleaned:
        """Raises GaveUp, Unavailable."""


class _Process:
    """One of them."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None and process.stdout is not None
        self._process = process
        self._requests = process.stdin
        self._answers = process.stdout

    @classmethod
    async def start(cls, settings: BodySettings) -> _Process:
        environment = {
            name: value
            for name, value in os.environ.items()
            if name in _PASSED_ON or name.startswith("PYTHON")
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "pillarbox.web.bodies.child",
            str(settings.cpu_seconds),
            str(settings.memory_octets),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,  # a traceback could hold what the mail says
            env=environment,
            close_fds=True,
        )
        started = cls(process)
        try:
            async with asyncio.timeout(_START_SECONDS):
                await started._answers.readexactly(1)
        except (TimeoutError, asyncio.IncompleteReadError):
            await started.end()
            raise Unavailable from None
        except BaseException:
            await started.end()
            raise
        return started

    async def clean(self, octets: bytes, most: int) -> Cleaned:
        """Raises IncompleteReadError or ConnectionError when it died of the job."""
        self._requests.write(len(octets).to_bytes(LENGTH, "big") + octets)
        await self._requests.drain()
        size = int.from_bytes(await self._answers.readexactly(LENGTH), "big")
        if size > most:
            raise ConnectionError
        return _decode(await self._answers.readexactly(size))

    def kill(self) -> None:
        """Unless it is dead."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._requests.close()

    async def end(self) -> None:
        """Kill it, and wait until it is gone."""
        self.kill()
        await self._process.wait()


class Pool:
    """Of one worker; it lives as long as the worker's loop."""

    def __init__(self, settings: BodySettings) -> None:
        self._settings = settings
        self._idle: list[_Process] = []
        self._starting: set[asyncio.Task[None]] = set()
        self._free = asyncio.Event()
        self._prepared: asyncio.TimerHandle | None = None
        self._started = 0  # processes that are there or on their way
        self._ended = False

    @property
    def processes(self) -> int:
        """How many there are."""
        return self._started

    def prepare(self) -> None:
        """Somebody is here who will open a message: it should not wait for an interpreter."""
        if self._started == 0 and self._prepared is None and not self._ended:
            loop = asyncio.get_running_loop()
            self._prepared = loop.call_later(_REST_SECONDS, self._start_first)

    async def clean(self, job: Job, seconds: float) -> Cleaned:
        """Raises GaveUp; Unavailable when no process was free in time."""
        octets = _encode(job)
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + seconds
        try:
            async with asyncio.timeout_at(ends_at):
                process = await self._take()
        except TimeoutError:
            raise Unavailable(_BUSY) from None
        try:
            async with asyncio.timeout_at(ends_at):
                cleaned = await process.clean(octets, job.bounds.result_octets)
        except (TimeoutError, asyncio.IncompleteReadError, ConnectionError) as error:
            log.warning_event("web.cleaning_given_up", why=type(error).__name__, octets=len(octets))
            await self._lose(process)
            raise GaveUp from None
        except BaseException:
            await self._lose(process)
            raise
        self._give(process)
        return cleaned

    async def close(self) -> None:
        """End all of them."""
        self._ended = True
        if self._prepared is not None:
            self._prepared.cancel()
        for task in tuple(self._starting):
            task.cancel()
        await asyncio.gather(*self._starting, return_exceptions=True)
        while self._idle:
            await self._idle.pop().end()

    async def _take(self) -> _Process:
        """A process of one's own; starting goes on when the caller's time is over."""
        while True:
            if self._idle:
                return self._idle.pop()
            if self._ended:
                raise Unavailable
            self._start_one()
            self._free.clear()
            await self._free.wait()

    def _start_first(self) -> None:
        self._prepared = None
        if self._started == 0:
            self._start_one()

    def _start_one(self) -> None:
        """Unless there are enough."""
        if self._started >= self._settings.processes:
            return
        self._started += 1
        task = asyncio.create_task(self._start())
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)

    async def _start(self) -> None:
        try:
            self._give(await _Process.start(self._settings))
        except (Unavailable, OSError) as error:
            self._started -= 1
            log.warning_event("web.cleaning_not_started", why=type(error).__name__)
        except BaseException:
            self._started -= 1
            raise

    def _give(self, process: _Process) -> None:
        if self._ended:
            process.kill()
            return
        self._idle.append(process)
        self._free.set()

    async def _lose(self, process: _Process) -> None:
        await process.end()
        self._started -= 1
        if not self._ended:
            self._start_one()  # whoever comes next does not wait for it
