"""The transaction that write functions get on SQLite."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import apsw

from pillarbox.config.store import StoreSettings
from pillarbox.errors import NoSuchMessage
from pillarbox.ids import AccountId, BlobId, ModSeq
from pillarbox.store.blobs.disk import refusal
from pillarbox.store.blobs.record import SealedBlob
from pillarbox.store.blobs.segment import SegmentWriter
from pillarbox.store.database import Value
from pillarbox.store.engine.sqlite.connection import SqliteReader

_ADD_REFERENCE = "UPDATE blob SET refs = refs + 1 WHERE blob_id = ? RETURNING refs"
_RELOCATE = "UPDATE blob SET segment = ?, position = ? WHERE blob_id = ? AND segment = ?"
_INSERT_BLOB = """
    INSERT INTO blob (blob_id, segment, position, length, size, refs) VALUES (?, ?, ?, ?, ?, 1)
"""


class SqliteTransaction(SqliteReader):
    """Lives for one write function, inside a savepoint."""

    def __init__(
        self,
        connection: apsw.Connection,
        segments: SegmentWriter,
        settings: StoreSettings,
        now: Callable[[], int],
    ) -> None:
        super().__init__(connection)
        self._connection = connection
        self._segments = segments
        self._now = now
        self.settings = settings
        self.woken: dict[AccountId, ModSeq] = {}

    async def run_many(self, sql: str, sets: Iterable[Sequence[Value]]) -> None:
        self._connection.executemany(sql, sets)

    async def keep(self, blob: SealedBlob) -> BlobId:
        if not self._execute(_ADD_REFERENCE, (blob.id,)).fetchall():
            try:
                at = self._segments.append(blob)
            except OSError as error:
                raise refusal(error) from error
            self._execute(_INSERT_BLOB, (blob.id, at.segment, at.position, at.length, at.size))
        return blob.id

    async def copy_of(self, blob: BlobId) -> BlobId:
        if not self._execute(_ADD_REFERENCE, (blob,)).fetchall():
            raise NoSuchMessage
        return blob

    def relocate(self, blob: bytes, segment: int, record: bytes, size: int) -> None:
        """Move a stored record out of a segment."""
        sealed = SealedBlob(BlobId(blob), size, (record,), len(record))
        try:
            at = self._segments.append(sealed)
        except OSError as error:
            raise refusal(error) from error
        self._execute(_RELOCATE, (at.segment, at.position, blob, segment))

    def now(self) -> int:
        return self._now()

    def changed(self, account: AccountId, modseq: ModSeq) -> None:
        self.woken[account] = modseq
