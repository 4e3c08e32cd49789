"""The sending loop of one process: lease, mark, send, write down.

One write follows the other and carries whatever has come together (`store.sql.queue_lease.turn`);
sends run beside them. ADR 0016 tells why nothing is lost and when something is sent twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

from pillarbox.clock import Clock, unix_seconds
from pillarbox.config.queue import QueueSettings
from pillarbox.errors import PillarboxError
from pillarbox.flow.outbound.outcome import Kind, Outcome, Sender
from pillarbox.flow.queue.answers import finish_of, unanswered
from pillarbox.flow.queue.backlog import Backlog, Chunk, Track
from pillarbox.flow.queue.lanes import LaneBook
from pillarbox.flow.queue.ledger import Ledger, is_short
from pillarbox.flow.queue.notes import notes_of
from pillarbox.flow.queue.reporter import Reporter
from pillarbox.flow.queue.retry import Schedule
from pillarbox.ids import ModSeq
from pillarbox.store import Reader, Store
from pillarbox.store.sql import queue, queue_lease
from pillarbox.store.sql.queue_lease import Ask, DueLane, Turned
from pillarbox.telemetry.log import get_logger
from pillarbox.telemetry.metrics import QUEUE_ATTEMPTS

log = get_logger("queue")

TICK_SECONDS = 1.0  # instants are stored in whole seconds
PATIENCE_SECONDS = 1.0  # after a write that failed, until it is tried again


class QueueWorker:
    """One for each process; `start`, then `drain`."""

    def __init__(
        self,
        store: Store,
        sender: Sender,
        settings: QueueSettings,
        clock: Clock,
        *,
        name: str,
        reporter: Reporter | None = None,
    ) -> None:
        self._store = store
        self._sender = sender
        self._settings = settings
        self._clock = clock
        self._name = name  # of no other worker, also after a restart
        self._reporter = reporter
        self._schedule = Schedule(settings)
        self._backlog = Backlog(settings.messages_per_send)
        self._book = LaneBook(self._schedule)
        self._ledger = Ledger()
        self._sends: set[asyncio.Task[None]] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._work = asyncio.Event()
        self._fresh = False  # new messages are to be looked for
        self._seen = 0  # the newest message that was looked at
        self._renewed = clock.monotonic()
        self._draining = False
        self._written = asyncio.Event()  # everything, while draining

    # Life

    def start(self) -> None:
        """Begin; call it on the loop."""
        self._watch = self._store.feed.subscribe(queue.QUEUE, self._woken)
        self._tasks = [
            asyncio.create_task(self._turns(), name="queue-turns"),
            asyncio.create_task(self._tick(), name="queue-tick"),
        ]
        self._work.set()

    async def drain(self, seconds: float) -> None:
        """Take nothing new, let what is being sent end within the time, give the rest back."""
        self._watch.cancel()
        self._draining = True
        self._give_back(self._backlog.withdraw_all())
        if self._sends:
            clock = asyncio.create_task(self._clock.sleep(seconds))
            ends = asyncio.gather(*self._sends, return_exceptions=True)
            await asyncio.wait((clock, ends), return_when=asyncio.FIRST_COMPLETED)
            clock.cancel()
            for send in self._sends:
                send.cancel()
            await asyncio.gather(*self._sends, return_exceptions=True)
        self._written.clear()
        self._work.set()
        wait = [asyncio.create_task(self._written.wait()), self._tasks[0]]
        clock = asyncio.create_task(self._clock.sleep(seconds))
        await asyncio.wait((*wait, clock), return_when=asyncio.FIRST_COMPLETED)
        for task in (*self._tasks, *wait, clock):
            task.cancel()
        await asyncio.gather(*self._tasks, *wait, clock, return_exceptions=True)

    def _woken(self, number: ModSeq) -> None:
        if number == queue.STEERED:
            self._book.steered()
        self._fresh = True
        self._work.set()

    async def _tick(self) -> None:
        while True:
            await self._clock.sleep(TICK_SECONDS)
            monotonic = self._clock.monotonic()
            if monotonic - self._renewed >= self._settings.lease_seconds / 3:
                self._renewed = monotonic
                self._ledger.renew = self._backlog.keys()
                if self._ledger.renew:
                    self._work.set()
            if self._now() >= self._book.next_look:
                self._work.set()

    def _now(self) -> int:
        return unix_seconds(self._clock.now())

    # One write after the other

    async def _turns(self) -> None:
        self._seen = await self._store.read(queue_lease.newest)
        while True:
            await self._work.wait()
            self._work.clear()
            try:
                await self._turn()
            except PillarboxError as error:
                log.warning_event("queue.write_failed", why=str(error))
            except Exception:
                log.error_event("queue.turn_failed", exc=True)
            else:
                continue
            await self._clock.sleep(PATIENCE_SECONDS)
            self._work.set()

    async def _turn(self) -> None:
        if self._draining:  # a mark that was under way has been written, or not
            self._give_back(self._backlog.withdraw_all())
        else:
            await self._look()
        now = self._now()
        chunks = self._chunks()
        asks = self._asks()
        if self._ledger.empty and not (chunks or asks):
            self._written.set()
            return
        ledger, self._ledger = self._ledger, Ledger()
        wanted = ledger.turn(self._name, now + self._settings.lease_seconds, chunks, asks)
        try:
            turned = await self._store.write(
                partial(queue_lease.turn, wanted=wanted), short=is_short(wanted)
            )
        except BaseException:
            self._ledger.put_back(ledger)
            for chunk in chunks:
                self._backlog.not_marked(chunk)
            raise
        for note in notes_of(ledger.ends):
            self._store.journeys.note(note)
        if self._reporter is not None and any(finish.report for _, finish in ledger.ends):
            self._reporter.wake()
        self._take(turned, chunks, asks)
        self._work.set()

    def _chunks(self) -> list[Chunk]:
        if self._draining:
            return []
        return self._backlog.to_mark(self._sender.lanes, 2 * self._settings.sends)

    def _asks(self) -> list[Ask]:
        if self._draining or not self._book.any_due:
            return []
        settings = self._settings
        room = settings.leased_recipients - len(self._backlog)
        share = max(settings.messages_per_send, settings.leased_recipients // 8)
        return self._book.asks(room, share, self._backlog.unmarked)

    def _take(self, turned: Turned, chunks: Sequence[Chunk], asks: Sequence[Ask]) -> None:
        for chunk in chunks:
            self._backlog.marked(chunk, turned.started & chunk.leased.keys())
        counts = dict.fromkeys((ask.lane for ask in asks), 0)
        now = self._now()
        for leased in turned.leased:
            counts[leased.lane] += 1
            if self._draining or self._book.is_stopped(leased.lane, now):
                self._give_back([leased])
            else:
                self._backlog.add(leased, self._sender.route(leased.message, leased.recipient))
        for ask in asks:
            self._book.leased(ask, counts[ask.lane])
        self._dispatch()

    # Looking for what is due

    async def _look(self) -> None:
        """New messages cheaply and at once; all lanes when something becomes due."""
        if self._fresh:
            self._fresh = False
            self._book.add(await self._store.read(self._read_fresh), self._now())
        now = self._now()
        if now >= self._book.next_look:
            found, again = await self._store.scan(partial(self._read_lanes, now=now))
            self._book.looked(found, now, again)

    async def _read_fresh(self, db: Reader) -> list[DueLane]:
        most = self._settings.lanes_at_once
        found = await queue_lease.fresh_lanes(db, self._seen, self._now(), most)
        if len(found) >= most:
            self._book.steered()  # too many to be sure of all
        self._seen = await queue_lease.newest(db)
        return found

    async def _read_lanes(self, db: Reader, now: int) -> tuple[list[DueLane], int]:
        due: list[DueLane] = []
        again = now + self._settings.poll_seconds
        after = ""
        while page := await queue_lease.lanes(db, after, self._settings.lanes_at_once):
            due += (lane for lane in page if lane.due_at <= now)
            again = min((lane.due_at for lane in page if lane.due_at > now), default=again)
            after = page[-1].name
        return due, min(again, now + self._settings.poll_seconds)

    # Sending

    def _dispatch(self) -> None:
        if self._draining:
            return
        room = self._settings.sends - len(self._sends)
        for chunk in self._backlog.to_send(self._sender.lanes, room):
            task = asyncio.create_task(self._send(chunk), name="queue-send")
            self._sends.add(task)
            task.add_done_callback(self._sends.discard)

    async def _send(self, chunk: Chunk) -> None:
        async def report(outcomes: Sequence[Outcome]) -> None:
            self._answered(chunk, outcomes)

        destination = chunk.track.destination
        try:
            await self._sender.send(destination, chunk.jobs(), report)
        except Exception:  # its bug must not cost us the messages
            log.error_event("queue.send_failed", exc=True, destination=destination.key)
            self._answered(chunk, [unanswered(one) for one in chunk.leased.values()])
        finally:
            self._untried(chunk)
            self._backlog.ended(chunk)
            # This task is still among the sends; the next goes when it is not.
            asyncio.get_running_loop().call_soon(self._dispatch)

    def _answered(self, chunk: Chunk, outcomes: Sequence[Outcome]) -> None:
        now = self._now()
        for outcome in outcomes:
            leased = chunk.leased.pop((outcome.queued, outcome.number), None)
            if leased is None:
                continue  # answered before
            self._backlog.answered((outcome.queued, outcome.number))
            finish = finish_of(leased, outcome, self._schedule, now)
            self._ledger.ends.append((leased, finish))
            QUEUE_ATTEMPTS.labels(outcome.kind.value).inc()
            if finish.due_at is not None:
                self._book.due_later(finish.due_at)
            if outcome.kind is Kind.LATER and outcome.whole_destination:
                self._unreachable(chunk.track, leased.lane, outcome.reply, now)
            elif self._book.reached(leased.lane):
                self._ledger.resume.append(leased.lane)
        self._work.set()

    def _untried(self, chunk: Chunk) -> None:
        """The sender said nothing of these, so it has not tried them: they are due as before."""
        left = list(chunk.leased.values())
        chunk.leased.clear()
        for one in left:
            self._backlog.answered((one.recipient.queued, one.recipient.number))
        self._give_back(left)

    def _unreachable(self, track: Track, lane: str, why: str, now: int) -> None:
        """All that goes there is left alone for a while; what is here goes back."""
        gone = self._backlog.withdraw(track)
        for name in {lane, *(one.lane for one in gone)}:
            stop = self._book.unreachable(name, why, now)
            if stop is not None:
                self._ledger.stops.append(stop)
        self._give_back(gone)

    def _give_back(self, leased: Sequence[queue_lease.Leased]) -> None:
        now = self._now()
        self._ledger.give_back += [
            ((one.recipient.queued, one.recipient.number), now) for one in leased
        ]
        if leased:
            self._work.set()
