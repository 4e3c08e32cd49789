"""Plain text as HTML: escaped first, links found in what is written, quotations marked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

from pillarbox.web.bodies.markup import BIDI_CONTROLS

_LINK = re.compile(
    r"(?P<url>\b(?i:https?://|www\.)[^\s<>\"'`\x00-\x20\x7f-\xa0]{1,2000})"
    r"|(?P<mail>\b[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})"
    r"(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})){1,10})"
)
_TRAILING = ".,;:!?*_~"
_CLOSING = {")": "(", "]": "[", "}": "{"}
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_QUOTED = re.compile(r"(?:> ?){1,400}")
_MOST_LEVELS = 20  # of quotations that are told apart
_PARAGRAPHS = re.compile(r"\n{3,}")
_SPACES = re.compile(r"[ \t\xa0]+")


def plain_markup(text: str, *, flowed: bool = False, delete_space: bool = False) -> str:
    """The text as HTML without any attribute that mail could choose but links' addresses."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n")
    text = _CONTROLS.sub("\ufffd", BIDI_CONTROLS.sub("", text.replace("\0", "")))
    pieces: list[str] = []
    level = 0
    for depth, run in _runs(text, flowed=flowed, delete_space=delete_space):
        while level < depth:
            pieces.append('<blockquote class="pb-quote">')
            level += 1
        while level > depth:
            pieces.append("</blockquote>")
            level -= 1
        pieces.append(f'<div class="pb-text" dir="auto">{linkified(run)}</div>')
    pieces.append("</blockquote>" * level)
    return "".join(pieces)


def tidied(text: str) -> str:
    """Text that was made of HTML, without the white space that HTML does not show."""
    lines = [_SPACES.sub(" ", line).strip() for line in text.split("\n")]
    return _PARAGRAPHS.sub("\n\n", "\n".join(lines)).strip("\n")


def linkified(text: str) -> str:
    """Escaped, with what looks like an address made a link."""
    pieces: list[str] = []
    at = 0
    for found in _LINK.finditer(text):
        written = _trimmed(found.group())
        start = found.start()
        if start < at or len(written) < 5:
            continue
        pieces.append(escape(text[at:start]))
        pieces.append(_link(written, is_mail=found["mail"] is not None))
        at = start + len(written)
    pieces.append(escape(text[at:]))
    return "".join(pieces)


def _link(written: str, *, is_mail: bool) -> str:
    if is_mail:
        address = "mailto:" + written
    else:
        address = written if written[:4].lower() == "http" else "https://" + written
    return (
        f'<a href="{escape(address)}" target="_blank" rel="noopener noreferrer">'
        f"{escape(written)}</a>"
    )


def _trimmed(written: str) -> str:
    """Without what ends the sentence that it stands in."""
    while written:
        last = written[-1]
        opening = _CLOSING.get(last)
        if last in _TRAILING or (
            opening is not None and written.count(last) > written.count(opening)
        ):
            written = written[:-1]
        else:
            break
    return written


def _runs(text: str, *, flowed: bool, delete_space: bool) -> Iterator[tuple[int, str]]:
    """Lines of one depth of quotation, joined."""
    depth = 0
    lines: list[str] = []
    for level, line in _lines(text, flowed=flowed, delete_space=delete_space):
        if level != depth and lines:
            yield depth, "\n".join(lines)
            lines = []
        depth = level
        lines.append(line)
    if lines:
        yield depth, "\n".join(lines)


def _lines(text: str, *, flowed: bool, delete_space: bool) -> Iterator[tuple[int, str]]:
    """Depth and content of each line; flowed ones made whole again (RFC 3676 §4.1)."""
    pieces: list[str] = []
    depth = 0
    for line in text.split("\n"):
        mark = _QUOTED.match(line) if line.startswith(">") else None
        level = min(mark.group().count(">"), _MOST_LEVELS) if mark is not None else 0
        content = line[mark.end() :] if mark is not None else line
        if not flowed:
            yield level, content
            continue
        content = content.removeprefix(" ")  # stuffed
        if pieces and level != depth:
            yield depth, "".join(pieces)
            pieces = []
        depth = level
        if content.endswith(" ") and content != "-- ":
            pieces.append(content[:-1] if delete_space else content)
        else:
            yield level, "".join([*pieces, content])
            pieces = []
    if pieces:
        yield depth, "".join(pieces)
