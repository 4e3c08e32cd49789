"""Headers for programs without UTF-8 (RFC 6856 §2.1)."""

from __future__ import annotations

import pytest

from pillarbox.pop3.wire.surrogate import surrogate_header


@pytest.mark.parametrize(
    ("header", "surrogate"),
    [
        ("Subject: plain\r\n\r\n", "Subject: plain\r\n\r\n"),
        ("subject: ü\r\nX: 1\r\n\r\n", "subject: =?utf-8?B?w7w=?=\r\nX: 1\r\n\r\n"),
        ("X: folded\r\n\tASCII\r\nY: ü\r\n", "X: folded\r\n\tASCII\r\nY: =?utf-8?B?w7w=?=\r\n"),
        ("Y: ü\n\n", "Y: =?utf-8?B?w7w=?=\r\n\r\n"),
        ("To: ü <a@example.org>\r\n\r\n", "To: =?utf-8?B?w7w=?= <a@example.org>\r\n\r\n"),
        (
            "To: a@example.org, ü@example.org\r\n\r\n",
            "To: a@example.org, =?utf-8?B?w7xAZXhhbXBsZS5vcmc=?= :;\r\n\r\n",
        ),
        (
            "Cc: Freunde: ü@example.org, b@example.org;\r\n\r\n",
            "Cc: Freunde: =?utf-8?B?w7xAZXhhbXBsZS5vcmc=?= :;, b@example.org;\r\n\r\n",
        ),
        ("References: <ü@x> <b@x>\r\n\r\n", "References: <??@x> <b@x>\r\n\r\n"),
    ],
)
def test_surrogate(header: str, surrogate: str) -> None:
    assert surrogate_header(header.encode()) == surrogate.encode()


def test_latin_1_becomes_readable_too() -> None:
    assert surrogate_header(b"Subject: \xfc\r\n\r\n") == b"Subject: =?utf-8?B?w7w=?=\r\n\r\n"
