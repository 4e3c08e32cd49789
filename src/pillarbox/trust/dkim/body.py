"""Hashes of a body, read in pieces: one pass for each canonical form (RFC 6376 §3.4.3, §3.4.4)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from msgspec import Struct

from pillarbox.message.part import Octets
from pillarbox.trust.dkim.header import Canon
from pillarbox.trust.dkim.whitespace import collapse, crlf

_STEP = 256 * 1024  # octets looked at together: what a processor's cache holds


class BodyHashes(Struct, frozen=True):
    """SHA-256 of the first so many octets of a canonical body; of all of it under None."""

    length: int  # of the whole canonical body
    digests: dict[int | None, bytes]


def hash_body(
    octets: Octets, start: int, size: int, canon: Canon, lengths: Iterable[int] = ()
) -> BodyHashes:
    """Hash the body in `[start, size)`; `lengths` are the values of l=, all served by one pass."""
    digest = hashlib.sha256()
    digests: dict[int | None, bytes] = {}
    waiting = sorted(set(lengths), reverse=True)
    length = 0
    for piece in canonical_body(octets, start, size, canon):
        done = 0
        while waiting and waiting[-1] <= length + len(piece):
            cut = waiting[-1] - length
            digest.update(memoryview(piece)[done:cut])
            done = cut
            digests[waiting.pop()] = digest.digest()
        digest.update(memoryview(piece)[done:] if done else piece)
        length += len(piece)
    while waiting and waiting[-1] <= length:  # l=0 of an empty body
        digests[waiting.pop()] = digest.digest()
    digests[None] = digest.digest()
    return BodyHashes(length, digests)


def canonical_body(octets: Octets, start: int, size: int, canon: Canon) -> Iterator[bytes]:
    """The canonical body in pieces, none much longer than what is read at a time."""
    if canon == "simple":
        end = _content_end(octets, start, size, b"\r\n", (b"\r\r",))
        yield from _simple(octets, start, end)
        yield b"\r\n"
        return
    end = _content_end(octets, start, size, b" \t\r\n", (b"\r\r", b"\r ", b"\r\t"))
    if end > start:
        yield from _relaxed(octets, start, end)
        yield b"\r\n"


def _content_end(
    octets: Octets, start: int, end: int, blank: bytes, lone: tuple[bytes, ...]
) -> int:
    """Where the last line that is not empty ends, its line end left out.

    `blank` are the octets of an empty line; among them a CR that no LF follows is text, and the
    pairs in `lone` find it.
    """
    at = end
    while at > start:
        piece = octets[max(start, at - _STEP) : at]
        left = len(piece.rstrip(blank))
        at -= len(piece) - left
        if left:
            break
    if at < end and octets[end - 1 : end] == b"\r":
        return end
    return max([at, *(octets.rfind(pair, at, end) + 1 for pair in lone)])


def _simple(octets: Octets, start: int, end: int) -> Iterator[bytes]:
    at = start
    while at < end:
        stop = min(at + _STEP, end)
        if stop < end and octets[stop - 1 : stop] == b"\r":
            stop -= 1  # a CRLF stays whole
        yield crlf(octets[at:stop])
        at = stop


def _relaxed(octets: Octets, start: int, end: int) -> Iterator[bytes]:
    """White space at the end of a piece waits: what follows says what becomes of it."""
    held = b""
    for at in range(start, end, _STEP):
        piece = held + octets[at : min(at + _STEP, end)]
        has_cr = piece.endswith(b"\r")
        text = piece[:-1] if has_cr else piece
        kept = text.rstrip(b" \t")
        held = (b" " if len(kept) < len(text) else b"") + (b"\r" if has_cr else b"")
        yield _relaxed_lines(kept)
    yield held  # nothing, or a lone CR: the content ends with no white space


def _relaxed_lines(octets: bytes) -> bytes:
    octets = crlf(collapse(octets))
    # Looking for one octet is a hundred times as quick as for two, and base64 has no spaces.
    return octets.replace(b" \r\n", b"\r\n") if b" " in octets else octets
