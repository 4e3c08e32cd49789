"""What we say: arguments in the forms that every server reads (RFC 9051 §9). Sans-IO."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pillarbox.errors import PillarboxError
from pillarbox.imap.wire.encoder import encode_string
from pillarbox.imap.wire.sequence_set import encode_numbers

_QUOTABLE = re.compile(rb"[\x01-\x09\x0b\x0c\x0e-\x7f]{0,1024}\Z")
_FLAG = re.compile(r"\\?[^\x00-\x20\x7f-\U0010ffff(){%*\"\\\]]+\Z")


class Unsayable(PillarboxError):
    """Octets that no IMAP command can hold."""

    sentence = "A name or password with a NUL in it cannot be sent."


@dataclass(frozen=True, slots=True)
class AsLiteral:
    """Octets that have to go as a literal."""

    octets: bytes


Part = bytes | AsLiteral


def string(octets: bytes) -> Part:
    """Quoted where seven bits allow it, else a literal. Raises Unsayable."""
    if _QUOTABLE.match(octets):
        return encode_string(octets)
    if b"\0" in octets:
        raise Unsayable
    return AsLiteral(octets)


def mailbox(name: bytes) -> Part:
    """A mailbox name as a server gave it; with octets above 127 as the UTF-8 that they are."""
    if any(octet > 127 for octet in name) and not set(name) & set(b'\r\n\0"\\') and len(name) < 999:
        return b'"%b"' % name
    return string(name)


def flag_list(names: Iterable[str]) -> bytes:
    """Flags in parentheses; what cannot be one is left out."""
    return f"({' '.join(name for name in names if _FLAG.match(name))})".encode("ascii")


def uid_sets(uids: Iterable[int], most: int) -> Iterator[tuple[bytes, Sequence[int]]]:
    """Sets of at most `most` UIDs, ascending, each with what is in it."""
    ordered = sorted(set(uids))
    for start in range(0, len(ordered), most):
        chunk = ordered[start : start + most]
        yield encode_numbers(chunk), chunk
