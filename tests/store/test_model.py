"""Random operations against the oracle: every picture and every difference must agree."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from pillarbox.ids import MailboxId, Uid
from pillarbox.store import query as q
from pillarbox.store.model import FlagChange, Placed
from pillarbox.store.sql import changes, mailboxes, messages
from support.store_box import Box, letter
from support.store_oracle import Oracle, Place

T = TypeVar("T")
NAMES = ["INBOX", "Sent", "Trash"]
WORDS = ["red", "blue"]

names = st.sampled_from(NAMES)
uid_sets = st.sets(st.integers(1, 12), max_size=8)
flag_sets = st.integers(0, 31)
keyword_sets = st.frozensets(st.sampled_from(WORDS))


class StoreMachine(RuleBasedStateMachine):
    """One account, several mailboxes; states seen earlier are kept and caught up with."""

    @initialize()
    def start(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.folder = Path(tempfile.mkdtemp())
        self.box = Box(self.folder)
        self.run(self.box.open())
        self.account = self.box.alice.id
        self.oracle = Oracle(NAMES)
        self.ids = {name: self.run(self.box.mailbox(name)).id for name in NAMES}
        self.states: dict[str, list[tuple[int, dict[int, Placed]]]] = {name: [] for name in NAMES}
        self.message_of: dict[int, int] = {}  # letter to the store's message
        self.modseq = 0

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        if not hasattr(self, "box"):
            return
        try:
            report = self.run(self.box.store.verify())
            assert report.problems == []
        finally:
            self.run(self.box.store.close())
            self.loop.close()
            shutil.rmtree(self.folder)

    @rule(name=names, flags=flag_sets, keywords=keyword_sets)
    def append(self, name: str, flags: int, keywords: frozenset[str]) -> None:
        uid = self.oracle.append(name, flags, keywords)
        done = self.run(
            self.box.append(
                letter(f"Letter {self.oracle.letters % 5}"),
                self.ids[name],
                flags=flags,
                keywords=" ".join(keywords),
            )
        )
        assert done.uid == uid
        self.message_of[self.oracle.letters] = done.message

    @rule(
        name=names,
        uids=uid_sets,
        how=st.sampled_from(["add", "remove", "replace"]),
        flags=flag_sets,
        keywords=keyword_sets,
        state=st.integers(0, 3),
    )
    def store_flags(
        self,
        name: str,
        uids: set[int],
        how: str,
        flags: int,
        keywords: frozenset[str],
        state: int,
    ) -> None:
        before = self.picture(name)
        since = None
        wanted = set(uids)
        failed: set[int] = set()
        if state == 0 and self.states[name]:
            since = self.states[name][-1][0]
            failed = {uid for uid in uids & before.keys() if before[uid].modseq > since}
            wanted -= failed
        changed = self.oracle.change(name, wanted, how, flags, keywords)
        outcome = self.run(
            self.box.store.write(
                lambda tx: messages.store_flags(
                    tx,
                    self.account,
                    self.ids[name],
                    [Uid(uid) for uid in sorted(uids)],
                    FlagChange(how),
                    flags,
                    " ".join(keywords),
                    since,  # type: ignore[arg-type]
                )
            )
        )
        assert {placed.uid for placed in outcome.changed} == changed
        assert set(outcome.failed) == failed
        assert set(outcome.missing) == uids - before.keys()
        assert {p.uid for p in outcome.unmodified} == (wanted & before.keys()) - changed

    @rule(source=names, uids=uid_sets, into=names, moving=st.booleans())
    def copy_or_move(self, source: str, uids: set[int], into: str, moving: bool) -> None:
        plain, real = (
            (self.oracle.move, messages.move) if moving else (self.oracle.copy, messages.copy)
        )
        pairs = plain(source, uids, into)
        copied = self.run(
            self.box.store.write(
                lambda tx: real(
                    tx,
                    self.account,
                    self.ids[source],
                    [Uid(uid) for uid in sorted(uids)],
                    self.ids[into],
                )
            )
        )
        assert list(zip(copied.source, copied.target, strict=True)) == pairs

    @rule(name=names, uids=st.none() | uid_sets, force=st.booleans())
    def expunge(self, name: str, uids: set[int] | None, force: bool) -> None:
        gone = self.oracle.expunge(name, uids, force)
        wanted = None if uids is None else [Uid(uid) for uid in sorted(uids)]
        found = self.run(
            self.box.store.write(
                lambda tx: messages.expunge(tx, self.account, self.ids[name], wanted, force=force)
            )
        )
        assert [one.uid for one in found] == gone

    @rule(name=names)
    def remember(self, name: str) -> None:
        mailbox = self.mailbox(name)
        self.states[name].append((mailbox.modseq, self.picture(name)))

    @precondition(lambda self: any(self.states.values()))
    @rule(data=st.data())
    def catch_up(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from([name for name, seen in self.states.items() if seen]))
        modseq, picture = data.draw(st.sampled_from(self.states[name]))
        found = self.run(self.box.since(modseq, self.ids[name]))
        reached = dict(picture)
        for gone in found.expunged:
            reached.pop(gone.uid, None)
        reached.update((placed.uid, placed) for placed in found.placed)
        assert reached == self.picture(name)

    @rule(name=names, flag=st.sampled_from([1, 2, 4, 8, 16]), word=st.sampled_from(WORDS))
    def search(self, name: str, flag: int, word: str) -> None:
        query = q.Or((q.HasFlag(flag), q.And((q.HasKeyword(word), q.Not(q.HasFlag(1))))))
        found = self.run(self.box.store.search(self.account, self.ids[name], query))
        assert found == [
            uid
            for uid, place in sorted(self.oracle.boxes[name].places.items())
            if place.flags & flag or (word in place.keywords and not place.flags & 1)
        ]

    @rule(name=names, digit=st.integers(0, 5))
    def search_text(self, name: str, digit: int) -> None:
        query = q.Contains(q.Field.TEXT, f"letter {digit}")
        found = self.run(self.box.store.search(self.account, self.ids[name], query))
        assert found == [
            uid
            for uid, place in sorted(self.oracle.boxes[name].places.items())
            if place.letter % 5 == digit
        ]

    @rule()
    def index(self) -> None:
        self.run(self.box.store.index_now())

    @rule()
    def reopen(self) -> None:
        self.run(self.box.reopen())

    @rule(days=st.integers(1, 40))
    def maintain(self, days: int) -> None:
        self.run(self.box.clock.advance(days * 86400))
        self.run(self.box.store.maintain())
        for name in NAMES:  # what is too old for the tombstones may not be asked for any more
            self.states[name] = []

    @invariant()
    def pictures_agree(self) -> None:
        if not hasattr(self, "box"):
            return
        highest = self.run(self.box.store.read(lambda db: changes.account_modseq(db, self.account)))
        assert highest >= self.modseq
        self.modseq = highest
        total = 0
        for name in NAMES:
            plain = self.oracle.boxes[name]
            mailbox = self.mailbox(name)
            assert (mailbox.messages, mailbox.unseen, mailbox.deleted) == self.oracle.counters(name)
            assert mailbox.uid_next == plain.last_uid + 1
            assert mailbox.modseq <= highest
            found = {
                uid: Place(placed.message, placed.flags, frozenset(placed.keywords.split()))
                for uid, placed in self.picture(name).items()
            }
            assert found == {
                uid: Place(self.message_of[place.letter], place.flags, place.keywords)
                for uid, place in plain.places.items()
            }
            total += len(found)
        assert self.run(self.box.account()).used_messages == total

    def mailbox(self, name: str) -> Any:
        number: MailboxId = self.ids[name]
        return self.run(self.box.store.read(lambda db: mailboxes.get(db, self.account, number)))

    def picture(self, name: str) -> dict[int, Placed]:
        return {placed.uid: placed for placed in self.run(self.box.placed(self.ids[name]))}


TestStore = StoreMachine.TestCase
TestStore.settings = settings(
    max_examples=12,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
