"""What a search costs, counted: statements, and pages of the files that it looks at. Never times.

A number that grows is a decision, not a failure: raise it here with its reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

import apsw
import pytest

from pillarbox.ids import AccountId, MessageId
from pillarbox.store import query as q
from pillarbox.store.database import Value
from pillarbox.store.engine.sqlite.connection import SqliteReader
from pillarbox.store.engine.sqlite.text_index import SqliteTextIndex
from pillarbox.store.model import Flag
from pillarbox.store.search.document import Document
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
