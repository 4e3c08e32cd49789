"""Success notices that a sender asked for with NOTIFY=SUCCESS (RFC 3461 §5.2, RFC 3464). Pure."""

from __future__ import annotations

from datetime import datetime

from pillarbox.accounts.directory import LocalTarget
from pillarbox.flow.delivery.envelope import Envelope, Recipient
from pillarbox.message.builder import Address, build, multipart, raw_entity, text_entity
from pillarbox.message.date import format_date
from pillarbox.smtp.wire.errors import BadParameter
from pillarbox.smtp.wire.params import decode_xtext

HEADER_OCTETS = 64 * 1024  # of the message's header that a notice gives back

_SENTENCES = {
    "delivered": "Your message was put into the mailbox of <{}>.",
    "expanded": "Your message was passed on to everybody behind the address <{}>.",
}


def find_action(recipient: Recipient) -> str | None:
    """What to report; None where nothing was asked or the next server is asked in our place."""
    if "SUCCESS" not in recipient.notify:
        return None
    if all(isinstance(target, LocalTarget) for target in recipient.targets):
        return "delivered"
    return "expanded" if len(recipient.targets) > 1 else None


def wanted_notices(envelope: Envelope) -> list[tuple[int, Recipient, str]]:
    """Recipients by their number with the action to report; never to the null sender."""
    if not envelope.sender.reverse_path:
        return []
    found = []
    for number, recipient in enumerate(envelope.recipients):
        action = find_action(recipient)
        if action is not None:
            found.append((number, recipient, action))
    return found


def compose_notice(
    envelope: Envelope,
    recipient: Recipient,
    action: str,
    raw_header: bytes,
    *,
    hostname: str,
    at: datetime,
) -> bytes:
    """A multipart/report with a sentence, the fields of RFC 3464 §2 and the message's header."""
    is_global = not recipient.forward_path.isascii()
    status = _status_fields(envelope, recipient, action, hostname=hostname, at=at)
    kind = "global-delivery-status" if is_global else "delivery-status"  # RFC 6533 §4
    returned = "message/global-headers" if not raw_header.isascii() else "text/rfc822-headers"
    report = multipart(
        "report",
        (
            text_entity(_SENTENCES[action].format(recipient.forward_path)),
            raw_entity(status.encode(), f"message/{kind}"),
            raw_entity(raw_header[:HEADER_OCTETS], returned),
        ),
        (("report-type", kind),),
    )
    return build(
        sender=Address(f"postmaster@{hostname}", "Mail delivery"),
        recipients=(Address(envelope.sender.reverse_path),),
        subject=f"Delivery notice ({action})",
        content=report,
        date=at,
        message_id=f"{envelope.journey}.notice@{hostname}",
        fields=(("Auto-Submitted", "auto-replied"),),  # RFC 3834 §5
    )


def _status_fields(
    envelope: Envelope, recipient: Recipient, action: str, *, hostname: str, at: datetime
) -> str:
    kind = "rfc822" if recipient.forward_path.isascii() else "utf-8"
    lines = [f"Reporting-MTA: dns; {hostname}"]
    if envelope.sender.envid:
        lines.insert(0, f"Original-Envelope-Id: {_plain(envelope.sender.envid)}")
    lines += [f"Arrival-Date: {format_date(at)}", ""]
    if recipient.orcpt:
        original_kind, _, original = recipient.orcpt.partition(";")
        lines.append(f"Original-Recipient: {original_kind}; {_plain(original)}")
    lines += [
        f"Final-Recipient: {kind}; {recipient.forward_path}",
        f"Action: {action}",
        "Status: 2.0.0",
        "",
    ]
    return "\r\n".join(lines)


def _plain(xtext: str) -> str:
    """Decoded as RFC 3464 §2.2.1 wants it, but on one line whatever was encoded."""
    try:
        text = decode_xtext(xtext)
    except BadParameter:
        text = xtext
    return text if text.isprintable() else xtext
