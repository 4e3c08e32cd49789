"""The words of a message: decoded text of its text parts, for search and preview."""

from __future__ import annotations

from collections.abc import Iterator

from pillarbox.message import charset, html_text, transfer
from pillarbox.message.part import Octets, Part


def decoded_part(octets: Octets, part: Part) -> bytes:
    """A part's body with its transfer encoding undone (RFC 3516 §4.3)."""
    return transfer.decode(octets[part.body_start : part.body_end], part.encoding)


def leaves(root: Part) -> Iterator[Part]:
    """Parts without children in their order, those of nested messages too."""
    if not root.children:
        yield root
        return
    waiting = [root]
    while waiting:
        part = waiting.pop()
        if part.children:
            waiting.extend(reversed(part.children))
        else:
            yield part


def searchable_text(octets: Octets, root: Part, *, max_octets: int) -> str:
    """The text of all text parts, HTML without its tags, not folded.

    At most `max_octets` octets are decoded in all; what is behind them is not found.
    """
    pieces: list[str] = []
    left = max_octets
    for part in leaves(root):
        if part.type != "text" or left <= 0:
            continue
        raw = first_octets(octets, part, left)
        left -= len(raw)
        text = charset.decode(raw, param(part, "charset"), thorough=True)
        pieces.append(html_text.to_text(text) if part.subtype == "html" else text)
    return "\n".join(pieces).replace("\0", " ")


def first_octets(octets: Octets, part: Part, most: int) -> bytes:
    """The first `most` octets of a part's decoded body."""
    start = part.body_start
    if part.encoding == "7bit" or part.encoding == "8bit":
        return octets[start : min(start + most, part.body_end)]
    if part.body_end - start <= most:
        return decoded_part(octets, part)
    pieces: list[bytes] = []
    size = 0
    # Quoted-printable may need three octets for one.
    for chunk in transfer.decoded_chunks(octets, part, min(transfer.STEP, 3 * most)):
        pieces.append(chunk)
        size += len(chunk)
        if size >= most:
            break
    return b"".join(pieces)[:most]


def param(part: Part, name: str) -> str | None:
    """A Content-Type parameter's decoded value."""
    for other, value in part.params:
        if other == name:
            return value
    return None
