"""Records, segments, spools and content."""

from __future__ import annotations

import hashlib
import os
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.errors import Damaged
from pillarbox.store.blobs.disk import RealDisk
from pillarbox.store.blobs.record import BLOCK, expand_record, parse_head, seal_bytes
from pillarbox.store.blobs.segment import SegmentReader, SegmentWriter, segment_numbers
from pillarbox.store.blobs.spool import clean_folder
from pillarbox.store.sql import messages
from support.store_box import Box

SIZES = [0, 1, 100, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 5]


def octets_of(size: int, seed: int = 0) -> bytes:
    """Half of it shrinks, half does not."""
    chance = random.Random(seed)
    return (chance.randbytes(size // 2) + b"all alike " * size)[:size]


@pytest.mark.parametrize("size", SIZES)
def test_a_record_gives_back_any_range(size: int) -> None:
    octets = octets_of(size)
    sealed = seal_bytes(octets)
    record = b"".join(sealed.record)
    assert sealed.length == len(record)
    assert sealed.id == hashlib.sha256(octets).digest()
    edges = [0, 1, size // 2, BLOCK - 1, BLOCK, BLOCK + 1, size - 1, size, size + 9]
    for start in edges:
        for end in edges:
            if 0 <= start <= end:
                assert expand_record(record, start, end) == octets[start:end]


@given(octets=st.binary(max_size=2000), at=st.integers(0, 10_000), bit=st.integers(0, 7))
@settings(max_examples=200, deadline=None)
def test_a_flipped_bit_never_goes_unseen(octets: bytes, at: int, bit: int) -> None:
    record = bytearray(b"".join(seal_bytes(octets).record))
    record[at % len(record)] ^= 1 << bit
    with pytest.raises(Damaged):
        expand_record(bytes(record), 0, len(octets))


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_no_octets_crash_the_reader(octets: bytes) -> None:
    for candidate in (octets, b"PBR1" + octets):
        with pytest.raises(Damaged):
            parse_head(candidate)


def test_segments_have_a_size_and_one_owner(tmp_path: Path) -> None:
    one = SegmentWriter(tmp_path, RealDisk(), 5000)
    two = SegmentWriter(tmp_path, RealDisk(), 5000)
    one.reserve(range(1, 50))
    two.reserve(range(50, 100))
    reader = SegmentReader(tmp_path)
    for _ in range(20):
        for writer in (one, two):
            octets = os.urandom(1000)
            at = writer.append(seal_bytes(octets))
            writer.sync()
            assert expand_record(reader.read(at.segment, at.position, at.length), 0, 1000) == octets
            assert (at.segment < 50) == (writer is one)
    assert len(segment_numbers(tmp_path)) >= 8
    for writer in (one, two):
        writer.close()
    reader.close()


def test_a_batch_that_was_given_up_leaves_no_trace(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path, RealDisk(), 10**6)
    writer.reserve(range(1, 9))
    first = writer.append(seal_bytes(b"first"))
    writer.sync()
    writer.append(seal_bytes(b"given up"))
    writer.forget()
    assert writer.needs_numbers
    writer.reserve(range(1, 9))
    second = writer.append(seal_bytes(b"second"))
    writer.sync()
    assert (first.segment, second.segment) == (1, 2)
    reader = SegmentReader(tmp_path)
    record = reader.read(second.segment, second.position, second.length)
    assert expand_record(record, 0, 100) == b"second"
    with pytest.raises(Damaged):
        reader.read(second.segment, second.position + 1, second.length)
    with pytest.raises(FileNotFoundError):
        reader.read(77, 0, 1)


@pytest.mark.parametrize("size", [0, 10, 5000, 250_000, 700_000, 1_500_000])
async def test_messages_of_all_sizes(box: Box, size: int) -> None:
    box.change_settings(spool_memory_octets=200_000, own_segment_octets=1_000_000)
    await box.reopen()
    raw = octets_of(size)
    with box.store.spool() as spool:
        for start in range(0, size, 65536):
            spool.write(raw[start : start + 65536])
        assert spool.size == size
        assert bytes(spool.octets()[:]) == raw
    trace = b"Received: x\r\n"
    done = await box.append(raw, trace=trace)
    row = await box.store.read(lambda db: messages.get(db, box.alice.id, done.message))
    content = box.store.content(row)
    whole = trace + raw
    assert content.size == len(whole)
    edges = [0, 3, len(trace) - 1, len(trace), len(trace) + 1, BLOCK, size // 2, size, size + 99]
    for start in edges:
        for end in edges:
            if start <= end:
                assert await content.read(start, end) == whole[start:end]
    for start, end in ((0, None), (5, size // 2 + 5)):
        pieces = [piece async for piece in content.chunks(start, end)]
        assert b"".join(pieces) == whole[start:end]
        assert all(0 < len(piece) <= 65536 for piece in pieces)


async def test_a_large_message_is_never_held_whole(box: Box) -> None:
    import tracemalloc

    size = 20 * 1024 * 1024
    piece = os.urandom(64 * 1024)
    tracemalloc.start()
    with box.store.spool() as spool:
        for _ in range(size // len(piece)):
            spool.write(piece)
        sealed = await spool.seal()
        assert sealed.size == size
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 6 * 1024 * 1024


async def test_an_expunged_copy_does_not_take_the_octets_along(box: Box) -> None:
    one = await box.append()
    two = await box.append()
    await box.store.write(
        lambda tx: messages.expunge(tx, box.alice.id, box.inbox.id, [one.uid], force=True)
    )
    await box.clock.advance(40 * 86400)
    assert (await box.store.maintain()).messages == 1
    assert await box.octets(two)


def test_leftovers_of_dead_processes_are_removed(tmp_path: Path) -> None:
    import fcntl

    (tmp_path / "sealed-dead").write_bytes(b"x")
    alive = os.open(tmp_path / "sealed-alive", os.O_RDWR | os.O_CREAT)
    fcntl.flock(alive, fcntl.LOCK_EX)
    clean_folder(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["sealed-alive"]
    os.close(alive)
