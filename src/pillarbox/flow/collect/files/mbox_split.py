"""Where the messages of an mbox file begin and end, in all four dialects.

mboxo and mboxrd end a message at the next From_ line; mboxcl and mboxcl2 say in Content-Length
how long the body is. A length that does not lead to a From_ line or the end of the file is a lie,
and the next From_ line counts. Any octets give some messages; the work is bounded by the size.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

from pillarbox.flow.collect.files.from_line import LONGEST, is_separator
from pillarbox.flow.collect.files.window import Window
from pillarbox.message.header import header_end, pick

Dialect = Literal["mboxo", "mboxrd", "mboxcl", "mboxcl2"]
DIALECTS: tuple[Dialect, ...] = ("mboxo", "mboxrd", "mboxcl", "mboxcl2")

_SAMPLED = 50  # messages that tell the dialect
_SAMPLED_OCTETS = 1 << 20  # of each message's body
_USUAL_HEADER = 16 * 1024
_LENGTH = frozenset({b"content-length"})
_FROM = b"From "


class Cut(msgspec.Struct, frozen=True):
    """One message of an mbox file."""

    from_line: bytes  # without its end; b"" where the file begins without one
    header: bytes  # as much of it as was to be looked at
    start: int  # offset of its first octet
    end: int  # behind its last


def split(window: Window, dialect: Dialect, header_octets: int) -> Iterator[Cut]:
    """The messages in their order."""
    by_length = dialect in ("mboxcl", "mboxcl2")
    at: int | None = _first(window)
    while at is not None:
        line, start = _from_line(window, at)
        header = _header(window, start, header_octets)
        end = _end_by_length(window, header, start + len(header)) if by_length else None
        if end is not None:
            at = _next_after(window, end)
        else:
            # A header holds no From_ line, but a message may have no header at all.
            at = next_separator(window, max(start - 1, 0))
            end = _without_blank(window, start, window.size if at is None else at)
        yield Cut(line, header[: end - start], start, end)


def detect(window: Window, header_octets: int) -> Dialect:
    """The dialect that the begin of a file shows.

    mboxcl and mboxcl2 are those files in which every message has a Content-Length and most are
    true: in others the field came with the mail, and is whatever its sender wrote. Where quoted
    From_ lines are seen it is mboxcl. mboxrd is mboxo but for lines like ">>From ", which mboxo
    leaves as they are: it is taken for mboxrd, whose writer loses nothing.
    """
    counted = true = 0
    quoted = False
    at = _first(window)
    while at is not None and counted < _SAMPLED:
        _, start = _from_line(window, at)
        header = _header(window, start, header_octets)
        if _length_in(header) is None:
            return "mboxrd"
        counted += 1
        body = start + len(header)
        end = _end_by_length(window, header, body)
        if end is None:
            at = next_separator(window, max(start - 1, 0))
            continue
        true += 1
        looked_at = min(end, body + _SAMPLED_OCTETS)
        quoted = quoted or window.find(b"\n>From ", start, looked_at) >= 0
        if window.find(b"\nFrom ", body, looked_at) >= 0:
            return "mboxcl2"
        at = _next_after(window, end)
    if not counted or true * 2 < counted:
        return "mboxrd"
    return "mboxcl" if quoted else "mboxcl2"


def looks_like_mbox(begin: bytes) -> bool:
    """Whether a file that begins so is an mbox."""
    begin = begin.lstrip(b"\r\n")
    line, _, rest = begin.partition(b"\n")
    if not line.startswith(_FROM):
        return False
    return is_separator(line.rstrip(b"\r"), True, rest.partition(b"\n")[0] or b"\n")


def next_separator(window: Window, start: int) -> int | None:
    """The offset of the first From_ line whose LF before it is at `start` or later."""
    while (found := window.find(b"\nFrom ", start)) >= 0:
        at = found + 1
        line, after = _from_line(window, at)
        above = window.slice(max(found - 2, 0), found)
        blank = above.endswith(b"\n") or above == b"\n\r" or found == 0
        following = window.slice(after, after + LONGEST).partition(b"\n")[0] or b"\n"
        if is_separator(line, blank, following):
            return at
        start = at
    return None


def _first(window: Window) -> int | None:
    """The first message's begin: behind empty lines; None for a file without mail."""
    at = 0
    while (piece := window.slice(at, at + 4096)) and not piece.strip(b"\r\n"):
        at += len(piece)
    left = piece.lstrip(b"\r\n")
    return at + len(piece) - len(left) if left else None


def _from_line(window: Window, at: int) -> tuple[bytes, int]:
    """The From_ line at an offset without its end, and where the message begins behind it."""
    begin = window.slice(at, at + LONGEST)
    if not begin.startswith(_FROM):
        return b"", at  # the file's first message lacks it
    line, end, _ = begin.partition(b"\n")
    if end:
        return line.removesuffix(b"\r"), at + len(line) + 1
    behind = window.find(b"\n", at + len(begin))
    return line, window.size if behind < 0 else behind + 1


def _header(window: Window, start: int, most: int) -> bytes:
    """The header at an offset, or the first `most` octets of it."""
    for octets in (min(_USUAL_HEADER, most), most):
        raw = window.slice(start, start + octets)
        end = header_end(raw, 0, len(raw))
        if end < len(raw):
            break
    return raw[:end]


def _length_in(header: bytes) -> int | None:
    values = pick(header, _LENGTH).get(b"content-length", [])
    if not values or len(values[-1]) > 15 or not values[-1].isdigit():
        return None
    return int(values[-1])


def _end_by_length(window: Window, header: bytes, body: int) -> int | None:
    """Where the body ends by its Content-Length; None for a lie."""
    length = _length_in(header)
    if length is None:
        return None
    end = body + length
    if end > window.size:
        return None
    return end if _next_after(window, end) is not None or _only_blank(window, end) else None


def _next_after(window: Window, end: int) -> int | None:
    """The From_ line that stands at `end`, behind one line end or an empty line at most."""
    following = window.slice(end, end + 4 + LONGEST * 2)
    left = following.lstrip(b"\r\n")
    skipped = len(following) - len(left)
    if skipped > 4 or not left.startswith(_FROM):
        return None
    if skipped == 0 and window.slice(end - 1, end) != b"\n":
        return None
    line, _, rest = left.partition(b"\n")
    if is_separator(line.removesuffix(b"\r"), True, rest.partition(b"\n")[0] or b"\n"):
        return end + skipped
    return None


def _only_blank(window: Window, end: int) -> bool:
    return window.size - end <= 4 and not window.slice(end, window.size).strip(b"\r\n")


def _without_blank(window: Window, start: int, end: int) -> int:
    """The end of a message without the empty line that separates it from the next."""
    tail = window.slice(max(start, end - 4), end)
    if tail.endswith((b"\r\n\r\n", b"\n\r\n")) or tail == b"\r\n":
        return end - 2
    if tail.endswith(b"\n\n") or tail == b"\n":
        return end - 1
    return end
