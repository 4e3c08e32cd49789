"""How far it is: a line that is drawn again on a terminal, a line each two seconds elsewhere."""

from __future__ import annotations

import json
import shutil
import sys
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from enum import Enum, auto
from typing import TextIO

import msgspec

from pillarbox.cli.output import cut, plain, size
from pillarbox.clock import Clock, from_unix_seconds, unix_seconds
from pillarbox.flow.collect.progress import Progress

REDRAW_SECONDS = 0.2  # on a terminal: five times a second looks like motion
LINE_SECONDS = 2.0  # elsewhere: a log that can still be read afterwards
WINDOW_SECONDS = 15.0  # over which the rate is taken, so that a slow folder shows soon
_CELLS = 10
_NARROWEST = 20  # columns; a narrower terminal gets lines that wrap
_TIME = "%H:%M:%S"


class Style(Enum):
    """How progress is shown."""

    TERMINAL = auto()
    LINES = auto()
    JSON = auto()
    NONE = auto()


def style_for(*, as_json: bool, quiet: bool, stream: TextIO) -> Style:
    """What fits the options and the place where it is shown."""
    if as_json:
        return Style.NONE if quiet else Style.JSON
    if quiet:
        return Style.NONE
    return Style.TERMINAL if stream.isatty() else Style.LINES


class Speed(msgspec.Struct, frozen=True):
    """How fast it goes; 0 where that is not known yet."""

    messages: float = 0.0  # a second
    octets: float = 0.0  # a second
    left: float | None = None  # seconds


class ProgressBar:
    """Shows a run's Progress; hand `watch` to it and keep `shown()` open meanwhile."""

    def __init__(self, style: Style, clock: Clock, stream: TextIO | None = None) -> None:
        self._style = style
        self._clock = clock
        self._stream = stream or (sys.stdout if style is Style.JSON else sys.stderr)
        self._progress = Progress()
        self._samples: deque[tuple[float, int, int]] = deque()
        self._pause = REDRAW_SECONDS if style is Style.TERMINAL else LINE_SECONDS
        self._next = clock.monotonic() + (0 if style is Style.TERMINAL else LINE_SECONDS)
        self._drawn = False

    @property
    def progress(self) -> Progress:
        """The last one that was heard of."""
        return self._progress

    def watch(self, progress: Progress) -> None:
        """A step was done; returns at once."""
        self._progress = progress
        if self._style is not Style.NONE and self._clock.monotonic() >= self._next:
            self._draw()

    @asynccontextmanager
    async def shown(self) -> AsyncIterator[None]:
        """Draws also while nothing happens, and clears the line at the end."""
        import asyncio

        ticking = None if self._style is Style.NONE else asyncio.create_task(self._tick())
        try:
            yield
        finally:
            if ticking is not None:
                ticking.cancel()
                with suppress(asyncio.CancelledError):
                    await ticking
            self.clear()

    def clear(self) -> None:
        """Take the line off the terminal, so that a sentence can stand there."""
        if self._drawn and self._style is Style.TERMINAL:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
        self._drawn = False

    async def _tick(self) -> None:
        while True:
            await self._clock.sleep(self._pause)
            if self._clock.monotonic() >= self._next:
                self._draw()

    def _draw(self) -> None:
        now = self._clock.monotonic()
        self._next = now + self._pause
        speed = self._speed(now)
        unix = unix_seconds(self._clock.now())
        if self._style is Style.JSON:
            text = json.dumps(as_event(self._progress, speed), ensure_ascii=False) + "\n"
        elif self._style is Style.LINES:
            text = ", ".join(words(self._progress, speed, unix)) + "\n"
        else:
            columns = shutil.get_terminal_size().columns
            text = "\r" + bar(self._progress, speed, unix, columns) + "\x1b[K"
        self._stream.write(text)
        self._stream.flush()
        self._drawn = True

    def _speed(self, now: float) -> Speed:
        seen = self._progress
        self._samples.append((now, seen.messages_done, seen.octets_done))
        while len(self._samples) > 2 and now - self._samples[1][0] >= WINDOW_SECONDS:
            self._samples.popleft()
        then, messages, octets = self._samples[0]
        return speed_of(seen, now - then, seen.messages_done - messages, seen.octets_done - octets)


def speed_of(progress: Progress, seconds: float, messages: int, octets: int) -> Speed:
    """The speed from what was done in the last `seconds`."""
    if seconds <= 0:
        return Speed()
    a_second, octets_a_second = messages / seconds, octets / seconds
    # Octets foretell better than messages do: sizes differ by five orders of magnitude.
    if progress.octets > progress.octets_done and octets_a_second > 0:
        left: float | None = (progress.octets - progress.octets_done) / octets_a_second
    elif progress.messages > progress.messages_done and a_second > 0:
        left = (progress.messages - progress.messages_done) / a_second
    else:
        left = None
    return Speed(a_second, octets_a_second, left)


def words(progress: Progress, speed: Speed, now: int) -> list[str]:
    """The parts of a line in a log."""
    pause = _throttled(progress, now)
    if progress.phase in ("connecting", "listing"):
        return [*pause, _beginning(progress)]
    parts = [*pause, f"{progress.messages_done} of {progress.messages} messages"]
    if progress.octets:
        parts.append(f"{size(progress.octets_done)} of {size(progress.octets)}")
    elif progress.octets_done:
        parts.append(size(progress.octets_done))
    parts += _speed(speed) if not pause else []
    if progress.failed:
        parts.append(f"{progress.failed} failed")
    parts.append(f"folder {progress.folders_done} of {progress.folders} done")
    if progress.phase in ("settling", "waiting"):
        parts.append(progress.phase)
    if progress.folder:
        parts.append(plain(progress.folder))
    return parts


def short_words(progress: Progress, speed: Speed, now: int) -> list[str]:
    """The same as short as it goes, what tells most first: a terminal may have 80 columns."""
    pause = _throttled(progress, now)
    if progress.phase in ("connecting", "listing"):
        return [*pause, _beginning(progress)]
    parts = [*pause, f"{progress.messages_done}/{progress.messages}"]
    parts += _speed(speed) if not pause else []
    if progress.octets:
        parts.append(_of(progress.octets_done, progress.octets))
    if progress.failed:
        parts.append(f"{progress.failed} failed")
    at_work = min(progress.folders_done + 1, progress.folders)
    place = f"{at_work}/{progress.folders} {plain(progress.folder)}"
    return [*parts, progress.phase if progress.phase in ("settling", "waiting") else place]


def _beginning(progress: Progress) -> str:
    if not progress.folders:
        return f"{progress.phase} …"
    at_work = min(progress.folders_done + 1, progress.folders)
    return f"{progress.phase} folder {at_work} of {progress.folders}, {plain(progress.folder)} …"


def _of(done: int, whole: int) -> str:
    """ "40.0/160.0 MiB": both in the unit of the whole."""
    amount, unit = size(whole).split()
    factor = whole / float(amount) if float(amount) else 1.0
    return f"{done / factor:.1f}/{amount} {unit}"


def _throttled(progress: Progress, now: int) -> list[str]:
    if progress.throttled_until is None or progress.throttled_until <= now:
        return []
    until = from_unix_seconds(progress.throttled_until).astimezone().strftime(_TIME)
    return [f"throttled until {until}"]


def _speed(speed: Speed) -> list[str]:
    parts = [f"{speed.messages:.0f}/s"] if speed.messages else []
    return parts if speed.left is None else [*parts, f"{span(speed.left)} left"]


def bar(progress: Progress, speed: Speed, now: int, columns: int) -> str:
    """One line that fits a terminal: a bar, numbers, and the folder as far as there is room."""
    share = _share(progress)
    cells = "#" * int(share * _CELLS) + "-" * (_CELLS - int(share * _CELLS))
    text = f"[{cells}] {100 * share:3.0f} %  " + "  ".join(short_words(progress, speed, now))
    return cut(text, max(columns - 1, _NARROWEST))


def span(seconds: float) -> str:
    """Seconds as people say them: "42 s", "3 min", "2 h 5 min"."""
    whole = max(round(seconds), 0)
    if whole < 100:
        return f"{whole} s"
    minutes = round(whole / 60)
    if minutes < 100:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def as_event(progress: Progress, speed: Speed) -> dict[str, object]:
    """A line of JSON for programs; troubles come with the summary."""
    event: dict[str, object] = {"event": "progress"}
    event |= {k: v for k, v in msgspec.to_builtins(progress).items() if k != "troubles"}
    event["messages_a_second"] = round(speed.messages, 1)
    event["octets_a_second"] = round(speed.octets)
    event["seconds_left"] = None if speed.left is None else round(speed.left)
    return event


def _share(progress: Progress) -> float:
    if progress.octets:
        return min(progress.octets_done / progress.octets, 1.0)
    if progress.messages:
        return min(progress.messages_done / progress.messages, 1.0)
    return 1.0 if progress.phase == "ended" else 0.0
