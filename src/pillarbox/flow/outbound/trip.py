"""One `send` of the queue: some messages to one destination, over one connection where it lasts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from pillarbox.flow.outbound.approach import Approach, Means, NoLine, Trouble, trouble_of_failure
from pillarbox.flow.outbound.attempt import Attempted, attempt, is_strict
from pillarbox.flow.outbound.outcome import Job, Kind, Outcome, Report
from pillarbox.flow.outbound.pace import Pace
from pillarbox.flow.outbound.pool import Line, Pool
from pillarbox.smtp.client.transaction import MessageSource
from pillarbox.store.model import LeasedRecipient


class Tracks:
    """What all trips share."""

    def __init__(self, means: Means, pool: Pool, pace: Pace, max_sessions: int) -> None:
        self.means = means
        self.pool = pool
        self.pace = pace
        self.max_sessions = max_sessions
        self.in_use: Counter[str] = Counter()  # connections by destination


class Trip:
    """`send` for each message, then `end`, whatever happens."""

    def __init__(self, tracks: Tracks, key: str, report: Report) -> None:
        self._tracks = tracks
        self._key = key
        self._report = report
        self._line: Line | None = None
        self._approaches: dict[bool, Approach] = {}  # by whether REQUIRETLS is asked for
        self._trouble: Trouble | None = None  # that all other mail there shares
        self._went_well = self._went_badly = False

    async def send(self, job: Job, message: MessageSource) -> bool:
        """Send one message and report. False: it is no use to go on with others now."""
        strict, left, sessions = is_strict(job), job.recipients, 0
        while left:
            try:
                line = await self._get_line(strict)
            except NoLine as no_line:
                return await self._no_line(no_line.trouble, left)
            was_fresh = line.fresh
            part = msgspec.structs.replace(job, recipients=left)
            done = await attempt(line, part, message, self._report)
            await self._take(done)
            left = done.left
            if done.failure is None:
                continue
            self._drop_line()
            if not was_fresh:  # it had been idle, or busy: the next one tells what is wrong
                continue
            sessions += 1
            trouble = trouble_of_failure(done.failure, line.remote_mta)
            self._went_badly = True
            if sessions >= self._tracks.max_sessions:
                await self._report(_outcomes(trouble, left))
                return True
            if strict in self._approaches:
                self._approaches[strict].note(trouble)
        return True

    async def give_up(self, jobs: Iterable[Job]) -> None:
        """The rest of the mail has the same trouble; without one it was not tried at all."""
        trouble = self._trouble
        if trouble is not None:
            whole = trouble.kind is Kind.LATER
            for job in jobs:
                await self._report(_outcomes(trouble, job.recipients, whole=whole))

    async def end(self) -> None:
        """Give the connection back, and remember how it went."""
        pace = self._tracks.pace
        if self._went_badly:
            pace.went_badly(self._key)
        elif self._went_well:
            pace.went_well(self._key)
        line = self._line
        if line is not None:
            self._drop_line()
            self._tracks.pool.put(self._key, line)
        for approach in self._approaches.values():
            await approach.close()

    # Small parts

    async def _get_line(self, strict: bool) -> Line:
        """The connection at hand, an idle one, or a new one. Raises NoLine."""
        line = self._line
        if line is not None:
            if line.connection.is_usable and (line.trusted or not strict):
                return line
            self._drop_line()
            self._tracks.pool.put(self._key, line)
        line = self._tracks.pool.take(self._key, trusted=strict)
        if line is None:
            if strict not in self._approaches:
                self._approaches[strict] = Approach(self._tracks.means, self._key, strict=strict)
            line = await self._approaches[strict].next()
        self._line = line
        self._tracks.in_use[self._key] += 1
        return line

    def _drop_line(self) -> None:
        if self._line is not None:
            self._line = None
            self._tracks.in_use[self._key] -= 1
            if not self._tracks.in_use[self._key]:
                del self._tracks.in_use[self._key]

    async def _take(self, done: Attempted) -> None:
        if done.outcomes:
            await self._report(done.outcomes)
        if any(one.kind is Kind.RELAYED for one in done.outcomes):
            self._went_well = True
        if done.failure is None:
            for approach in self._approaches.values():
                await approach.close()
            self._approaches.clear()  # a new connection may try all hosts again

    async def _no_line(self, trouble: Trouble, left: Sequence[LeasedRecipient]) -> bool:
        if trouble.only_message:
            await self._report(_outcomes(trouble, left))
            return True
        in_use = self._tracks.in_use[self._key]
        if trouble.kind is Kind.LATER and in_use and not self._went_badly:
            # Others of ours are connected: the server takes so many and not one more. What is
            # left goes back to the queue as if it had not been tried.
            self._tracks.pace.has_no_room(self._key, in_use)
            return False
        self._trouble = trouble
        if trouble.kind is Kind.LATER:
            self._went_badly = True
        await self._report(_outcomes(trouble, left, whole=trouble.kind is Kind.LATER))
        return False


def _outcomes(
    trouble: Trouble, recipients: Sequence[LeasedRecipient], *, whole: bool = False
) -> list[Outcome]:
    return [
        Outcome(
            queued=one.queued,
            number=one.number,
            kind=trouble.kind,
            reply=trouble.text,
            status=trouble.status,
            remote_mta=trouble.remote_mta,
            whole_destination=whole,
        )
        for one in recipients
    ]
