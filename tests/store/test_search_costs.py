"""What a search costs, counted: statements, and pages of the files that it looks at. Never times.

A number that grows is a decision, not a failure: raise it here with its reason.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import apsw
import pytest

from pillarbox.ids import AccountId, MessageId
from pillarbox.store import query as q
from pillarbox.store.database import Value
from pillarbox.store.engine.sqlite import columns
from pillarbox.store.engine.sqlite.connection import SqliteReader
from pillarbox.store.engine.sqlite.indexer import Indexer
from pillarbox.store.engine.sqlite.text_index import SqliteTextIndex
from pillarbox.store.model import Flag
from pillarbox.store.search import evaluate
from pillarbox.store.search.document import Document
from pillarbox.store.search.reading import DocumentReader
from pillarbox.store.search.text_index import Where
from support.costs import Costs, counted
from support.store_box import Box, letter

RARE = "quicksilver"
SUBJECT = q.Contains(q.Field.SUBJECT, RARE)
TEXT = q.Contains(q.Field.TEXT, RARE)
BODY = q.Contains(q.Field.BODY, RARE)
# A snapshot of the index, one of the rows.
SNAPSHOTS = {"BEGIN DEFERRED": 1, "BEGIN": 1, "COMMIT": 2}


async def _fill(box: Box, numbers: range) -> None:
    raws = []
    for n in numbers:
        rare = RARE if n < 3 else ""
        raws.append(letter(f"Letter {n} {rare}", f"Some words {rare}"))
    await asyncio.gather(*map(box.append, raws))
    await box.store.index_now()


async def _costs(box: Box, query: q.Query, costs: Costs) -> tuple[dict[str, int], int]:
    """Statements and pages of one search, when another has warmed all caches."""
    assert await box.store.search(box.alice.id, box.inbox.id, query) == [1, 2, 3]
    (scanner,) = box.store._engine._scanning  # type: ignore[attr-defined]
    both = (scanner.rows, scanner.texts)
    _pages(both)
    costs.reset()
    await box.store.search(box.alice.id, box.inbox.id, query)
    return dict(costs.statements), _pages(both)


def _pages(connections: tuple[apsw.Connection, ...]) -> int:
    """Since the last call."""
    return sum(
        one.status(op, True)[0]
        for one in connections
        for op in (apsw.SQLITE_DBSTATUS_CACHE_HIT, apsw.SQLITE_DBSTATUS_CACHE_MISS)
    )


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        # How many wait for the index, candidates, which wait, where they are, whether they match.
        (
            SUBJECT,
            {
                "SELECT progress": 3,
                "SELECT message": 3,
                "SELECT head_index": 1,
                "SELECT placement": 1,
            },
        ),
        (
            TEXT,
            {
                "SELECT progress": 2,
                "SELECT message": 1,
                "SELECT head_index": 1,
                "SELECT body_index": 1,
                "SELECT placement": 1,
                "SELECT document": 1,
            },
        ),
        (
            BODY,
            {
                "SELECT progress": 2,
                "SELECT message": 1,
                "SELECT body_index": 1,
                "SELECT placement": 1,
                "SELECT document": 1,
            },
        ),
    ],
    ids=["subject", "text", "body"],
)
async def test_an_indexed_search(tmp_path: Path, query: q.Query, expected: dict[str, int]) -> None:
    """The same statements however large the mailbox, and hardly more pages; no blob is opened."""
    with counted() as costs:
        async with Box(tmp_path, read_threads=1) as box:
            await _fill(box, range(30))
            statements, few = await _costs(box, query, costs)
            assert statements == SNAPSHOTS | expected
            await _fill(box, range(30, 630))
            again, many = await _costs(box, query, costs)
            assert again == statements
            assert many < 4 * few  # of twenty times the mail


async def test_a_frequent_word_in_subjects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One row of the index for 256 messages, and no row of a message that a page has."""
    monkeypatch.setattr(evaluate, "_FEW", 100)
    query = q.Contains(q.Field.SUBJECT, "letter")
    with counted() as costs:
        async with Box(tmp_path, read_threads=1) as box:
            await _fill(box, range(2 * columns.MESSAGES))
            everyone = list(range(1, 2 * columns.MESSAGES + 1))
            assert await box.store.search(box.alice.id, box.inbox.id, query) == everyone
            (scanner,) = box.store._engine._scanning  # type: ignore[attr-defined]
            _pages((scanner.rows,))
            costs.reset()
            assert await box.store.search(box.alice.id, box.inbox.id, query) == everyone
            of_rows = _pages((scanner.rows,))
    assert dict(costs.statements) == SNAPSHOTS | {
        "SELECT progress": 2,
        "SELECT message": 2,  # how many wait for the index; those behind the last page
        "SELECT head_index": 1,
        "SELECT page": 1,
        "SELECT placement": 1,
    }
    assert of_rows < 30  # a message takes half of one, its place a twentieth


async def test_mail_without_text_is_not_taken_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Plain mail is only glanced at, whether it has the word or not."""
    made: list[object] = []
    read = DocumentReader.read

    def counting(self: DocumentReader, row: Sequence[Any]) -> Document:
        made.append(row[0])
        return read(self, row)

    monkeypatch.setattr(DocumentReader, "read", counting)
    async with Box(tmp_path) as box:
        for n in range(20):
            await box.append(letter(f"Letter {n}", f"Some words {RARE if n < 3 else ''}"))
        for query in (TEXT, BODY):
            assert await box.store.search(box.alice.id, box.inbox.id, query) == [1, 2, 3]
        assert made == []
        phrase = q.Contains(q.Field.TEXT, f"words {RARE}")
        assert await box.store.search(box.alice.id, box.inbox.id, phrase) == [1, 2, 3]
        assert len(made) == 20  # what spans words can only be told from the document


async def test_many_results_are_one_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that become Python objects are what a search with many results is made of."""
    many: list[str] = []
    rows = SqliteReader.rows

    async def counting(
        self: SqliteReader, sql: str, params: Sequence[Value] = ()
    ) -> list[tuple[object, ...]]:
        many.append(sql)
        return await rows(self, sql, params)

    async with Box(tmp_path) as box:
        await _fill(box, range(30))
        monkeypatch.setattr(SqliteReader, "rows", counting)
        for query in (
            q.Not(q.HasFlag(Flag.SEEN)),
            q.And((q.Smaller(10_000), q.Not(q.HasFlag(Flag.DELETED)))),
            q.Uids(((1, 30),)),
        ):
            found = await box.store.search(box.alice.id, box.inbox.id, query)
            assert found == list(range(1, 31))
    assert many == []


async def test_right_behind_an_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts are there, trigrams are not: nothing is asked of those, and all numbers are one row."""
    monkeypatch.setattr(evaluate, "_FEW", 10)
    with counted() as costs:
        async with Box(tmp_path, read_threads=1) as box:
            monkeypatch.setattr(Indexer, "_add_trigrams", lambda _: 0)
            await _fill(box, range(300))
            statements, pages = await _costs(box, TEXT, costs)
            size = _page_size(box)
    assert statements == SNAPSHOTS | {
        "SELECT progress": 2,
        "SELECT message": 1,
        "SELECT placement": 1,
        "SELECT document": 1,
    }
    assert size == 16 * 1024  # octets that one call of the system brings
    assert pages < 40, "some twenty messages to a page"


async def test_some_new_mail_does_not_hide_the_trigrams(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More new messages than few, and still fewer than indexed ones."""
    monkeypatch.setattr(evaluate, "_FEW", 10)
    with counted() as costs:
        async with Box(tmp_path, read_threads=1) as box:
            await _fill(box, range(40))
            monkeypatch.setattr(Indexer, "_add_trigrams", lambda _: 0)
            await _fill(box, range(40, 55))
            statements, _ = await _costs(box, TEXT, costs)
    assert statements["SELECT body_index"] == 1


def _page_size(box: Box) -> int:
    (scanner,) = box.store._engine._scanning  # type: ignore[attr-defined]
    return int(scanner.texts.pragma("page_size"))


async def test_no_text_is_handed_out_to_be_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of the mail has the word; only texts that must be expanded leave the index."""
    asked: list[set[int]] = []
    handed = SqliteTextIndex.texts

    def counting(
        self: SqliteTextIndex, where: Where, account: AccountId, messages: set[MessageId], o: bytes
    ) -> Iterator[tuple[MessageId, Document]]:
        asked.append(set(messages))
        return handed(self, where, account, messages, o)

    raws = [letter(f"Letter {n}", "a meeting" if n % 2 else "nothing") for n in range(40)]
    raws.append(letter("Long", "much " * 10_000 + "meeting"))
    async with Box(tmp_path) as box:
        for raw in raws:
            await box.append(raw)
        await box.store.index_now()
        monkeypatch.setattr(SqliteTextIndex, "texts", counting)
        for field in (q.Field.TEXT, q.Field.BODY):
            query = q.Contains(field, "meeting")
            found = await box.store.search(box.alice.id, box.inbox.id, query)
            assert found == [*range(2, 41, 2), 41]
    assert asked == [{41}, {41}]


async def test_how_frequent_a_word_is_is_asked_once_however_deep_it_lies(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    levels = [[f"{word}{level}" for word in ("some", "words", "more")] for level in range(10)]
    await box.append(letter("One", " ".join(map(" ".join, levels))))
    await box.append()
    await box.store.index_now()
    asked: Counter[str] = Counter()
    real = SqliteTextIndex.candidates

    def noting(
        self: SqliteTextIndex, where: Where, account: AccountId, needle: str, most: int
    ) -> set[MessageId] | None:
        asked[needle] += 1
        return real(self, where, account, needle, most)

    monkeypatch.setattr(SqliteTextIndex, "candidates", noting)
    query: q.Query = q.All()
    for words in levels:
        query = q.And((*(q.Contains(q.Field.TEXT, word) for word in words), query))
    assert await box.store.search(box.alice.id, box.inbox.id, query) == [1]
    assert len(asked) == 30
    assert set(asked.values()) == {2}  # to find the rarest, and to find where it is
