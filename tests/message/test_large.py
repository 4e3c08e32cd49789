"""A large message comes as a mapped file and is never held whole."""

from __future__ import annotations

import mmap
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from pillarbox.message.digest import digest
from pillarbox.message.text import searchable_text
from pillarbox.message.transfer import decoded_chunks

SIZE = 50 * 1024 * 1024
HEAD = (
    b"From: alice@example.org\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: text/plain\r\n\r\nHello\r\n"
    b"--b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n"
)
LINE = b"QUJD" * 19 + b"\r\n"
TAIL = b"--b\r\nContent-Type: text/plain\r\n\r\nBye\r\n--b--\r\n"


@pytest.fixture
def mapped(tmp_path: Path) -> Iterator[mmap.mmap]:
    lines = SIZE // len(LINE)
    with (tmp_path / "large.eml").open("w+b") as file:
        file.write(HEAD)
        for _ in range(lines // 10_000):
            file.write(LINE * 10_000)
        file.write(LINE * (lines % 10_000) + TAIL)
        file.flush()
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as octets:
            yield octets


def test_a_digest_holds_no_more_than_a_slice(mapped: mmap.mmap) -> None:
    digest(HEAD + TAIL)  # what is made once is not counted
    tracemalloc.start()
    found = digest(mapped)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 * 1024 * 1024
    assert found.size == len(mapped)
    first, file, last = found.root.children
    assert file.body_lines == SIZE // len(LINE)
    assert mapped[last.body_start : last.body_end] == b"Bye"
    assert found.preview == "Hello"
    assert mapped[first.body_start : first.body_end] == b"Hello"


def test_decoding_in_steps_holds_no_more_than_a_step(mapped: mmap.mmap) -> None:
    file = digest(mapped).root.children[1]
    tracemalloc.start()
    size = sum(map(len, decoded_chunks(mapped, file)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size == (SIZE // len(LINE)) * 57
    assert peak < 4 * 1024 * 1024


def test_search_text_reads_text_parts_only(mapped: mmap.mmap) -> None:
    root = digest(mapped).root
    tracemalloc.start()
    assert searchable_text(mapped, root, max_octets=1_000_000) == "Hello\nBye"
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1024 * 1024
