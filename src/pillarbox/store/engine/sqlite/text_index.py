"""The text index on SQLite: documents and FTS5 trigrams, in a file that can be made again.

FTS5 knows only which documents have a trigram (`detail=none`, no copy of the text); the text for
verification is beside it, compressed where it is long. Row numbers put an account's documents
side by side, so a search reads only that account's part of each trigram's list.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Sequence, Set
from pathlib import Path
from typing import Any

import apsw
import msgspec
from backports import zstd

from pillarbox.ids import AccountId, MessageId
from pillarbox.store.blobs.disk import Disk
from pillarbox.store.engine.sqlite.columns import CREATE_PAGE, every, holding, pages_after
from pillarbox.store.engine.sqlite.connection import fetch, make_private
from pillarbox.store.query import Field
from pillarbox.store.search.document import Document
from pillarbox.store.search.text_index import Where

FORMAT = 5  # another number makes the index anew
FRAME = b"\x28\xb5\x2f\xfd"
_MAX_TRIGRAMS = 24  # of one needle; more hardly narrow the candidates
_SMALL_CACHE = 256 * 1024
# A look through all texts reads as many octets with fewer calls: half the CPU of SQLite's usual
# 4 KiB. Larger ones gain nothing more. It is that of new indexes; one that is there keeps its own.
_PAGE_OCTETS = 16 * 1024
_LAST = MessageId(0xFFFFFFFF)

_CREATE = """
    CREATE TABLE progress (
        format INTEGER NOT NULL,
        pages INTEGER NOT NULL, -- messages up to this seq were offered to the pages
        documents INTEGER NOT NULL, -- messages up to this seq have a document
        trigrams INTEGER NOT NULL -- and up to this one are in the trigram tables
    );
    CREATE TABLE document (
        number INTEGER PRIMARY KEY,
        head BLOB NOT NULL,
        body BLOB NOT NULL
    );
    CREATE INDEX document_number ON document (number); -- narrow: what there is, without the texts
    CREATE VIRTUAL TABLE head_index USING fts5(
        text, tokenize='trigram case_sensitive 1', content='', contentless_delete=1, detail=none);
    CREATE VIRTUAL TABLE body_index USING fts5(
        text, tokenize='trigram case_sensitive 1', content='', contentless_delete=1, detail=none);
    -- Octets gathered before they are written out: those of a whole batch, so fewer merges follow.
    INSERT INTO head_index (head_index, rank) VALUES ('hashsize', 8388608);
    INSERT INTO body_index (body_index, rank) VALUES ('hashsize', 8388608);
"""
_UPTO = "SELECT documents, trigrams FROM progress"
_PAGES_UPTO = "SELECT pages FROM progress"
_FORMAT = "SELECT format FROM progress"
_START = "INSERT INTO progress (format, pages, documents, trigrams) VALUES (?, 0, 0, 0)"
_CANDIDATES = """
    SELECT json_group_array(rowid & 4294967295) FROM (
        SELECT rowid FROM {half}_index WHERE {half}_index MATCH ? AND rowid BETWEEN ? AND ? LIMIT ?)
"""
_DOCUMENT = "SELECT head, body FROM document WHERE number = ?"
_NEXT_NUMBER = """
    SELECT min(number) FROM (
        SELECT min(number) AS number FROM document WHERE number > ?1
        UNION ALL SELECT min(number) FROM page WHERE number > ?1)
"""
_NUMBERS = """
    SELECT number FROM document INDEXED BY document_number WHERE number > ? ORDER BY number LIMIT ?
"""
_SOME = "SELECT number FROM document WHERE number BETWEEN ? AND ? LIMIT 500"
# What is compressed (28b52ffd is how a frame begins) must be expanded to see what it holds.
_PACKED = "{half} BETWEEN x'28b52ffd' AND x'28b52ffe'"
_HOLDS = "({half} NOT BETWEEN x'28b52ffd' AND x'28b52ffe' AND instr({half}, ?2) > 0)"
_HOLDING = """
    SELECT json_group_array(number & 4294967295) FILTER (WHERE {holds}),
        json_group_array(number & 4294967295) FILTER (WHERE ({packed}) AND NOT ({holds}))
    FROM document WHERE number {of}
"""
_OF_THESE, _BETWEEN = "IN (SELECT ?1 | value FROM json_each(?3))", "BETWEEN ?1 AND ?3"
_TEXTS = "SELECT number, {columns} FROM document WHERE number BETWEEN ?1 AND ?3 AND ({may})"
_MAY = "instr({half}, ?2) > 0 OR {half} BETWEEN x'28b52ffd' AND x'28b52ffe'"


def _any_half(term: str, where: Where) -> str:
    """An SQL term for each half that is meant. Bodies first: they hold more of frequent words."""
    halves = ("body", "head") if where is Where.ANY else (where.value,)
    return " OR ".join(term.format(half=half) for half in halves)


def _columns(where: Where) -> str:
    return ", ".join(half if where.value in (half, "any") else "x''" for half in ("head", "body"))


_CANDIDATES_IN = {half: _CANDIDATES.format(half=half.value) for half in (Where.HEAD, Where.BODY)}
_HOLDING_IN = {
    (where, of): _HOLDING.format(
        holds=_any_half(_HOLDS, where), packed=_any_half(_PACKED, where), of=of
    )
    for where in Where
    for of in (_OF_THESE, _BETWEEN)
}
_TEXTS_IN = {
    where: _TEXTS.format(columns=_columns(where), may=_any_half(_MAY, where)) for where in Where
}
_numbers = msgspec.json.Decoder(list[MessageId]).decode
_DENSE = 16  # one wanted document of so many is worth reading all between
_NEIGHBOURS = 2  # the same where little is done with each


def document_number(account: AccountId, message: MessageId) -> int:
    """The row of a message; those of an account are neighbours."""
    return (account << 32) | message


class SqliteTextIndex:
    """Reads; the caller holds the snapshot open."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def upto(self) -> tuple[int, int]:
        documents, indexed = fetch(self._connection, _UPTO)[0]
        return documents, indexed

    def pages_upto(self) -> int:
        """Messages up to this `seq` were offered to the pages."""
        found: int = fetch(self._connection, _PAGES_UPTO)[0][0]
        return found

    def columns(
        self, field: Field, account: AccountId, octets: bytes
    ) -> tuple[set[MessageId], MessageId]:
        return holding(self._connection, field, account, octets)

    def column(
        self, field: Field, account: AccountId
    ) -> Iterator[tuple[MessageId, Sequence[int], list[bytes]]]:
        return every(self._connection, field, account)

    def candidates(
        self, where: Where, account: AccountId, needle: str, most: int = -1
    ) -> set[MessageId] | None:
        first = document_number(account, MessageId(0))
        match = trigram_query(needle)
        if not match:
            return None
        found: set[MessageId] = set()
        for half, sql in _CANDIDATES_IN.items():
            if where in (half, Where.ANY):
                rows = fetch(self._connection, sql, (match, first, first | _LAST, most))
                found.update(_numbers(rows[0][0]))
        return found

    def holding(
        self, where: Where, account: AccountId, messages: Set[MessageId], octets: bytes
    ) -> tuple[list[MessageId], list[MessageId]]:
        if not messages:
            return [], []
        first = document_number(account, MessageId(0))
        lowest, highest = min(messages), max(messages)
        if highest - lowest < _NEIGHBOURS * len(messages):
            values: tuple[Any, ...] = (first | lowest, octets, first | highest)
            surely, perhaps = fetch(self._connection, _HOLDING_IN[where, _BETWEEN], values)[0]
            among = messages.__contains__
            return list(filter(among, _numbers(surely))), list(filter(among, _numbers(perhaps)))
        values = (first, octets, msgspec.json.encode(sorted(messages)).decode())
        surely, perhaps = fetch(self._connection, _HOLDING_IN[where, _OF_THESE], values)[0]
        return _numbers(surely), _numbers(perhaps)

    def texts(
        self, where: Where, account: AccountId, messages: Collection[MessageId], octets: bytes
    ) -> Iterator[tuple[MessageId, Document]]:
        if not messages:
            return
        first = document_number(account, MessageId(0))
        lowest, highest = min(messages), max(messages)
        dense = highest - lowest < _DENSE * len(messages)
        for low, high in [(lowest, highest)] if dense else zip(messages, messages, strict=True):
            span = (first | low, octets, first | high)
            for number, head, body in self._connection.execute(_TEXTS_IN[where], span):
                message = MessageId(number - first)
                if not dense or message in messages:
                    yield message, Document(_unpack(head), _unpack(body))

    def next_account(self, after: AccountId) -> AccountId | None:
        """The next account of which there is anything."""
        ((number,),) = fetch(self._connection, _NEXT_NUMBER, (document_number(after, _LAST),))
        return AccountId(number >> 32) if number is not None else None

    def numbers_after(self, number: int, most: int) -> list[int]:
        """The documents that follow."""
        return [found for (found,) in fetch(self._connection, _NUMBERS, (number, most))]

    def some_numbers(self, account: AccountId) -> list[int]:
        """Some of what there is of an account; none when there is nothing."""
        first = document_number(account, MessageId(0))
        found = fetch(self._connection, _SOME, (first, first | _LAST))
        for _, last, texts in () if found else pages_after(self._connection, first - 1):
            return list(texts) if last >> 32 == account else []
        return [number for (number,) in found]


def read_documents(connection: apsw.Connection, numbers: list[int]) -> dict[int, Document]:
    """Whole documents by number; one that cannot be read is left out."""
    found: dict[int, Document] = {}
    for number in numbers:
        for head, body in connection.execute(_DOCUMENT, (number,)):
            with contextlib.suppress(zstd.ZstdError):
                found[number] = Document(_unpack(head), _unpack(body))
    return found


def _unpack(stored: bytes) -> bytes:
    """No UTF-8 text begins like a Zstandard frame."""
    return zstd.decompress(stored) if stored.startswith(FRAME) else stored


def trigrams(needle: str) -> list[str]:
    """The runs of three characters within the needle's words, each once."""
    found = (word[at : at + 3] for word in needle.split() for at in range(len(word) - 2))
    return list(dict.fromkeys(found))


def trigram_query(needle: str) -> str:
    """The FTS5 expression for "has all of these trigrams"."""
    wanted = trigrams(needle)
    if len(wanted) > _MAX_TRIGRAMS:
        step = len(wanted) / _MAX_TRIGRAMS
        wanted = [wanted[int(at * step)] for at in range(_MAX_TRIGRAMS)]
    return " AND ".join('"' + trigram.replace('"', '""') + '"' for trigram in wanted)


def prepare_index(path: Path, highest: int, disk: Disk, vfs: str | None) -> None:
    """Make the index, or make it anew when it is damaged or cannot belong to these messages.

    `highest` is the highest `seq` that was ever given out: an index that knows a higher one was
    made for a database that has since been replaced by an older copy.
    """
    try:
        connection = open_index(path, _SMALL_CACHE, vfs)
        fits = _is_current(connection) and SqliteTextIndex(connection).upto()[0] <= highest
        connection.close()
        if fits:
            return
    except (apsw.CorruptError, apsw.NotADBError):
        pass
    # The log goes first and for good: beside a new index it would be played into that.
    for name in (f"{path.name}-wal", f"{path.name}-shm", path.name):
        disk.unlink(path.with_name(name))
    disk.sync_folder(path.parent)
    connection = open_index(path, _SMALL_CACHE, vfs)
    with connection:
        connection.execute(CREATE_PAGE)
        connection.execute(_CREATE)
        connection.execute(_START, (FORMAT,))
    connection.close()


def open_index(path: Path, cache_octets: int, vfs: str | None) -> apsw.Connection:
    """A connection to the index, which `prepare_index` has made."""
    if vfs is None:
        make_private(path)
    connection = apsw.Connection(str(path), vfs=vfs)
    connection.set_busy_timeout(10_000)
    connection.pragma("page_size", _PAGE_OCTETS)
    connection.execute("PRAGMA journal_mode = WAL")
    # Losing the last batch costs indexing it again: no sync for each.
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.pragma("cache_size", -(cache_octets // 1024))
    return connection


def _is_current(connection: apsw.Connection) -> bool:
    made = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'progress'").get
    return bool(made) and connection.execute(_FORMAT).get == FORMAT
