"""What another IMAP server says, as values (RFC 9051 §7). Sans-IO."""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

from pillarbox.errors import PillarboxError

ConditionKind = Literal["OK", "NO", "BAD", "BYE", "PREAUTH"]
Ranges = tuple[tuple[int, int], ...]
Value = bytes | None | tuple["Value", ...]  # an item that nobody here knows: NIL, text or a list


class Sink(Protocol):
    """Where a long literal goes piece by piece; the store's `Spool` is one."""

    def write(self, chunk: bytes, /) -> None:
        """Take octets. Raises PillarboxError."""

    def discard(self) -> None:
        """They are not wanted any more."""


class ServerLiteral(msgspec.Struct):
    """Octets that came as a literal: here, in a sink, or dropped because the sink refused them."""

    size: int  # octets as announced
    octets: bytes = b""  # all of them where there is no sink
    sink: Sink | None = None
    binary: bool = False  # ~{n} (RFC 3516 §4.1)
    trouble: PillarboxError | None = None  # why the sink did not take it

    def discard(self) -> None:
        """Give back what the sink holds."""
        if self.sink is not None:
            self.sink.discard()
            self.sink = None


class ResponseCode(msgspec.Struct, frozen=True):
    """What stands between brackets in front of a text."""

    name: str  # upper case
    argument: bytes = b""


class Response(msgspec.Struct, frozen=True):
    """Anything that a server says."""


class Condition(Response, frozen=True):
    """OK, NO, BAD, BYE, PREAUTH: of a command where there is a tag (RFC 9051 §7.1)."""

    kind: ConditionKind
    text: str = ""  # made printable
    code: ResponseCode | None = None
    tag: bytes = b"*"


class Continuation(Response, frozen=True):
    """`+ …`: go on; a SASL challenge in base64."""

    octets: bytes = b""


class CapabilityList(Response, frozen=True):
    """`* CAPABILITY …`, in upper case."""

    names: tuple[str, ...]


class Enabled(Response, frozen=True):
    """`* ENABLED …` (RFC 5161 §3.2)."""

    names: tuple[str, ...]


class Identity(Response, frozen=True):
    """`* ID …` (RFC 2971 §3.2)."""

    fields: dict[str, str | None]


class NamespaceEntry(msgspec.Struct, frozen=True):
    """One namespace."""

    prefix: bytes
    delimiter: str  # "" where it is flat


class Namespaces(Response, frozen=True):
    """`* NAMESPACE …` (RFC 2342 §5)."""

    personal: tuple[NamespaceEntry, ...] = ()
    others: tuple[NamespaceEntry, ...] = ()
    shared: tuple[NamespaceEntry, ...] = ()


class Listed(Response, frozen=True):
    """`* LIST …`, `* LSUB …`, `* XLIST …`."""

    command: Literal["LIST", "LSUB", "XLIST"]
    attributes: frozenset[str]  # lower case, with their backslash
    delimiter: str  # "" for NIL
    name: bytes  # as it came


class MailboxStatus(Response, frozen=True):
    """`* STATUS …` (RFC 9051 §7.3.4); the numbers by their names in upper case."""

    name: bytes
    items: dict[str, int]


class DefinedFlags(Response, frozen=True):
    """`* FLAGS (…)`."""

    names: tuple[str, ...]


class Exists(Response, frozen=True):
    """`* n EXISTS`."""

    count: int


class Recent(Response, frozen=True):
    """`* n RECENT` (RFC 3501 §7.3.2)."""

    count: int


class Expunged(Response, frozen=True):
    """`* n EXPUNGE`."""

    seqnum: int


class Vanished(Response, frozen=True):
    """`* VANISHED …` (RFC 7162 §3.2.10)."""

    earlier: bool
    ranges: Ranges


class Found(Response, frozen=True):
    """`* SEARCH …`, or `* ESEARCH …` with its items."""

    numbers: tuple[int, ...] = ()  # of SEARCH
    all: Ranges = ()  # of ESEARCH
    tag: bytes = b""
    uid: bool = False
    items: dict[str, Value] = {}  # MIN, MAX, COUNT, MODSEQ, …


class Fetched(Response, frozen=True):
    """`* n FETCH (…)` (RFC 9051 §7.5.2); None and 0 for what it does not hold."""

    seqnum: int
    uid: int = 0
    size: int | None = None
    flags: bytes | None = None  # as they came, without the parentheses
    received_at: int | None = None  # INTERNALDATE as Unix seconds
    modseq: int = 0
    has_body: bool = False  # BODY[…], BINARY[…] or RFC822 is there, and maybe NIL
    body: ServerLiteral | bytes | None = None
    others: tuple[tuple[str, Value], ...] = ()

    def discard(self) -> None:
        """Nobody wants the body."""
        if isinstance(self.body, ServerLiteral):
            self.body.discard()


class Unknown(Response, frozen=True):
    """Something that is passed over; `broken` where it is known and cannot be understood."""

    name: str
    broken: bool = False
