"""Delivery status notifications: a few sentences for a person, then the fields for programs.

RFC 3464 has the form, RFC 6533 its variant for addresses outside ASCII, RFC 3461 §6 the rules.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from pillarbox.message.builder import Address, Entity, build, multipart, raw_entity, text_entity
from pillarbox.message.date import format_date
from pillarbox.message.dsn_words import SUBJECTS, explain, introduce

_LONGEST_VALUE = 900  # octets of one reply or address: a field stays within RFC 5322 §2.1.1


class Action(StrEnum):
    """RFC 3464 §2.3.3."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    RELAYED = "relayed"
    EXPANDED = "expanded"


class RecipientReport(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one recipient."""

    final_recipient: str
    action: Action
    status: str  # "5.1.1" (RFC 3463)
    original_recipient: str = ""  # "rfc822;bob@example.org", decoded (RFC 3461 §4.2)
    remote_mta: str = ""
    diagnostic: str = ""  # the remote server's reply, or a sentence of ours; lines joined by LF
    is_reply: bool = True  # whether `diagnostic` came from a server
    last_attempt: datetime | None = None
    will_retry_until: datetime | None = None  # of a delay


class Original(msgspec.Struct, frozen=True):
    """The message that the report is about."""

    octets: bytes  # its header, or the whole message
    is_whole: bool
    subject: str = ""  # decoded
    date: str = ""  # as written


class DeliveryReport(msgspec.Struct, frozen=True, kw_only=True):
    """All that is reported in one message."""

    reporting_mta: str
    arrival: datetime
    recipients: tuple[RecipientReport, ...]  # at least one
    envid: str = ""  # decoded (RFC 3461 §4.4)
    hold: str = ""  # "for;3600" or "until;…" (RFC 4865 §5.1.2)


def compose_report(
    report: DeliveryReport,
    original: Original,
    *,
    to: str,
    at: datetime,
    message_id: str,
) -> bytes:
    """The whole message; it goes out with the null sender.

    Its subject, and what stands first in it, are of the gravest action in the report.
    """
    action = min((one.action for one in report.recipients), key=list(Action).index)
    status = encode_status(report)
    is_global = not status.isascii() or not to.isascii()
    kind = "global-delivery-status" if is_global else "delivery-status"  # RFC 6533 §4
    content = multipart(
        "report",
        (
            text_entity(_for_people(report, original)),
            raw_entity(status, f"message/{kind}"),
            _returned(original),
        ),
        (("report-type", kind),),
    )
    subject = SUBJECTS[action]
    return build(
        sender=Address(f"postmaster@{report.reporting_mta}", "Mail delivery"),
        recipients=(Address(to),),
        subject=f"{subject}: {original.subject}" if original.subject else subject,
        content=content,
        date=at,
        message_id=message_id,
        fields=(("Auto-Submitted", "auto-replied"),),  # RFC 3834 §5
    )


def encode_status(report: DeliveryReport) -> bytes:
    """The fields of RFC 3464 §2: one group for the message, one for each recipient."""
    groups = [[f"Reporting-MTA: dns; {_line(report.reporting_mta)}"]]
    if report.envid:
        groups[0].insert(0, f"Original-Envelope-Id: {_line(report.envid)}")
    groups[0].append(f"Arrival-Date: {format_date(report.arrival)}")
    if report.hold:
        groups[0].append(f"Future-Release-Request: {_line(report.hold)}")
    groups += [_recipient_fields(one) for one in report.recipients]
    return "\r\n\r\n".join("\r\n".join(group) for group in groups).encode() + b"\r\n"


def _recipient_fields(one: RecipientReport) -> list[str]:
    kind = "rfc822" if one.final_recipient.isascii() else "utf-8"
    lines = []
    if one.original_recipient:
        original_kind, _, original = one.original_recipient.partition(";")
        lines.append(f"Original-Recipient: {_line(original_kind)}; {_line(original)}")
    lines += [
        f"Final-Recipient: {kind}; {_line(one.final_recipient)}",
        f"Action: {one.action.value}",
        f"Status: {one.status}",
    ]
    if one.remote_mta:
        lines.append(f"Remote-MTA: dns; {_line(one.remote_mta)}")
    if one.diagnostic:
        diagnostic_kind = "smtp" if one.is_reply else "x-pillarbox"
        lines.append(f"Diagnostic-Code: {diagnostic_kind}; {_line(one.diagnostic)}")
    if one.last_attempt is not None:
        lines.append(f"Last-Attempt-Date: {format_date(one.last_attempt)}")
    if one.will_retry_until is not None:
        lines.append(f"Will-Retry-Until: {format_date(one.will_retry_until)}")
    return lines


def _line(text: str) -> str:
    """On one line and without controls, whatever a peer chose."""
    plain = " ".join(text.split())
    plain = "".join(letter if letter.isprintable() else "?" for letter in plain)
    return plain.encode()[:_LONGEST_VALUE].decode(errors="ignore")


def _for_people(report: DeliveryReport, original: Original) -> str:
    """Grouped by action, the gravest first."""
    paragraphs: list[str] = []
    for action in Action:
        those = [one for one in report.recipients if one.action is action]
        if those:
            paragraphs.append(introduce(action, original.subject, original.date, len(those)))
            paragraphs += [_one_for_people(one) for one in those]
    paragraphs.append(
        f"This is an automatic message of {report.reporting_mta}; nobody reads answers to it."
    )
    return "\n\n".join(paragraphs) + "\n"


def _one_for_people(one: RecipientReport) -> str:
    lines = [f"  {_line(one.final_recipient)}"]
    lines += [f"    {sentence}" for sentence in explain(one.action, one.status)]
    if one.will_retry_until is not None:
        lines.append(f"    It is tried again until {format_date(one.will_retry_until)}.")
    if one.diagnostic and one.is_reply:
        who = one.remote_mta or "The other server"
        lines.append(f"    {_line(who)} said: {_line(one.diagnostic)}")
    elif one.diagnostic:
        lines.append(f"    {_line(one.diagnostic)}")
    return "\n".join(lines)


def _returned(original: Original) -> Entity:
    """RFC 3462 §2: the message, or its header."""
    if original.is_whole:
        header = original.octets.partition(b"\r\n\r\n")[0]
        return raw_entity(
            original.octets, "message/rfc822" if header.isascii() else "message/global"
        )
    is_ascii = original.octets.isascii()
    return raw_entity(
        original.octets, "text/rfc822-headers" if is_ascii else "message/global-headers"
    )
