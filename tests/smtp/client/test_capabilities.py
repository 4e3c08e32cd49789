"""Answers to EHLO, tidy and not."""

from __future__ import annotations

import pytest

from pillarbox.smtp.client.capabilities import Capabilities, parse_capabilities
from pillarbox.smtp.wire.reply_reader import PeerReply


def said(*lines: str) -> Capabilities:
    return parse_capabilities(PeerReply(250, "", ("mx.example.net at your service", *lines)))


BARE = Capabilities(name="mx.example.net", extended=True)


def test_nothing_but_the_name() -> None:
    assert said() == BARE


def test_all_that_we_know() -> None:
    found = said(
        "SIZE 1000", "PIPELINING", "CHUNKING", "8BITMIME", "BINARYMIME", "SMTPUTF8", "DSN",
        "STARTTLS", "REQUIRETLS", "AUTH plain LOGIN", "AUTH=LOGIN CRAM-MD5",
        "LIMITS RCPTMAX=20 MAILMAX=5 RCPTDOMAINMAX=1", "HELP", "X-UNKNOWN with words",
    )  # fmt: skip
    assert found == Capabilities(
        "mx.example.net", True, 1000, True, True, True, True, True, True, True, True,
        ("PLAIN", "LOGIN", "CRAM-MD5"), 20, 5, 1,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        ("size 77", "size", 77),
        ("SIZE", "size", 0),
        ("SIZE lots", "size", 0),
        ("SIZE -1", "size", 0),
        ("SIZE " + "9" * 30, "size", 0),
        ("SIZE ²", "size", 0),
        ("HELP", "size", None),
        ("LIMITS RCPTMAX=0", "rcpt_max", 0),
        ("LIMITS RCPTMAX=1234567", "rcpt_max", 0),
        ("LIMITS RCPTMAX=x FUTURE=9 rcptmax=12", "rcpt_max", 12),
        ("LIMITS", "rcpt_max", 0),
        ("BINARYMIME", "binarymime", False),  # RFC 3030 §3: not without CHUNKING
        ("", "pipelining", False),
        ("PIPELINING?", "pipelining", False),
        ("AUTH", "auth", ()),
    ],
)
def test_odd_lines(line: str, field: str, value: object) -> None:
    assert getattr(said(line), field) == value
