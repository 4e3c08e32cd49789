"""From_ lines: what stands between the messages of an mbox file (RFC 4155 §2). Any octets."""

from __future__ import annotations

import re

from pillarbox.message.date import parse_date

LONGEST = 1000  # octets of a From_ line that are looked at

_CLOCK = re.compile(rb"[ \tT]\d{1,2}:\d{2}(?::\d{2})?(?=[^:\d]|\Z)")
_YEAR = re.compile(rb"(?:\A|[^\d])(?:19|20)\d\d(?=\D|\Z)")
_DAY = rb"(?:mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6}\.?,?[ \t]{1,9}"
_MONTH = rb"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?"
_DATE = re.compile(
    rb"(?<![^ \t])(?:" + _DAY + rb")?(?:\d{1,2}[ \t-]{1,9})?" + _MONTH + rb"[ \t-]{1,9}\d.*"
    rb"|(?<![^ \t])\d{4}-\d{1,2}-\d{1,2}[ \tT].*",
    re.IGNORECASE | re.DOTALL,
)
_FIELD = re.compile(rb"[!-9;-~]{1,200}[ \t]*:|>?From ")


def is_separator(line: bytes, after_blank: bool, next_line: bytes) -> bool:
    """Whether a line that begins with "From " begins a message.

    Text begins so, too, in files whose writer did not quote it. A From_ line tells a time and a
    year, and a header (or, of a message without one, an empty line) stands below it; an empty line
    stands above it but in files of careless writers.
    """
    line = line[:LONGEST]
    if _CLOCK.search(line, 5) is None or _YEAR.search(line, 5) is None:
        return False
    if _FIELD.match(next_line):
        return True
    return after_blank and not next_line.strip(b"\r\n")


def date_of(line: bytes) -> int | None:
    """Unix seconds of the date in a From_ line; without a zone it counts as UTC."""
    rest = line[5:LONGEST].strip()
    match = _DATE.search(rest)
    if match is None:
        return None
    found = parse_date(match[0].partition(b" remote from ")[0])
    return None if found is None else found.at


def sender_of(line: bytes) -> bytes:
    """The first word behind "From "."""
    words = line[5:LONGEST].split(None, 1)
    return words[0] if words else b""
