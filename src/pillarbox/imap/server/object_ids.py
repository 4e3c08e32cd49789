"""Identifiers that last (RFC 8474): the same in IMAP and JMAP, unique within an account."""

from __future__ import annotations

from pillarbox.ids import MailboxId, MessageId, ThreadId


def mailbox_object_id(mailbox: MailboxId) -> bytes:
    """RFC 8474 §4."""
    return b"F%d" % mailbox


def email_object_id(message: MessageId) -> bytes:
    """RFC 8474 §5.1."""
    return b"M%d" % message


def thread_object_id(thread: ThreadId) -> bytes:
    """RFC 8474 §5.2."""
    return b"T%d" % thread


def parse_object_id(prefix: bytes, octets: bytes) -> int:
    """The number behind an id; 0, which nothing has, for one that we never gave out."""
    digits = octets[len(prefix) :]
    if octets.startswith(prefix) and digits.isdigit() and len(digits) < 19:
        return int(digits)
    return 0
