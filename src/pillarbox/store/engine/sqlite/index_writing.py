"""How the text index grows: first pages of columns, then documents, then trigrams.

What is dearer comes later: a message's share of a page costs a fiftieth of its document, and
documents can be searched by reading them, so trigrams come when there is time.
"""

from __future__ import annotations

import apsw
from backports import zstd

from pillarbox.store.engine.sqlite.columns import remove_from_pages
from pillarbox.store.search.document import Document

_LEVEL = 3
_AS_IS = 8192  # octets; expanding a short text takes three times as long as reading it

_PAGES_UPTO = "UPDATE progress SET pages = ?"


def note_pages(connection: apsw.Connection, upto: int) -> None:
    """Move the first watermark."""
    connection.execute(_PAGES_UPTO, (upto,))


_ADD_DOCUMENT = "INSERT OR REPLACE INTO document (number, head, body) VALUES (?, ?, ?)"
_DOCUMENTS_UPTO = "UPDATE progress SET documents = ?"


def add_documents(
    connection: apsw.Connection, documents: list[tuple[int, Document]], upto: int
) -> None:
    """Store a batch of (number, document) and move the watermark, in one transaction."""
    with connection:
        connection.executemany(
            _ADD_DOCUMENT,
            [(number, _pack(head), _pack(body)) for number, (head, body) in documents],
        )
        connection.execute(_DOCUMENTS_UPTO, (upto,))


_ADD_HEAD = "INSERT OR REPLACE INTO head_index (rowid, text) VALUES (?, ?)"
_ADD_BODY = "INSERT OR REPLACE INTO body_index (rowid, text) VALUES (?, ?)"
_TRIGRAMS_UPTO = "UPDATE progress SET trigrams = ?"


def add_trigrams(connection: apsw.Connection, documents: dict[int, Document], upto: int) -> None:
    """Index documents by number and move the other watermark, in one transaction."""
    # FTS5 writes out what it has gathered whenever a row number is not the highest so far.
    ordered = sorted(documents.items())
    with connection:
        connection.executemany(_ADD_HEAD, [(n, _words(head)) for n, (head, _) in ordered])
        connection.executemany(_ADD_BODY, [(n, _words(body)) for n, (_, body) in ordered])
        connection.execute(_TRIGRAMS_UPTO, (upto,))


def _pack(text: bytes) -> bytes:
    return text if len(text) <= _AS_IS else zstd.compress(text, _LEVEL)


def _words(text: bytes) -> str:
    """Each word once: half the trigrams of a letter, and FTS5 costs by the trigram.

    What spans two words is therefore not in the index; `trigrams` leaves it out of queries.
    """
    return " ".join(dict.fromkeys(text.decode().split()))


_REMOVE = (
    "DELETE FROM document WHERE number = ?",
    "DELETE FROM head_index WHERE rowid = ?",
    "DELETE FROM body_index WHERE rowid = ?",
)


def remove_documents(connection: apsw.Connection, numbers: list[int]) -> None:
    """Forget messages that are gone for good."""
    with connection:
        for statement in _REMOVE:
            connection.executemany(statement, [(number,) for number in numbers])
        remove_from_pages(connection, numbers)
