"""mbox splitting under any octets: bounds, the size of a piece, and a slow reading that agrees."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st

from pillarbox.flow.collect.export.octets import has_plain_line_ends, quote_from, with_lf
from pillarbox.flow.collect.files import status
from pillarbox.flow.collect.files.from_line import date_of, is_separator
from pillarbox.flow.collect.files.gmail_labels import parse_labels, sort_labels
from pillarbox.flow.collect.files.mbox_body import copy_message
from pillarbox.flow.collect.files.mbox_split import DIALECTS, Dialect, detect, split
from pillarbox.flow.collect.files.window import Window

LINE = b"From a Thu Jan  1 00:00:00 1970"
bits = st.sampled_from(
    [LINE, b"From ", b">From ", b">>From x", b"Subject: x", b"Content-Length: 7", b"\n", b"\n\n",
     b"\r\n", b"\r\n\r\n", b"\r", b"Content-Length: 0", b"text", b"Status: RO",
     b"\nFrom b 10:00 2020\n", b": ", b" ", b"\x00", b"X-Keywords: a",
     b"From - Mon Nov 23 10:00:00 2026\n"]
)  # fmt: skip
files = st.one_of(st.binary(max_size=200), st.lists(bits, max_size=60).map(b"".join))
dialects = st.sampled_from(DIALECTS)


def window(raw: bytes, piece: int) -> Window:
    return Window(io.BytesIO(raw), len(raw), piece)


@given(files, dialects, st.integers(1, 300))
def test_messages_lie_in_order_and_do_not_depend_on_pieces(
    raw: bytes, dialect: Dialect, piece: int
) -> None:
    cuts = list(split(window(raw, piece), dialect, 4096))
    assert cuts == list(split(window(raw, 1 << 20), dialect, 4096))
    at = 0
    for cut in cuts:
        assert at <= cut.start <= cut.end <= len(raw)
        assert raw[cut.start : cut.end].startswith(cut.header)
        at = cut.end
    assert bool(cuts) == bool(raw.strip(b"\r\n"))
    assert detect(window(raw, piece), 4096) == detect(window(raw, 1 << 20), 4096)


@given(files)
def test_a_slow_reading_agrees(raw: bytes) -> None:
    found = [raw[cut.start : cut.end] for cut in split(window(raw, 50), "mboxrd", 4096)]
    assert found == slowly(raw)


def slowly(raw: bytes) -> list[bytes]:
    """Line by line."""
    raw = raw.lstrip(b"\r\n")
    if not raw:
        return []
    lines = raw.split(b"\n")
    lines = [*(line + b"\n" for line in lines[:-1]), *([lines[-1]] if lines[-1] else [])]
    messages: list[list[bytes]] = []
    above = b"\n"
    for number, line in enumerate(lines):
        following = lines[number + 1] if number + 1 < len(lines) else b"\n"
        blank = above in (b"\n", b"\r\n")
        bare = line.removesuffix(b"\n").removesuffix(b"\r") if line.endswith(b"\n") else line
        is_from = line.startswith(b"From ") and (
            number == 0 or is_separator(bare, blank, following.removesuffix(b"\n") or b"\n")
        )
        if is_from or not messages:
            messages.append([] if is_from else [line])
        else:
            messages[-1].append(line)
        above = line
    return [without_blank(b"".join(one)) for one in messages]


def without_blank(message: bytes) -> bytes:
    lines = message.split(b"\n")
    if len(lines) > 1 and lines[-1] == b"" and lines[-2] in (b"", b"\r"):
        return message[: -1 - len(lines[-2])]
    return message


@given(st.lists(files, min_size=1, max_size=5), st.integers(20, 300))
def test_what_is_written_is_read_again(messages: list[bytes], piece: int) -> None:
    """Any octets: as an export writes them, with mboxrd's quoting."""
    raw = b""
    wanted: list[tuple[bytes, int, int, bool]] = []
    for message in messages:
        message = b"Subject: x\n\n" + message
        exact = not has_plain_line_ends(message)
        octets = quote_from(message if exact else with_lf(message))
        raw += LINE + b"\n"
        wanted.append((message, len(raw), len(raw) + len(octets), exact))
        raw += octets + (b"\n" if octets.endswith(b"\n") else b"\n\n")
    for message, start, end, exact in wanted:
        pieces: list[bytes] = []
        copy_message(window(raw, piece), (start, end), "mboxrd", pieces.append, piece, exact=exact)
        assert b"".join(pieces) == message
    cuts = list(split(window(raw, piece), "mboxrd", 4096))
    assert [cut.start for cut in cuts] == [start for _, start, _, _ in wanted]


@given(files)
def test_headers_and_labels_never_raise(raw: bytes) -> None:
    fields = status.picked(raw)
    status.status_of(fields)
    status.header_date(fields)
    status.is_internal_data(fields)
    assert len(status.lasting(raw)) <= len(raw)
    date_of(b"From " + raw)
    sorted_ = sort_labels(parse_labels(raw))
    assert sorted_.path
    assert sorted_.keywords.isascii()
