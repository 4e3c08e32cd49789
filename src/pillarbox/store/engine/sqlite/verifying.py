"""The engine's part of `verify`: segments, the database file and the text index."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable

import apsw

from pillarbox.errors import Damaged
from pillarbox.ids import AccountId, BlobId, MessageId
from pillarbox.store.blobs.content import Blobs
from pillarbox.store.blobs.record import BLOCK, Location
from pillarbox.store.engine.sqlite.columns import pages_after
from pillarbox.store.engine.sqlite.connection import SqliteReader, drive, fetch
from pillarbox.store.engine.sqlite.text_index import (
    SqliteTextIndex,
    document_number,
    read_documents,
)
from pillarbox.store.search.reading import DocumentReader, ReadBlob
from pillarbox.store.verify import VerifyReport, check_rows

Progress = Callable[[int, int], None]  # done, of how many

_TOTAL = "SELECT (SELECT count(*) FROM blob), (SELECT count(*) FROM message)"
_BLOBS = """
    SELECT blob_id, segment, position, length, size FROM blob
    WHERE blob_id > ? ORDER BY blob_id LIMIT 200
"""
_MESSAGES = """
    SELECT seq, account_id, message_id, blob_id, structure, trace,
        folded_subject, folded_from, folded_to, folded_cc, folded_bcc
    FROM message WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT 200
"""
_COLUMNS = """
    SELECT message_id, folded_subject, folded_from, folded_to, folded_cc, folded_bcc FROM message
    WHERE account_id = ? AND message_id BETWEEN ? AND ?
"""
_INDEX_CHECKS = (
    "INSERT INTO head_index (head_index) VALUES ('integrity-check')",
    "INSERT INTO body_index (body_index) VALUES ('integrity-check')",
)


class Verifier:
    """Runs in a thread of its own, with connections of its own."""

    def __init__(
        self,
        rows: apsw.Connection,
        texts: apsw.Connection,
        blobs: Blobs,
        read_blob: ReadBlob,
        max_octets: int,
    ) -> None:
        self._rows = rows
        self._texts = texts
        self._blobs = blobs
        self._documents = DocumentReader(read_blob, max_octets)
        self._report = VerifyReport()
        self._done = 0
        self._total = 0
        self.stop = threading.Event()

    def run(self, progress: Progress) -> VerifyReport:
        """Everything, unless `stop` is set meanwhile."""
        blobs, messages = fetch(self._rows, _TOTAL)[0]
        self._total = blobs + messages
        self._check_files()
        self._check_blobs(progress)
        self._check_documents(progress)
        self._check_pages()
        self._check_rows()
        self._report.finished = not self.stop.is_set()
        return self._report

    def _check_files(self) -> None:
        for (line,) in fetch(self._rows, "PRAGMA quick_check(20)"):
            if line != "ok":
                self._report.add(f"The database file is damaged: {line}.")
        for sql in _INDEX_CHECKS:
            try:
                fetch(self._texts, sql)
            except apsw.CorruptError:
                self._report.add("The search index is damaged; delete search.db to make it anew.")

    def _check_rows(self) -> None:
        if self.stop.is_set():
            return
        self._rows.execute("BEGIN")
        try:
            drive(check_rows(SqliteReader(self._rows), self._report))
        finally:
            self._rows.execute("COMMIT")

    def _check_blobs(self, progress: Progress) -> None:
        last = b""
        while not self.stop.is_set():
            found = fetch(self._rows, _BLOBS, (last,))
            for blob, *place in found:
                if self.stop.is_set():
                    return
                self._check_blob(BlobId(blob), Location(*place))
            self._tell(len(found), progress)
            if not found:
                return
            last = found[-1][0]

    def _check_blob(self, blob: BlobId, at: Location) -> None:
        self._report.blobs += 1
        digest = hashlib.sha256()
        size = 0
        try:
            for start in range(0, at.size, BLOCK):
                octets = self._blobs.read_now(blob, start, start + BLOCK, self._locate)
                digest.update(octets)
                size += len(octets)
        except (Damaged, FileNotFoundError):
            if self._is_there(blob):
                self._report.add(
                    f"Octets {blob.hex()} in segment {at.segment} at {at.position} "
                    "cannot be read or do not match their checksum."
                )
            return
        if size != at.size or digest.digest() != blob:
            self._report.add(
                f"Octets {blob.hex()} in segment {at.segment} do not match their hash."
            )

    def _locate(self, blob: BlobId) -> Location:
        rows = fetch(
            self._rows,
            "SELECT segment, position, length, size FROM blob WHERE blob_id = ?",
            (blob,),
        )
        if not rows:
            raise Damaged
        return Location(*rows[0])

    def _is_there(self, blob: BlobId) -> bool:
        return bool(fetch(self._rows, "SELECT 1 FROM blob WHERE blob_id = ?", (blob,)))

    def _check_documents(self, progress: Progress) -> None:
        """What the index holds against what it would hold if it were made now."""
        upto, _ = SqliteTextIndex(self._texts).upto()
        last = 0
        while not self.stop.is_set():
            found = fetch(self._rows, _MESSAGES, (last, upto))
            if not found:
                return
            numbers = [document_number(AccountId(row[1]), MessageId(row[2])) for row in found]
            stored = read_documents(self._texts, numbers)
            for number, row in zip(numbers, found, strict=True):
                if self.stop.is_set():
                    return
                self._report.documents += 1
                if stored.get(number) != self._documents.read(row[3:]):
                    self._report.add(
                        f"The search index is wrong about message {row[2]} of account {row[1]}; "
                        "delete search.db to make it anew."
                    )
            self._tell(len(found), progress)
            last = found[-1][0]

    def _check_pages(self) -> None:
        """Each page has all messages of its range, with the columns that they have."""
        for first, last, stored in pages_after(self._texts, -1):
            if self.stop.is_set():
                return
            account = AccountId(first >> 32)
            rows = fetch(self._rows, _COLUMNS, (account, first & 0xFFFFFFFF, last & 0xFFFFFFFF))
            for message, *columns in rows:
                octets = [column.encode("utf-8", "replace") for column in columns]
                if stored.get(document_number(account, message)) != octets:
                    self._report.add(
                        f"The search index is wrong about the columns of message {message} of "
                        f"account {account}; delete search.db to make it anew."
                    )

    def _tell(self, more: int, progress: Progress) -> None:
        self._done += more
        progress(min(self._done, self._total), self._total)
