"""What operations take of Python's memory: how much at once, and that nothing stays. Never times.

`tracemalloc` sees what Python allocates, in all threads; what SQLite and Zstandard take by
themselves is seen by tests/hostile/test_large_messages.py, which looks at the process. A number
that grows is a decision, not a failure: raise it here with its reason.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest

from support.allocations import Doors, Speaker, blocks, open_doors, peak_octets
from support.smtp_bench import PASSWORD
from support.store_box import letter

KIB, MIB = 1024, 1024 * 1024
ENVELOPE = b"MAIL FROM:<carol@example.net>\r\nRCPT TO:<alice@example.org>\r\nDATA\r\n"
LINES = b"".join(os.urandom(38).hex().encode() + b"\r\n" for _ in range(840))  # 64 KiB
SIGN_IN = b"a LOGIN alice@example.org %b\r\n" % PASSWORD.encode()
pytestmark = pytest.mark.timed

WARM = 30  # operations before anything is counted: caches fill, the segment is made
COUNTED = 100


async def smtp(doors: Doors) -> Speaker:
    speaker = Speaker(doors.smtp, "mx")
    await speaker.heard(b"220")
    await speaker.say(b"EHLO mail.example.net\r\n", b"250 ")
    return speaker


async def imap(doors: Doors) -> Speaker:
    speaker = Speaker(doors.imap, "imap")
    await speaker.heard(b"* OK")
    await speaker.say(SIGN_IN, b"a OK")
    await speaker.say(b"a SELECT INBOX\r\n", b"a OK")
    return speaker


async def pop3(doors: Doors) -> Speaker:
    speaker = Speaker(doors.pop3, "pop3")
    await speaker.heard(b"+OK")
    await speaker.say(b"USER alice@example.org\r\n", b"+OK")
    await speaker.say(b"PASS %b\r\n" % PASSWORD.encode(), b"+OK")
    return speaker


async def deliver(speaker: Speaker, number: int, size: int) -> None:
    """As a socket would hand it over, in pieces; the message is nowhere whole on this side."""
    await speaker.say(ENVELOPE, b"354")
    await speaker.send(letter(f"Letter {number}", f"{number:09}"))
    while size > 0:
        await speaker.send(LINES[-size:])
        size -= len(LINES)
    await speaker.say(b".\r\n", b"250 ")


async def ask(speaker: Speaker, command: bytes) -> int:
    """IMAP: how many octets came."""
    return await speaker.say(b"a %b\r\n" % command, b"a OK")


async def retrieve(speaker: Speaker, number: int) -> int:
    """POP3: how many octets came."""
    return await speaker.say(b"RETR %d\r\n" % number, b".")


def play(folder: Path, scene: Callable[[Doors], Awaitable[None]]) -> None:
    async def run() -> None:
        async with open_doors(folder) as doors:
            await scene(doors)

    asyncio.run(run())


async def check(what: str, work: Callable[[], Awaitable[object]], bound: int) -> None:
    """After a first time, which fills caches: the least of three, since now and then a dictionary
    of the process grows just then."""
    await work()
    peak = min([await peak_octets(work) for _ in range(3)])
    print(f"{what}: {peak / KIB:.1f} KiB at once, {bound / KIB:.0f} at most")
    assert peak < bound, f"{what}: {peak} octets"


def test_small_operations(tmp_path: Path) -> None:
    """Above the message's own octets: tasks, frames, a row, the journal's line."""

    async def scene(doors: Doors) -> None:
        sender = await smtp(doors)
        for number in range(WARM):
            await deliver(sender, number, 4 * KIB)
        await check("delivery of 4 KiB", lambda: deliver(sender, WARM, 4 * KIB), 64 * KIB)
        reader = await imap(doors)
        for command, bound in {
            b"NOOP": 20 * KIB,
            b"STATUS INBOX (MESSAGES)": 20 * KIB,
            b"FETCH 1 (FLAGS)": 20 * KIB,
            b"FETCH 1 (FLAGS BODY.PEEK[])": 48 * KIB,
            b"STORE 1 FLAGS (\\Flagged)": 32 * KIB,
        }.items():
            await check(command.decode(), partial(ask, reader, command), bound)
        drop = await pop3(doors)
        await check("RETR of 4 KiB", partial(retrieve, drop, 1), 32 * KIB)

    play(tmp_path, scene)


@pytest.mark.parametrize(
    "size, copies",
    [
        (64 * KIB, 4.0),  # of all of it: the pieces, the whole, what was compressed
        # The spool keeps it in memory, then in a file whose pages are not Python's.
        (MIB, 2.0),
    ],
)
def test_copies_of_a_message(tmp_path: Path, size: int, copies: float) -> None:
    async def scene(doors: Doors) -> None:
        sender = await smtp(doors)
        for number in range(WARM):
            await deliver(sender, number, 4 * KIB)
        bound = int(size * copies)
        await check("delivery", lambda: deliver(sender, WARM, size), bound)
        reader = await imap(doors)
        await check("BODY[]", lambda: ask(reader, b"FETCH * (BODY.PEEK[])"), bound)
        assert await ask(reader, b"FETCH * (BODY.PEEK[])") > size
        drop = await pop3(doors)
        await check("RETR", lambda: retrieve(drop, WARM + 2), bound)
        assert await retrieve(drop, WARM + 2) > size

    play(tmp_path, scene)


@pytest.mark.slow
def test_fifty_mebibytes_are_never_held_whole(tmp_path: Path) -> None:
    size, bound = 50 * MIB - 4 * KIB, 4 * MIB

    async def scene(doors: Doors) -> None:
        sender = await smtp(doors)
        await deliver(sender, 1, 2 * MIB)
        works: dict[str, Callable[[], Awaitable[object]]] = {
            "delivery": lambda: deliver(sender, 2, size)
        }
        assert await peak_octets(works["delivery"]) < bound
        reader = await imap(doors)
        drop = await pop3(doors)
        works = {
            "BODY[]": lambda: ask(reader, b"FETCH 2 (BODY.PEEK[])"),
            "RETR": lambda: retrieve(drop, 2),
        }
        for what, work in works.items():
            assert await peak_octets(work) < bound, what
        assert await ask(reader, b"FETCH 2 (BODY.PEEK[]<52000000.999999>)") > 400_000

    play(tmp_path, scene)


def test_nothing_stays(tmp_path: Path) -> None:
    """Less than one block for an operation, in the better of two rounds."""

    async def scene(doors: Doors) -> None:
        sender, number = await smtp(doors), iter(range(10_000))
        for _ in range(WARM):
            await deliver(sender, next(number), 4 * KIB)
        reader, drop = await imap(doors), await pop3(doors)
        for what, work in {
            "delivery": lambda: deliver(sender, next(number), 4 * KIB),
            "NOOP": lambda: ask(reader, b"NOOP"),
            "FETCH": lambda: ask(reader, b"FETCH 1 (FLAGS ENVELOPE BODY.PEEK[])"),
            "STORE": lambda: ask(reader, b"STORE 1 FLAGS (\\Flagged)"),
            "RETR": lambda: retrieve(drop, 1),
        }.items():
            # Reading is quick, and the interpreter's own free lists take long to fill.
            await _repeat(work, WARM if what in {"delivery", "STORE"} else 10 * WARM)
            grown = []
            for _ in range(2):
                before = await blocks()
                await _repeat(work, COUNTED)
                grown.append(await blocks() - before)
            print(f"{what}: {grown} blocks after {COUNTED}")
            assert min(grown) < COUNTED * 3 // 4, f"{what}: {grown}"

    play(tmp_path, scene)


async def _repeat(work: Callable[[], Awaitable[object]], times: int) -> None:
    for _ in range(times):
        await work()
