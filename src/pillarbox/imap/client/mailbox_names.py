"""Mailbox names as servers write them, and as people read them (RFC 3501 §5.1.3, RFC 9051 §5.1)."""

from __future__ import annotations

from collections.abc import Sequence

from pillarbox.imap.wire import modified_utf7
from pillarbox.imap.wire.errors import BadSyntax


def decode_levels(name: bytes, delimiter: str, *, utf8: bool) -> tuple[str, ...]:
    """The levels of a name; `delimiter` is "" where there are none. Never raises."""
    if not delimiter or delimiter in "&-":  # these two have a meaning of their own
        text = _decoded(name, utf8)
        levels = text.split(delimiter) if delimiter else [text]
    else:
        levels = [_decoded(level, utf8) for level in name.split(delimiter.encode())]
    if len(levels) > 1 and not levels[-1]:
        levels.pop()  # some list a folder that has only children with a delimiter at its end
    if levels[0].upper() == "INBOX":
        levels[0] = "INBOX"
    return tuple(levels)


def encode_levels(levels: Sequence[str], delimiter: str, *, utf8: bool) -> bytes:
    """The name for CREATE or APPEND; the delimiter inside a level becomes a "_"."""
    if delimiter:
        levels = [level.replace(delimiter, "_") for level in levels]
    text = delimiter.join(levels)
    return text.encode("utf-8", "replace") if utf8 else modified_utf7.encode(text)


def _decoded(name: bytes, utf8: bool) -> str:
    if not utf8 and name.isascii():
        try:
            return modified_utf7.decode(name)
        except BadSyntax:
            return name.decode("ascii")  # "A&B": written by a client that knew no better
    try:
        return name.decode("utf-8")
    except UnicodeDecodeError:
        return name.decode("latin-1")
