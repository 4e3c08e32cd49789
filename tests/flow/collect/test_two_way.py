"""Flags and deletions both ways: the merge as a table, rounds, and what is not done unasked."""

from __future__ import annotations

import itertools

import pytest

from pillarbox.flow.collect.merging import Marks, is_too_much, merge
from pillarbox.flow.collect.source import SourceFailure
from pillarbox.ids import Uid
from pillarbox.store.model import Flag, FlagChange
from pillarbox.store.sql import messages
from support.collecting import Collection, held
from support.fake_source import Elsewhere, FakeSource, Place
from support.store_box import Box, letter

SEEN, FLAGGED, ANSWERED = int(Flag.SEEN), int(Flag.FLAGGED), int(Flag.ANSWERED)


def marks(text: str) -> Marks:
    """Letters are keywords, S and F are flags."""
    flags = SEEN * ("S" in text) | FLAGGED * ("F" in text)
    return Marks(flags, " ".join(sorted(text.replace("S", "").replace("F", ""))))


@pytest.mark.parametrize(
    ("agreed", "here", "there", "wanted"),
    [
        ("", "", "", ""),
        ("", "S", "", "S"),
        ("", "", "S", "S"),
        ("S", "", "S", ""),
        ("S", "S", "", ""),
        ("", "S", "F", "SF"),
        ("S", "", "SF", "F"),
        ("S", "S", "S", "S"),
        ("ab", "abc", "b", "bc"),
        ("ab", "", "abc", "c"),
        ("a", "A", "a", "a"),
    ],
)
def test_merge(agreed: str, here: str, there: str, wanted: str) -> None:
    assert merge(marks(agreed), marks(here), marks(there)).is_like(marks(wanted))


def test_merge_has_no_side() -> None:
    for agreed, here, there in itertools.product(("", "S", "a", "Sa", "Fb"), repeat=3):
        one = merge(marks(agreed), marks(here), marks(there))
        assert one.is_like(merge(marks(agreed), marks(there), marks(here)))


@pytest.mark.parametrize(
    ("count", "total", "expected"),
    [
        (1, 1, False),
        (3, 3, False),
        (4, 4, True),
        (20, 25, False),
        (21, 25, True),
        (30, 100, False),
        (31, 100, True),
        (300, 1000, False),
        (301, 1000, True),
    ],
)
def test_too_much(count: int, total: int, expected: bool) -> None:
    assert is_too_much(count, total, 20, 30) is expected


async def both(box: Box, count: int = 5, **settings: bool) -> tuple[Collection, Elsewhere, Place]:
    there = Elsewhere()
    inbox = there.folder("INBOX")
    for number in range(count):
        inbox.put(letter(str(number)), received_at=1)
    collection = await Collection.add(box, **(settings or {"two_way": True}))
    await collection.run(FakeSource(there))
    return collection, there, inbox


async def marks_here(box: Box) -> list[tuple[int, str]]:
    return [(one[1], one[2]) for one in (await held(box))["INBOX"]]


async def test_flags_go_both_ways(box: Box) -> None:
    collection, there, inbox = await both(box)
    await box.flag([Uid(1)], FlagChange.ADD, SEEN, "Work")
    await box.flag([Uid(2)], FlagChange.ADD, SEEN)
    inbox.messages["2"].flags |= FLAGGED
    inbox.messages["3"].flags, inbox.messages["3"].keywords = ANSWERED, "later"
    _, progress = await collection.run(FakeSource(there))
    expected = [(SEEN, "Work"), (SEEN | FLAGGED, ""), (ANSWERED, "later"), (0, ""), (0, "")]
    assert await marks_here(box) == expected
    assert [(one.flags, one.keywords) for one in inbox.messages.values()] == expected
    assert progress.flags_changed == 4
    _, progress = await collection.run(FakeSource(there))
    assert progress.flags_changed == 0

    await box.flag([Uid(1)], FlagChange.REMOVE, SEEN, "Work")
    inbox.messages["3"].flags = 0
    await collection.run(FakeSource(there))
    assert (await marks_here(box))[:3] == [(0, ""), (SEEN | FLAGGED, ""), (0, "later")]
    assert (inbox.messages["1"].flags, inbox.messages["1"].keywords) == (0, "")


async def test_what_the_source_refuses_is_kept_here(box: Box) -> None:
    collection, there, inbox = await both(box)
    await box.flag([Uid(1)], FlagChange.ADD, FLAGGED)
    for _ in range(2):
        await collection.run(FakeSource(there, confirm=lambda key: False))
        assert (await marks_here(box))[0] == (FLAGGED, "")
        assert inbox.messages["1"].flags == 0
    await collection.run(FakeSource(there))
    assert inbox.messages["1"].flags == FLAGGED


async def test_a_word_that_cannot_be_kept_there_stays_here(box: Box) -> None:
    collection, there, inbox = await both(box)

    async def run() -> tuple[int, str, int, str]:
        await collection.run(FakeSource(there, keeps=lambda word: word != "ours"))
        flags, keywords = (await marks_here(box))[0]
        return flags, keywords, inbox.messages["1"].flags, inbox.messages["1"].keywords

    await box.flag([Uid(1)], FlagChange.ADD, SEEN, "ours both")
    for _ in range(2):
        assert await run() == (SEEN, "both ours", SEEN, "both")
    await box.flag([Uid(1)], FlagChange.REMOVE, SEEN, "both")
    for _ in range(2):
        assert await run() == (0, "ours", 0, "")
    inbox.messages["1"].flags = FLAGGED
    assert await run() == (FLAGGED, "ours", FLAGGED, "")


async def test_the_label_stays_here(box: Box) -> None:
    there = Elsewhere()
    there.folder("INBOX").put(letter(), keywords="x")
    collection = await Collection.add(box, two_way=True, keyword="old")
    for _ in range(2):
        _, progress = await collection.run(FakeSource(there))
        assert progress.flags_changed == 0
        assert (await marks_here(box))[0] == (0, "old x")
    there.folder("INBOX").messages["1"].keywords = "x y"
    await collection.run(FakeSource(there))
    assert (await marks_here(box))[0] == (0, "old x y")
    assert there.folder("INBOX").messages["1"].keywords == "x y"


async def expunge(box: Box, *uids: int) -> None:
    await box.store.write(
        lambda tx: messages.expunge(
            tx, box.alice.id, box.inbox.id, [Uid(one) for one in uids], force=True
        )
    )


async def test_deletions_go_both_ways_and_nothing_comes_back(box: Box) -> None:
    collection, there, inbox = await both(box)
    await expunge(box, 1)
    del inbox.messages["2"]
    del inbox.messages["3"]
    await expunge(box, 3)
    _, progress = await collection.run(FakeSource(there))
    assert progress.removed == 2
    assert list(inbox.messages) == ["4", "5"]
    assert [one.uid for one in await box.placed()] == [4, 5]
    source = FakeSource(there)
    _, progress = await collection.run(source)
    assert (progress.removed, progress.brought, source.fetched) == (0, 0, [])


async def test_cut_anywhere(box: Box) -> None:
    collection, there, inbox = await both(box)
    await box.flag([Uid(1), Uid(4)], FlagChange.ADD, SEEN)
    inbox.messages["4"].flags = FLAGGED
    await expunge(box, 2)
    del inbox.messages["3"]
    for step in range(12):
        try:
            await collection.run(FakeSource(there, cut_at=step))
        except SourceFailure:
            continue
        break
    assert step < 11
    assert await marks_here(box) == [(SEEN, ""), (SEEN | FLAGGED, ""), (0, "")]
    assert [one.flags for one in inbox.messages.values()] == [SEEN, SEEN | FLAGGED, 0]


async def test_an_empty_source_does_not_empty_us(box: Box) -> None:
    collection, there, inbox = await both(box, 30)
    kept = dict(inbox.messages)
    inbox.messages.clear()
    outcome, progress = await collection.run(FakeSource(there))
    assert "30 of 30 messages of 'INBOX' are no longer at the source" in outcome.remarks[0]
    assert (len(await box.placed()), progress.removed) == (30, 0)
    inbox.messages.update(kept)
    outcome, _ = await collection.run(FakeSource(there))
    assert (outcome.remarks, len(await box.placed())) == ([], 30)
    inbox.messages.clear()
    collection.more["confirmed"] = True
    _, progress = await collection.run(FakeSource(there))
    assert (progress.removed, await box.placed()) == (30, [])


async def test_an_empty_mailbox_does_not_empty_the_source(box: Box) -> None:
    collection, there, inbox = await both(box, 30)
    await expunge(box, *range(1, 26))
    outcome, _ = await collection.run(FakeSource(there))
    assert "25 of 30 messages of 'INBOX' were deleted or moved here" in outcome.remarks[0]
    assert len(inbox.messages) == 30
    collection.more["confirmed"] = True
    await collection.run(FakeSource(there))
    assert len(inbox.messages) == 5


async def test_a_mirror_follows(box: Box) -> None:
    collection, there, inbox = await both(box, mirror=True)
    await box.flag([Uid(1)], FlagChange.ADD, SEEN)
    inbox.messages["2"].flags = FLAGGED
    del inbox.messages["3"]
    await expunge(box, 4)
    outcome, _ = await collection.run(FakeSource(there))
    assert await marks_here(box) == [(0, ""), (FLAGGED, ""), (0, "")]
    assert [one.flags for one in inbox.messages.values()] == [0, FLAGGED, 0, 0]
    assert there.settled == []
    assert "not brought again" in outcome.remarks[0]
