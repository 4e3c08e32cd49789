"""Folding of the header fields that we write (RFC 5322 §2.2.3)."""

from __future__ import annotations

LINE = 76  # characters of a line, as far as words allow


def fold(text: bytes, column: int) -> bytes:
    """Break at spaces; unfolding gives back exactly the text. It begins at `column` of its line.

    No line is white space alone: to some programs that is the end of the header.
    """
    lines: list[bytes] = []
    line: bytes | None = None
    for word in text.split(b" "):
        if line is None:
            line = word
        elif word and line.strip() and column + len(line) + 1 + len(word) > LINE:
            lines.append(line)
            line, column = word, 1
        else:
            line = line + b" " + word
    return b"\r\n ".join([*lines, line or b""])
