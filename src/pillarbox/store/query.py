"""What can be asked of a mailbox: a small tree that IMAP SEARCH and JMAP filters both become."""

from __future__ import annotations

from enum import Enum, StrEnum, auto

import msgspec

from pillarbox.ids import MailboxId, MessageId, ModSeq, ThreadId, Uid


class Field(Enum):
    """Where a text is looked for. Matching is by folded substring (`message.casefold.fold`)."""

    SUBJECT = auto()
    FROM = auto()
    TO = auto()
    CC = auto()
    BCC = auto()
    BODY = auto()  # decoded text of the body's text parts
    TEXT = auto()  # header or body


class All(msgspec.Struct, frozen=True):
    """Every message."""


class And(msgspec.Struct, frozen=True):
    terms: tuple[Query, ...]  # none: every message


class Or(msgspec.Struct, frozen=True):
    terms: tuple[Query, ...]  # none: no message


class Not(msgspec.Struct, frozen=True):
    term: Query


class Uids(msgspec.Struct, frozen=True):
    """Inclusive ranges, ascending; sequence numbers were translated by the caller."""

    ranges: tuple[tuple[int, int], ...]


class HasFlag(msgspec.Struct, frozen=True):
    flag: int  # one bit of model.Flag


class HasKeyword(msgspec.Struct, frozen=True):
    keyword: str  # any case


class Contains(msgspec.Struct, frozen=True):
    field: Field
    needle: str  # "" matches every message


class HasHeader(msgspec.Struct, frozen=True):
    """A header field by name holds the needle; "" asks only that the field is there."""

    name: str
    needle: str


class Larger(msgspec.Struct, frozen=True):
    octets: int


class Smaller(msgspec.Struct, frozen=True):
    octets: int


class ReceivedBetween(msgspec.Struct, frozen=True):
    """INTERNALDATE in [since, before), Unix seconds; None is open."""

    since: int | None
    before: int | None


class SavedBetween(msgspec.Struct, frozen=True):
    """SAVEDATE (RFC 8514) in [since, before), Unix seconds."""

    since: int | None
    before: int | None


class SentBetween(msgspec.Struct, frozen=True):
    """Day of the Date field as written, in [since, before), as `date.toordinal()`."""

    since: int | None
    before: int | None


class ModifiedSince(msgspec.Struct, frozen=True):
    """RFC 7162 §3.1.5: modseq >= value."""

    modseq: ModSeq


class IsMessage(msgspec.Struct, frozen=True):
    """RFC 8474 EMAILID."""

    message: MessageId


class InThread(msgspec.Struct, frozen=True):
    """RFC 8474 THREADID."""

    thread: ThreadId


class InMailbox(msgspec.Struct, frozen=True):
    """It has a place there. This and the terms below are for questions to a whole account."""

    mailbox: MailboxId


class InOtherThan(msgspec.Struct, frozen=True):
    """It has a place in a mailbox that is none of these."""

    mailboxes: tuple[MailboxId, ...]


class FromAddress(msgspec.Struct, frozen=True):
    """The first address of From is this one."""

    address: str  # any case


class Messages(msgspec.Struct, frozen=True):
    """It is one of these."""

    messages: tuple[MessageId, ...]


class Hidden(msgspec.Struct, frozen=True):
    r"""All its places are flagged \Deleted: it is there for IMAP alone (RFC 8621 §4.1.1)."""


class HasAttachment(msgspec.Struct, frozen=True):
    """RFC 8621 §4.1.4."""


class SomeInThread(msgspec.Struct, frozen=True):
    """The term holds for at least one message of its thread, perhaps for this one."""

    term: Query


Query = (
    All
    | And
    | Or
    | Not
    | Uids
    | HasFlag
    | HasKeyword
    | Contains
    | HasHeader
    | Larger
    | Smaller
    | ReceivedBetween
    | SavedBetween
    | SentBetween
    | ModifiedSince
    | IsMessage
    | InThread
    | InMailbox
    | InOtherThan
    | FromAddress
    | Messages
    | Hidden
    | HasAttachment
    | SomeInThread
)


class SortRow(msgspec.Struct, frozen=True, array_like=True):
    """What SORT needs of one message (RFC 5256 §3, RFC 5957)."""

    uid: Uid
    received_at: int
    sent_at: int  # falls back to received_at where there is no valid Date
    size: int
    base_subject: str
    from_mailbox: str
    to_mailbox: str
    cc_mailbox: str
    display_from: str
    display_to: str


class ThreadRow(msgspec.Struct, frozen=True, array_like=True):
    """What THREAD needs of one message (RFC 5256 §3); ids as the store's 63-bit hashes."""

    uid: Uid
    sent_at: int
    base_subject: str
    is_reply: bool
    message_id: int  # 0 where absent
    references: tuple[int, ...]


class SortKey(StrEnum):
    """What an account's messages are sorted by (RFC 8621 §4.4.2)."""

    RECEIVED_AT = "receivedAt"
    SENT_AT = "sentAt"
    SIZE = "size"
    FROM = "from"
    TO = "to"
    SUBJECT = "subject"
    HOLDS = "holds"  # whether a term does


class SortBy(msgspec.Struct, frozen=True):
    """One criterion."""

    key: SortKey
    ascending: bool = True
    term: Query = All()  # for HOLDS
    plain: bool = False  # texts as they are, without decomposing letters (i;ascii-casemap)


class EmailQuery(msgspec.Struct, frozen=True):
    """A question to a whole account, where a message in two mailboxes is one."""

    filter: Query
    sort: tuple[SortBy, ...] = ()  # none: the latest first
    collapse_threads: bool = False  # only the first of each thread
