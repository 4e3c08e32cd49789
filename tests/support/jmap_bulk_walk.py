"""Steps of the model test by BulkOperation: many emails at once, undone, and brought back."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Container
from dataclasses import dataclass
from typing import Any

from pillarbox.jmap.bulk_view import MOST_FAILURES
from support.email_places import TRASH, Change, Email, Place, changed, keywords
from support.jmap_walk import FLAGS, JmapWalk
from support.mail_oracle import DELETED, Box, Grave

PATIENCE = 60.0  # seconds for an operation
MOST_PENDING = 20  # operations that may be undone later
OPEN = ("queued", "running", "cancelling")
Held = Counter[tuple[str, frozenset[str]]]  # places by mailbox id and flags
Action = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Done:
    """An operation that may be undone: what was before and after, of the emails that it changed."""

    id: str
    before: dict[int, Held]
    after: dict[int, Held]


@dataclass(frozen=True, slots=True)
class Selection:
    """What an operation is about."""

    given: dict[str, Any]
    numbers: list[int]
    within: str | None = None  # the one mailbox that the filter is about


class BulkWalk:
    """Operations of one account."""

    def __init__(self, walk: JmapWalk) -> None:
        self._walk = walk
        self._rng = walk.rng
        self._emails = walk.emails
        self._oracle = walk.oracle
        self._pending: list[Done] = []
        self._guessed: set[tuple[int, int]] = set()  # graves whose flags only the server knows

    # An operation

    async def operate(self) -> None:
        """Anything with some emails or all of a mailbox; undone at once now and then."""
        await self._walk.learn()
        action = self._action()
        selection = self._select(destroys=action["type"] == "destroy")
        before, shown = self.held(), self._emails.shown()
        told = self._run({"action": action, **selection.given})
        failed = {
            number for number in selection.numbers if not self._apply(number, action, selection)
        }
        assert told["total"] == len(selection.numbers), (action, selection, told)
        assert told["done"] == len(selection.numbers) - len(failed), (action, selection, told)
        assert told["failed"] == len(failed), (action, selection, told)
        listed = {self._emails.numbers[one["id"]] for one in told["failures"]}
        assert listed <= failed, (action, selection, told)
        assert len(listed) == min(len(failed), MOST_FAILURES), (action, selection, told)
        await self._walk.settle()
        now = self.held()
        changes = [one for one in selection.numbers if before.get(one) != now.get(one)]
        done = Done(
            told["id"],
            {one: before[one] for one in changes if one in before},
            {one: now.get(one, Counter()) for one in changes},
        )
        if self._rng.random() < 0.3:
            await self._undo(done)
            assert self._emails.shown() == shown, (action, _differing(self._emails.shown(), shown))
        else:
            self._pending = [*self._pending[-MOST_PENDING:], done]

    async def undo_later(self) -> None:
        """One of the last operations, whatever happened since."""
        if self._pending:
            await self._walk.learn()
            await self._undo(self._pending.pop(self._rng.randrange(len(self._pending))))

    async def _undo(self, done: Done) -> None:
        """Emails that nobody changed since have the places that they had."""
        before = self.held()
        untouched = {one for one, held in done.after.items() if before.get(one, Counter()) == held}
        answer = self._walk.desk.one("BulkOperation/set", update={done.id: {"undo": True}})
        undo = self._wait(answer["updated"][done.id]["undoneBy"])
        assert undo["status"] in ("done", "doneWithProblems"), undo
        await self.adopt()
        now = self.held()
        there = {box.mailbox_id for box in self._oracle.boxes.values()}
        for number in before.keys() | now.keys():
            if number not in done.before:
                assert now.get(number) == before.get(number), f"{number} was none of the undo's"
            elif number in untouched and {box for box, _ in done.before[number]} <= there:
                wanted = done.before[number]
                told = now.get(number, Counter())
                assert _seen_of(told) == _seen_of(wanted), (number, done.id, wanted, told)
                if not _has_twins(wanted):
                    assert told == wanted, (number, done.id, wanted, told)

    def _run(self, order: dict[str, Any]) -> dict[str, Any]:
        made = self._walk.desk.one("BulkOperation/set", create={"new": order})
        assert made["created"], (order, made)
        told = self._wait(made["created"]["new"]["id"])
        assert told["status"] == ("doneWithProblems" if told["failed"] else "done"), told
        return told

    def _wait(self, number: str) -> dict[str, Any]:
        end = time.monotonic() + PATIENCE
        while True:
            (told,) = self._walk.desk.one("BulkOperation/get", ids=[number])["list"]
            if told["status"] not in OPEN:
                return dict(told)
            assert time.monotonic() < end, told
            time.sleep(0.01)

    def _action(self) -> Action:
        walk, rng = self._walk, self._rng
        box = rng.choice(walk.roomy() or ["INBOX"])
        other = rng.choice(list(self._oracle.boxes))
        words = sorted(keywords(rng.sample(FLAGS, rng.randint(1, 2))))
        mailbox, source = walk.id_of(box), walk.id_of(other)
        return dict(
            rng.choice(
                [
                    {"type": "move", "toMailboxId": mailbox},
                    {"type": "move", "toMailboxId": mailbox, "fromMailboxId": source},
                    {"type": "setKeywords", "keywords": dict.fromkeys(words, True)},
                    {"type": "unsetKeywords", "keywords": dict.fromkeys(words, True)},
                    {"type": "addMailbox", "mailboxId": mailbox},
                    {"type": "removeMailbox", "mailboxId": source},
                    {"type": "destroy"},
                    {"type": "destroy", "fromMailboxId": source},
                ]
            )
        )

    def _select(self, *, destroys: bool) -> Selection:
        """All of a mailbox, all of a keyword, or some; with exceptions now and then."""
        rng, walk = self._rng, self._walk
        places, shown = self._emails.places(), self._emails.shown()
        within = None
        what = rng.choice(["box", "keyword", "ids", "ids"])
        if what == "ids":
            ids = walk.some(8)
            given: dict[str, Any] = {"emailIds": ids}
            numbers = [self._emails.numbers[email] for email in ids]
        elif what == "keyword":
            given = {"filter": {"hasKeyword": "$flagged"}}
            numbers = [one for one, email in shown.items() if "$flagged" in email.keywords]
        else:
            within = rng.choice(list(self._oracle.boxes))
            given = {"filter": {"inMailbox": walk.id_of(within)}}
            numbers = [
                number
                for number, every in places.items()
                if any(one.box == within and (destroys or one.is_shown) for one in every)
            ]
        if numbers and rng.random() < 0.3:
            but = rng.sample(numbers, rng.randint(1, len(numbers)))
            given["exceptIds"] = [self._emails.ids[number] for number in but]
            numbers = [number for number in numbers if number not in but]
        return Selection(given, numbers, within)

    def _apply(self, number: int, action: Action, selection: Selection) -> bool:
        """What an operation does to one email; False: it cannot."""
        there = self._emails.places().get(number, [])
        shown = [one for one in there if one.is_shown]
        if action["type"] == "destroy":
            self._emails.leave(self._destroyed(there, action, selection))
            return True
        if not shown:
            return False
        if "keywords" in action:
            self._mark(shown, action)
            return True
        names = {box.mailbox_id: name for name, box in self._oracle.boxes.items()}
        boxes = {one.box for one in shown}
        if action["type"] == "removeMailbox":
            mailbox = names[action["mailboxId"]]
            if boxes == {mailbox}:
                return False
            self._emails.leave(one for one in shown if one.box == mailbox)
            return True
        to = names[action.get("toMailboxId") or action["mailboxId"]]
        source = names.get(action.get("fromMailboxId", ""))
        if source is not None and source not in boxes:
            return False
        together = frozenset(flag for one in shown for flag in one.kept.flags)
        if to not in boxes:
            self._emails.place(to, number, together)
        if action["type"] == "move":
            self._emails.leave(one for one in shown if one.box != to and source in (None, one.box))
        return True

    def _destroyed(self, there: list[Place], action: Action, selection: Selection) -> list[Place]:
        """All places; those of one mailbox if it is named, or if nobody saw the message there."""
        names = {box.mailbox_id: name for name, box in self._oracle.boxes.items()}
        source = names.get(action.get("fromMailboxId", ""))
        inside = [one for one in there if one.box == selection.within]
        if source is None and inside and not any(one.is_shown for one in inside):
            source = selection.within
        return [one for one in there if source in (None, one.box)]

    def _mark(self, there: list[Place], action: Action) -> None:
        flags = frozenset(flag for flag in FLAGS if keywords([flag]) <= action["keywords"].keys())
        sets = action["type"] == "setKeywords"
        change = Change(more_flags=flags) if sets else Change(fewer_flags=flags)
        for one in there:
            self._emails.mark(one, changed(one.kept.flags, change))

    # What was destroyed

    async def restore(self) -> None:
        """The list of what was destroyed is right, and some of it comes back to where it was."""
        await self._walk.learn()
        there = self._emails.places()
        gone, perhaps = self._gone(there)
        answer = self._walk.desk.one(
            "DeletedEmail/query", filter={}, limit=256, calculateTotal=True
        )
        if not len(gone) <= answer["total"] <= len(gone | perhaps):
            raise AssertionError(self._differing_graves(gone, answer["total"]))
        told = [self._emails.numbers.get(email) for email in answer["ids"]]
        # What went before anybody asked for its id cannot be told from others.
        known = gone & self._emails.ids.keys()
        if len(gone | perhaps) <= 256:
            assert known <= set(told) - {None} <= known | perhaps
            assert told.count(None) == len(gone) - len(known)
        if not known:
            return
        gone = known
        some = self._rng.sample(sorted(gone), min(len(gone), self._rng.randint(1, 4)))
        wanted = {number: self._home(self._oracle.graves[number]) for number in some}
        ids = [self._emails.ids[number] for number in some]
        told_of = self._run({"action": {"type": "restore"}, "emailIds": ids})
        assert told_of["done"] == len(ids), told_of
        before = self.held()
        await self.adopt()
        now = self.held()
        for number in before.keys() | now.keys():
            if number in wanted:
                boxes = {box for box, _ in now[number]}
                assert boxes == wanted[number], (number, now[number])
                assert not any(DELETED in flags for _, flags in now[number])
            else:
                assert now.get(number) == before.get(number), number

    def _gone(self, there: Container[int]) -> tuple[set[int], set[int]]:
        """Who is told of as destroyed, and who may be: versions of a draft are not."""
        gone, perhaps = set(), set()
        for number, graves in self._oracle.graves.items():
            if number in there:
                continue
            sure = [one for one in graves if (number, one.step) not in self._guessed]
            if any("\\Draft" not in one.flags for one in sure):
                gone.add(number)
            elif len(sure) < len(graves):
                perhaps.add(number)
        return gone, perhaps

    def _differing_graves(self, gone: set[int], total: int) -> str:
        """Which messages only one side tells of."""
        told: set[int | None] = set()
        for position in range(0, total, 256):
            page = self._walk.desk.one("DeletedEmail/query", position=position, limit=256)
            told |= {self._emails.numbers.get(email) for email in page["ids"]}
        told_only = sorted(number for number in told - gone if number is not None)
        expected_only = sorted((gone & self._emails.ids.keys()) - told)
        graves = {one: self._oracle.graves.get(one) for one in [*told_only, *expected_only][:9]}
        return f"{total} told, {len(gone)} expected; {told_only=} {expected_only=} {graves=}"

    def _home(self, graves: list[Grave]) -> set[str]:
        """The mailboxes that it was in last, the trash left out; else the inbox."""
        boxes = self._oracle.boxes
        outside = [one for one in graves if one.box is not boxes[TRASH]]
        latest = max((one.step for one in outside), default=None)
        last: list[Box] = [one.box for one in outside if one.step == latest]
        home = {box.mailbox_id for box in last if any(box is here for here in boxes.values())}
        return home or {boxes["INBOX"].mailbox_id}

    # What IMAP shows

    def held(self) -> dict[int, Held]:
        """Every email's places."""
        return {
            number: Counter(
                (self._oracle.boxes[one.box].mailbox_id, one.kept.flags) for one in every
            )
            for number, every in self._emails.places().items()
        }

    async def adopt(self) -> None:
        """Take over what IMAP shows, where the model leaves open what exactly happens."""
        for name, box in self._oracle.boxes.items():
            told = await self._walk.whole(name)
            gone = box.kept.keys() - told.keys()
            self._guessed |= {(box.kept[uid].number, self._oracle.step) for uid in gone}
            self._oracle.expunge(name, gone, force=True)
            for uid, (email, flags) in sorted(told.items()):
                if uid in box.kept:
                    assert self._emails.ids[box.kept[uid].number] == email
                    self._oracle.store(name, [uid], "", flags)
                else:
                    assert uid >= box.uid_next, (name, uid)
                    box.uid_next = uid
                    self._oracle.add(name, self._emails.numbers[email], flags)


def _seen_of(held: Held) -> dict[str, frozenset[str]]:
    """Keywords by mailbox, of the places that are shown."""
    found: dict[str, frozenset[str]] = {}
    for box, flags in held:
        if DELETED not in flags:
            found[box] = found.get(box, frozenset()) | flags
    return found


def _has_twins(held: Held) -> bool:
    return held.total() > len({box for box, _ in held})


def _differing(told: dict[int, Email], wanted: dict[int, Email]) -> list[Any]:
    return [
        (number, told.get(number), wanted.get(number))
        for number in sorted(told.keys() | wanted.keys())
        if told.get(number) != wanted.get(number)
    ]
