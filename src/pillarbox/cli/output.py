"""Answers: tables for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from unicodedata import combining, east_asian_width

_TXT_OCTETS = 255  # a longer string is refused by name servers


def print_json(value: object) -> None:
    """One JSON value, indented."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def print_table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Columns as wide as they need to be; numbers to the right."""
    cells = [[plain(value) for value in row] for row in rows]
    widths = [
        max(columns_of(row[column]) for row in [list(heads), *cells])
        for column in range(len(heads))
    ]
    right = [all(isinstance(row[column], int) for row in rows) for column in range(len(heads))]
    for line in [list(heads), *cells]:
        shown = []
        for text, width, at_right in zip(line, widths, right, strict=True):
            space = " " * (width - columns_of(text))
            shown.append(space + text if at_right else text + space)
        print("  ".join(shown).rstrip())


def columns_of(text: str) -> int:
    """How wide a terminal shows it: wide characters take two columns, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(_columns(sign) for sign in text)


def _columns(sign: str) -> int:
    if combining(sign):
        return 0
    return 2 if east_asian_width(sign) in "WF" else 1


def cut(text: str, columns: int) -> str:
    """As much of it as fits so many columns."""
    if columns_of(text) <= columns:
        return text
    used = at = 0
    while used + _columns(text[at]) < columns:  # a column is kept for "…"
        used += _columns(text[at])
        at += 1
    return text[:at] + "…"


def answer(options_json: bool, value: Mapping[str, object], sentence: str) -> int:
    """The value as JSON or the sentence for a person; exit code 0."""
    if options_json:
        print_json(value)
    else:
        print(sentence)
    return 0


def zone_text(value: str) -> str:
    """The data of a TXT record as a zone file has it: strings of 255 octets (RFC 1035 §3.3.14)."""
    pieces = [value[at : at + _TXT_OCTETS] for at in range(0, len(value), _TXT_OCTETS)]
    return " ".join(f'"{piece}"' for piece in pieces)


def size(octets: int) -> str:
    """Octets as people read them."""
    amount = float(octets)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"


def plain(value: object) -> str:
    """Text of a stranger's choosing, fit for a terminal."""
    text = "" if value is None else str(value)
    return text if text.isprintable() else ascii(text)[1:-1]
