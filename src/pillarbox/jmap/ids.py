"""Ids as JMAP writes them; mailboxes, messages and threads have the same in IMAP (RFC 8474)."""

from __future__ import annotations

from pillarbox.ids import AccountId, BlobId, BulkId, MailboxId, MessageId, ModSeq, ThreadId

_MOST_DIGITS = 18  # fits 63 bits


def account_id(account: AccountId) -> str:
    """A JMAP account is one account of ours."""
    return f"A{account}"


def mailbox_id(mailbox: MailboxId) -> str:
    """The MAILBOXID of IMAP."""
    return f"F{mailbox}"


def email_id(message: MessageId) -> str:
    """The EMAILID of IMAP."""
    return f"M{message}"


def thread_id(thread: ThreadId) -> str:
    """The THREADID of IMAP."""
    return f"T{thread}"


def message_blob_id(message: MessageId) -> str:
    """A whole message as it is read, trace included; its parts are `part_blob_id`."""
    return f"B{message}"


def part_blob_id(message: MessageId, part: str) -> str:
    """A decoded part, by its IMAP number with "-" for "."."""
    return f"B{message}_{part.replace('.', '-')}"


def upload_blob_id(blob: BlobId) -> str:
    """Octets that were uploaded and belong to no message yet."""
    return f"U{blob.hex()}"


def identity_id(identity: int) -> str:
    """An address that somebody writes under, with its name and signatures."""
    return f"I{identity}"


def submission_id(submission: int) -> str:
    """A message that was sent."""
    return f"S{submission}"


def bulk_id(number: BulkId) -> str:
    """An operation on many messages."""
    return f"O{number}"


def state_of(modseq: ModSeq) -> str:
    """A type's state is the account's modseq: one number for all."""
    return str(int(modseq))


def number_of(prefix: str, text: str) -> int:
    """The number behind an id; 0, which nothing has, for one that we never gave out."""
    digits = text[len(prefix) :]
    if text.startswith(prefix) and digits.isascii() and digits.isdigit() and digits[0] != "0":
        return int(digits) if len(digits) <= _MOST_DIGITS else 0
    return 0
