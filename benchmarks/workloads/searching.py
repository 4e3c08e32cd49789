"""Searches in a mailbox of 50,000 messages of 2 KiB: right behind its filling, later, and when
some new mail has just come.
"""

from __future__ import annotations

from benchmarks.clients import ImapPeer
from benchmarks.measure import Bench, timed
from benchmarks.messages import RARE_SUBJECT, RARE_WORD
from benchmarks.workloads.filling import fill, signed_in

MESSAGES = 50_000
SIZE = 2048
REPEATS = 10
NEW = 200  # messages that come to a quiet server right before a search

_SUBJECT = f"SUBJECT {RARE_SUBJECT}"
_TEXT = f"TEXT {RARE_WORD}"
# Rows of the quiet server: the keys, and how many of a thousand messages have them at least.
_LATER: tuple[tuple[str, str, int], ...] = (
    ("search-subject", _SUBJECT, 1),
    ("search-text", _TEXT, 1),
    ("search-subject-many", "SUBJECT meeting", 20),
    ("search-text-many", "TEXT meeting", 200),
    ("search-from", "FROM person77@", 1),
    ("search-unseen", "UNSEEN", 1000),
    ("search-since", "SINCE 1-Jan-2026 SMALLER 1000000 UNDELETED", 1000),
    ("search-mixed", f"SINCE 1-Jan-2026 UNSEEN {_SUBJECT} NOT {_TEXT}", 0),
)
_FRESH = (("search-subject-fresh", _SUBJECT), ("search-text-fresh", _TEXT))
_NEW = (("search-text-new", _TEXT), ("search-subject-new", _SUBJECT))
ROWS = (
    *(name for fresh, _ in _FRESH for name in (f"{fresh}-first", fresh)),
    "index-50k",
    *(name for name, _, _ in _LATER),
    *(name for name, _ in _NEW),
)


async def searching(bench: Bench) -> None:
    """First what was not indexed yet, then how long indexing takes, then what it brings, at last
    with new mail in front of each search.
    """
    count = bench.scaled(MESSAGES, 1000)
    await fill(bench.contender, 0, count, SIZE)
    peer = await signed_in(bench.contender, 0, b"INBOX")
    for name, keys in _FRESH:
        await _search(bench, f"{name}-first", peer, keys, count // 1000, times=1)
        await _search(bench, name, peer, keys, count // 1000, times=2)
    with bench.measure("index-50k", 1) as row:
        row.latencies.append(await bench.settle())
    row.seconds = row.latencies[0]
    for name, keys, of_thousand in _LATER:
        await _search(bench, name, peer, keys, count * of_thousand // 1000)
    for seed, (name, keys) in enumerate(_NEW, start=2):
        await fill(bench.contender, 0, bench.scaled(NEW, 10), SIZE, seed)
        await peer.command(b"NOOP")  # the client hears of it
        await _search(bench, name, peer, keys, count // 1000, times=1)
    peer.close()


async def _search(
    bench: Bench, name: str, peer: ImapPeer, keys: str, least: int, *, times: int = REPEATS
) -> None:
    with bench.measure(name, times) as row:
        for _ in range(times):
            with timed(row):
                answer = await peer.command(f"SEARCH {keys}".encode(), keep=True)
            found = answer.split(b"SEARCH")[1].split(b"\r\n")[0].split()
            if len(found) < least:
                raise RuntimeError(f"{keys!r} found {len(found)} of {least}")
