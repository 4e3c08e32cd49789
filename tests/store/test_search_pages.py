"""Pages of columns: what they hold, when they are made, and what leaves them again."""

from __future__ import annotations

from collections.abc import Iterator

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.ids import AccountId, MessageId, Uid
from pillarbox.store import query as q
from pillarbox.store.engine.sqlite import columns
from pillarbox.store.sql import accounts, expunging
from support.store_box import Box, letter

F = q.Field
_FIELDS = (F.SUBJECT, F.FROM, F.TO, F.CC, F.BCC)
_TEXT = st.text(st.sampled_from("abß\u00ff\u4e00 \0"), max_size=6)
_TABLES = """
    CREATE TABLE message (account_id, message_id, folded_subject, folded_from, folded_to,
        folded_cc, folded_bcc);
"""


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "MESSAGES", 4)


@given(
    st.lists(st.tuples(*[_TEXT] * 5), max_size=20),
    st.sampled_from("abß\u00ff\u4e00").flatmap(lambda first: _TEXT.map(lambda rest: first + rest)),
    st.integers(1, 7),
    st.lists(st.integers(1, 40)),
)
def test_pages_say_what_instr_says(
    texts: list[tuple[str, ...]], needle: str, size: int, removed: list[int]
) -> None:
    """Of those that they cover; whatever is removed later, and however few fill a page."""
    account = AccountId(3)
    rows, index = apsw.Connection(":memory:"), apsw.Connection(":memory:")
    rows.execute(_TABLES)
    index.execute(columns.CREATE_PAGE)
    for number, five in enumerate(texts):
        rows.execute("INSERT INTO message VALUES (?, ?, ?, ?, ?, ?, ?)", (3, 2 * number + 1, *five))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(columns, "MESSAGES", size)
        made = columns.add_pages(index, rows, account, 1000)
    covered = 2 * made * size
    assert made == len(texts) // size
    with index:
        columns.remove_from_pages(index, [3 << 32 | number for number in removed])
    for at, field in enumerate(_FIELDS):
        found, _ = columns.holding(index, field, account, needle.encode())
        assert found == {
            2 * number + 1
            for number, five in enumerate(texts)
            if needle in five[at] and 2 * number < covered and 2 * number + 1 not in removed
        }


@pytest.mark.parametrize("every", [1, 2, 3, 4, 5, 50])
def test_dense_and_sparse_pages(every: int) -> None:
    """Few are leapt to, many are come across; the needle may stand in a text more than once."""
    index = apsw.Connection(":memory:")
    index.execute(columns.CREATE_PAGE)
    texts = {7 << 32 | n: [b"x x" if n % every == 0 else b"y"] * 5 for n in range(1, 257)}
    index.execute(columns._ADD, columns._page(min(texts), max(texts), texts))
    found, upto = columns.holding(index, F.TO, AccountId(7), b"x")
    assert (found, upto) == ({n for n in range(1, 257) if n % every == 0}, 256)
    assert columns.holding(index, F.TO, AccountId(8), b"x") == (set(), 0)
    assert columns.holding(index, F.TO, AccountId(7), b"y\xffy") == (set(), 256) or every < 3


@pytest.mark.parametrize("frequent", [(True, False, True), (False, True, True, False)])
def test_pages_of_either_kind(frequent: tuple[bool, ...]) -> None:
    """How many the last page had decides how the next one is looked through, not what is found."""
    index = apsw.Connection(":memory:")
    index.execute(columns.CREATE_PAGE)
    wanted: set[int] = set()
    for number, has_many in enumerate(frequent):
        first = 1 + number * 256
        here = range(first + 3, first + 256, 2 if has_many else 100)
        texts = {7 << 32 | n: [b"x" if n in here else b"y"] * 5 for n in range(first, first + 256)}
        index.execute(columns._ADD, columns._page(min(texts), max(texts), texts))
        wanted.update(here)
    assert columns.holding(index, F.TO, AccountId(7), b"x")[0] == wanted


@pytest.mark.usefixtures("small_pages")
async def test_what_no_page_has_is_searched_too(box: Box) -> None:
    """Before a page is full, when it is, with a tail behind it, and with messages gone."""
    wanted: list[int] = []
    query = q.Contains(F.SUBJECT, "r 1")
    for n in range(21):
        appended = await box.append(letter(f"Letter {n}"))
        if f"{n}".startswith("1"):
            wanted.append(appended.uid)
        if n % 3 == 0:
            _add_pages(box)
        for more in (q.All(), q.Not(q.Uids(((2, 2),)))):
            found = await box.store.search(box.alice.id, box.inbox.id, q.And((query, more)))
            assert found == [uid for uid in wanted if uid != 2 or more == q.All()]
    assert _pages(box) == [(1, 4), (5, 8), (9, 12), (13, 16)]
    await box.store.index_now()
    assert await box.store.search(box.alice.id, box.inbox.id, query) == wanted
    assert (await box.store.verify()).problems == []


@pytest.mark.usefixtures("small_pages")
async def test_a_frequent_word_is_looked_for_in_the_pages(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pillarbox.store.search import evaluate

    monkeypatch.setattr(evaluate, "_FEW", 3)
    for n in range(10):
        await box.append(letter(f"Letter {n}", Cc=f"carol{n % 2}@example.org"))
    await box.store.index_now()
    for query, expected in [
        (q.Contains(F.SUBJECT, "letter"), list(range(1, 11))),
        (q.Contains(F.SUBJECT, "letter 7"), [8]),
        (q.Contains(F.CC, "carol1"), [2, 4, 6, 8, 10]),
        (q.And((q.Uids(((4, 6),)), q.Contains(F.CC, "carol1"))), [4, 6]),
        (q.And((q.Uids(((1, 9),)), q.Contains(F.CC, "carol1"))), [2, 4, 6, 8]),
        (q.Contains(F.BCC, "carol1"), []),
    ]:
        assert await box.store.search(box.alice.id, box.inbox.id, query) == expected, query


@pytest.mark.usefixtures("small_pages")
async def test_pages_forget_messages_and_accounts_that_are_gone(box: Box) -> None:
    bob = await box.new_account("bob@example.org")
    theirs = await box.mailbox("INBOX", bob.id)
    for n in range(8):
        await box.append(letter(f"secret {n}"))
        await box.append(letter(f"secret {n}"), account=bob.id, mailbox=theirs.id)
    _add_pages(box)  # and no documents
    await box.store.write(lambda tx: accounts.remove(tx, bob.id))
    await box.store.maintain()
    assert _pages(box) == [(1, 4), (5, 8)]
    for sql in ("DELETE FROM placement WHERE uid < 3", "DELETE FROM message WHERE message_id < 3"):
        await box.store.write(lambda tx, sql=sql: tx.run(sql))
    await box.store.maintain()  # as after a process that ended before it could forget them
    assert b"secret 1" not in _texts(box)
    assert b"secret 2" in _texts(box)
    await box.store.write(
        lambda tx: expunging.expunge(tx, box.alice.id, box.inbox.id, [Uid(3), Uid(4)], force=True)
    )
    found = await box.store.search(box.alice.id, box.inbox.id, q.Contains(F.SUBJECT, "secret"))
    assert found == [5, 6, 7, 8]


@pytest.mark.usefixtures("small_pages")
async def test_a_wrong_page_is_told(box: Box) -> None:
    await box.fill(4)
    await box.store.index_now()
    index = apsw.Connection(str(box.folder / "data" / "search.db"))
    index.execute(
        "UPDATE page SET folded_subject = CAST(replace(folded_subject, 'letter', 'litter') AS BLOB)"
    )
    index.close()
    problems = (await box.store.verify()).problems
    assert len(problems) == 4
    assert "columns of message 1" in problems[0]


def test_a_page_is_bounded_by_octets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "MESSAGES", 4)
    monkeypatch.setattr(columns, "_PAGE_OCTETS", 20)
    rows, index = apsw.Connection(":memory:"), apsw.Connection(":memory:")
    rows.execute(_TABLES)
    index.execute(columns.CREATE_PAGE)
    for n in range(1, 6):
        rows.execute("INSERT INTO message VALUES (1, ?, ?, '', '', '', '')", (n, "long" * n))
    columns.add_pages(index, rows, AccountId(1), 1000)
    assert [(first & 7, last & 7) for first, last, _ in columns.pages_after(index, -1)] == [
        (1, 3),
        (4, 5),
    ]


def _add_pages(box: Box) -> None:
    while box.store._engine._indexer._add_pages():  # type: ignore[attr-defined]
        pass


def _every_page(box: Box) -> Iterator[tuple[int, int, columns.Texts]]:
    index = apsw.Connection(str(box.folder / "data" / "search.db"))
    yield from columns.pages_after(index, -1)
    index.close()


def _pages(box: Box) -> list[tuple[MessageId, MessageId]]:
    return [
        (MessageId(first & 0xFFFFFFFF), MessageId(last & 0xFFFFFFFF))
        for first, last, _ in _every_page(box)
    ]


def _texts(box: Box) -> bytes:
    return b"|".join(texts[0] for _, _, page in _every_page(box) for texts in page.values())
