"""Delivery reports, read with the standard library's parser, which we did not write."""

from __future__ import annotations

import email
import email.policy
from datetime import UTC, datetime
from email.message import EmailMessage

import msgspec
import pytest

from pillarbox.message.dsn import (
    Action,
    DeliveryReport,
    Original,
    RecipientReport,
    compose_report,
)
from pillarbox.message.dsn_words import explain, introduce

AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HEADER = b"From: alice@example.org\r\nSubject: Hello\r\nMessage-ID: <1@example.org>\r\n\r\n"
WHOLE = Original(HEADER + b"A few words.\r\n", is_whole=True, subject="Hello")
FAILED = RecipientReport(
    final_recipient="bob@example.net",
    action=Action.FAILED,
    status="5.1.1",
    original_recipient="rfc822;bob+list@example.net",
    remote_mta="mx.example.net",
    diagnostic="550 5.1.1 No such user\n550 5.1.1 Good-bye",
    last_attempt=AT,
)
DELAYED = RecipientReport(
    final_recipient="carol@example.com",
    action=Action.DELAYED,
    status="4.4.1",
    diagnostic="No server of example.com answered.",
    is_reply=False,
    will_retry_until=AT,
)


def _report(*recipients: RecipientReport, envid: str = "") -> DeliveryReport:
    return DeliveryReport(
        reporting_mta="mx.example.org", arrival=AT, recipients=recipients, envid=envid
    )


def _read(
    *recipients: RecipientReport,
    original: Original = WHOLE,
    to: str = "alice@example.org",
    envid: str = "",
) -> EmailMessage:
    octets = compose_report(
        _report(*recipients, envid=envid), original, to=to, at=AT, message_id="r@mx.example.org"
    )
    assert b"\n" not in octets.replace(b"\r\n", b"")
    assert max(map(len, octets.split(b"\r\n"))) <= 998
    read = email.message_from_bytes(octets, policy=email.policy.default)
    assert isinstance(read, EmailMessage)
    return read


def _parts(message: EmailMessage) -> list[EmailMessage]:
    return [part for part in message.iter_parts() if isinstance(part, EmailMessage)]


def test_a_failure_is_a_report_of_three_parts() -> None:
    message = _read(FAILED, envid="QQ314159")
    assert message.get_content_type() == "multipart/report"
    assert message.get_param("report-type") == "delivery-status"
    assert message["Subject"] == "Not delivered: Hello"
    assert message["Auto-Submitted"] == "auto-replied"
    words, status, original = _parts(message)
    assert "There is no such mailbox." in words.get_content()
    assert "mx.example.net said: 550 5.1.1 No such user" in words.get_content()
    per_message, recipient = status.get_payload()
    assert per_message["Original-Envelope-Id"] == "QQ314159"
    assert per_message["Reporting-MTA"] == "dns; mx.example.org"
    assert recipient["Original-Recipient"] == "rfc822; bob+list@example.net"
    assert recipient["Final-Recipient"] == "rfc822; bob@example.net"
    assert recipient["Action"] == "failed"
    assert recipient["Status"] == "5.1.1"
    assert recipient["Remote-MTA"] == "dns; mx.example.net"
    assert recipient["Diagnostic-Code"] == "smtp; 550 5.1.1 No such user 550 5.1.1 Good-bye"
    assert original.get_content_type() == "message/rfc822"
    assert original.get_content()["Message-ID"] == "<1@example.org>"


def test_several_recipients_share_a_report_the_gravest_first() -> None:
    message = _read(DELAYED, FAILED)
    assert message["Subject"] == "Not delivered: Hello"
    words, status, _ = _parts(message)
    text = words.get_content()
    assert text.index("bob@example.net") < text.index("carol@example.com")
    assert "It is tried again until" in text
    groups = status.get_payload()
    assert [group["Action"] for group in groups[1:]] == ["delayed", "failed"]
    assert groups[1]["Diagnostic-Code"].startswith("x-pillarbox;")
    assert groups[1]["Will-Retry-Until"]


def test_only_the_header_is_returned_where_that_is_asked() -> None:
    (_, _, original) = _parts(_read(FAILED, original=Original(HEADER, is_whole=False)))
    assert original.get_content_type() == "text/rfc822-headers"


@pytest.mark.parametrize(
    ("original", "kind"),
    [
        (Original("Subject: Grüße\r\n\r\n".encode(), is_whole=False), "message/global-headers"),
        (Original("Subject: Grüße\r\n\r\nText\r\n".encode(), is_whole=True), "message/global"),
        (Original("Subject: A\r\n\r\nGrüße\r\n".encode(), is_whole=True), "message/rfc822"),
    ],
)
def test_letters_outside_ascii_have_their_own_types(original: Original, kind: str) -> None:
    assert _parts(_read(FAILED, original=original))[2].get_content_type() == kind


def test_an_internationalised_recipient() -> None:
    one = msgspec.structs.replace(FAILED, final_recipient="jörg@bücher.example", status="5.6.7")
    message = _read(one)
    assert message.get_param("report-type") == "global-delivery-status"
    status = _parts(message)[1]
    assert status.get_content_type() == "message/global-delivery-status"
    assert "Final-Recipient: utf-8; jörg@bücher.example" in _text(status)


def _text(part: EmailMessage) -> str:
    return part.as_bytes(policy=email.policy.SMTPUTF8).decode("utf-8")


def test_a_peer_cannot_add_fields_by_its_reply() -> None:
    nasty = "550 no\r\n\r\nFinal-Recipient: rfc822; mallory@example.com\x1b[2J" + "x" * 5000
    _, status, _ = _parts(_read(msgspec.structs.replace(FAILED, diagnostic=nasty)))
    assert len(status.get_payload()) == 2
    assert "\x1b" not in _text(status)


def test_no_line_is_too_long_in_any_script() -> None:
    """RFC 5322 §2.1.1 counts octets where a letter has several (RFC 6532 §3.4)."""
    report = msgspec.structs.replace(FAILED, diagnostic="\u4e00" * 5000)
    assert "\u4e00" * 200 in _text(_parts(_read(report))[1])  # and `_read` looks at the lines


@pytest.mark.parametrize(
    ("action", "status", "said"),
    [
        ("failed", "5.1.1", "There is no such mailbox."),
        ("failed", "5.7.26", "The other server does not believe that the message is from you."),
        ("failed", "5.7.99", "The other server refuses it by its own rules."),
        ("failed", "5.9.9", "The other server did not take it."),
        ("failed", "", "The other server did not take it."),
        ("delayed", "4.4.1", "The other server did not answer."),
        ("relayed", "2.0.0", "The other server took it."),
    ],
)
def test_what_a_status_means(action: str, status: str, said: str) -> None:
    assert explain(action, status)[0] == said


@pytest.mark.parametrize("status", ["5.1.7", "5.3.0", "5.6.2", "5.6.9", "5.7.5", "5.7.8", "5.7.30"])
def test_what_we_decide_ourselves_is_not_laid_to_the_other_server(status: str) -> None:
    (what, _), general = explain("failed", status), explain("failed", status[:4] + "99")
    assert what != general[0]
    assert "refuses" not in what


def test_every_action_is_introduced() -> None:
    for action in Action:
        assert "Hello" in introduce(action, "Hello", "Mon, 23 Nov 2026", 2)
    assert introduce("failed", "x" * 500, "", 1).count("x") == 120
