"""A mailbox of a hundred thousand messages, or with PILLARBOX_LONG=1 of a million, beside one of
ten thousand: SELECT, STATUS and one delivery cost at most twice as much, in CPU time.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from pillarbox.ids import MailboxId
from pillarbox.imap.server.picture import Pictures
from pillarbox.imap.server.untagged import refresh
from support.imap_desk import Desk
from support.large_mailbox import grow

SMALL = 10_000
LONG = os.environ.get("PILLARBOX_LONG") == "1"
LARGE = 1_000_000 if LONG else 100_000
AT_MOST = 2.0
TURNS = 15  # the cheapest counts: other work on the machine only adds
TOGETHER = 10  # operations measured at once: the clock's grain is small beside them

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
Operation = Callable[[str], Awaitable[None]]


class Reception(Desk):
    """A desk with a small and a large mailbox."""

    async def open(self) -> None:
        await super().open()
        await self.select()
        self.boxes: dict[str, MailboxId] = {}
        for name, count in (("Small", SMALL), ("Large", LARGE)):
            self.boxes[name] = (await self.create(name)).id
            await grow(self.store, self.alice.id, self.boxes[name], count)
            await self.append(mailbox=self.boxes[name])  # unseen

    async def enter(self, name: str) -> None:
        assert (await self.say(f"SELECT {name}")).ok

    async def select_first(self, name: str) -> None:
        self.ctx.leave()
        self.pictures = self.ctx.services.pictures = Pictures()  # type: ignore[misc]
        await self.enter(name)

    async def status(self, name: str) -> None:
        answer = await self.say(f"STATUS {name} (MESSAGES UNSEEN UIDNEXT SIZE HIGHESTMODSEQ)")
        assert answer.ok

    async def deliver(self, name: str) -> None:
        await self.append(mailbox=self.boxes[name])

    async def deliver_and_tell(self, name: str) -> None:
        """With the mailbox selected, whose client hears of it."""
        await self.append(mailbox=self.boxes[name])
        self.link.octets.clear()
        await refresh(self.ctx, tell_expunged=True)
        assert b"EXISTS" in self.link.octets

    async def newest(self, name: str) -> None:
        """What a client shows first."""
        assert self.ctx.view is not None
        last = len(self.ctx.view)
        answer = await self.say(f"FETCH {last - 20}:{last} (UID FLAGS ENVELOPE)")
        assert len(answer.untagged) == 21


async def costs(desk: Reception, operation: Operation, *, inside: bool) -> tuple[float, float]:
    """CPU seconds of one in either mailbox, at its cheapest; by turns, as the machine changes."""
    best = dict.fromkeys(desk.boxes, 1e9)
    for _ in range(TURNS):
        for name in desk.boxes:
            if inside:
                await desk.select_first(name)
            began = time.process_time()
            for _ in range(TOGETHER):
                await operation(name)
            best[name] = min(best[name], (time.process_time() - began) / TOGETHER)
    return best["Small"], best["Large"]


@pytest.mark.timed
def test_a_large_mailbox_costs_what_a_small_one_does(tmp_path: Path) -> None:
    asyncio.run(_compare(tmp_path))


async def _compare(folder: Path) -> None:
    async with Reception(folder) as desk:
        rows = {
            "SELECT, first": await costs(desk, desk.select_first, inside=False),
            "SELECT, again": await costs(desk, desk.enter, inside=False),
            "STATUS": await costs(desk, desk.status, inside=False),
            "FETCH of the newest": await costs(desk, desk.newest, inside=True),
            "delivery": await costs(desk, desk.deliver, inside=False),
            "delivery, told": await costs(desk, desk.deliver_and_tell, inside=True),
        }
        table = [
            f"{what:<20}{small * 1e6:>8.0f} µs{large * 1e6:>8.0f} µs{large / small:>6.2f}"
            for what, (small, large) in rows.items()
        ]
        print("\n".join([f"{SMALL} and {LARGE} messages", *table]))
        worst = {what: large / small for what, (small, large) in rows.items()}
        assert max(worst.values()) <= AT_MOST, "\n".join(table)


def test_what_the_generator_wrote_is_sound(tmp_path: Path) -> None:
    asyncio.run(_verify(tmp_path))


async def _verify(folder: Path) -> None:
    async with Desk(folder) as desk:
        await grow(desk.store, desk.alice.id, desk.inbox.id, 45_000)
        await desk.append()
        report = await desk.store.verify()
        assert report.finished and report.problems == []
        assert report.messages == 45_001
