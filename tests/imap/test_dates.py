"""Dates at the door: odd zones, the server's own TZ, and a clock that leaps while it serves."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pillarbox.clock import SystemClock
from support.imap_bench import ImapBench, imap_bench
from support.store_box import letter

ZONES = ["UTC", "Pacific/Kiritimati", "Pacific/Marquesas", "America/St_Johns", "XXX-14:30"]


def run(folder: Path, scene: Callable[[ImapBench], Awaitable[None]]) -> None:
    async def play() -> None:
        async with imap_bench(folder) as bench:
            await scene(bench)

    asyncio.run(play())


@pytest.fixture(params=ZONES)
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The server's TZ; nothing that a client sees may depend on it."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    os.environ.pop("TZ", None) if os.environ.get("TZ") == request.param else None
    time.tzset()


# Each: what APPEND names as INTERNALDATE and the message as Date, and the day that SEARCH knows.
STAMPS = [
    ("23-Nov-2026 23:59:59 +1400", "Mon, 23 Nov 2026 23:59:59 +1400"),
    ("23-Nov-2026 00:00:00 -1200", "Mon, 23 Nov 2026 00:00:00 -1200"),
    ("23-Nov-2026 12:00:00 +0545", "Mon, 23 Nov 2026 12:00:00 +0545"),
    ("23-Nov-2026 00:30:00 -0930", "Mon, 23 Nov 2026 00:30:00 -0930"),
]


def instant(text: str) -> datetime:
    return datetime.strptime(text, "%d-%b-%Y %H:%M:%S %z")


def test_no_answer_depends_on_the_servers_zone(tmp_path: Path, zone: str) -> None:
    async def scene(bench: ImapBench) -> None:
        client = await bench.client(select="INBOX")
        for internal, sent in STAMPS:
            octets = letter("x", Date=sent)
            await client.raw(b'a APPEND INBOX "%b" {%d+}\r\n' % (internal.encode(), len(octets)))
            await client.raw(octets + b"\r\n")
            while not (line := (await client.read()).line).startswith(b"a "):
                pass
            assert line.startswith(b"a OK")
        for number, (internal, _) in enumerate(STAMPS, 1):
            (fetched,) = (await client.command(f"FETCH {number} INTERNALDATE")).lines
            told = fetched.partition('INTERNALDATE "')[2].partition('"')[0]
            assert instant(told.strip()) == instant(internal)
        # The Date field's own day, whatever its zone (RFC 9051 §6.4.4).
        everyone = " ".join(str(n) for n in range(1, len(STAMPS) + 1))
        for key, wanted in {
            "SENTON 23-Nov-2026": everyone,
            "SENTSINCE 23-Nov-2026 SENTBEFORE 24-Nov-2026": everyone,
            "SENTBEFORE 23-Nov-2026": "",
            "SENTSINCE 24-Nov-2026": "",
        }.items():
            lines = (await client.command(f"SEARCH {key}")).lines
            assert lines == [f"* SEARCH {wanted}".rstrip()], key
        # INTERNALDATE's day is that of UTC, in which it is told.
        on = {n for n, (text, _) in enumerate(STAMPS, 1) if instant(text).astimezone(UTC).day == 23}
        for key, wanted_set in {
            "ON 23-Nov-2026": on,
            "SINCE 24-Nov-2026": set(),
            "BEFORE 23-Nov-2026": set(range(1, len(STAMPS) + 1)) - on,
        }.items():
            (line,) = (await client.command(f"SEARCH {key}")).lines
            assert {int(word) for word in line.split()[2:]} == wanted_set, key
        await client.close()

    run(tmp_path, scene)


class LeapingClock(SystemClock):
    """The real clock, with a date that somebody sets."""

    def __init__(self) -> None:
        self.leap = timedelta()

    def now(self) -> datetime:
        return super().now() + self.leap


@pytest.mark.parametrize("days", [1, -1, 3650, -3650])
def test_the_clock_leaps_while_it_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    """UIDs, modseqs and UIDVALIDITY only grow, nobody is hung up on, and dates are the new ones."""
    clock = LeapingClock()
    monkeypatch.setattr("support.imap_bench.SystemClock", lambda: clock)

    async def scene(bench: ImapBench) -> None:
        client = await bench.client()
        await client.command("ENABLE CONDSTORE")
        await client.command("SELECT INBOX")
        idle = await bench.client(select="INBOX")
        await idle.start("IDLE")
        await idle.continuation()
        seen: list[tuple[int, int]] = []
        for leap in (0, days, 0):
            clock.leap = timedelta(days=leap)
            await bench.deliver(letter("x"))
            await client.command("NOOP")
            lines = (await client.command("UID FETCH 1:* (MODSEQ INTERNALDATE)")).lines
            line = [line for line in lines if "INTERNALDATE" in line][-1]
            uid = int(line.partition("UID ")[2].split()[0].rstrip(")"))
            modseq = int(line.partition("MODSEQ (")[2].partition(")")[0])
            seen.append((uid, modseq))
            told = instant(line.partition('INTERNALDATE "')[2].partition('"')[0].strip())
            assert abs(told - clock.now()) < timedelta(seconds=30)
            await client.command(f"CREATE Box{len(seen)}")
        assert seen == sorted(set(seen))
        validities = []
        for n in range(1, 4):
            (line,) = (await client.command(f"STATUS Box{n} (UIDVALIDITY)")).lines
            validities.append(int(line.partition("UIDVALIDITY ")[2].rstrip(")")))
        assert validities == sorted(set(validities))
        told_lines = [str(await idle.untagged(1)) for _ in range(2)]
        assert told_lines[0] == "* 1 EXISTS"
        assert not any(connection.closed for connection in bench.standing)
        await idle.raw(b"DONE\r\n")
        await client.close()
        await idle.close()

    run(tmp_path, scene)
