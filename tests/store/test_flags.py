"""STORE, EXPUNGE, COPY, MOVE."""

from __future__ import annotations

import pytest

from pillarbox.errors import NoSuchMailbox, OverQuota
from pillarbox.ids import MailboxId, Uid
from pillarbox.store.model import Flag, FlagChange
from pillarbox.store.sql import accounts, messages
from support.store_box import Box

SEEN, FLAGGED, DELETED = int(Flag.SEEN), int(Flag.FLAGGED), int(Flag.DELETED)


@pytest.mark.parametrize(
    ("change", "flags", "keywords", "expected"),
    [
        (FlagChange.ADD, FLAGGED, "", (SEEN | FLAGGED, "a b")),
        (FlagChange.ADD, 0, "C A", (SEEN, "C a b")),
        (FlagChange.REMOVE, SEEN | FLAGGED, "B", (0, "a")),
        (FlagChange.REPLACE, DELETED, "x", (DELETED, "x")),
        (FlagChange.REPLACE, 0, "", (0, "")),
    ],
)
async def test_changes(
    box: Box, change: FlagChange, flags: int, keywords: str, expected: tuple[int, str]
) -> None:
    done = await box.append(flags=SEEN, keywords="a b")
    outcome = await box.flag([done.uid], change, flags, keywords)
    (placed,) = await box.placed()
    assert (placed.flags, placed.keywords) == expected
    assert outcome.changed == [placed]
    assert placed.modseq > done.modseq


async def test_what_is_as_wished_gets_no_modseq(box: Box) -> None:
    done = await box.append(flags=SEEN)
    outcome = await box.flag([done.uid], FlagChange.ADD, SEEN)
    assert outcome.changed == []
    assert [placed.modseq for placed in outcome.unmodified] == [done.modseq]
    assert (await box.account()).modseq == done.modseq


async def test_conditional_store(box: Box) -> None:
    uids = await box.fill(3)
    modseq = (await box.account()).modseq
    await box.flag([uids[1]], FlagChange.ADD, FLAGGED)
    outcome = await box.flag([*uids, Uid(77)], FlagChange.ADD, SEEN, unchanged_since=modseq)
    assert [placed.uid for placed in outcome.changed] == [uids[0], uids[2]]
    assert (outcome.failed, outcome.missing) == ([uids[1]], [77])


async def test_counters_follow_flags(box: Box) -> None:
    uids = await box.fill(4)
    await box.flag(uids[:3], FlagChange.ADD, SEEN)
    await box.flag(uids[:1], FlagChange.REPLACE, DELETED)
    inbox = await box.mailbox("INBOX")
    assert (inbox.unseen, inbox.deleted) == (2, 1)


async def test_expunge_takes_only_what_is_flagged(box: Box) -> None:
    uids = await box.fill(4)
    await box.flag(uids[:2], FlagChange.ADD, DELETED)
    some = await box.store.write(
        lambda tx: messages.expunge(tx, box.alice.id, box.inbox.id, [uids[1], uids[3]])
    )
    assert [gone.uid for gone in some] == [uids[1]]
    rest = await box.store.write(lambda tx: messages.expunge(tx, box.alice.id, box.inbox.id))
    assert [gone.uid for gone in rest] == [uids[0]]
    forced = await box.store.write(
        lambda tx: messages.expunge(tx, box.alice.id, box.inbox.id, [uids[2]], force=True)
    )
    assert [gone.uid for gone in forced] == [uids[2]]
    assert [placed.uid for placed in await box.placed()] == [uids[3]]
    inbox = await box.mailbox("INBOX")
    assert (inbox.messages, inbox.deleted, inbox.unseen) == (1, 0, 1)
    assert (await box.account()).used_messages == 1


async def test_expunge_of_nothing_changes_nothing(box: Box) -> None:
    await box.fill(1)
    before = await box.account()
    assert await box.store.write(lambda tx: messages.expunge(tx, box.alice.id, box.inbox.id)) == []
    assert await box.account() == before


async def test_copy_keeps_flags_and_counts_again(box: Box) -> None:
    uids = await box.fill(3)
    await box.flag(uids[:1], FlagChange.ADD, SEEN, "word")
    sent = await box.mailbox("Sent")
    copied = await box.store.write(
        lambda tx: messages.copy(tx, box.alice.id, box.inbox.id, [*uids[:2], Uid(99)], sent.id)
    )
    assert (copied.source, copied.target) == (uids[:2], [1, 2])
    assert copied.uid_validity == sent.uid_validity
    assert [(p.flags, p.keywords) for p in await box.placed(sent.id)] == [(SEEN, "word"), (0, "")]
    assert [p.message for p in await box.placed(sent.id)] == [
        p.message for p in (await box.placed())[:2]
    ]
    assert (await box.account()).used_messages == 5


async def test_copy_into_itself(box: Box) -> None:
    uids = await box.fill(2)
    copied = await box.store.write(
        lambda tx: messages.copy(tx, box.alice.id, box.inbox.id, uids, box.inbox.id)
    )
    assert copied.target == [3, 4]
    assert len(await box.placed()) == 4


async def test_move(box: Box) -> None:
    uids = await box.fill(3)
    sent = await box.mailbox("Sent")
    before = await box.account()
    moved = await box.store.write(
        lambda tx: messages.move(tx, box.alice.id, box.inbox.id, uids[1:], sent.id)
    )
    assert (moved.source, moved.target) == (uids[1:], [1, 2])
    assert [p.uid for p in await box.placed()] == uids[:1]
    account = await box.account()
    assert (account.used_octets, account.used_messages) == (
        before.used_octets,
        before.used_messages,
    )
    assert account.modseq == before.modseq + 1


async def test_quota_stops_copy_but_neither_move_nor_expunge(box: Box) -> None:
    uids = await box.fill(2)
    sent = await box.mailbox("Sent")
    await box.store.write(lambda tx: accounts.set_quota(tx, box.alice.id, 1, 1))
    with pytest.raises(OverQuota):
        await box.store.write(
            lambda tx: messages.copy(tx, box.alice.id, box.inbox.id, uids, sent.id)
        )
    assert await box.placed(sent.id) == []
    await box.store.write(lambda tx: messages.move(tx, box.alice.id, box.inbox.id, uids, sent.id))
    await box.store.write(
        lambda tx: messages.expunge(tx, box.alice.id, sent.id, [Uid(1), Uid(2)], force=True)
    )
    assert (await box.account()).used_octets == 0


@pytest.mark.parametrize("operation", [messages.copy, messages.move])
async def test_the_target_must_be_there(box: Box, operation: object) -> None:
    uids = await box.fill(1)
    with pytest.raises(NoSuchMailbox):
        await box.store.write(
            lambda tx: operation(  # type: ignore[operator]
                tx, box.alice.id, box.inbox.id, uids, MailboxId(99)
            )
        )
    assert len(await box.placed()) == 1


async def test_the_outcome_tells_what_the_change_followed(box: Box) -> None:
    uids = await box.fill(2)
    before = (await box.mailbox("INBOX")).modseq
    outcome = await box.flag(uids, FlagChange.ADD, FLAGGED)
    assert (outcome.before, outcome.modseq) == (before, (await box.mailbox("INBOX")).modseq)
    outcome = await box.flag(uids, FlagChange.ADD, FLAGGED)
    assert (outcome.before, outcome.modseq) == (None, None)


@pytest.mark.parametrize(
    ("change", "flags", "stands"),
    [
        (FlagChange.ADD, SEEN, True),
        (FlagChange.ADD, SEEN | FLAGGED, False),
        (FlagChange.REMOVE, FLAGGED, True),
        (FlagChange.REMOVE, SEEN, False),
        (FlagChange.REPLACE, SEEN, True),
        (FlagChange.REPLACE, 0, False),
    ],
)
@pytest.mark.parametrize("count", [1, 3])
async def test_what_would_change_nothing_can_be_read(
    box: Box, change: FlagChange, flags: int, stands: bool, count: int
) -> None:
    uids = await box.fill(count)
    await box.flag(uids, FlagChange.ADD, SEEN)
    asked = [*uids, Uid(77)] if count > 1 else uids
    key = (box.alice.id, box.inbox.id)
    found = await box.store.read(lambda db: messages.find_unchanged(db, *key, asked, change, flags))
    assert (found is not None) == stands
    if found is not None:
        assert found == await box.flag(asked, change, flags)


async def test_a_replacing_change_takes_keywords_away(box: Box) -> None:
    done = await box.append(keywords="a")
    key = (box.alice.id, box.inbox.id)
    found = await box.store.read(
        lambda db: messages.find_unchanged(db, *key, [done.uid], FlagChange.REPLACE, 0)
    )
    assert found is None, "the keyword goes"
