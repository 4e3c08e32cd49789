"""When to try again, when to warn, when to give up. Pure."""

from __future__ import annotations

from datetime import datetime

import msgspec

from pillarbox.clock import unix_seconds
from pillarbox.config.queue import QueueSettings

_MINUTE = 60
_HOUR = 3600
NEVER = 1 << 62  # Unix seconds


class Rules(msgspec.Struct, frozen=True):
    """The schedule of one destination."""

    delays: tuple[int, ...]  # seconds after each failed attempt; the last one repeats
    warn_after: int  # seconds in the queue
    expire_after: int


class Schedule:
    """All destinations' rules."""

    def __init__(self, settings: QueueSettings) -> None:
        self._common = _rules(
            settings.retry_minutes, settings.delay_warning_hours, settings.expire_hours
        )
        self._pauses = tuple(minutes * _MINUTE for minutes in settings.unreachable_minutes)
        self._named: dict[str, Rules] = {}
        for one in settings.destination:
            warn, expire = one.delay_warning_hours, one.expire_hours
            self._named[one.domain.lower()] = _rules(
                one.retry_minutes or settings.retry_minutes,
                settings.delay_warning_hours if warn is None else warn,
                settings.expire_hours if expire is None else expire,
            )

    def rules(self, lane: str) -> Rules:
        """Those of a lane: a domain or a route."""
        return self._named.get(lane, self._common)

    def next_attempt(self, lane: str, attempts: int, queued_at: int, now: int) -> int | None:
        """After the `attempts`-th failure; None: give up (RFC 5321 §4.5.4.1).

        The last attempt falls on the end of the message's time, not a long interval before it.
        """
        rules = self.rules(lane)
        end = queued_at + rules.expire_after
        if now >= end:
            return None
        delay = rules.delays[min(max(attempts, 1), len(rules.delays)) - 1]
        return min(now + delay, end)

    def is_late(self, lane: str, queued_at: int, now: int) -> bool:
        """Whether the sender is to hear of the delay."""
        return now - queued_at >= self.rules(lane).warn_after

    def is_over(self, lane: str, queued_at: int, now: int) -> bool:
        """Whether the message's time is over, with some minutes for the last attempt."""
        return now - queued_at >= self.rules(lane).expire_after + LAST_ATTEMPT_SECONDS

    def first_look(self) -> int:
        """The shortest time in the queue after which there can be something to tell."""
        every = (self._common, *self._named.values())
        return min(min(one.warn_after, one.expire_after) for one in every)

    def pause(self, failures: int) -> int:
        """Seconds for which a destination is left alone that failed so often in a row."""
        return self._pauses[min(max(failures, 1), len(self._pauses)) - 1]


def begins_at(queued_at: int, hold: str) -> int:
    """From when a message's time counts: its sender may have had it wait (RFC 4865 §4.2).

    `hold` is as MAIL said it, and was found right there.
    """
    kind, _, value = hold.partition(";")
    if kind == "for":
        return queued_at + int(value)
    if kind == "until":
        return max(queued_at, unix_seconds(datetime.fromisoformat(value.upper())))
    return queued_at


LAST_ATTEMPT_SECONDS = 900  # the attempt that falls on the end is let end


def _rules(minutes: tuple[int, ...], warn_hours: int, expire_hours: int) -> Rules:
    return Rules(
        delays=tuple(one * _MINUTE for one in minutes),
        warn_after=warn_hours * _HOUR if warn_hours else NEVER,
        expire_after=expire_hours * _HOUR,
    )
