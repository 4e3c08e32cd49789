"""The fast end-of-data search beside the automaton, for any input in any chunks."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.smtp.wire.bdat import BdatReader
from pillarbox.smtp.wire.data import DataDecoder
from support.end_of_data import SMUGGLED_ENDS, SlowDecoder

# Nearly all that matters about end of data is made of these.
_OCTETS = st.lists(
    st.sampled_from([b"\r", b"\n", b".", b"x", b"\r\n", b"\r\n.", b"\r\n.\r\n", b"\r\n..", b"\0"])
).map(b"".join)


def _in_chunks(octets: bytes, cuts: list[int]) -> list[bytes]:
    edges = sorted({0, len(octets), *(cut % (len(octets) + 1) for cut in cuts)})
    return [octets[start:end] for start, end in itertools.pairwise(edges)]


def _decode(decoder: DataDecoder | SlowDecoder, chunks: list[bytes]) -> tuple[bytes, bytes]:
    message, rest = b"", b""
    for chunk in chunks:
        if decoder.done:
            rest += chunk
            continue
        text, behind = decoder.feed(chunk)
        message, rest = message + text, rest + behind
    return message, rest


@given(_OCTETS, st.lists(st.integers(0, 200), max_size=8))
def test_fast_equals_slow(octets: bytes, cuts: list[int]) -> None:
    fast, slow = DataDecoder(), SlowDecoder()
    message, rest = _decode(fast, _in_chunks(octets, cuts))
    expected, expected_rest = _decode(slow, [octets])
    assert (fast.done, rest) == (slow.done, expected_rest)
    if fast.done:
        assert fast.bare_newline == slow.bare_newline
        if not fast.bare_newline:
            assert message == expected


@given(st.lists(st.binary(max_size=6).filter(lambda line: not set(line) & {10, 13})))
def test_stuffed_text_comes_back(lines: list[bytes]) -> None:
    text = b"".join(line + b"\r\n" for line in lines)
    wire = b"".join((b"." if line.startswith(b".") else b"") + line + b"\r\n" for line in lines)
    decoder = DataDecoder()
    message, rest = _decode(decoder, [bytes([octet]) for octet in wire + b".\r\nNOOP\r\n"])
    assert decoder.done and not decoder.bare_newline
    assert (message, rest) == (text, b"NOOP\r\n")


@pytest.mark.parametrize("end", SMUGGLED_ENDS)
@pytest.mark.parametrize("chunk", [1, 2, 3, 1000])
def test_no_other_octets_end_the_message(end: bytes, chunk: int) -> None:
    octets = b"text" + end + b"MAIL FROM:<evil@example.net>\r\n" + b".\r\nQUIT\r\n"
    decoder = DataDecoder()
    chunks = [octets[at : at + chunk] for at in range(0, len(octets), chunk)]
    message, rest = _decode(decoder, chunks)
    assert decoder.done
    assert rest == b"QUIT\r\n"
    assert decoder.bare_newline or b"MAIL FROM:<evil@example.net>" in message


def test_empty_message() -> None:
    decoder = DataDecoder()
    assert decoder.feed(b".\r\n") == (b"", b"")
    assert decoder.done


@given(_OCTETS, st.lists(st.integers(0, 200), max_size=8))
def test_bdat_sees_bare_newlines_over_chunk_edges(octets: bytes, cuts: list[int]) -> None:
    reader = BdatReader(binary=False)
    taken = b""
    for chunk in _in_chunks(octets, cuts):
        reader.begin(len(chunk), last=False)
        text, rest = reader.feed(chunk)
        assert rest == b""
        taken += text
    reader.finish()
    assert taken == octets
    plain = octets.replace(b"\r\n", b"")
    assert reader.bare_newline == (b"\r" in plain or b"\n" in plain)


def test_bdat_gives_back_what_is_behind_the_chunk() -> None:
    reader = BdatReader(binary=True)
    reader.begin(5, last=True)
    assert reader.feed(b"ab\n") == (b"ab\n", b"")
    assert not reader.chunk_done
    assert reader.feed(b"\rcQUIT") == (b"\rc", b"QUIT")
    assert reader.chunk_done and not reader.bare_newline
