"""The progress bar: what it says, how wide it is, how often it speaks."""

from __future__ import annotations

import asyncio
import io
import json

import pytest

from pillarbox.cli.output import columns_of, cut
from pillarbox.cli.progress_bar import (
    ProgressBar,
    Speed,
    Style,
    bar,
    span,
    speed_of,
    style_for,
    words,
)
from pillarbox.clock import unix_seconds
from pillarbox.flow.collect.progress import Progress, TroubleNote
from support.fake_clock import FakeClock

MIB = 1 << 20


def at_work(**changed: object) -> Progress:
    settings: dict[str, object] = {
        "phase": "bringing",
        "folders_done": 2,
        "folders": 30,
        "folder": "Work/2019",
        "messages_done": 5000,
        "messages": 20_000,
        "octets_done": 40 * MIB,
        "octets": 160 * MIB,
    }
    return Progress(**(settings | changed))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("progress", "speed", "told"),
    [
        (Progress(), Speed(), "connecting …"),
        (Progress(phase="listing"), Speed(), "listing …"),
        (
            Progress(phase="listing", folders=3, folders_done=1, folder="Work"),
            Speed(),
            "listing folder 2 of 3, Work …",
        ),
        (
            at_work(),
            Speed(2104.4, 8 * MIB, 15.0),
            "5000 of 20000 messages, 40.0 MiB of 160.0 MiB, 2104/s, 15 s left, "
            "folder 2 of 30 done, Work/2019",
        ),
        (
            at_work(octets=0, octets_done=0, failed=2),
            Speed(),
            "5000 of 20000 messages, 2 failed, folder 2 of 30 done, Work/2019",
        ),
        (
            at_work(phase="settling", octets=0, octets_done=7, folder="a\x1b[2Jb"),
            Speed(),
            "5000 of 20000 messages, 7 B, folder 2 of 30 done, settling, a\\x1b[2Jb",
        ),
    ],
)
def test_words(progress: Progress, speed: Speed, told: str) -> None:
    assert ", ".join(words(progress, speed, 0)) == told


def test_a_usual_line_fits_eighty_columns() -> None:
    assert bar(at_work(), Speed(2104.4, 8 * MIB, 720.0), 0, 80) == (
        "[##--------]  25 %  5000/20000  2104/s  12 min left  40.0/160.0 MiB  3/30 Work…"
    )


@pytest.mark.parametrize(
    ("done", "whole", "told"),
    [
        (40 * MIB, 160 * MIB, "40.0/160.0 MiB"),
        (512, 2048, "0.5/2.0 KiB"),
        (200, 900, "200.0/900 B"),
        (161 * MIB, 160 * MIB, "161.0/160.0 MiB"),
    ],
)
def test_octets_have_one_unit(done: int, whole: int, told: str) -> None:
    assert told in bar(at_work(octets_done=done, octets=whole), Speed(), 0, 200)


def test_throttled_is_said_first_and_without_a_rate() -> None:
    told = words(at_work(throttled_until=2000), Speed(9, 9, 9), 1000)
    assert told[0].startswith("throttled until ")
    assert not any("/s" in part or "left" in part for part in told)
    assert words(at_work(throttled_until=2000), Speed(), 2000)[0] == "5000 of 20000 messages"


@pytest.mark.parametrize(
    ("done", "left"),
    [
        (at_work(), 30.0),  # by octets: 120 MiB at 4 MiB a second
        (at_work(octets=0), 300.0),  # by messages: 15,000 at 50 a second
        (at_work(messages_done=20_000, octets_done=160 * MIB), None),
    ],
)
def test_time_left(done: Progress, left: float | None) -> None:
    assert speed_of(done, 10.0, 500, 40 * MIB).left == left
    assert speed_of(done, 0.0, 0, 0) == Speed()


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(-3, "0 s"), (0.4, "0 s"), (99, "99 s"), (180, "3 min"), (6000, "1 h 40 min")],
)
def test_span(seconds: float, told: str) -> None:
    assert span(seconds) == told


@pytest.mark.parametrize(
    ("text", "columns", "shown"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdefg", 6, "abcde…"),
        ("日本語", 6, "日本語"),
        ("日本語x", 6, "日本…"),
        ("a\u0301bcd", 4, "a\u0301bcd"),
        ("a\u0301bcde", 4, "a\u0301bc…"),
        ("日本語", 5, "日本…"),
        ("日本語", 4, "日…"),
    ],
)
def test_cut_counts_columns(text: str, columns: int, shown: str) -> None:
    assert cut(text, columns) == shown


@pytest.mark.parametrize("columns", [20, 40, 80, 200])
def test_a_bar_fits_its_terminal(columns: int) -> None:
    shown = bar(at_work(folder="長い名前" * 20), Speed(1, 1, 1), 0, columns)
    assert shown.startswith("[##--------]  25 % ")
    assert columns_of(shown) <= columns


@pytest.mark.parametrize(
    ("progress", "percent"),
    [
        (at_work(octets_done=80 * MIB), "50 %"),
        (at_work(octets=0), "25 %"),
        (at_work(octets_done=161 * MIB), "100 %"),  # a source that lies about sizes
        (Progress(), "0 %"),
        (Progress(phase="ended"), "100 %"),
    ],
)
def test_percent(progress: Progress, percent: str) -> None:
    assert percent in bar(progress, Speed(), 0, 80)


def test_lines_come_each_two_seconds() -> None:
    async def work() -> list[str]:
        clock, stream = FakeClock(), io.StringIO()
        shown = ProgressBar(Style.LINES, clock, stream)
        progress = at_work(messages_done=0, octets_done=0)
        async with shown.shown():
            for _ in range(60):  # six seconds, ten steps a second
                progress.messages_done += 10
                progress.octets_done += MIB
                shown.watch(progress)
                await clock.advance(0.1)
            await clock.advance(2.0)  # nothing happens, and it is said
        return stream.getvalue().splitlines()

    lines = asyncio.run(work())
    assert len(lines) in (3, 4)
    assert "100/s" in lines[1]
    assert "\x1b" not in "".join(lines)


def test_a_terminal_is_drawn_on_again_and_left_clean() -> None:
    async def work() -> str:
        clock, stream = FakeClock(), io.StringIO()
        shown = ProgressBar(Style.TERMINAL, clock, stream)
        async with shown.shown():
            shown.watch(at_work())
            shown.watch(at_work())  # too soon
            await clock.advance(0.3)
            shown.watch(at_work())
        return stream.getvalue()

    text = asyncio.run(work())
    assert 2 <= text.count("\r[") <= 3
    assert "\n" not in text
    assert text.endswith("\r\x1b[K")


def test_json_lines_hold_no_troubles() -> None:
    clock, stream = FakeClock(), io.StringIO()
    shown = ProgressBar(Style.JSON, clock, stream)
    progress = at_work(throttled_until=unix_seconds(clock.now()) + 60)
    progress.note(TroubleNote("INBOX", "7", "It is too large."))
    shown._draw()
    shown.watch(progress)
    asyncio.run(clock.advance(3))
    shown.watch(progress)
    *_, last = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert last["event"] == "progress"
    assert (last["folder"], last["failed"]) == ("Work/2019", 1)
    assert "troubles" not in last


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_style_fits_the_place() -> None:
    assert style_for(as_json=False, quiet=False, stream=Terminal()) is Style.TERMINAL
    assert style_for(as_json=False, quiet=False, stream=io.StringIO()) is Style.LINES
    assert style_for(as_json=True, quiet=False, stream=Terminal()) is Style.JSON
    assert style_for(as_json=False, quiet=True, stream=Terminal()) is Style.NONE
