"""Dates as people and programs write them (RFC 5322 §3.3, §4.3, ctime, ISO 8601)."""

from __future__ import annotations

import re
from datetime import date, datetime

import msgspec

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MONTH = {name.encode(): number for number, name in enumerate(_MONTHS, 1)}
_EPOCH = date(1970, 1, 1).toordinal()
_LONGEST = 200  # octets of a date that are looked at

# Minutes east of Greenwich. Single letters but Z were defined wrongly once and say nothing.
_ZONES = {
    b"ut": 0,
    b"gmt": 0,
    b"utc": 0,
    b"z": 0,
    b"est": -300,
    b"edt": -240,
    b"cst": -360,
    b"cdt": -300,
    b"mst": -420,
    b"mdt": -360,
    b"pst": -480,
    b"pdt": -420,
    b"akst": -540,
    b"akdt": -480,
    b"hst": -600,
    b"wet": 0,
    b"west": 60,
    b"bst": 60,
    b"cet": 60,
    b"met": 60,
    b"mez": 60,
    b"cest": 120,
    b"mest": 120,
    b"mesz": 120,
    b"eet": 120,
    b"eest": 180,
    b"msk": 180,
    b"msd": 240,
    b"jst": 540,
    b"kst": 540,
    b"aest": 600,
    b"aedt": 660,
    b"nzst": 720,
    b"nzdt": 780,
}

_USUAL = re.compile(
    rb"(?:[A-Za-z]{3,9}\.?,?\s{1,9})?(\d{1,2})[\s-]{1,9}([A-Za-z]{3})[a-z.]{0,7}[\s-]{1,9}(\d{2,4})"
    rb",?\s{1,9}(\d{1,2}):(\d{2})(?::(\d{2}))?(?:[.,]\d{1,9})?\s{0,9}"
    rb"([+-]\d{4}(?=\D|\Z)|[A-Za-z]{1,5}(?=[^A-Za-z+-]|\Z)|\Z)"
)
_ISO = re.compile(
    rb"(\d{4})-(\d{1,2})-(\d{1,2})(?:[Tt\s]\s{0,3}(\d{1,2}):(\d{2})(?::(\d{2}))?(?:[.,]\d{1,9})?\s{0,3}"
    rb"([+-]\d{2}:?\d{2}|[A-Za-z]{1,5})?)?"
)
_COMMENT = re.compile(rb"\([^()]*+\)")
_TOKEN = re.compile(
    rb"(\d{1,2}):(\d{1,2})(?::(\d{1,2}))?|([+-]\d{2}:?\d{2})(?!\d)|(\d+)|([A-Za-z]+)"
)


class ParsedDate(msgspec.Struct, frozen=True):
    """An instant and the day as its writer saw it."""

    at: int  # Unix seconds
    day: int  # `date.toordinal()` of the day as written
    offset: int  # minutes east of Greenwich as written; 0 where unknown


def parse_date(raw: bytes) -> ParsedDate | None:
    """The date in a field's value; None where there is no real calendar day in it.

    A time that no clock shows counts as midnight, an unknown zone as UTC.
    """
    raw = raw[:_LONGEST].strip()
    match = _USUAL.match(raw)
    if match is not None:
        day, month, year, hour, minute, second, zone = match.groups()
        number = _MONTH.get(month.lower())
        if number is not None:
            clock = (int(hour), int(minute), int(second or b"0"))
            return _build(_full_year(year), number, int(day), clock, _offset(zone))
    match = _ISO.match(raw)
    if match is not None:
        year, month, day, hour, minute, second, zone = match.groups()
        clock = (int(hour or b"0"), int(minute or b"0"), int(second or b"0"))
        return _build(int(year), int(month), int(day), clock, _offset(zone or b""))
    return _parse_loosely(raw)


def _parse_loosely(raw: bytes) -> ParsedDate | None:
    """Any order of a month's name, a day, a year, a time and a zone; comments left out."""
    while True:
        shorter = _COMMENT.sub(b" ", raw)
        if shorter == raw:
            break
        raw = shorter
    month: int | None = None
    numbers: list[bytes] = []
    clock: tuple[int, int, int] | None = None
    zone = b""
    for match in _TOKEN.finditer(raw):
        hour, minute, second, offset, digits, word = match.groups()
        if hour is not None:
            if clock is None:
                clock = (int(hour), int(minute), int(second or b"0"))
        elif offset is not None:
            zone = offset
        elif digits is not None:
            numbers.append(digits)
        elif month is None and word[:3].lower() in _MONTH:
            month = _MONTH[word[:3].lower()]
        elif word.lower() in _ZONES and not zone:
            zone = word
    if month is None or len(numbers) < 2:
        return None
    first, second_number = numbers[0], numbers[1]
    if len(first) > 2:  # the year stands in front
        first, second_number = second_number, first
    if len(first) > 2 or len(second_number) > 4:
        return None
    return _build(_full_year(second_number), month, int(first), clock or (0, 0, 0), _offset(zone))


def _build(
    year: int, month: int, day: int, clock: tuple[int, int, int], offset: int
) -> ParsedDate | None:
    try:
        ordinal = date(year, month, day).toordinal()
    except ValueError:
        return None
    hour, minute, second = clock
    seconds = 0
    if hour < 24 and minute < 60 and second <= 60:  # 60: a leap second
        seconds = hour * 3600 + minute * 60 + second
    return ParsedDate((ordinal - _EPOCH) * 86400 + seconds - offset * 60, ordinal, offset)


def _full_year(digits: bytes) -> int:
    """RFC 5322 §4.3: two digits below 50 are of this century, three count from 1900."""
    year = int(digits)
    if len(digits) == 2:
        return year + (2000 if year < 50 else 1900)
    return year + 1900 if len(digits) == 3 else year


def _offset(zone: bytes) -> int:
    sign = zone[:1]
    if sign == b"+" or sign == b"-":
        minutes = int(zone[1:3]) * 60 + int(zone[-2:])
        return minutes if sign == b"+" else -minutes
    return _ZONES.get(zone.lower(), 0)


def format_date(instant: datetime) -> str:
    """An aware instant as a Date field wants it (RFC 5322 §3.3)."""
    offset = instant.utcoffset()
    minutes = int(offset.total_seconds()) // 60 if offset is not None else 0
    sign = "-" if minutes < 0 else "+"
    hours, minutes = divmod(abs(minutes), 60)
    return (
        f"{_DAYS[instant.weekday()].title()}, {instant.day} {_MONTHS[instant.month - 1].title()} "
        f"{instant.year:04} {instant:%H:%M:%S} {sign}{hours:02}{minutes:02}"
    )
