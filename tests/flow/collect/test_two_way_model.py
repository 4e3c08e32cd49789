"""Both sides change at random, and rounds are cut anywhere: in the end both are alike.

What nobody deleted is on both sides, and what somebody deleted is on neither.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pillarbox.config.intake import IntakeSettings
from pillarbox.flow.collect.source import SourceFailure
from pillarbox.ids import Uid
from pillarbox.store.model import FlagChange
from pillarbox.store.sql import messages
from support.collecting import Collection, held, sha
from support.fake_source import Elsewhere, FakeSource
from support.fuzzing import LONGER
from support.stopping import StoppedAt
from support.store_box import Box, letter

MESSAGES = 4
BITS = st.sampled_from((1, 2, 4))
which = st.integers(0, MESSAGES - 1)
histories = st.lists(
    st.one_of(
        st.tuples(st.just("toggle_here"), which, BITS),
        st.tuples(st.just("toggle_there"), which, BITS),
        st.tuples(st.just("word_here"), which, st.sampled_from("xy")),
        st.tuples(st.just("word_there"), which, st.sampled_from("xy")),
        st.tuples(st.just("delete_here"), which),
        st.tuples(st.just("delete_there"), which),
        st.tuples(st.just("cut"), st.integers(0, 8)),
        st.tuples(st.just("kill"), st.integers(1, 20)),
        st.tuples(st.just("run")),
    ),
    max_size=25,
)


class Walk:
    """Four messages on both sides; a message's number is its content."""

    def __init__(self, box: Box, collection: Collection) -> None:
        self.box = box
        self.collection = collection
        self.there = Elsewhere()
        self.inbox = self.there.folder("INBOX")
        self.deleted: set[int] = set()
        for number in range(MESSAGES):
            self.inbox.put(letter(str(number)), str(number + 1))

    async def go(self, history: list[tuple[Any, ...]]) -> None:
        await self.do_run()
        for step in history:
            await getattr(self, "do_" + step[0])(*step[1:])
        await self.do_run()
        await self.do_run()
        left = sorted(sha(letter(str(n))) for n in range(MESSAGES) if n not in self.deleted)
        here = sorted((one[0], one[1], one[2]) for one in (await held(self.box))["INBOX"])
        there = self.inbox.messages.values()
        assert [one[0] for one in here] == left
        assert here == sorted((sha(one.octets), one.flags, one.keywords) for one in there)

    async def _uid(self, number: int) -> list[Uid]:
        wanted = sha(letter(str(number)))
        found = (await held(self.box))["INBOX"]
        placed = await self.box.placed()
        return [place.uid for place, one in zip(placed, found, strict=True) if one[0] == wanted]

    async def do_toggle_here(self, number: int, bit: int) -> None:
        for place in await self.box.placed():
            if [place.uid] == await self._uid(number):
                change = FlagChange.REMOVE if place.flags & bit else FlagChange.ADD
                await self.box.flag([place.uid], change, bit)

    async def do_word_here(self, number: int, word: str) -> None:
        for place in await self.box.placed():
            if [place.uid] == await self._uid(number):
                change = FlagChange.REMOVE if word in place.keywords else FlagChange.ADD
                await self.box.flag([place.uid], change, 0, word)

    async def do_toggle_there(self, number: int, bit: int) -> None:
        if str(number + 1) in self.inbox.messages:
            self.inbox.messages[str(number + 1)].flags ^= bit

    async def do_word_there(self, number: int, word: str) -> None:
        if str(number + 1) in self.inbox.messages:
            there = self.inbox.messages[str(number + 1)]
            there.keywords = " ".join(sorted({*there.keywords.split()} ^ {word}))

    async def do_delete_here(self, number: int) -> None:
        uids = await self._uid(number)
        self.deleted.add(number)
        await self.box.store.write(
            lambda tx: messages.expunge(tx, self.box.alice.id, self.box.inbox.id, uids, force=True)
        )

    async def do_delete_there(self, number: int) -> None:
        self.deleted.add(number)
        self.inbox.messages.pop(str(number + 1), None)

    async def do_run(self) -> None:
        await self.collection.run(FakeSource(self.there))

    async def do_cut(self, at: int) -> None:
        try:
            await self.collection.run(FakeSource(self.there, cut_at=at))
        except SourceFailure as failure:
            assert failure.trouble == "cut"

    async def do_kill(self, at: int) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await StoppedAt(self.collection.run(FakeSource(self.there)), at)


async def walk(history: list[tuple[Any, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with Box(Path(folder)) as box:
            collection = await Collection.add(box, two_way=True)
            collection.limits = IntakeSettings(batch_messages=2)
            collection.more["confirmed"] = True
            await Walk(box, collection).go(history)


@settings(max_examples=40 * LONGER, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories)
def test_both_sides_become_alike(history: list[tuple[Any, ...]]) -> None:
    asyncio.run(walk(history))
