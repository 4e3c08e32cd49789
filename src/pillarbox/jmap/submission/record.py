"""Submissions as JMAP writes them (RFC 8621 §7)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pillarbox.clock import from_unix_seconds
from pillarbox.jmap.ids import email_id, identity_id, submission_id, thread_id
from pillarbox.jmap.method import Answer
from pillarbox.store.model import OPEN_STATES, RecipientState
from pillarbox.store.sql.submissions import Copy, SubmissionRow, Undo

PROPERTIES = (
    "id",
    "identityId",
    "emailId",
    "threadId",
    "envelope",
    "sendAt",
    "undoStatus",
    "deliveryStatus",
    "dsnBlobIds",
    "mdnBlobIds",
)
_FAILED = frozenset((RecipientState.FAILED, RecipientState.EXPIRED, RecipientState.DROPPED))
_REPLY = re.compile(r"[2-5][0-9]{2}[ -]")
_CODE_OF = {"queued": "250 2.0.0", "yes": "250 2.0.0", "no": "554 5.0.0", "unknown": "250 2.0.0"}
_WORDS = {
    "queued": "In the queue",
    "yes": "Delivered",
    "no": "Not delivered",
    "unknown": "Passed on",
}


def record(row: SubmissionRow) -> Answer:
    """All properties. Reports about delivery are messages like any other here: none is hidden."""
    return {
        "id": submission_id(row.id),
        "identityId": identity_id(row.identity),
        "emailId": email_id(row.message),
        "threadId": thread_id(row.thread),
        "envelope": {"mailFrom": row.mail_from, "rcptTo": row.rcpt_to},
        "sendAt": f"{from_unix_seconds(row.send_at):%Y-%m-%dT%H:%M:%SZ}",
        "undoStatus": row.undo.value,
        "deliveryStatus": _statuses(row),
        "dsnBlobIds": [],
        "mdnBlobIds": [],
    }


def is_failed(copies: Iterable[Copy]) -> bool:
    """Whether nobody got it, and nobody will."""
    return all(one.state in _FAILED for one in copies)


def _statuses(row: SubmissionRow) -> Answer:
    copies: dict[str, list[Copy]] = {}
    for one in row.copies:
        copies.setdefault(one.recipient, []).append(one)
    told = {}
    for recipient in (one["email"] for one in row.rcpt_to):
        delivered, reply = _status(copies.get(recipient, []))
        if row.undo is Undo.CANCELED:
            reply = "554 5.0.0 Taken back before it was sent"
        told[recipient] = {"smtpReply": reply, "delivered": delivered, "displayed": "unknown"}
    return told


def _status(copies: list[Copy]) -> tuple[str, str]:
    """What is left to do counts most, then what failed: an address may stand for several."""
    states = {one.state for one in copies}
    if states & OPEN_STATES:
        delivered, telling = "queued", states & OPEN_STATES
    elif states & _FAILED:
        delivered, telling = "no", states & _FAILED
    elif states == {RecipientState.DELIVERED}:
        delivered, telling = "yes", states
    else:
        delivered, telling = "unknown", states
    said = next((one.reply for one in copies if one.state in telling and one.reply), "")
    return delivered, _reply(said or _WORDS[delivered], delivered)


def _reply(text: str, delivered: str) -> str:
    """One line that begins with a code, whatever was answered (RFC 8621 §7)."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    first = lines[0]
    if not _REPLY.match(first):
        return f"{_CODE_OF[delivered]} {' '.join(lines)}"
    prefix = re.match(r"[0-9]{3}[ -](?:[245]\.[0-9]{1,3}\.[0-9]{1,3} )?", first)
    assert prefix is not None
    start = prefix[0].replace("-", " ")
    rest = [re.sub(r"^[0-9]{3}[ -](?:[245]\.[0-9]{1,3}\.[0-9]{1,3} )?", "", one) for one in lines]
    return start + " ".join(rest)
