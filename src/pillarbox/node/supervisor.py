"""The process that stays: binds the sockets, keeps the workers alive, answers to signals.

It touches no mail and no peer, so it may stay root while the workers do not. SIGTERM and SIGINT
stop gracefully, SIGHUP reads certificates and configuration again.
"""

from __future__ import annotations

import os
import selectors
import signal
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from pillarbox.accounts.throttle import News
from pillarbox.clock import Clock
from pillarbox.config.settings import Settings
from pillarbox.errors import ConfigurationError, Unavailable
from pillarbox.net.tally import TallyBoard
from pillarbox.node.child import Child, State, worker_environment
from pillarbox.node.control import Assignment, Order
from pillarbox.node.generation import Generation, worker_count
from pillarbox.node.place import Place
from pillarbox.node.privileges import check_reach, find_person, prepare_folder, raise_file_limit
from pillarbox.node.signals import SignalInbox
from pillarbox.node.sockets import SocketPool
from pillarbox.node.systemd import Notifier, passed_sockets
from pillarbox.telemetry.log import get_logger

KILL_GRACE = 5.0  # seconds past the drain bound before a worker is killed
TICK = 0.5  # seconds between looks at bounds when nothing happens

Addresses = Mapping[str, list[str]]

log = get_logger("node")


class Supervisor:
    """Runs until told to stop; `run` is the whole life of the process."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        *,
        reread: Callable[[], Settings] | None = None,
        on_ready: Callable[[Addresses], None] | None = None,
        local_login: str = "",
    ) -> None:
        self._clock = clock
        self._reread = reread or (lambda: settings)
        self._on_ready = on_ready
        self._local_login = local_login
        self._notifier = Notifier(os.environ)
        self._pool = SocketPool(passed_sockets(os.environ))
        self._selector = selectors.DefaultSelector()
        self._place = Place(Path(settings.store.data_dir))
        self._serving = Generation(settings, self._spawn)
        self._coming: Generation | None = None  # takes over when it is ready
        self._leaving: list[Child] = []
        self._stopping = False
        self._was_ready = False
        self._failure = ""
        self._watchdog_at = 0.0
        self._tally = TallyBoard()

    def run(self) -> int:
        """Serve; the exit code. Raises ConfigurationError or Unavailable when it cannot begin."""
        settings = self._serving.settings
        person = find_person(settings.server.user, settings.server.group)
        check_reach(person)
        raise_file_limit()
        prepare_folder(self._place.data_dir, person)
        caught = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
        with self._place.taken(person), SignalInbox(caught) as inbox:
            try:
                self._pool.bind(settings, worker_count(settings))
                self._selector.register(inbox.waiting, selectors.EVENT_READ, None)
                while not (self._stopping and not self._children()):
                    self._turn(inbox)
            finally:
                for child in self._children():
                    child.kill()
                self._pool.close()
                self._selector.close()
                self._tally.close()
                self._place.forget_node()
        if self._failure:
            raise Unavailable(self._failure)
        log.event("node.stopped")
        return 0

    # One turn of the loop

    def _turn(self, inbox: SignalInbox) -> None:
        now = self._clock.monotonic()
        if not self._stopping:
            self._serving.start_missing(now)
            if self._coming is not None:
                self._coming.start_missing(now)
        for key, _ in self._selector.select(TICK):
            if isinstance(key.data, Child):
                self._hear(key.data)
        for number in inbox.take():
            self._signalled(number)
        now = self._clock.monotonic()
        self._bury(now)
        self._enforce_bounds(now)
        if not self._stopping:
            self._take_over(now)
            self._look_ready(now)
        elif all(child.is_deaf for child in self._children()):
            self._pool.close()  # from now on the kernel refuses at once

    def _hear(self, child: Child) -> None:
        for report in child.reports(self._clock.monotonic()):
            if isinstance(report, News):
                for other in self._children():
                    if other is not child:
                        other.pass_on(report)
                continue
            match report.what:
                case "ready":
                    log.event("node.worker_ready", worker=child.pid, slot=child.slot)
                    self._remember()
                case "not_reloaded":
                    log.error_event("node.reload_refused", worker=child.pid, why=report.sentence)
                case "reloaded":
                    log.event("node.certificates_read", worker=child.pid)
                case "failed" | "alive" | "deaf":
                    pass  # the first is told when it has died

    def _look_ready(self, now: float) -> None:
        if not self._serving.is_ready:
            return
        if not self._was_ready:
            self._was_ready = True
            addresses = self._pool.addresses(self._serving.settings)
            self._remember()
            workers = len(self._serving.children)
            log.event("node.ready", workers=workers, listeners=addresses)
            self._notifier.tell("READY=1", f"STATUS=Serving with {workers} workers")
            if self._on_ready is not None:
                self._on_ready(addresses)
        span = self._notifier.watchdog_seconds
        if span and now >= self._watchdog_at:
            self._watchdog_at = now + span / 3
            self._notifier.tell("WATCHDOG=1")

    # Workers

    def _children(self) -> list[Child]:
        coming = self._coming.children if self._coming is not None else []
        return [*self._serving.children, *coming, *self._leaving]

    def _spawn(self, settings: Settings, slot: int, now: float) -> Child:
        assignment = Assignment(
            settings,
            (),
            slot,
            worker_count(settings),
            self._local_login,
            tally=self._tally.descriptor,
            column=self._tally.take(),
            key=self._tally.key,
        )
        environment = worker_environment(str(self._place.metrics))
        child = Child(assignment, self._pool.of_slot(settings, slot), environment, now)
        self._selector.register(child.control, selectors.EVENT_READ, child)
        log.debug_event("node.worker_started", worker=child.pid, slot=slot)
        return child

    def _bury(self, now: float) -> None:
        for child in self._children():
            state, control = child.state, child.control
            if child.died(now, before_close=partial(self._selector.unregister, control)):
                self._place.forget_worker(child.pid)
                self._tally.give_back(child.column)
                self._lost(child, state, now)
                self._remember()

    def _lost(self, child: Child, state: State, now: float) -> None:
        if child in self._leaving:
            self._leaving.remove(child)
        elif self._coming is not None and child in self._coming.children:
            self._coming.lost(child, state, now)
            self._turn_back(child, now)
        else:
            pause = self._serving.lost(child, state, now)
            if self._stopping:
                return
            if state is State.STARTING and not self._was_ready:
                # Nothing was ever served: a person waits for the sentence.
                self._failure = child.sentence or f"A worker could not start ({child.ending})."
                self._stop()
                return
            log.error_event(
                "node.worker_died",
                worker=child.pid,
                ending=child.ending,
                why=child.sentence or None,
                restart_in=pause,
            )

    def _enforce_bounds(self, now: float) -> None:
        server = self._serving.settings.server
        for child in self._children():
            child.flush()
            match child.state:
                case State.STARTING:
                    late = now - child.since > server.start_seconds
                case State.READY:
                    late = now - child.heard > server.hang_seconds
                case _:
                    late = child.bound is not None and now > child.bound
            if late:
                log.error_event("node.worker_killed", worker=child.pid, state=child.state.name)
                child.kill()

    def _remember(self) -> None:
        workers = [child.pid for child in self._children()]
        self._place.remember_node(workers, self._pool.addresses(self._serving.settings))

    # Signals

    def _signalled(self, number: int) -> None:
        if number == signal.SIGHUP and not self._stopping:
            self._reload()
        elif number in (signal.SIGTERM, signal.SIGINT):
            if self._stopping and number == signal.SIGINT:  # the second Ctrl-C
                for child in self._children():
                    child.kill()
            self._stop()

    def _stop(self) -> None:
        if self._stopping:
            return
        self._stopping = True
        self._notifier.tell("STOPPING=1")
        log.event("node.stopping")
        now = self._clock.monotonic()
        bound = self._serving.settings.server.drain_seconds + KILL_GRACE
        for child in self._children():
            child.leave(Order("stop"), now, bound)

    def _reload(self) -> None:
        now = self._clock.monotonic()
        self._notifier.tell("RELOADING=1", f"MONOTONIC_USEC={int(now * 1_000_000)}")
        try:
            self._apply(self._reread())
        except ConfigurationError as error:
            log.error_event("node.reload_refused", why=str(error))
            self._notifier.tell("READY=1")

    def _apply(self, settings: Settings) -> None:
        current = self._serving.settings
        if settings.store.data_dir != current.store.data_dir:
            raise ConfigurationError(
                "store.data_dir cannot change while the server runs; stop and start it."
            )
        if self._coming is not None:
            raise ConfigurationError("The last reload is still under way; try again in a moment.")
        person = find_person(settings.server.user, settings.server.group)
        if settings == current and (person is None or os.geteuid() != 0):
            for child in self._serving.children:
                child.tell(Order("reload"))
            self._notifier.tell("READY=1")
            return
        # Something changed, or the workers may no longer read the keys: new workers take over
        # the sockets when they are ready, and the old ones finish what they have.
        self._pool.bind(settings, worker_count(settings))
        self._coming = Generation(settings, self._spawn)

    def _take_over(self, now: float) -> None:
        if self._coming is None or not self._coming.is_ready:
            return
        old, self._serving, self._coming = self._serving, self._coming, None
        settings = self._serving.settings
        for child in old.children:
            child.leave(Order("retire"), now, settings.server.retire_seconds + KILL_GRACE)
            self._leaving.append(child)
        self._pool.trim(settings, worker_count(settings))
        self._remember()
        log.event("node.reloaded", workers=len(self._serving.children))
        self._notifier.tell("READY=1")

    def _turn_back(self, child: Child, now: float) -> None:
        """A new worker could not start: the old ones stay."""
        assert self._coming is not None
        for other in self._coming.children:
            other.leave(Order("stop"), now, KILL_GRACE)
            self._leaving.append(other)
        self._coming = None
        settings = self._serving.settings
        self._pool.trim(settings, worker_count(settings))
        log.error_event("node.reload_refused", why=child.sentence or child.ending)
        self._notifier.tell("READY=1")
