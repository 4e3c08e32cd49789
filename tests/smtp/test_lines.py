"""Lines: only CR LF ends one, in any chunking."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.smtp.wire.lines import LineFault, LineReader

LONG = b"x" * 30


def _read_all(octets: bytes, chunk: int) -> list[bytes | LineFault]:
    reader = LineReader(20)
    found: list[bytes | LineFault] = []
    for at in range(0, len(octets), chunk):
        reader.feed(octets[at : at + chunk])
        while (line := reader.next_line()) is not None:
            found.append(line)
            if line is LineFault.BARE_NEWLINE:
                return found
    return found


@pytest.mark.parametrize("chunk", [1, 2, 7, 1000])
@pytest.mark.parametrize(
    ("octets", "lines"),
    [
        (b"EHLO a\r\nNOOP\r\n", [b"EHLO a", b"NOOP"]),
        (b"\r\n", [b""]),
        (b"NOOP", []),
        (b"NOOP\r", []),
        (b"NOOP\n", [LineFault.BARE_NEWLINE]),
        (b"a\rb\r\nNOOP\r\n", [LineFault.BARE_NEWLINE]),
        (b"a\r\r\n", [LineFault.BARE_NEWLINE]),
        (b"a\r\n\nNOOP\r\n", [b"a", LineFault.BARE_NEWLINE]),
        (LONG + b"\r\nNOOP\r\n", [LineFault.OVERLONG, b"NOOP"]),
        (LONG + b"\nNOOP\r\n", [LineFault.BARE_NEWLINE]),
        (b"x" * 18 + b"\r\n", [b"x" * 18]),
        (b"x" * 19 + b"\r\n", [LineFault.OVERLONG]),
        (LONG * 9 + b"\r\n", [LineFault.OVERLONG]),
    ],
)
def test_lines(octets: bytes, lines: list[bytes | LineFault], chunk: int) -> None:
    assert _read_all(octets, chunk) == lines


def test_memory_is_bounded() -> None:
    reader = LineReader(20)
    for _ in range(1000):
        reader.feed(b"y" * 15)
        assert reader.next_line() is None
        assert len(reader) <= 40


@given(st.lists(st.binary(max_size=12)), st.integers(1, 30))
def test_any_chunking_gives_the_same(parts: list[bytes], chunk: int) -> None:
    octets = b"\r\n".join(parts)
    assert _read_all(octets, chunk) == _read_all(octets, len(octets) or 1)


def test_the_rest_is_given_out_once() -> None:
    reader = LineReader(20)
    reader.feed(b"DATA\r\nFrom: x")
    assert reader.next_line() == b"DATA"
    assert reader.take_rest() == b"From: x"
    assert len(reader) == 0
