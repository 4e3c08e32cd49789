"""Header values in each form; Python's email package reads the same (RFC 8621 §4.1.2)."""

from __future__ import annotations

import email.errors
import email.utils
from datetime import datetime, timedelta, timezone
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.jmap.email import forms
from pillarbox.jmap.email.header_property import HeaderProperty

EXAMPLE = (
    b'  "  James Smythe" <james@example.com>, Friends:\r\n'
    b"  jane@example.com, =?UTF-8?Q?John_Sm=C3=AEth?=\r\n"
    b"  <john@example.com>;"
)
JAMES = {"name": "James Smythe", "email": "james@example.com"}
JANE = {"name": None, "email": "jane@example.com"}
JOHN = {"name": "John Smîth", "email": "john@example.com"}


def person(name: str | None, address: str) -> dict[str, Any]:
    return {"name": name, "email": address}


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b" Hello", " Hello"),
        (b" a\r\n b", " a\r\n b"),
        (b" a\0b", " ab"),
        (b" caf\xc3\xa9", " café"),
        (b" caf\xe9!", " caf\ufffd!"),
        (b" =?utf-8?q?x?=", " =?utf-8?q?x?="),
    ],
)
def test_raw(raw: bytes, value: str) -> None:
    assert forms.as_raw(raw) == value


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"  Hello  there", "Hello  there"),
        (b" one\r\n two\r\n\tthree", "one two\tthree"),
        (b" =?utf-8?q?caf=C3=A9?= =?utf-8?q?_noir?=", "café noir"),
        (b" =?utf-8?q?a=00b=0Ac=0D=1Bd?=", "abcd"),
        (b" =?utf-8?q?cafe=CC=81?=", "café"),
        (b" caf\xc3\xa9", "café"),
        (b" =?utf-8?q?=C3?=", "\ufffd"),
        (b"", ""),
    ],
)
def test_text(raw: bytes, value: str) -> None:
    assert forms.as_text(raw) == value


def test_octets_that_are_not_utf_8_are_in_the_charset_of_the_message() -> None:
    assert forms.as_text(" Пруд".encode("koi8-r"), "koi8-r") == "Пруд"


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (EXAMPLE, [JAMES, JANE, JOHN]),
        (b" alice@example.org", [person(None, "alice@example.org")]),
        (b" alice@example.org (Alice)", [person("Alice", "alice@example.org")]),
        (b' "A \\"B\\" C" <a@example.org>', [person('A "B" C', "a@example.org")]),
        (b' "john smith"@example.org', [person(None, '"john smith"@example.org')]),
        (b' "a\\"b"@example.org', [person(None, '"a\\"b"@example.org')]),
        (b" Undisclosed:;", []),
        (b" a..b@example.org", [person(None, "a..b@example.org")]),
        (b" nobody", [person(None, "nobody")]),
        (b"", []),
        (b" <>", []),
        (b" =?utf-8?q?A=0D=0AB?= <a@example.org>", [person("AB", "a@example.org")]),
        ("ö@exämple.org".encode(), [person(None, "ö@exämple.org")]),
    ],
)
def test_addresses(raw: bytes, value: list[Any]) -> None:
    assert forms.as_addresses(raw) == value


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (
            EXAMPLE,
            [
                {"name": None, "addresses": [JAMES]},
                {"name": "Friends", "addresses": [JANE, JOHN]},
            ],
        ),
        (b" Nobody:;", [{"name": "Nobody", "addresses": []}]),
        (
            b" a@x.example, b@x.example, G: c@x.example;, d@x.example",
            [
                {
                    "name": None,
                    "addresses": [person(None, "a@x.example"), person(None, "b@x.example")],
                },
                {"name": "G", "addresses": [person(None, "c@x.example")]},
                {"name": None, "addresses": [person(None, "d@x.example")]},
            ],
        ),
        (b"", []),
    ],
)
def test_groups(raw: bytes, value: list[Any]) -> None:
    assert forms.as_grouped_addresses(raw) == value


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b" <1@example.org>", ["1@example.org"]),
        (b" <1@example.org>\r\n <2@example.org> (no) ", ["1@example.org", "2@example.org"]),
        (b" Your message of Tuesday", None),
        (b"", None),
    ],
)
def test_message_ids(raw: bytes, value: list[str] | None) -> None:
    assert forms.as_message_ids(raw) == value


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b" Mon, 23 Nov 2026 08:00:00 +0100", "2026-11-23T08:00:00+01:00"),
        (b" Mon, 23 Nov 2026 08:00:00 -0930 (x)", "2026-11-23T08:00:00-09:30"),
        (b" 23 Nov 2026 08:00 GMT", "2026-11-23T08:00:00Z"),
        (b" Mon, 23 Nov 2026 08:00:00 -0000", "2026-11-23T08:00:00Z"),
        (b" Mon, 1 Jan 0001 00:00:00 +0100", None),
        (b" Mon, 23 Nov 2026 08:00:00 +9900", "2026-11-19T05:00:00Z"),
        (b" 31 Feb 2026 08:00:00 +0000", None),
        (b" soon", None),
    ],
)
def test_dates(raw: bytes, value: str | None) -> None:
    assert forms.as_date(raw) == value


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b" <mailto:a@example.org>", ["mailto:a@example.org"]),
        (
            b" <https://example.org/\r\n  help> (FAQ <not this>), <mailto:a@example.org>",
            ["https://example.org/help", "mailto:a@example.org"],
        ),
        (b" (a (nested \\( one)) <x:y>", ["x:y"]),
        (b" NO (posting not allowed)", None),
        (b" <>", None),
        (b"", None),
    ],
)
def test_urls(raw: bytes, value: list[str] | None) -> None:
    assert forms.as_urls(raw) == value


@pytest.mark.parametrize(
    ("wanted", "values", "told"),
    [
        (HeaderProperty("X"), [b" 1", b" 2"], " 2"),
        (HeaderProperty("X"), [], None),
        (HeaderProperty("X", all=True), [b" 1", b" 2"], [" 1", " 2"]),
        (HeaderProperty("X", all=True), [], []),
        (HeaderProperty("X", "asDate", True), [b" never"], [None]),
        (HeaderProperty("X", "asAddresses"), [b" a@b.example"], [person(None, "a@b.example")]),
    ],
)
def test_the_last_instance_or_all(wanted: HeaderProperty, values: list[bytes], told: Any) -> None:
    assert forms.of_property(wanted, values, None) == told


def written_by_the_library(address: Address) -> bytes:
    message = EmailMessage(policy=SMTP)
    message["To"] = address
    return message.as_bytes().split(b":", 1)[1].split(b"\r\n\r\n")[0]


words = st.text(st.characters(codec="utf-8", categories=("L", "N")), min_size=1, max_size=10)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.lists(words, max_size=3), st.from_regex(r"[a-z][a-z0-9 .+]{0,8}", fullmatch=True)
        ),
        min_size=1,
        max_size=5,
    )
)
def test_addresses_that_the_library_wrote(people: list[tuple[list[str], str]]) -> None:
    given = [Address(" ".join(name), local.strip(" ."), "example.org") for name, local in people]
    # One by one: when it folds a list, the library sometimes encodes the comma.
    try:
        written = b",".join(map(written_by_the_library, given))
    except (ValueError, email.errors.MessageError):
        return  # it does not write every address that it takes
    found = forms.as_addresses(written)
    assert [one["email"] for one in found] == [one.addr_spec for one in given]
    # The library loses or adds blanks between encoded words when it folds.
    assert [(one["name"] or "").replace(" ", "") for one in found] == [
        forms.clean(one.display_name).replace(" ", "") for one in given
    ]


@settings(max_examples=100, deadline=None)
@given(
    st.datetimes(datetime(1971, 1, 1), datetime(2099, 1, 1)),
    st.integers(-12 * 4, 14 * 4),
)
def test_dates_that_the_library_wrote(moment: datetime, quarters: int) -> None:
    aware = moment.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=15 * quarters)))
    found = forms.as_date(b" " + email.utils.format_datetime(aware).encode())
    assert found is not None
    read = datetime.fromisoformat(found)
    assert (read, read.utcoffset()) == (aware, aware.utcoffset())
