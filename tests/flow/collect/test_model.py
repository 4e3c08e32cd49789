"""Random histories of a source, and runs that are cut or killed anywhere, against a plain count.

Of each content a folder here has at least as many as the source has now, and at most as many as
were ever put there; each as it was there; and the source lost only what is here.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pillarbox.config.intake import IntakeSettings
from pillarbox.flow.collect.source import AtSource, SourceFailure
from support.collecting import Collection, Has, held, sha
from support.fake_source import Elsewhere, FakeSource
from support.fuzzing import LONGER
from support.stopping import StoppedAt
from support.store_box import Box, letter

PATHS = ("INBOX", "Work/Old", "café")
CONTENTS = 5
UIDLS = ("a", "b")

Step = tuple[Any, ...]
put = st.tuples(
    st.just("put"), st.sampled_from(PATHS), st.integers(0, CONTENTS - 1), st.sampled_from(UIDLS)
)
remove = st.tuples(st.just("remove"), st.sampled_from(PATHS), st.integers(0, 20))
spoil = st.tuples(st.just("spoil"), st.sampled_from(PATHS), st.integers(0, 20))
renumber = st.tuples(st.just("renumber"), st.sampled_from(PATHS))
cut = st.tuples(st.just("cut"), st.integers(0, 25))
kill = st.tuples(st.just("kill"), st.integers(1, 40))
whole = st.tuples(st.just("run"))
reopen = st.tuples(st.just("reopen"))
histories = st.lists(
    st.one_of(put, put, put, remove, spoil, renumber, cut, kill, kill, whole, reopen), max_size=40
)


def content(number: int) -> bytes:
    """Of different lengths, as POP3 servers that use a UIDL twice are found out by them."""
    return letter(f"Content {number}", "x" * number)


def as_put(number: int) -> dict[str, Any]:
    """Flags, keywords and date go with the content, so that any mix-up shows."""
    return {
        "flags": number % 4,
        "keywords": " ".join(("k1", "k2", "k3")[: number % 3]),
        "received_at": 1_000_000_000 + number,
    }


def as_held(number: int) -> Has:
    marks = as_put(number)
    return sha(content(number)), marks["flags"], marks["keywords"], marks["received_at"]


class Walk:
    """One history."""

    def __init__(self, box: Box, collection: Collection, *, pop3: bool) -> None:
        self.box = box
        self.collection = collection
        self.pop3 = pop3
        self.there = Elsewhere()
        self.ever: Counter[tuple[str, int]] = Counter()

    async def go(self, history: list[Step]) -> None:
        for step in history:
            await getattr(self, "do_" + step[0])(*step[1:])
        for place in self.there.places.values():
            for one in place.messages.values():
                one.broken = ""
        await self.collection.run(FakeSource(self.there, pop3=self.pop3))
        await self.check()
        last = FakeSource(self.there, pop3=self.pop3)
        _, progress = await self.collection.run(last)
        assert progress.brought == 0
        assert self.pop3 or last.fetched == []

    async def do_put(self, path: str, number: int, uidl: str) -> None:
        path = "INBOX" if self.pop3 else path
        self.there.folder(path).put(content(number), uidl=uidl, **as_put(number))
        self.ever[path, number] += 1

    async def do_remove(self, path: str, which: int) -> None:
        messages = self.there.folder("INBOX" if self.pop3 else path).messages
        if messages:
            del messages[list(messages)[which % len(messages)]]

    async def do_spoil(self, path: str, which: int) -> None:
        """It cannot be had, or can be again."""
        messages = list(self.there.folder("INBOX" if self.pop3 else path).messages.values())
        if messages:
            one = messages[which % len(messages)]
            one.broken = "" if one.broken else "The server does not give it."

    async def do_renumber(self, path: str) -> None:
        if not self.pop3:
            self.there.folder(path).renumber()

    async def do_cut(self, at: int) -> None:
        try:
            await self.collection.run(FakeSource(self.there, cut_at=at, pop3=self.pop3))
        except SourceFailure:
            await self.check_settled()

    async def do_kill(self, at: int) -> None:
        # Never to be deleted: every third one, at random but always the same.
        source = FakeSource(self.there, pop3=self.pop3, confirm=lambda key: len(key) % 3 != 0)
        try:
            await StoppedAt(self.collection.run(source), at)
        except asyncio.CancelledError:
            await self.check_settled()

    async def do_run(self) -> None:
        await self.collection.run(FakeSource(self.there, pop3=self.pop3))
        await self.check()

    async def do_reopen(self) -> None:
        await self.box.reopen()

    async def check(self) -> None:
        found = await held(self.box)
        for path in PATHS:
            here = Counter(found.get(path, []))
            place = self.there.places.get(path)
            there = place.messages.values() if place else ()
            now = Counter(sha(one.octets) for one in there if not one.broken)
            for number in range(CONTENTS):
                count = here.pop(as_held(number), 0)
                assert now.get(sha(content(number)), 0) <= count <= self.ever[path, number]
            assert not here, "changed on its way"
        await self.check_settled()

    async def check_settled(self) -> None:
        """The source was emptied only of what is here."""
        if not self.there.settled:
            return
        found = await held(self.box)
        for path in PATHS:
            here = Counter(one[0] for one in found.get(path, []))
            gone = Counter(sha(octets) for where, octets in self.there.lost if where == path)
            # A UIDL that comes back with the same content is the same message (RFC 1939 §7).
            assert set(gone) <= set(here) if self.pop3 else gone <= here


async def walk(history: list[Step], *, pop3: bool, at_source: AtSource) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with Box(Path(folder)) as box:
            kind = "pop3" if pop3 else "imap"
            collection = await Collection.add(box, kind=kind, at_source=at_source)
            collection.limits = IntakeSettings(batch_messages=2)
            await Walk(box, collection, pop3=pop3).go(history)


bounded = settings(
    max_examples=20 * LONGER, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


@bounded
@given(histories)
def test_imap_that_is_left_as_it_is(history: list[Step]) -> None:
    asyncio.run(walk(history, pop3=False, at_source=AtSource()))


@bounded
@given(histories)
def test_imap_that_is_emptied(history: list[Step]) -> None:
    asyncio.run(walk(history, pop3=False, at_source=AtSource("delete")))


@bounded
@given(histories)
def test_pop3_that_is_left_as_it_is(history: list[Step]) -> None:
    asyncio.run(walk(history, pop3=True, at_source=AtSource()))


@bounded
@given(histories)
def test_pop3_that_is_emptied(history: list[Step]) -> None:
    asyncio.run(walk(history, pop3=True, at_source=AtSource("delete")))
