"""The header as DKIM sees it: fields by name, taken from the bottom, canonical (RFC 6376 §3.4).

A line ends with CRLF, and with LF alone in octets that did not come over SMTP: on the way out such
a line ends with CRLF again. CR alone is text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from pillarbox.trust.dkim.whitespace import collapse, crlf

Canon = Literal["simple", "relaxed"]

# Alternatives that never match the same octet, so that nothing is tried twice but a long line
# without colon, once for each line.
_FIELD = re.compile(rb"^([!-9;-~]+)[ \t]*:[^\n]*(?:\n[ \t][^\n]*)*\n?", re.MULTILINE)


class HeaderField(Struct, frozen=True):
    """One field; `raw` is all of it, folding and line end included."""

    name: bytes  # in lower case
    raw: bytes

    @property
    def value(self) -> bytes:
        """All behind the colon, as written."""
        return self.raw[self.raw.index(b":") + 1 :]


class Header:
    """The fields of one message; canonical forms are made once for all signatures."""

    def __init__(self, raw_header: bytes) -> None:
        self.fields = [
            HeaderField(match[1].lower(), match[0]) for match in _FIELD.finditer(raw_header)
        ]
        self._by_name: dict[bytes, list[int]] = {}
        for index, field in enumerate(self.fields):
            self._by_name.setdefault(field.name, []).append(index)
        self._relaxed: dict[int, bytes] = {}

    def indexes(self, name: bytes) -> Sequence[int]:
        """Where the fields of a name (in lower case) are, top to bottom."""
        return self._by_name.get(name, ())

    def signed(self, names: Sequence[bytes], canon: Canon, *, without: int = -1) -> list[bytes]:
        """The canonical fields that h= names, each name's last one first (RFC 6376 §5.4.2).

        What is named more often than it is there adds nothing: oversigning. `without` is the index
        of the signature itself, which can never be among them.
        """
        left: dict[bytes, int] = {}
        chosen: list[bytes] = []
        for name in names:
            places = self._by_name.get(name)
            if places is None:
                continue
            at = left.get(name, len(places)) - 1
            if at >= 0 and places[at] == without:
                at -= 1
            left[name] = max(at, 0)
            if at >= 0:
                chosen.append(self.canonical(places[at], canon))
        return chosen

    def canonical(self, index: int, canon: Canon) -> bytes:
        """One field with its CRLF."""
        if canon == "simple":
            return simple_field(self.fields[index].raw)
        form = self._relaxed.get(index)
        if form is None:
            form = self._relaxed[index] = relaxed_field(self.fields[index].raw)
        return form


def simple_field(raw: bytes) -> bytes:
    """RFC 6376 §3.4.1: as it is, with CRLF at the end of its lines."""
    raw = crlf(raw)
    return raw if raw.endswith(b"\r\n") else raw + b"\r\n"


def relaxed_field(raw: bytes) -> bytes:
    """RFC 6376 §3.4.2: name in lower case, unfolded, white space reduced."""
    name, _, value = raw.partition(b":")
    if b"\n" in value:
        value = value.replace(b"\r\n", b"").replace(b"\n", b"")
    return name.rstrip(b" \t").lower() + b":" + collapse(value).strip(b" ") + b"\r\n"


def without_b(field: HeaderField, span: tuple[int, int], canon: Canon) -> bytes:
    """The signature field as it is hashed: no b= value, no line end (RFC 6376 §3.7)."""
    start = len(field.raw) - len(field.value)
    raw = field.raw[: start + span[0]] + field.raw[start + span[1] :]
    form = simple_field(raw) if canon == "simple" else relaxed_field(raw)
    return form.removesuffix(b"\r\n")
