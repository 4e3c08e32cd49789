"""Any octets of a POP3 server: responses or BadResponse, the same for any chunking, bounded."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.flow.collect.refusals import asked_to_wait, meaning_of
from pillarbox.flow.collect.sources.pop3_listing import ORDINAL, unique_keys, usable_names
from pillarbox.pop3.client.capabilities import parse_capabilities
from pillarbox.pop3.client.responses import BadResponse, Piece, ResponseReader, Status
from support.fuzzing import LONGER

LONGEST = 40
words = st.sampled_from(
    [b"+OK", b"-ERR", b"+ ", b" ", b"\r\n", b"\n", b"\r", b".", b"..", b"\r\n.\r\n", b"\n.\n",
     b"[IN-USE] ", b"x" * 50, b"1 120", b"\0", b"\xff"]
)  # fmt: skip
streams = st.lists(st.one_of(words, st.binary(max_size=8)), max_size=30).map(b"".join)


def read(chunks: list[bytes], expected: list[bool]) -> list[object]:
    """All responses with pieces joined; the last is "bad" where it was no POP3."""
    reader = ResponseReader(max_line_octets=LONGEST)
    for body in expected:
        reader.expect(body=body)
    found: list[object] = []
    body = b""
    for chunk in chunks:
        reader.feed(chunk)
        try:
            while (frame := reader.next_frame()) is not None:
                if isinstance(frame, Piece):
                    body += frame.octets
                    if frame.last:
                        found.append(body)
                        body = b""
                else:
                    found.append(frame)
        except BadResponse:
            return [*found, "bad"]
        assert len(reader) <= LONGEST, "what waits is a line that is not whole"
    return [*found, body]


@settings(max_examples=300 * LONGER)
@given(streams, st.lists(st.booleans(), max_size=6), st.data())
def test_any_octets_in_any_chunks(stream: bytes, expected: list[bool], data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    edges = [0, *cuts, len(stream)]
    chunks = [stream[a:b] for a, b in pairwise(edges)]
    whole, cut = read([stream], expected), read(chunks, expected)
    assert whole == cut
    for one in whole:
        if isinstance(one, Status):
            assert one.text.isprintable()


@given(st.lists(st.text(max_size=60), max_size=20))
def test_any_capabilities(lines: list[str]) -> None:
    assert parse_capabilities(lines).known


@given(st.dictionaries(st.integers(1, 50), st.binary(min_size=1, max_size=6), max_size=20))
def test_any_names_give_keys_that_differ(names: dict[int, bytes]) -> None:
    found = usable_names(names)
    assert not any(ORDINAL in name for name in found.values())
    keys = unique_keys(found)
    assert len(set(keys.values())) == len(keys)


@given(st.text(max_size=80), st.text(max_size=300))
def test_any_refusal(code: str, said: str) -> None:
    meaning_of(code, said)
    assert 0 <= asked_to_wait(said) <= 86_400
