"""Search: every term against what a plain look at the letters says, indexed or not."""

from __future__ import annotations

import asyncio
from pathlib import Path

import apsw
import pytest

from pillarbox.clock import SystemClock
from pillarbox.ids import MessageId, ModSeq, ThreadId
from pillarbox.store import query as q
from pillarbox.store.model import Flag, FlagChange
from pillarbox.store.sql import accounts
from support.store_box import Box, letter

HTML = (
    b"From: =?utf-8?q?J=C3=B6rg?= <joerg@example.org>\r\nTo: alice@example.org\r\n"
    b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    b"PHA+UXVhbGl0w6R0ICZhbXA7IDxiPlByZWlzPC9iPjwvcD4=\r\n"
    b'--b\r\nContent-Type: image/png; name="holiday.png"\r\n\r\n12345\r\n--b--\r\n'
)

LETTERS = [
    letter("Budget for May", "We meet at noon. ABRACADABRA"),
    letter("budget", "nothing here", Cc="Carol <carol@example.org>", X_Tag="red blue"),
    HTML,
    letter("", "xx zz", Message_ID="<id-4@example.org>", Bcc="dave@example.org"),
    letter("Two  spaces", "over\r\nthe lines", X_Empty=""),
]

SIZES = [len(raw) for raw in LETTERS]
F = q.Field
CASES: list[tuple[q.Query, list[int]]] = [
    (q.All(), [1, 2, 3, 4, 5]),
    (q.Contains(F.SUBJECT, "BUDGET"), [1, 2]),
    (q.Contains(F.SUBJECT, "grüSSE"), [3]),
    (q.Contains(F.SUBJECT, "dg"), [1, 2]),
    (q.Contains(F.SUBJECT, "o  s"), [5]),
    (q.Contains(F.SUBJECT, ""), [1, 2, 3, 4, 5]),
    (q.Contains(F.FROM, "jörg"), [3]),
    (q.Contains(F.FROM, "bob@"), [1, 2, 4, 5]),
    (q.Contains(F.TO, "alice"), [1, 2, 3, 4, 5]),
    (q.Contains(F.CC, "carol"), [2]),
    (q.Contains(F.BCC, "dave@example.org"), [4]),
    (q.Contains(F.BODY, "abracadabra"), [1]),
    (q.Contains(F.BODY, "bra"), [1]),
    (q.Contains(F.BODY, "zz"), [4]),
    (q.Contains(F.BODY, "z"), [4]),
    (q.Contains(F.BODY, "budget"), []),
    (q.Contains(F.BODY, "QUALITÄT & preis"), [3]),
    (q.Contains(F.BODY, "over the lines"), [5]),
    (q.Contains(F.BODY, "racaracada"), []),
    (q.Contains(F.BODY, "t n"), [1]),
    (q.Contains(F.BODY, "at noon"), [1]),
    (q.Contains(F.BODY, "noon at"), []),
    (q.Contains(F.BODY, "   "), [1, 2, 3, 4, 5]),
    (q.Contains(F.SUBJECT, "r m"), [1]),
    (q.Contains(F.TEXT, "budget"), [1, 2]),
    (q.Contains(F.TEXT, "noon"), [1]),
    (q.Contains(F.TEXT, "holiday.png"), [3]),
    (q.Contains(F.TEXT, 'a" OR "b'), []),
    (q.Contains(F.TEXT, "qj"), []),
    (q.HasHeader("x-tag", ""), [2]),
    (q.HasHeader("X-Tag", "BLUE"), [2]),
    (q.HasHeader("X-Tag", "green"), []),
    (q.HasHeader("X-Empty", ""), [5]),
    (q.HasHeader("Message-Id", "<id-4@example.org>"), [4]),
    (q.HasHeader("content-type", "image"), []),
    (q.HasHeader("Subject", "budget"), [1, 2]),
    (q.HasHeader("X", ""), []),
    (q.And(()), [1, 2, 3, 4, 5]),
    (q.Or(()), []),
    (q.And((q.Contains(F.TEXT, "budget"), q.Contains(F.BODY, "noon"))), [1]),
    (q.And((q.Contains(F.BODY, "noon"), q.Uids(((2, 9),)))), []),
    (q.Or((q.Contains(F.BODY, "noon"), q.Contains(F.CC, "carol"))), [1, 2]),
    (q.Not(q.Contains(F.TEXT, "budget")), [3, 4, 5]),
    (q.Not(q.All()), []),
    (q.And((q.Uids(((1, 3),)), q.Not(q.Contains(F.SUBJECT, "budget")))), [3]),
    (q.Uids(((1, 2), (4, 4), (77, 2**32 - 1))), [1, 2, 4]),
    (q.HasFlag(Flag.SEEN), [1]),
    (q.Not(q.HasFlag(Flag.SEEN)), [2, 3, 4, 5]),
    (q.HasKeyword("WORK"), [2]),
    (q.HasKeyword("wor"), []),
    (q.Larger(len(LETTERS[2]) - 1), [3]),
    (q.Smaller(min(SIZES)), []),
    (q.Smaller(min(SIZES) + 1), [SIZES.index(min(SIZES)) + 1]),
    (q.ReceivedBetween(2000, 4000), [2, 3]),
    (q.ReceivedBetween(None, 2000), [1]),
    (q.ReceivedBetween(5000, None), [5]),
    (q.SentBetween(739943, 739944), [1, 2, 4, 5]),
    (q.SentBetween(739944, None), []),
    (q.SavedBetween(0, 1), []),
    (q.IsMessage(MessageId(3)), [3]),
    (q.InThread(ThreadId(4)), [4]),
]


async def _prepare(box: Box) -> None:
    for number, raw in enumerate(LETTERS, 1):
        await box.append(raw, received_at=1000 * number)
    await box.flag([1], FlagChange.ADD, int(Flag.SEEN))
    await box.flag([2], FlagChange.ADD, 0, "Work")


@pytest.mark.parametrize(("stored", "indexed"), [(0, 0), (3, 0), (5, 0), (4, 2), (5, 3), (5, 5)])
async def test_terms(box: Box, stored: int, indexed: int) -> None:
    """Some messages are only delivered, some have their text stored, some are indexed."""
    add_documents = box.store._engine._indexer._add_documents  # type: ignore[attr-defined]
    for number, raw in enumerate(LETTERS, 1):
        await box.append(raw, received_at=1000 * number)
        if number == indexed:
            assert await box.store.index_now() == indexed
        if number == stored:
            add_documents()
    await box.flag([1], FlagChange.ADD, int(Flag.SEEN))
    await box.flag([2], FlagChange.ADD, 0, "Work")
    wrong = []
    for query, expected in CASES:
        found = await box.store.search(box.alice.id, box.inbox.id, query)
        if found != expected:
            wrong.append((query, expected, found))
    assert wrong == []


async def test_modified_since(box: Box) -> None:
    await _prepare(box)
    modseq = (await box.account()).modseq
    query = q.ModifiedSince(ModSeq(modseq - 1))
    assert await box.store.search(box.alice.id, box.inbox.id, query) == [1, 2]


async def test_other_mailboxes_and_accounts_are_not_searched(box: Box) -> None:
    bob = await box.new_account("bob@example.org")
    inbox = await box.mailbox("INBOX", bob.id)
    await box.append(letter("secret"), account=bob.id, mailbox=inbox.id)
    sent = await box.mailbox("Sent")
    await box.append(letter("secret"), mailbox=sent.id)
    for _ in range(2):
        for field in (F.TEXT, F.SUBJECT):
            query = q.Contains(field, "secret")
            assert await box.store.search(box.alice.id, box.inbox.id, query) == []
            assert await box.store.search(box.alice.id, sent.id, query) == [1]
            assert await box.store.search(bob.id, inbox.id, query) == [1]
        await box.store.index_now()


async def test_a_message_placed_twice_is_found_twice(box: Box) -> None:
    from pillarbox.store.sql import messages

    (uid,) = await box.fill(1)
    await box.store.write(
        lambda tx: messages.copy(tx, box.alice.id, box.inbox.id, [uid], box.inbox.id)
    )
    query = q.Contains(F.TEXT, "letter")
    assert await box.store.search(box.alice.id, box.inbox.id, query) == [1, 2]
    await box.store.index_now()
    assert await box.store.search(box.alice.id, box.inbox.id, query) == [1, 2]


async def test_a_damaged_index_is_made_anew(box: Box) -> None:
    await _prepare(box)
    await box.store.index_now()
    await box.store.close()
    data = box.folder / "data"
    for left in data.glob("search.db-*"):
        left.unlink()
    (data / "search.db").write_bytes(b"nonsense" * 1000)
    await box.open()
    query = q.Contains(F.BODY, "noon")
    assert await box.store.search(box.alice.id, box.inbox.id, query) == [1]
    assert await box.store.index_now() == 5
    assert await box.store.search(box.alice.id, box.inbox.id, query) == [1]


async def test_an_index_of_another_database_is_made_anew(box: Box) -> None:
    """As after a restore of an older copy of the database without its index."""
    await box.fill(2)
    await box.store.close()
    data = box.folder / "data"
    old = (data / "pillarbox.db").read_bytes()
    await box.open()
    await box.append(letter("too late for the copy"))
    await box.store.index_now()
    await box.store.close()
    for left in data.glob("pillarbox.db-*"):
        left.unlink()
    (data / "pillarbox.db").write_bytes(old)
    await box.open()
    await box.append(letter("after the restore"))
    query = q.Contains(F.TEXT, "restore")
    assert await box.store.search(box.alice.id, box.inbox.id, query) == [3]
    await box.store.index_now()
    assert await box.store.search(box.alice.id, box.inbox.id, query) == [3]
    assert (await box.store.verify()).problems == []


async def test_the_index_forgets_a_removed_account(box: Box) -> None:
    bob = await box.new_account("bob@example.org")
    inbox = await box.mailbox("INBOX", bob.id)
    for n in range(3):
        await box.append(letter(f"secret {n}"), account=bob.id, mailbox=inbox.id)
    await box.append()
    await box.store.index_now()
    await box.store.write(lambda tx: accounts.remove(tx, bob.id))
    await box.store.maintain()
    index = apsw.Connection(str(box.folder / "data" / "search.db"))
    assert index.execute("SELECT count(*) FROM document").get == 1
    assert index.execute("SELECT rowid FROM head_index(?)", ('"sec" AND "ret"',)).fetchall() == []
    index.close()


async def test_the_indexer_follows_by_itself(tmp_path: Path) -> None:
    one, two = (Box(tmp_path, clock=SystemClock(), index_seconds=0.01) for _ in range(2))
    async with one, two:
        await one.fill(20)
        await two.fill(20)
        for _ in range(6000):
            await asyncio.sleep(0.01)
            report = await one.store.verify()
            if report.documents == 40:
                break
        assert (report.documents, report.problems) == (40, [])
