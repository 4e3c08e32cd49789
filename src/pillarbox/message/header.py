"""Header fields: where a header ends, and its fields as written (RFC 5322 §2.2). Any octets."""

from __future__ import annotations

import re

import msgspec

from pillarbox.message.part import Octets

# One field: name, optional white space (obsolete), colon, value with its continuation lines.
# Possessive repeats, so that a line without colon costs one look and nothing is tried twice.
_FIELD = re.compile(rb"^([!-9;-~]++)[ \t]*+:([^\n]*+(?:\n[ \t][^\n]*+)*)", re.MULTILINE)
_FIELD_START = re.compile(rb"[!-9;-~]++[ \t]*+:|From |>From ")
_LONGEST_NAME = 1000  # of a first line, when asking whether it begins a header


class Field(msgspec.Struct, frozen=True):
    """One header field; `raw` is all of it, folding and line end included."""

    name: bytes  # as written
    raw: bytes

    @property
    def value(self) -> bytes:
        """What stands behind the colon, unfolded and stripped."""
        return unfold(self.raw[self.raw.find(b":") + 1 :])


def unfold(value: bytes) -> bytes:
    """A field's value without its line ends and outer white space (RFC 5322 §2.2.3)."""
    value = value.strip()
    if b"\n" in value:
        value = value.replace(b"\r\n", b"").replace(b"\n", b"")
    return value


def header_end(octets: Octets, start: int, end: int) -> int:
    """The offset of the first body octet of the message or part in `[start, end)`.

    The header ends behind the first empty line. Without one, all is header, unless the first line
    cannot begin a header: then all is body.
    """
    first = octets[start : start + 2] if start + 2 <= end else octets[start:end]
    if first == b"\r\n":
        return start + 2
    if first[:1] == b"\n":
        return start + 1
    crlf = octets.find(b"\n\r\n", start, end)
    # The second search is kept in front of what the first one found: else a message with CRLF
    # would be read to its end for every header in it.
    bare = octets.find(b"\n\n", start, end if crlf < 0 else crlf + 1)
    if bare >= 0:
        return bare + 2
    if crlf >= 0:
        return crlf + 3
    if _FIELD_START.match(octets[start : min(end, start + _LONGEST_NAME)]):
        return end
    return start


def find_header_end(octets: Octets, size: int, limit: int) -> int | None:
    """The same for a whole message of `size` octets; None: the header is longer than `limit`.

    What begins with no field is read on to the first empty line, here as in `header_end`: a header
    that is looked at in part could say something else in the rest.
    """
    if size <= limit:
        return header_end(octets, 0, size)
    end = header_end(octets, 0, limit + 1)
    return end if 0 < end <= limit else None


def fields(raw_header: bytes) -> list[Field]:
    """All fields in order; lines that belong to none are left out."""
    found: list[Field] = []
    for match in _FIELD.finditer(raw_header):
        stop = match.end()
        if raw_header[stop : stop + 1] == b"\n":
            stop += 1
        found.append(Field(match.group(1), raw_header[match.start() : stop]))
    return found


def pairs(raw_header: bytes) -> list[tuple[bytes, bytes]]:
    """Names and values of all fields as written, line ends within the values included."""
    return _FIELD.findall(raw_header)


def pick(raw_header: bytes, wanted: frozenset[bytes]) -> dict[bytes, list[bytes]]:
    """Unfolded values of the wanted fields by name in lower case, in the order written."""
    picked: dict[bytes, list[bytes]] = {}
    for name, value in _FIELD.findall(raw_header):
        key = name.lower()
        if key in wanted:
            value = value.strip()
            if b"\n" in value:
                value = value.replace(b"\r\n", b"").replace(b"\n", b"")
            if key in picked:
                picked[key].append(value)
            else:
                picked[key] = [value]
    return picked
