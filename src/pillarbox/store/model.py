"""The rows of the store as values. No protocol, no SQL, no engine."""

from __future__ import annotations

from enum import IntFlag, StrEnum

import msgspec

from pillarbox.ids import (
    AccountId,
    BlobId,
    MailboxId,
    MessageId,
    ModSeq,
    ThreadId,
    Uid,
    UidValidity,
)

DELIMITER = "/"  # between levels in `Mailbox.path`; a name cannot hold it


class Flag(IntFlag):
    """System flags and registered keywords, as stored bits (never renumber)."""

    SEEN = 1 << 0
    ANSWERED = 1 << 1
    FLAGGED = 1 << 2
    DELETED = 1 << 3
    DRAFT = 1 << 4
    FORWARDED = 1 << 5  # $Forwarded
    MDN_SENT = 1 << 6  # $MDNSent
    JUNK = 1 << 7  # $Junk
    NOT_JUNK = 1 << 8  # $NotJunk
    PHISHING = 1 << 9  # $Phishing
    IMPORTANT = 1 << 10  # $Important


FLAG_NAMES: dict[Flag, str] = {
    Flag.SEEN: "\\Seen",
    Flag.ANSWERED: "\\Answered",
    Flag.FLAGGED: "\\Flagged",
    Flag.DELETED: "\\Deleted",
    Flag.DRAFT: "\\Draft",
    Flag.FORWARDED: "$Forwarded",
    Flag.MDN_SENT: "$MDNSent",
    Flag.JUNK: "$Junk",
    Flag.NOT_JUNK: "$NotJunk",
    Flag.PHISHING: "$Phishing",
    Flag.IMPORTANT: "$Important",
}
FLAGS_BY_FOLDED_NAME: dict[str, Flag] = {name.lower(): flag for flag, name in FLAG_NAMES.items()}


class Role(StrEnum):
    """A mailbox's special use (RFC 6154; "inbox" as in RFC 8621)."""

    INBOX = "inbox"
    DRAFTS = "drafts"
    SENT = "sent"
    TRASH = "trash"
    JUNK = "junk"
    ARCHIVE = "archive"
    ALL = "all"
    FLAGGED = "flagged"
    IMPORTANT = "important"


class Account(msgspec.Struct, frozen=True):
    """One person's mail. Quotas of 0 mean no limit."""

    id: AccountId
    login: str  # the primary address, folded
    name: str  # as a person writes it; may be ""
    enabled: bool
    modseq: ModSeq  # the last value given out
    quota_octets: int
    quota_messages: int
    used_octets: int
    used_messages: int
    created_at: int  # Unix seconds
    has_rules: bool = False  # something is to be done with mail that arrives


class Mailbox(msgspec.Struct, frozen=True):
    """A mailbox with its counters, which change in the transaction of the change."""

    id: MailboxId
    account: AccountId
    parent: MailboxId | None
    name: str  # this level only, NFC
    path: str  # all levels joined by DELIMITER; the inbox is "INBOX"
    role: Role | None
    selectable: bool  # False: deleted while it had children; only a level of the tree
    uid_validity: UidValidity
    uid_next: Uid
    modseq: ModSeq  # of the last change to it or to a message in it
    messages: int
    unseen: int
    deleted: int
    octets: int


class Placed(msgspec.Struct, frozen=True, array_like=True):
    """A message's place in a mailbox: what a view of the mailbox is made of."""

    uid: Uid
    message: MessageId
    flags: int  # bits of Flag
    keywords: str  # other keywords, sorted, separated by one space; "" for none
    modseq: ModSeq
    size: int  # octets as read: trace header and message
    saved_at: int  # Unix seconds


class MessageRow(msgspec.Struct, frozen=True):
    """The immutable part of a message; `structure` is the msgpack of `message.part.Part`."""

    id: MessageId
    thread: ThreadId
    blob: BlobId
    size: int  # octets as read: len(trace) + size of the blob
    trace: bytes  # header fields of ours, read in front of the blob's octets
    received_at: int  # INTERNALDATE, Unix seconds
    sent_at: int | None
    envelope: bytes
    body: bytes
    bodystructure: bytes
    structure: bytes  # offsets count from the blob's first octet, the trace left out
    preview: str
    has_attachment: bool


class Expunged(msgspec.Struct, frozen=True, array_like=True):
    """A tombstone."""

    uid: Uid
    message: MessageId
    modseq: ModSeq


class MailboxChanges(msgspec.Struct, frozen=True):
    """What happened in one mailbox after a modseq; `placed` has new and changed places alike."""

    upto: ModSeq  # the mailbox's modseq that these changes lead to
    placed: list[Placed]  # ascending UIDs
    expunged: list[Expunged]  # ascending UIDs
    exists: bool  # False: the mailbox was deleted


class FlagChange(StrEnum):
    ADD = "add"
    REMOVE = "remove"
    REPLACE = "replace"


class StoreOutcome(msgspec.Struct, frozen=True):
    """After a conditional flag change (RFC 7162 §3.1.3)."""

    changed: list[Placed]  # those whose flags really changed, as they are now
    unmodified: list[Placed]  # asked for, already as wished
    failed: list[Uid]  # modified since `unchanged_since`
    missing: list[Uid]  # asked for, no longer in the mailbox
    before: ModSeq | None = None  # the mailbox's, ahead of the change; None: nothing changed
    modseq: ModSeq | None = None  # that of the change


class Copied(msgspec.Struct, frozen=True):
    """UIDs before and after COPY or MOVE, pairwise (RFC 4315 COPYUID)."""

    uid_validity: UidValidity
    source: list[Uid]
    target: list[Uid]


class RecipientState(StrEnum):
    """What has become of a recipient of a queued message."""

    WAITING = "waiting"
    HELD = "held"  # until an instant, or until somebody releases it
    RELAYED = "relayed"  # the next server answered 250
    DELIVERED = "delivered"  # in one of our mailboxes
    EXPANDED = "expanded"  # its address stood for others, who have it
    FAILED = "failed"
    EXPIRED = "expired"  # given up after its time in the queue
    DROPPED = "dropped"  # by the administrator, without a report


OPEN_STATES = frozenset({RecipientState.WAITING, RecipientState.HELD})


class QueuedRecipient(msgspec.Struct, frozen=True):
    """One recipient of a queued message with its DSN wishes (RFC 3461)."""

    forward_path: str
    notify: str = ""  # "NEVER", or a comma list of SUCCESS, FAILURE, DELAY; "" where not said
    orcpt: str = ""
    route: str = ""  # a fixed way; "": by the configuration


class QueuedMessage(msgspec.Struct, frozen=True):
    """A message on its way out; kept in the transaction that answered 250."""

    account: AccountId | None  # who submitted it; None: forwarded for the world
    reverse_path: str  # "" is the null sender
    trace: bytes
    recipients: tuple[QueuedRecipient, ...]
    journey: str
    smtputf8: bool = False
    body: str = "7BIT"  # or "8BITMIME", "BINARYMIME"
    ret: str = ""  # "FULL" or "HDRS"
    envid: str = ""
    requiretls: bool = False  # RFC 8689
    release_at: int | None = None  # Unix seconds; held until then (RFC 4865, or undo)
    hold: str = ""  # as asked for: "for;3600" or "until;…"


class AddressKind(StrEnum):
    ACCOUNT = "account"
    ALIAS = "alias"
    CATCHALL = "catchall"


class AddressRow(msgspec.Struct, frozen=True):
    """What an address stands for; a catch-all is the alias "@domain"."""

    address: str  # folded
    kind: AddressKind
    account: AccountId | None
    targets: tuple[str, ...]  # of an alias


class PasswordRow(msgspec.Struct, frozen=True):
    """An account's main password as kept."""

    argon2: str
    scram: bytes
    changed_at: int


class AppPasswordRow(msgspec.Struct, frozen=True):
    """A further password, made by us and so strong that a plain hash keeps it."""

    id: int  # within its account, from 1
    name: str
    digest: bytes  # SHA-256
    scopes: str  # names separated by one space
    scram: bytes
    created_at: int
    expires_at: int | None
    last_used_at: int | None


class QueuedRow(msgspec.Struct, frozen=True):
    """A queued message as stored."""

    id: int
    account: AccountId | None
    blob: BlobId
    size: int  # trace included
    trace: bytes
    reverse_path: str
    journey: str
    smtputf8: bool
    body: str
    ret: str
    envid: str
    requiretls: bool
    queued_at: int
    hold: str = ""  # what FUTURERELEASE asked for
    recipients: tuple[tuple[QueuedRecipient, RecipientState], ...] = ()


LeasedMessage = QueuedRow  # one that a worker has; its leased recipients stand beside it


class LeasedRecipient(msgspec.Struct, frozen=True):
    """A recipient that a worker may send to, until its lease ends."""

    queued: int  # QueuedRow.id
    number: int  # within the message, from 0
    forward_path: str
    domain: str  # an A-label, lower case
    route: str  # the administrator's wish (`queue route`), "" for none
    notify: str
    orcpt: str
    attempts: int  # before this one
    uncertain: bool  # an attempt may have succeeded without our knowing
    warned: bool  # the sender has heard of the delay


class RecipientRow(msgspec.Struct, frozen=True):
    """Everything about one recipient, for people and for reports."""

    queued: int
    number: int
    forward_path: str
    domain: str
    route: str
    notify: str
    orcpt: str
    state: RecipientState
    attempts: int
    due_at: int | None  # next attempt, end of the hold, or end of the lease
    sending: bool  # a worker has it
    uncertain: bool
    warned: bool
    report: str  # what the sender is still to be told; "" for nothing
    tried_at: int | None
    reply: str
    status: str
    remote_mta: str
    tls: str
    finished_at: int | None
