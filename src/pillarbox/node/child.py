"""One worker process as its supervisor sees it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from enum import Enum, auto

import msgspec

from pillarbox.accounts.throttle import News
from pillarbox.node.control import (
    Assignment,
    FromWorker,
    Lines,
    Order,
    Passed,
    decode_from_worker,
    encode,
)

_CHUNK = 65_536
_MOST_UNSENT = 1 << 20  # octets of news that wait for a worker; losing some costs a few guesses


class State(Enum):
    STARTING = auto()
    READY = auto()
    LEAVING = auto()  # told to stop or to retire
    DEAD = auto()


class Child:
    """Spawns a worker, hands it its sockets, and knows how it is."""

    def __init__(
        self,
        assignment: Assignment,
        sockets: list[tuple[str, socket.socket]],
        environment: Mapping[str, str],
        now: float,
    ) -> None:
        ours, theirs = socket.socketpair()
        passed = tuple(Passed(bound.fileno(), name) for name, bound in sockets)
        assignment = msgspec.structs.replace(assignment, sockets=passed)
        shared = [assignment.tally] if assignment.tally >= 0 else []
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-m", "pillarbox.node.worker", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno(), *shared, *(one.descriptor for one in passed)],
                env=dict(environment),
                process_group=0,  # Ctrl-C in a terminal is for the supervisor alone
            )
        self.slot = assignment.slot
        self.column = assignment.column
        self.control = ours
        self.state = State.STARTING
        self.since = now  # when this state began
        self.heard = now  # when it last showed life
        self.bound: float | None = None  # when a leaving worker is killed
        self.sentence = ""  # why it could not start
        self.is_deaf = False  # it takes no more connections
        self._lines = Lines()
        self._unsent = encode(assignment)
        ours.setblocking(False)
        self.flush()

    @property
    def pid(self) -> int:
        return self._process.pid

    def reports(self, now: float) -> list[FromWorker]:
        """What it said since the last call; notes readiness and life."""
        found: list[FromWorker] = []
        with contextlib.suppress(BlockingIOError, ConnectionError):
            while octets := self.control.recv(_CHUNK):
                for line in self._lines.feed(octets):
                    found.append(decode_from_worker(line))
        if found:
            self.heard = now
        for report in found:
            if isinstance(report, News):
                continue
            if report.what == "ready" and self.state is State.STARTING:
                self._become(State.READY, now)
            elif report.what == "failed":
                self.sentence = report.sentence
            elif report.what == "deaf":
                self.is_deaf = True
        return found

    def tell(self, order: Order) -> None:
        """Give an order; a dead worker does not mind."""
        self._unsent += encode(order)
        self.flush()

    def pass_on(self, news: News) -> None:
        """What another worker told; one that does not listen misses some."""
        if self.state is not State.DEAD and len(self._unsent) < _MOST_UNSENT:
            self._unsent += encode(news)
            self.flush()

    def flush(self) -> None:
        """Send what the socket did not take yet."""
        with contextlib.suppress(BlockingIOError, ConnectionError):
            while self._unsent:
                self._unsent = self._unsent[self.control.send(self._unsent) :]

    def leave(self, what: Order, now: float, bound: float) -> None:
        """Order it to go, and to be gone in `bound` seconds."""
        if self.state is State.DEAD:
            return
        latest = now + bound
        self.bound = latest if self.bound is None else min(self.bound, latest)
        self._become(State.LEAVING, now)
        self.tell(what)

    def kill(self) -> None:
        """End it at once; it loses nothing that was acknowledged."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGKILL)

    def died(self, now: float, before_close: Callable[[], object]) -> bool:
        """Whether it has ended since the last call; `before_close` runs once, then."""
        if self.state is State.DEAD or self._process.poll() is None:
            return False
        self.reports(now)
        before_close()
        self.control.close()
        self._become(State.DEAD, now)
        return True

    @property
    def ending(self) -> str:
        """How it ended, in words."""
        code = self._process.returncode
        if code is not None and code < 0:
            return f"killed by {signal.Signals(-code).name}"
        return f"exit code {code}"

    def _become(self, state: State, now: float) -> None:
        self.state = state
        self.since = now


def worker_environment(metrics: str) -> dict[str, str]:
    """The environment of a worker: ours, and where it leaves its numbers."""
    return {**os.environ, "PROMETHEUS_MULTIPROC_DIR": metrics, "PYTHONUNBUFFERED": "1"}
