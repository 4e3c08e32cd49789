"""Dates in the forms that mail has."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from pillarbox.message.date import format_date, parse_date


def at(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> int:
    return int(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp())


NOON = at(2026, 11, 23, 12, 30, 5)
NOON_MINUTE = at(2026, 11, 23, 12, 30)
MIDNIGHT = at(2026, 11, 23)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("Mon, 23 Nov 2026 12:30:05 +0000", NOON),
        ("Mon, 23 Nov 2026 14:30:05 +0200", NOON),
        ("Mon, 23 Nov 2026 07:00:05 -0530", NOON),
        ("23 Nov 2026 12:30:05 +0000", NOON),
        ("23 Nov 2026 12:30 +0000", NOON_MINUTE),
        ("Mon,23 Nov 2026 12:30:05 +0000", NOON),
        ("Monday, 23 November 2026 12:30:05 +0000", NOON),
        ("Mon 23 Nov 2026 12:30:05 +0000", NOON),
        ("mon, 23 nov 2026 12:30:05 gmt", NOON),
        ("Mon, 23 Nov 2026 12:30:05 -0000", NOON),
        ("Mon, 23 Nov 2026 12:30:05 +0000 (UTC)", NOON),
        ("Mon, 23 Nov 2026 13:30:05 +0100 (CET (winter))", NOON),
        ("Mon (day), 23 (x) Nov 2026 12:30:05 (t) +0000", NOON),
        ("Mon, 23 Nov 2026 12:30:05 GMT", NOON),
        ("Mon, 23 Nov 2026 12:30:05 UT", NOON),
        ("Mon, 23 Nov 2026 12:30:05 Z", NOON),
        ("Mon, 23 Nov 2026 07:30:05 EST", NOON),
        ("Mon, 23 Nov 2026 08:30:05 EDT", NOON),
        ("Mon, 23 Nov 2026 04:30:05 PST", NOON),
        ("Mon, 23 Nov 2026 13:30:05 CET", NOON),
        ("Mon, 23 Nov 2026 12:30:05 A", NOON),  # RFC 5322 section 4.3: says nothing
        ("Mon, 23 Nov 2026 12:30:05 XYZ", NOON),
        ("Mon, 23 Nov 2026 12:30:05", NOON),
        ("Mon, 23 Nov 2026 12:30:05 GMT+0000", NOON),
        ("Mon, 23 Nov 2026 14:30:05 +02:00", NOON),
        ("Mon, 23 Nov 2026 12:30:05.123 +0000", NOON),
        ("Mon, 23 Nov 26 12:30:05 +0000", NOON),
        ("23-Nov-2026 12:30:05 +0000", NOON),
        ("Mon, 23-Nov-26 12:30:05 GMT", NOON),
        ("Mon Nov 23 12:30:05 2026", NOON),
        ("Mon Nov 23 12:30:05 GMT 2026", NOON),
        ("Mon Nov 23 07:30:05 EST 2026", NOON),
        ("Nov 23, 2026 12:30:05", NOON),
        ("2026 Nov 23 12:30:05", NOON),
        ("2026-11-23T12:30:05Z", NOON),
        ("2026-11-23 12:30:05", NOON),
        ("2026-11-23T14:30:05.25+02:00", NOON),
        ("2026-11-23", MIDNIGHT),
        ("Mon, 23 Nov 2026", MIDNIGHT),
        ("Mon, 23 Nov 2026 25:00:00 +0000", MIDNIGHT),  # no clock shows that
        ("Mon, 23 Nov 2026 12:61:00 +0000", MIDNIGHT),
        ("Mon, 23 Nov 2026 23:59:60 +0000", at(2026, 11, 24)),  # a leap second
        ("Fri, 1 Jan 99 00:00:00 GMT", at(1999, 1, 1)),
        ("Fri, 1 Jan 49 00:00:00 GMT", at(2049, 1, 1)),
        ("Fri, 1 Jan 50 00:00:00 GMT", at(1950, 1, 1)),
        ("Fri, 1 Jan 126 00:00:00 GMT", at(2026, 1, 1)),
        ("Thu, 1 Jan 1970 00:00:00 +0100", -3600),
        ("Thu, 29 Feb 2024 00:00:00 GMT", at(2024, 2, 29)),
    ],
)
def test_parse_date(raw: str, expected: int) -> None:
    found = parse_date(raw.encode())
    assert found is not None
    assert found.at == expected


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "yesterday",
        "12:30",
        "Mon, 32 Nov 2026 12:30:05 +0000",
        "Thu, 29 Feb 2026 00:00:00 GMT",
        "Mon, 0 Nov 2026 12:30:05 +0000",
        "Mon, 23 Foo 2026 12:30:05 +0000",
        "2026-13-01",
        "23 Nov 0000 00:00 +0000",
        "Nov",
        "Nov 23",
        "9" * 1000,
    ],
)
def test_no_day_of_the_calendar(raw: str) -> None:
    assert parse_date(raw.encode()) is None


def test_the_day_is_the_writers_own() -> None:
    found = parse_date(b"Mon, 23 Nov 2026 00:30:00 +1400")
    assert found is not None
    assert found.day == date(2026, 11, 23).toordinal()
    assert found.at == at(2026, 11, 22, 10, 30)
    assert found.offset == 840


@pytest.mark.parametrize("minutes", [0, 60, -330, 840, -720])
def test_what_is_formatted_can_be_parsed(minutes: int) -> None:
    instant = datetime(2026, 2, 3, 4, 5, 6, tzinfo=timezone(timedelta(minutes=minutes)))
    found = parse_date(format_date(instant).encode())
    assert found is not None
    assert (found.at, found.offset) == (int(instant.timestamp()), minutes)
    assert found.day == instant.date().toordinal()


def test_format_date() -> None:
    eastern = timezone(timedelta(hours=-5, minutes=-30))
    assert (
        format_date(datetime(2026, 11, 3, 4, 5, 6, tzinfo=eastern))
        == "Tue, 3 Nov 2026 04:05:06 -0530"
    )
