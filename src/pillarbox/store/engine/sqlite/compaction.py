"""Compaction: what lives in a mostly dead segment moves to a new one, then the file goes.

Only the process that holds the maintenance lock does this, and nothing else moves or deletes blob
rows, so a segment without rows stays without.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from pillarbox.errors import Damaged
from pillarbox.store.blobs.disk import Disk
from pillarbox.store.blobs.record import expand_record
from pillarbox.store.blobs.segment import (
    SEGMENT_MAGIC,
    SegmentReader,
    segment_numbers,
    segment_path,
)
from pillarbox.store.database import Reader, Row, Transaction
from pillarbox.store.engine.sqlite.transaction import SqliteTransaction
from pillarbox.store.maintenance import Rows
from pillarbox.telemetry.log import get_logger

log = get_logger("store")

_LIVE = "SELECT segment, sum(length) FROM blob GROUP BY segment"
_RECORDS = """
    SELECT blob_id, position, length, size FROM blob WHERE segment = ? ORDER BY position
"""
_ANY = "SELECT 1 FROM blob WHERE segment = ? LIMIT 1"
_MOVED_AT_ONCE = 4 * 1024 * 1024  # octets in one transaction


async def compact(
    rows: Rows, folder: Path, disk: Disk, reader: SegmentReader, dead_percent: int
) -> int:
    """Empty and delete mostly dead segments; how many went."""
    live: dict[int, int] = dict(await rows.scan(_live))
    deleted = 0
    for number in segment_numbers(folder):
        held = _hold(segment_path(folder, number))
        if held is None:
            continue
        try:
            size = max(os.fstat(held).st_size - len(SEGMENT_MAGIC), 1)
            if 100 * (size - live.get(number, 0)) >= dead_percent * size and await _empty(
                rows, reader, number
            ):
                await rows.write(partial(_delete, folder=folder, disk=disk, segment=number))
                deleted += 1
        finally:
            os.close(held)
    return deleted


async def _live(db: Reader) -> list[Row]:
    return await db.rows(_LIVE)


def _hold(path: Path) -> int | None:
    """A locked descriptor; None while a process may still append."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    return fd


async def _empty(rows: Rows, reader: SegmentReader, segment: int) -> bool:
    """Move all records out; False when one is damaged (then all that is left stays)."""
    records = await rows.scan(lambda db: db.rows(_RECORDS, (segment,)))
    for part in _portions(records):
        try:
            copies = [_copy(reader, segment, record) for record in part]
        except Damaged:
            log.error_event("store.segment_damaged", segment=segment)
            return False
        await rows.write(partial(_move, segment=segment, copies=copies))
    return True


def _portions(records: list[Row]) -> Iterator[list[Row]]:
    part: list[Row] = []
    octets = 0
    for record in records:
        part.append(record)
        octets += record[2]
        if octets >= _MOVED_AT_ONCE:
            yield part
            part, octets = [], 0
    if part:
        yield part


def _copy(reader: SegmentReader, segment: int, record: Row) -> tuple[bytes, bytes, int]:
    """Blob id, record and size, the hash compared; raises Damaged."""
    blob, position, length, size = record
    octets = reader.read(segment, position, length)
    if hashlib.sha256(expand_record(octets, 0, size)).digest() != blob:
        raise Damaged
    return blob, octets, size


async def _move(tx: Transaction, segment: int, copies: list[tuple[bytes, bytes, int]]) -> None:
    assert isinstance(tx, SqliteTransaction)
    for blob, record, size in copies:
        tx.relocate(blob, segment, record, size)


async def _delete(tx: Transaction, folder: Path, disk: Disk, segment: int) -> None:
    """Under the write lock: nobody can be about to refer to the segment."""
    if await tx.row(_ANY, (segment,)) is None:
        disk.unlink(segment_path(folder, segment))
