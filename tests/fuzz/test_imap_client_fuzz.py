"""Any octets from an IMAP server: any chunking gives the same, and only BadFrame is raised."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.config.imap_client import ImapClientLimits
from pillarbox.flow.collect.sources.imap_flags import read_flags
from pillarbox.imap.client.frames import GOING_ON, ResponseReader
from pillarbox.imap.client.mailbox_names import decode_levels
from pillarbox.imap.client.parser import parse_response
from pillarbox.imap.client.responses import Fetched, Response, ServerLiteral
from pillarbox.imap.client.tokens import parse_date_time
from pillarbox.net.outgoing.frames import BadFrame
from support.fuzzing import LONGER

LIMITS = ImapClientLimits(
    max_line_octets=8192, held_literal_octets=4096, max_response_octets=65_536,
    max_skipped_octets=100_000,
)  # fmt: skip
WORDS = [
    b"* ", b"A1 ", b"+ ", b"OK ", b"NO ", b"BYE ", b"[ALERT] ", b"[COPYUID 1 2:3 4:5] ", b"1 ",
    b"4294967296 ", b"FETCH ", b"EXISTS", b"(", b")", b'"', b"\\", b"NIL", b" ", b"UID 5 ",
    b"FLAGS (\\Seen) ", b"BODY[] ", b"BINARY[1] ", b"BODY[", b"]", b"{3}\r\n", b"~{2}\r\n",
    b"{5000}\r\n", b"{0}\r\n", b"{-1}\r\n", b"{99999999999999999999}\r\n", b"\r\n", b"\n", b"\r",
    b"abc", b"x" * 700, b"LIST ", b"STATUS ", b"SEARCH ", b"ESEARCH ", b"VANISHED ", b"(EARLIER) ",
    b"1:3,7", b"1:*", b"NAMESPACE ", b"ID ", b"CAPABILITY ", b"RFC822.SIZE 9 ", b"MODSEQ (4) ",
    b'INTERNALDATE "17-Jul-1996 02:44:25 -0700" ', b"&AOQ-", b"\xff", b"\0", b"'",
]  # fmt: skip
streams = st.lists(st.sampled_from(WORDS) | st.binary(max_size=6), max_size=40).map(b"".join)


class Counting:
    """A sink that counts."""

    def __init__(self) -> None:
        self.size = 0

    def write(self, chunk: bytes) -> None:
        self.size += len(chunk)

    def discard(self) -> None:
        self.size = -1


def values(octets: bytes, step: int, *, diverted: bool) -> list[Response | str | int]:
    reader = ResponseReader(LIMITS)
    if diverted:
        reader.divert = lambda line, size: Counting()
    found: list[Response | str | int] = []
    try:
        for start in range(0, len(octets), step):
            reader.feed(octets[start : start + step])
            while (frame := reader.next_frame()) is not None:
                if frame is GOING_ON:
                    continue
                value = parse_response(frame)
                if isinstance(value, Fetched) and isinstance(value.body, ServerLiteral):
                    sink = value.body.sink
                    if isinstance(sink, Counting):
                        assert sink.size == value.body.size
                        value.body.sink = None
                found.append(value)
    except BadFrame as error:
        found.append(str(error))
        return found
    assert len(reader) <= 8192 + 4096 + 2
    return found


@settings(max_examples=400 * LONGER)
@given(streams, st.integers(1, 9), st.booleans())
def test_any_octets(octets: bytes, step: int, diverted: bool) -> None:
    whole = values(octets, len(octets) or 1, diverted=diverted)
    assert values(octets, step, diverted=diverted) == whole


@given(st.binary(max_size=60))
def test_small_parts(octets: bytes) -> None:
    levels = decode_levels(octets, "/", utf8=False)
    assert levels
    assert decode_levels(octets, "", utf8=True)
    parse_date_time(octets)
    bits, keywords = read_flags(octets)
    assert bits >= 0
    assert keywords.split() == sorted(set(keywords.split()))
