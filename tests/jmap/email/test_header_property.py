"""Which header fields may be asked for in which form (RFC 8621 §4.1.2, §4.1.3)."""

from __future__ import annotations

import pytest

from pillarbox.jmap.email.header_property import HeaderProperty, find_header_property


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("header:subject", HeaderProperty("subject")),
        ("header:Subject:asRaw", HeaderProperty("Subject", "asRaw")),
        ("header:Subject:asText", HeaderProperty("Subject", "asText")),
        ("header:Subject:all", HeaderProperty("Subject", all=True)),
        ("header:Resent-To:asAddresses:all", HeaderProperty("Resent-To", "asAddresses", True)),
        ("header:From:asGroupedAddresses", HeaderProperty("From", "asGroupedAddresses")),
        ("header:References:asMessageIds", HeaderProperty("References", "asMessageIds")),
        ("header:Resent-Date:asDate", HeaderProperty("Resent-Date", "asDate")),
        ("header:List-POST:asURLs", HeaderProperty("List-POST", "asURLs")),
        ("header:List-Id:asText", HeaderProperty("List-Id", "asText")),
        ("header:Received:all", HeaderProperty("Received", all=True)),
        # Of what those two RFCs do not define, everything.
        ("header:X-Seen:asDate", HeaderProperty("X-Seen", "asDate")),
        ("header:Delivered-To:asAddresses", HeaderProperty("Delivered-To", "asAddresses")),
        ("header:all", HeaderProperty("all")),
    ],
)
def test_names_that_may_be_asked(name: str, found: HeaderProperty) -> None:
    assert find_header_property(name) == found


@pytest.mark.parametrize(
    "name",
    [
        "subject",
        "header",
        "header:",
        "header::asText",
        "header:Sub ject",
        "header:Süß",
        "header:Subject:asDate",
        "header:Subject:astext",
        "header:Subject:",
        "header:From:asText",
        "header:From:asDate",
        "header:Date:asText",
        "header:Received:asText",
        "header:Return-Path:asAddresses",
        "header:Message-ID:asText",
        "header:List-Post:asText",
        "header:List-Post:asAddresses",
        "header:To:asURLs",
        "header:To:all:asAddresses",
        "header:To:asAddresses:all:all",
        "header:To:asAddresses:asRaw",
        "Header:To",
        "header:" + "x" * 300,
    ],
)
def test_names_that_may_not(name: str) -> None:
    assert find_header_property(name) is None
