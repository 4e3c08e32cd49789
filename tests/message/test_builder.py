"""Messages of our own, read back by the standard library and by us."""

from __future__ import annotations

import email
import email.policy
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.message.builder import (
    Address,
    Entity,
    assemble,
    build,
    multipart,
    octets_entity,
    raw_entity,
    text_entity,
)
from pillarbox.message.compose import fold_field, format_address, format_param
from pillarbox.message.digest import digest
from pillarbox.message.text import decoded_part, searchable_text

DATE = datetime(2026, 11, 23, 12, 30, 5, tzinfo=UTC)


def letter(
    *,
    content: Entity | str = "Hello Bob.\n",
    subject: str = "Hello",
    sender: str = "alice@example.org",
    name: str = "Alice",
    fields: tuple[tuple[str, str], ...] = (),
) -> bytes:
    return build(
        sender=Address(sender, name),
        recipients=[Address("bob@example.org"), Address("carol@example.org", "Carol, C.")],
        subject=subject,
        content=content,
        date=DATE,
        message_id="1@example.org",
        fields=fields,
    )


def test_a_plain_letter_octet_for_octet() -> None:
    assert letter(fields=(("Auto-Submitted", "auto-generated"),)) == (
        b"Date: Mon, 23 Nov 2026 12:30:05 +0000\r\n"
        b"From: Alice <alice@example.org>\r\n"
        b'To: bob@example.org, "Carol, C." <carol@example.org>\r\n'
        b"Subject: Hello\r\n"
        b"Message-ID: <1@example.org>\r\n"
        b"Auto-Submitted: auto-generated\r\n"
        b"MIME-Version: 1.0\r\n"
        b"Content-Type: text/plain; charset=us-ascii\r\n"
        b"Content-Transfer-Encoding: 7bit\r\n"
        b"\r\n"
        b"Hello Bob.\r\n"
    )


def test_no_recipients() -> None:
    octets = build(
        sender=Address("a@b"), recipients=[], subject="", content="", date=DATE, message_id="1@b"
    )
    assert b"\r\nTo: undisclosed-recipients:;\r\n" in octets


words = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=30)


@settings(max_examples=60, deadline=None)
@given(subject=words, name=words, text=st.text(st.characters(codec="utf-8"), max_size=300))
def test_what_is_built_can_be_read(subject: str, name: str, text: str) -> None:
    octets = letter(subject=subject, name=name, content=text)
    header, _, body = octets.partition(b"\r\n\r\n")
    assert header.isascii()
    assert max(map(len, octets.split(b"\r\n"))) <= 998
    assert b"\n" not in header.replace(b"\r\n", b"") and b"\r" not in body.replace(b"\r\n", b"")
    found = digest(octets)
    assert " ".join(found.subject.split()) == " ".join(subject.split())
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", " ")
    read = searchable_text(octets, found.root, max_octets=100_000).replace("\r\n", "\n")
    assert read == lines if lines.endswith("\n") else read == lines + "\n"
    theirs = email.message_from_bytes(octets, policy=email.policy.default)
    assert " ".join(str(theirs["subject"]).split()) == " ".join(subject.split())


def test_line_ends_cannot_be_smuggled_into_a_header() -> None:
    octets = letter(
        subject="a\r\nBcc: eve@example.org",
        name="x\r\n\r\ny",
        sender="a\r\n@example.org",
        fields=(("X", "1\n2\0"),),
    )
    found = digest(octets)
    assert found.bcc == ""
    assert found.subject == "a Bcc: eve@example.org"
    assert found.from_ == "x y <a@example.org>"
    assert found.preview == "Hello Bob."


def test_an_internationalised_address_makes_an_rfc_6532_header() -> None:
    octets = letter(sender="änne@bücher.example", name="Änne", subject="Grüße")
    assert 'From: "Änne" <änne@bücher.example>\r\n'.encode() in octets
    assert "Subject: Grüße\r\n".encode() in octets
    found = digest(octets)
    assert (found.subject, found.sort.from_mailbox) == ("Grüße", "änne")


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("plain\n", "7bit"),
        ("x" * 998, "7bit"),
        ("x" * 999, "quoted-printable"),
        ("a\0b", "quoted-printable"),
        ("Grüße an alle", "quoted-printable"),
        ("日本語の文章", "base64"),
    ],
)
def test_text_gets_the_mildest_encoding(text: str, encoding: str) -> None:
    assert dict(text_entity(text).fields)["Content-Transfer-Encoding"] == encoding


def test_attachments_and_alternatives() -> None:
    octets = letter(
        content=multipart(
            "mixed",
            [
                multipart("alternative", [text_entity("Hello"), text_entity("<p>Hello", "html")]),
                octets_entity(bytes(range(256)), "application/x-y", filename="ä b.bin"),
            ],
        )
    )
    found = digest(octets)
    assert found.has_attachment
    alternative, file = found.root.children
    assert [part.subtype for part in alternative.children] == ["plain", "html"]
    assert dict(file.disposition_params) == {"filename": "ä b.bin"}
    assert decoded_part(octets, file) == bytes(range(256))
    assert octets == letter(
        content=multipart(
            "mixed",
            [
                multipart("alternative", [text_entity("Hello"), text_entity("<p>Hello", "html")]),
                octets_entity(bytes(range(256)), "application/x-y", filename="ä b.bin"),
            ],
        )
    )


def test_a_report_with_the_message_it_is_about() -> None:
    inner = letter(sender="ä@example.org")
    report = assemble(
        [("Subject", "Report")],
        multipart(
            "report",
            [
                text_entity("It failed."),
                raw_entity(b"Reporting-MTA: dns; example.org\r\n", "message/delivery-status"),
                raw_entity(inner, "message/global"),
            ],
            [("report-type", "delivery-status")],
        ),
    )
    found = digest(report)
    assert dict(found.root.params)["report-type"] == "delivery-status"
    text, status, returned = found.root.children
    assert [text.subtype, status.subtype] == ["plain", "delivery-status"]
    assert returned.subtype == "global"
    assert returned.encoding == "8bit"
    assert report[returned.body_start : returned.body_end] == inner


def test_a_boundary_is_never_part_of_the_content() -> None:
    first = multipart("mixed", [text_entity("x")])
    second = multipart("mixed", [text_entity("x"), raw_entity(first.body, "text/plain")])
    assert len(digest(assemble([], second)).root.children) == 2


@pytest.mark.parametrize(
    ("name", "spec", "expected"),
    [
        ("", "a@b", "a@b"),
        ("A B", "a@b", "A B <a@b>"),
        ('A "B" \\', "a@b", '"A \\"B\\" \\\\" <a@b>'),
        ("A. B", "a@b", '"A. B" <a@b>'),
        ("=?utf-8?Q?a?=", "a@b", '"=?utf-8?Q?a?=" <a@b>'),
        ("", "a b@c", '"a b"@c'),
        ("", "a.b@c", "a.b@c"),
        ("", ".a@c", '".a"@c'),
        ("Ä", "a@b", "=?utf-8?B?w4Q=?= <a@b>"),
    ],
)
def test_format_address(name: str, spec: str, expected: str) -> None:
    assert format_address(name, spec, utf8=False) == expected


def test_long_fields_are_folded() -> None:
    field = fold_field("To", ", ".join(f"user{n}@example.org" for n in range(20)), utf8=False)
    assert max(map(len, field.split(b"\r\n"))) <= 78
    assert field.count(b"\r\n ") > 3
    assert fold_field("X", "", utf8=False) == b"X: \r\n"
    assert max(map(len, fold_field("X", "y" * 5000, utf8=False).split(b"\r\n"))) <= 78


def test_format_param() -> None:
    assert format_param("a", "b.c") == "; a=b.c"
    assert format_param("a", 'b "c"') == '; a="b \\"c\\""'
    assert format_param("a", "ä b") == "; a*=utf-8''%C3%A4%20b"
