"""Appending and reading."""

from __future__ import annotations

import asyncio

import pytest

from pillarbox.errors import (
    LimitReached,
    NoSuchMailbox,
    NoSuchMessage,
    OverQuota,
    TooLarge,
)
from pillarbox.ids import MailboxId, MessageId, Uid
from pillarbox.message.digest import digest
from pillarbox.store.model import Flag
from pillarbox.store.sql import accounts, mailboxes, messages
from support.store_box import Box, letter


async def test_what_was_appended_is_read_again_with_the_trace_in_front(box: Box) -> None:
    raw = letter()
    done = await box.append(raw, trace=b"Received: by us\r\n")
    assert await box.octets(done) == b"Received: by us\r\n" + raw
    (placed,) = await box.placed()
    assert (placed.uid, placed.message, placed.modseq) == (done.uid, done.message, done.modseq)
    assert placed.size == len(raw) + len(b"Received: by us\r\n")


async def test_uids_and_modseqs_ascend(box: Box) -> None:
    done = [await box.append() for _ in range(3)]
    assert [one.uid for one in done] == [1, 2, 3]
    modseqs = [one.modseq for one in done]
    assert modseqs == sorted(set(modseqs))
    assert (await box.account()).modseq == modseqs[-1]
    assert (await box.mailbox("INBOX")).modseq == modseqs[-1]


async def test_the_row_carries_the_digest(box: Box) -> None:
    raw = letter("Grüße", "Text")
    made = digest(raw)
    done = await box.append(raw, received_at=1234)
    row = await box.store.read(lambda db: messages.get(db, box.alice.id, done.message))
    assert (row.envelope, row.bodystructure, row.body) == (
        made.envelope,
        made.bodystructure,
        made.body,
    )
    assert (row.preview, row.sent_at, row.received_at) == (made.preview, made.sent_at, 1234)


async def test_columns_are_narrow(box: Box) -> None:
    done = await box.append()
    found = await box.store.read(
        lambda db: messages.columns(db, box.alice.id, [done.message], ("size", "thread"))
    )
    assert found == {done.message: (len(letter()), done.thread)}
    with pytest.raises(KeyError):
        await box.store.read(lambda db: messages.columns(db, box.alice.id, [], ("size; DROP",)))


async def test_counters_follow(box: Box) -> None:
    size = len(letter())
    await box.append()
    await box.append(flags=Flag.SEEN)
    await box.append(flags=Flag.DELETED)
    inbox = await box.mailbox("INBOX")
    assert (inbox.messages, inbox.unseen, inbox.deleted, inbox.octets) == (3, 2, 1, 3 * size)
    account = await box.account()
    assert (account.used_messages, account.used_octets) == (3, 3 * size)


@pytest.mark.parametrize(
    ("octets", "count"), [(2 * len(letter()) - 1, 0), (0, 1)], ids=["octets", "messages"]
)
async def test_a_full_account_takes_no_more(box: Box, octets: int, count: int) -> None:
    await box.store.write(lambda tx: accounts.set_quota(tx, box.alice.id, octets, count))
    await box.append()
    before = await box.account()
    with pytest.raises(OverQuota):
        await box.append()
    assert await box.account() == before
    await box.append(check_quota=False)
    assert (await box.account()).used_messages == 2


async def test_missing_things_have_names(box: Box) -> None:
    with pytest.raises(NoSuchMailbox):
        await box.append(mailbox=MailboxId(99))
    with pytest.raises(NoSuchMessage):
        await box.store.read(lambda db: messages.get(db, box.alice.id, MessageId(99)))
    await box.create("a/b")
    await box.store.write(lambda tx: mailboxes.delete(tx, box.alice.id, "a"))
    level = await box.mailbox("a")
    assert not level.selectable
    with pytest.raises(NoSuchMailbox):
        await box.append(mailbox=level.id)


async def test_a_failed_append_leaves_no_number_out(box: Box) -> None:
    with pytest.raises(NoSuchMailbox):
        await box.append(mailbox=MailboxId(99))
    assert (await box.append()).uid == 1


async def test_one_failing_write_in_a_batch_hurts_no_other(box: Box) -> None:
    wanted = [box.inbox.id, MailboxId(99)] * 20
    done = await asyncio.gather(
        *(box.append(letter(str(n)), mailbox) for n, mailbox in enumerate(wanted)),
        return_exceptions=True,
    )
    assert [isinstance(one, NoSuchMailbox) for one in done] == [False, True] * 20
    assert [placed.uid for placed in await box.placed()] == list(range(1, 21))


async def test_equal_octets_are_stored_once(box: Box) -> None:
    bob = await box.new_account("bob@example.org")
    inbox = await box.mailbox("INBOX", bob.id)
    await box.append()
    await box.append(account=bob.id, mailbox=inbox.id)
    rows = await box.store.read(lambda db: db.rows("SELECT refs FROM blob"))
    assert rows == [(2,)]


async def test_keywords_keep_their_first_spelling(box: Box) -> None:
    await box.append(keywords="Zeta alpha")
    await box.append(keywords="ALPHA zeta beta")
    assert [placed.keywords for placed in await box.placed()] == ["Zeta alpha", "Zeta alpha beta"]
    found = await box.store.read(lambda db: messages.all_keywords(db, box.alice.id))
    assert found == ["alpha", "beta", "Zeta"]


async def test_keywords_have_caps(box: Box) -> None:
    box.change_settings(max_keywords=2, max_keywords_of_message=2, max_keyword_octets=8)
    await box.reopen()
    for keywords in ("a b c", "a" * 9):
        with pytest.raises(LimitReached):
            await box.append(keywords=keywords)
    await box.append(keywords="a b")
    with pytest.raises(LimitReached):
        await box.append(keywords="c")


async def test_too_many_octets_are_refused_while_they_arrive(box: Box) -> None:
    with box.store.spool(10) as spool:
        spool.write(b"0123456789")
        with pytest.raises(TooLarge):
            spool.write(b"x")
        assert spool.octets() == b"0123456789"


async def test_threads_join_by_reference_and_subject(box: Box) -> None:
    first = await box.append(letter("Plan", Message_ID="<1@x>"))
    answer = await box.append(letter("Re: Plan", Message_ID="<2@x>", References="<1@x>"))
    other = await box.append(letter("Re: Lunch", Message_ID="<3@x>", References="<1@x>"))
    later = await box.append(letter("Fwd: plan", Message_ID="<4@x>", In_Reply_To="<2@x>"))
    alone = await box.append(letter("Plan"))
    assert first.thread == answer.thread == later.thread
    assert other.thread not in (first.thread, alone.thread)


async def test_an_answer_that_came_first_is_joined_by_its_question(box: Box) -> None:
    answer = await box.append(letter("Re: Plan", Message_ID="<2@x>", References="<1@x>"))
    first = await box.append(letter("Plan", Message_ID="<1@x>"))
    assert first.thread == answer.thread


async def test_sort_and_thread_rows(box: Box) -> None:
    await box.append(letter("Re: Zoo", Message_ID="<1@x>"))
    await box.append(letter("Ape", Date="not a date", References="<1@x> <2@x>"), received_at=77)
    sort = await box.store.read(
        lambda db: messages.sort_rows(db, box.alice.id, box.inbox.id, [Uid(1), Uid(2), Uid(9)])
    )
    assert {row.uid: (row.base_subject.lower(), row.sent_at == 77) for row in sort} == {
        1: ("zoo", False),
        2: ("ape", True),
    }
    rows = await box.store.read(
        lambda db: messages.thread_rows(db, box.alice.id, box.inbox.id, [Uid(1), Uid(2)])
    )
    one, two = sorted(rows, key=lambda row: row.uid)
    assert (one.is_reply, two.is_reply) == (True, False)
    assert two.message_id == 0
    assert two.references[0] == one.message_id != 0


@pytest.mark.parametrize(
    "raw", [b"", b"\x00" * 300, b"\xff" * 70_000, b"Subject: \xed\xa0\x80\r\n"]
)
async def test_any_octets_are_kept(box: Box, raw: bytes) -> None:
    done = await box.append(raw)
    assert await box.octets(done) == raw
