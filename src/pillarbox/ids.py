"""Numbers and names that must not mix, and how new ones are made."""

from __future__ import annotations

import random
from typing import NewType

AccountId = NewType("AccountId", int)
MailboxId = NewType("MailboxId", int)  # unique within its account
MessageId = NewType("MessageId", int)  # our number of a stored message, within its account
ThreadId = NewType("ThreadId", int)  # within its account
Uid = NewType("Uid", int)  # RFC 9051 §2.3.1.1: 1 to 2**32 - 1, strictly ascending in a mailbox
SeqNum = NewType("SeqNum", int)  # position in one session's view of a mailbox, from 1
ModSeq = NewType("ModSeq", int)  # RFC 7162: 1 to 2**63 - 1, one counter an account
UidValidity = NewType("UidValidity", int)  # 1 to 2**32 - 1
RemoteId = NewType("RemoteId", int)  # a remote account that mail is brought from; never used twice
RunId = NewType("RunId", int)  # one run of bringing mail; never used twice
BulkId = NewType("BulkId", int)  # an operation on many messages, within its account
BlobId = NewType("BlobId", bytes)  # SHA-256 of the octets, 32 octets long

MAX_UID = 2**32 - 1


def new_journey() -> str:
    """A short random name under which one message or session is followed through the logs."""
    # No secret: the system's generator would cost more than a whole reply does.
    return f"{random.getrandbits(48):012x}"
