"""Framing: literals never are responses, memory is bounded, long literals go past it."""

from __future__ import annotations

import pytest

from pillarbox.config.imap_client import ImapClientLimits
from pillarbox.errors import TooLarge
from pillarbox.imap.client.frames import GOING_ON, ResponseReader, ServerFrame
from pillarbox.imap.client.responses import ServerLiteral
from pillarbox.net.outgoing.frames import BadFrame

SMALL = ImapClientLimits(
    max_line_octets=8192, held_literal_octets=4096, max_response_octets=65_536,
    max_skipped_octets=1_000_000,
)  # fmt: skip


class Held:
    """A sink in memory."""

    def __init__(self, most: int = 10_000_000) -> None:
        self.octets = b""
        self.most = most
        self.discarded = False

    def write(self, chunk: bytes) -> None:
        if len(self.octets) + len(chunk) > self.most:
            raise TooLarge
        self.octets += chunk

    def discard(self) -> None:
        self.discarded = True


def frames_of(reader: ResponseReader, octets: bytes, step: int) -> list[ServerFrame]:
    found = []
    for start in range(0, len(octets), step):
        reader.feed(octets[start : start + step])
        while (frame := reader.next_frame()) is not None:
            found.append(frame)
    return found


BODY = bytes(range(256)) * 400 + b"\r\nA1 OK not the end\r\n"
LONG = b"* 1 FETCH (UID 5 BODY[] {%d}\r\n%b FLAGS ())\r\n* 2 EXISTS\r\n" % (len(BODY), BODY)


@pytest.mark.parametrize("step", [1_000_000, 1, 2, 7, 4096, 65_536])
def test_a_long_literal_goes_to_its_sink(step: int) -> None:
    reader = ResponseReader(SMALL)
    sinks: list[Held] = []

    def divert(line: bytes, size: int) -> Held:
        assert line.startswith(b"* 1 FETCH (UID 5")
        assert size == len(BODY)
        sinks.append(Held())
        return sinks[-1]

    reader.divert = divert
    found = frames_of(reader, LONG, step)
    whole = [frame for frame in found if frame is not GOING_ON]
    assert len(found) - len(whole) == (1 if step < 10_000 else 0)  # one each 64 KiB
    (line, literal, rest), other = whole
    assert (line, rest, other) == (LONG.split(b"\r\n")[0], b" FLAGS ())", (b"* 2 EXISTS",))
    assert isinstance(literal, ServerLiteral)
    assert literal.sink is sinks[0]
    assert (sinks[0].octets, sinks[0].discarded) == (BODY, False)


def test_what_a_sink_does_not_take_is_read_away() -> None:
    reader = ResponseReader(SMALL)
    sink = Held(5000)
    reader.divert = lambda line, size: sink
    *_, first, second = frames_of(reader, LONG, 1000)
    assert isinstance(first[1], ServerLiteral)
    assert isinstance(first[1].trouble, TooLarge)
    assert first[1].sink is None
    assert sink.discarded
    assert second == (b"* 2 EXISTS",)


def test_nobody_wants_it_any_more() -> None:
    reader = ResponseReader(SMALL)
    sink = Held()
    reader.divert = lambda line, size: sink
    reader.feed(LONG[:50_000])
    assert reader.next_frame() is None
    assert reader.unfinished is not None
    assert reader.unfinished.size == len(BODY)
    assert reader.unfinished.before == LONG.split(b"\r\n")[0]
    assert reader.unfinished.arrived == 50_000 - len(reader.unfinished.before) - 2
    reader.stop_diverting()
    assert sink.discarded
    reader.feed(LONG[50_000:])
    assert reader.next_frame() is not None
    assert reader.next_frame() == (b"* 2 EXISTS",)
    assert reader.unfinished is None


def test_line_ends() -> None:
    reader = ResponseReader(SMALL)
    found = frames_of(reader, b"* A\r\n* B\n\r\n\n* C {2}\r\n\r\n\r\n", 1)
    assert found == [
        (b"* A",),
        (b"* B",),
        (b"",),
        (b"",),
        (b"* C {2}", ServerLiteral(2, b"\r\n"), b""),
    ]


def test_a_held_literal_waits_for_its_end() -> None:
    reader = ResponseReader(SMALL)
    reader.feed(b"* X {4}\r\nab")
    assert reader.next_frame() is None
    assert reader.unfinished is not None
    assert reader.unfinished.arrived == 2
    reader.feed(b"cd\r\n")
    assert reader.next_frame() == (b"* X {4}", ServerLiteral(4, b"abcd"), b"")


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"* OK " + b"x" * 9000, "line .* too long"),
        (b"* OK " + b"x" * 9000 + b"\r\n", "line .* too long"),
        (b"* 1 FETCH (BODY[] {4294967296}\r\n", "a message of 4294967296"),
        (b"* 1 FETCH (BODY[] {99999999999999999999}\r\n", "impossible length"),
        (b"* LIST " + b"{4000}\r\n" + (b"x" * 4000 + b"{4000}\r\n") * 20, "answer is too long"),
        (b"* LIST {0}\r\n" * 1 + b"{0}\r\n" * 20_000, "answer is too long"),
    ],
)
@pytest.mark.parametrize("step", [1000, 100_000])
def test_limits(octets: bytes, why: str, step: int) -> None:
    reader = ResponseReader(SMALL)
    with pytest.raises(BadFrame, match=why):
        frames_of(reader, octets, step)


def test_octets_that_were_not_read() -> None:
    reader = ResponseReader(SMALL)
    reader.feed(b"A1 OK\r\n\x01\x02")
    assert reader.next_frame() == (b"A1 OK",)
    reader.feed(b"\x03")
    assert len(reader) == 3
    assert reader.take_rest() == b"\x01\x02\x03"
    assert len(reader) == 0
    reader.feed(b"* B\r\n")
    assert reader.next_frame() == (b"* B",)
