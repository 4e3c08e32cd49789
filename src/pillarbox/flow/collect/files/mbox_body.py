"""The octets of an mbox's or a Maildir's message as they were on the way: unquoted, CR LF."""

from __future__ import annotations

import re
from collections.abc import Callable

from pillarbox.flow.collect.files.mbox_split import Dialect
from pillarbox.flow.collect.files.tree import Unreadable
from pillarbox.flow.collect.files.window import Window

_BARE_LF = re.compile(rb"(?<!\r)\n")
_QUOTED: dict[Dialect, re.Pattern[bytes]] = {
    "mboxrd": re.compile(rb"^>(>*From )", re.MULTILINE),
    "mboxo": re.compile(rb"^>(From )", re.MULTILINE),
    "mboxcl": re.compile(rb"^>(From )", re.MULTILINE),
}


def copy_message(
    window: Window,
    span: tuple[int, int],
    dialect: Dialect | None,
    write: Callable[[bytes], None],
    piece_octets: int,
    *,
    exact: bool = False,
) -> None:
    """Write the message at [start, end) with quoting undone and each LF as CR LF.

    `exact`: line ends stay as they are.
    `dialect`: None where nothing is quoted (Maildir). Raises Unreadable for a file cut short.
    """
    start, end = span
    quoted = None if dialect is None else _QUOTED.get(dialect)
    in_line = False  # a line longer than a piece
    while start < end:
        piece = window.slice(start, min(start + piece_octets, end))
        if not piece:
            raise Unreadable("the file became shorter while it was read")
        if start + len(piece) < end:
            # Cut behind a line, so that neither CR LF nor a quoted From_ line is torn.
            cut = piece.rfind(b"\n") + 1
            if cut:
                piece = piece[:cut]
            elif piece.endswith(b"\r") and len(piece) > 1:
                piece = piece[:-1]
        start += len(piece)
        if quoted is not None and b">From " in piece:
            begin = (piece.find(b"\n") + 1 or len(piece)) if in_line else 0
            piece = piece[:begin] + quoted.sub(rb"\1", piece[begin:])
        in_line = not piece.endswith(b"\n")
        write(piece if exact else with_crlf(piece))


def with_crlf(piece: bytes) -> bytes:
    """Whole lines with CR LF for each LF; a CR on its own stays."""
    line_feeds = piece.count(b"\n")
    if not line_feeds or piece.count(b"\r\n") == line_feeds:
        return piece
    if b"\r" not in piece:
        return piece.replace(b"\n", b"\r\n")
    return _BARE_LF.sub(b"\r\n", piece)
