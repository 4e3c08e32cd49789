"""The digest as a whole: texts, keys, dates, references, attachments."""

from __future__ import annotations

from datetime import date

import pytest

from pillarbox.message.digest import digest
from pillarbox.message.part import SortKeys

LETTER = (
    b"From: =?utf-8?Q?=C3=84nne?= <Anne.B@example.org>\r\n"
    b"To: Bob <BOB@example.net>,\r\n carol@example.net\r\n"
    b"To: dave@example.net\r\n"
    b"Cc: Team: Eve@example.net;\r\n"
    b"Bcc: frank@example.net\r\n"
    b"Subject: =?utf-8?Q?Re=3A_Gr=C3=BC=C3=9Fe?=\r\n"
    b"Date: Mon, 23 Nov 2026 00:30:00 +0200\r\n"
    b"Message-ID: <1@example.org>\r\n"
    b"References: <a@x> <b@x>\r\n"
    b"In-Reply-To: <b@x>\r\n"
    b"\r\nHello\r\n"
)


def test_texts() -> None:
    found = digest(LETTER)
    assert found.size == len(LETTER)
    assert found.subject == "Re: Grüße"
    assert found.from_ == "Änne <Anne.B@example.org>"
    assert found.to == "Bob <BOB@example.net>, carol@example.net, dave@example.net"
    assert found.cc == "Team: Eve@example.net;"
    assert found.bcc == "frank@example.net"
    assert found.preview == "Hello"


def test_sort_keys() -> None:
    assert digest(LETTER).sort == SortKeys(
        base_subject="grüsse",
        is_reply=True,
        from_mailbox="anne.b",
        to_mailbox="bob",
        cc_mailbox="team",
        display_from="änne",
        display_to="bob",
    )


def test_display_falls_back_to_the_address() -> None:
    assert digest(b"From: A@Example.ORG\r\n\r\n").sort.display_from == "a@example.org"
    assert digest(b"From: \r\n\r\n").sort.display_from == ""


def test_a_group_in_front_sorts_by_its_name() -> None:
    """ENVELOPE shows it where a local part stands, and nothing else of it (RFC 5957 §3)."""
    found = digest(b"From: Team:;, x@y\r\n\r\n").sort
    assert (found.from_mailbox, found.display_from) == ("team", "team")


def test_keys_are_of_limited_length() -> None:
    found = digest(b"Subject: " + b"x" * 5000 + b"\r\nFrom: " + b"y" * 5000 + b"@z\r\n\r\n")
    assert len(found.sort.base_subject) == 255
    assert len(found.sort.from_mailbox) == 255
    assert len(found.subject) == 5000


def test_the_day_is_kept_as_written() -> None:
    found = digest(LETTER)
    assert found.sent_at == 1795386600
    assert found.sent_on == date(2026, 11, 23).toordinal()


def test_without_a_date() -> None:
    found = digest(b"Date: soon\r\n\r\n")
    assert (found.sent_at, found.sent_on) == (None, None)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (b"References: <a@x> <b@x>\r\nIn-Reply-To: <c@x>", (b"a@x", b"b@x")),
        (b"References: none\r\nIn-Reply-To: <c@x>", (b"c@x",)),
        (b"In-Reply-To: Your mail of Monday <c@x> (yes)", (b"c@x",)),
        (b"References: <a@x>\r\n\t<a@x>\r\nReferences: <b@x>", (b"a@x", b"b@x")),
        (b"X: y", ()),
    ],
)
def test_references(header: bytes, expected: tuple[bytes, ...]) -> None:
    assert digest(header + b"\r\n\r\n").references == expected


def test_message_id() -> None:
    assert digest(LETTER).message_id == b"1@example.org"
    assert digest(b"\r\n").message_id == b""


def mixed(part: bytes) -> bytes:
    return (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nHello\r\n--b\r\n"
        + part
        + b"\r\n\r\nxyz\r\n--b--\r\n"
    )


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (LETTER, False),
        (mixed(b"Content-Type: text/html"), False),
        (mixed(b"Content-Type: application/pdf"), True),
        (mixed(b"Content-Type: application/pdf\r\nContent-Disposition: inline"), True),
        (mixed(b"Content-Type: text/plain\r\nContent-Disposition: attachment"), True),
        (mixed(b"Content-Type: image/png\r\nContent-ID: <1@x>"), False),
        (mixed(b"Content-Type: application/pkcs7-signature"), False),
        (mixed(b"Content-Type: application/pgp-signature"), False),
        (mixed(b"Content-Type: message/rfc822"), True),
        (b"Content-Type: application/pdf\r\n\r\nx", True),
        (b"Content-Type: multipart/mixed\r\n\r\nx", False),
    ],
)
def test_has_attachment(octets: bytes, expected: bool) -> None:
    assert digest(octets).has_attachment is expected


def test_a_nested_message_carries_its_envelope() -> None:
    found = digest(mixed(b"Content-Type: message/rfc822\r\n\r\nSubject: inner"))
    (inner,) = found.root.children[1].children
    assert inner.envelope == b'(NIL "inner" NIL NIL NIL NIL NIL NIL NIL NIL)'
    assert found.root.envelope == b""
