"""What a server says (RFC 9051 §7), as values; `encode` gives their octets, line end included.

`utf8` says whether the client enabled UTF-8 in strings (RFC 6855 §3, RFC 9051 §5.1).
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from enum import StrEnum

import msgspec

from pillarbox.imap.wire.codes import Code
from pillarbox.imap.wire.encoder import (
    NIL,
    encode_flags,
    encode_list,
    encode_mailbox,
    encode_text,
)
from pillarbox.imap.wire.sequence_set import encode_numbers, encode_ranges


class Kind(StrEnum):
    """The states of RFC 9051 §7.1."""

    OK = "OK"
    NO = "NO"
    BAD = "BAD"
    BYE = "BYE"
    PREAUTH = "PREAUTH"


class Response(msgspec.Struct, frozen=True):
    """Anything that a server sends."""

    def encode(self, utf8: bool = False) -> bytes:
        """The whole line or lines."""
        raise NotImplementedError


class Status(Response, frozen=True):
    """`* OK …`; with a tag, a command's end (RFC 9051 §7.1)."""

    kind: Kind
    text: str
    code: Code | None = None
    tag: bytes = b"*"

    def encode(self, utf8: bool = False) -> bytes:
        text = self.text.replace("\r", " ").replace("\n", " ").replace("\0", " ") or "-"
        octets = text.encode("utf-8" if utf8 else "ascii", "replace")
        if self.code is None:
            if octets.startswith(b"["):  # would be read as a code
                octets = b"- " + octets
            return b"%b %b %b\r\n" % (self.tag, self.kind.encode(), octets)
        return b"%b %b [%b] %b\r\n" % (self.tag, self.kind.encode(), self.code.octets, octets)


def ok(text: str, code: Code | None = None, tag: bytes = b"*") -> Status:
    return Status(Kind.OK, text, code, tag)


def no(text: str, code: Code | None = None, tag: bytes = b"*") -> Status:
    return Status(Kind.NO, text, code, tag)


def bad(text: str, code: Code | None = None, tag: bytes = b"*") -> Status:
    return Status(Kind.BAD, text, code, tag)


def bye(text: str, code: Code | None = None) -> Status:
    return Status(Kind.BYE, text, code)


class Continue(Response, frozen=True):
    """`+ …` (RFC 9051 §7.6): a text, or the base64 of a SASL challenge."""

    octets: bytes = b"go ahead"

    def encode(self, utf8: bool = False) -> bytes:
        return b"+ %b\r\n" % self.octets


class Encoded(Response, frozen=True):
    """Whole response lines that are octets already."""

    octets: bytes

    def encode(self, utf8: bool = False) -> bytes:
        return self.octets


# The state of a mailbox


class Exists(Response, frozen=True):
    messages: int

    def encode(self, utf8: bool = False) -> bytes:
        return b"* %d EXISTS\r\n" % self.messages


class Recent(Response, frozen=True):
    """RFC 3501 §7.3.2; IMAP4rev2 has none."""

    messages: int

    def encode(self, utf8: bool = False) -> bytes:
        return b"* %d RECENT\r\n" % self.messages


class Expunge(Response, frozen=True):
    seqnum: int

    def encode(self, utf8: bool = False) -> bytes:
        return b"* %d EXPUNGE\r\n" % self.seqnum


class Vanished(Response, frozen=True):
    """Messages that went just now; numbers above theirs move down (RFC 7162 §3.2.10.2)."""

    uids: Sequence[int]

    def encode(self, utf8: bool = False) -> bytes:
        return b"* VANISHED %b\r\n" % encode_numbers(self.uids)


class VanishedEarlier(Response, frozen=True):
    """The answer to a question about the past; moves no numbers (RFC 7162 §3.2.10.1)."""

    ranges: Sequence[tuple[int, int]]

    def encode(self, utf8: bool = False) -> bytes:
        return b"* VANISHED (EARLIER) %b\r\n" % encode_ranges(self.ranges)


class Flags(Response, frozen=True):
    names: Sequence[str]

    def encode(self, utf8: bool = False) -> bytes:
        return b"* FLAGS %b\r\n" % encode_flags(self.names)


# Mailboxes


class ListData(Response, frozen=True):
    """RFC 9051 §7.3.1; `extended` holds names with encoded values (CHILDINFO, OLDNAME)."""

    name: str
    attributes: Sequence[str] = ()
    delimiter: str | None = "/"
    extended: Sequence[tuple[str, bytes]] = ()
    command: str = "LIST"  # or LSUB (RFC 3501 §7.2.3)

    def encode(self, utf8: bool = False) -> bytes:
        delimiter = NIL if self.delimiter is None else encode_text(self.delimiter)
        line = b"* %b %b %b %b" % (
            self.command.encode("ascii"),
            encode_flags(self.attributes),
            delimiter,
            encode_mailbox(self.name, utf8=utf8),
        )
        if self.extended:
            pairs = [b"%b %b" % (encode_text(name), value) for name, value in self.extended]
            line += b" " + encode_list(pairs)
        return line + b"\r\n"


class StatusData(Response, frozen=True):
    """RFC 9051 §7.3.3; names with their values are encoded."""

    mailbox: str
    pairs: Sequence[bytes]

    def encode(self, utf8: bool = False) -> bytes:
        name = encode_mailbox(self.mailbox, utf8=utf8)
        return b"* STATUS %b (%b)\r\n" % (name, b" ".join(self.pairs))


class NamespaceData(Response, frozen=True):
    """RFC 9051 §7.3.2: (prefix, delimiter) pairs; none is NIL."""

    personal: Sequence[tuple[str, str]] = (("", "/"),)
    others: Sequence[tuple[str, str]] = ()
    shared: Sequence[tuple[str, str]] = ()

    def encode(self, utf8: bool = False) -> bytes:
        return b"* NAMESPACE %b %b %b\r\n" % (
            _namespace(self.personal, utf8),
            _namespace(self.others, utf8),
            _namespace(self.shared, utf8),
        )


def _namespace(pairs: Sequence[tuple[str, str]], utf8: bool) -> bytes:
    if not pairs:
        return NIL
    encoded = [
        encode_list((encode_mailbox(prefix, utf8=utf8), encode_text(delimiter)))
        for prefix, delimiter in pairs
    ]
    return b"(%b)" % b"".join(encoded)


class QuotaData(Response, frozen=True):
    """RFC 9208 §5.1: (resource, usage, limit) of a root."""

    root: str
    resources: Sequence[tuple[str, int, int]]

    def encode(self, utf8: bool = False) -> bytes:
        triples = [
            b"%b %d %d" % (n.encode("ascii"), used, most) for n, used, most in self.resources
        ]
        return b"* QUOTA %b %b\r\n" % (encode_text(self.root, utf8=utf8), encode_list(triples))


class QuotaRootData(Response, frozen=True):
    """RFC 9208 §5.2."""

    mailbox: str
    roots: Sequence[str]

    def encode(self, utf8: bool = False) -> bytes:
        name = encode_mailbox(self.mailbox, utf8=utf8)
        roots = b"".join([b" " + encode_text(root, utf8=utf8) for root in self.roots])
        return b"* QUOTAROOT %b%b\r\n" % (name, roots)


# The server


class Capability(Response, frozen=True):
    names: Sequence[str]

    def encode(self, utf8: bool = False) -> bytes:
        return f"* CAPABILITY {' '.join(self.names)}\r\n".encode("ascii")


class Enabled(Response, frozen=True):
    """RFC 9051 §7.2.1; nothing new enabled is an empty list."""

    names: Sequence[str]

    def encode(self, utf8: bool = False) -> bytes:
        return "".join(("* ENABLED", *(f" {name}" for name in self.names), "\r\n")).encode("ascii")


class Id(Response, frozen=True):
    """RFC 2971 §3.2."""

    fields: Sequence[tuple[str, str | None]] = ()

    def encode(self, utf8: bool = False) -> bytes:
        if not self.fields:
            return b"* ID NIL\r\n"
        values = [
            part
            for name, value in self.fields
            for part in (encode_text(name), NIL if value is None else encode_text(value))
        ]
        return b"* ID %b\r\n" % encode_list(values)


# Results of searches


_COMMAS_TO_SPACES = bytes.maketrans(b",", b" ")
_MOST_COUNTED = 100_000  # numbers that are kept as they are written: 0.6 MB
_FEW_COUNTED = 1_000  # numbers that are not worth keeping so many for


def _spaced(numbers: Sequence[int]) -> bytes:
    """Numbers with a space between two."""
    count = len(numbers)
    # Often all of a mailbox is found: a range, which is compared without looking at its numbers.
    if _FEW_COUNTED < count <= _MOST_COUNTED and numbers == range(1, count + 1):
        return _counted()[: _octets_of_counted(count)]
    listed = numbers if isinstance(numbers, list) else list(numbers)
    # Written as JSON, which is twenty times as fast as one by one.
    return msgspec.json.encode(listed)[1:-1].translate(_COMMAS_TO_SPACES)


@functools.cache
def _counted() -> bytes:
    """The numbers from 1 on."""
    return _spaced(list(range(1, _MOST_COUNTED + 1)))


def _octets_of_counted(last: int) -> int:
    """How many octets the numbers from 1 to the last take, with a space between two."""
    octets, first, digits = -1, 1, 1
    while first <= last:
        octets += (min(last + 1, 10 * first) - first) * (digits + 1)
        first, digits = 10 * first, digits + 1
    return octets


class Search(Response, frozen=True):
    """RFC 3501 §7.2.5, with the highest modseq found where MODSEQ was asked (RFC 7162 §3.1.5)."""

    numbers: Sequence[int]
    modseq: int | None = None
    command: str = "SEARCH"  # or SORT (RFC 5256 §4)

    def encode(self, utf8: bool = False) -> bytes:
        line = b"* " + self.command.encode("ascii")
        if self.numbers:
            line += b" " + _spaced(self.numbers)
        if self.modseq is not None:
            line += b" (MODSEQ %d)" % self.modseq
        return line + b"\r\n"


class ESearch(Response, frozen=True):
    """RFC 9051 §7.3.4 ESEARCH: names with encoded values, in the order given."""

    tag: bytes
    uid: bool
    items: Sequence[tuple[str, bytes]]

    def encode(self, utf8: bool = False) -> bytes:
        line = b"* ESEARCH (TAG %b)" % encode_text(self.tag.decode("ascii", "replace"))
        if self.uid:
            line += b" UID"
        for name, value in self.items:
            line += b" %b %b" % (name.encode("ascii"), value)
        return line + b"\r\n"


class Thread(Response, frozen=True):
    """RFC 5256 §4: the threads, encoded."""

    threads: bytes

    def encode(self, utf8: bool = False) -> bytes:
        return b"* THREAD %b\r\n" % self.threads if self.threads else b"* THREAD\r\n"


def encode(response: Response, *, utf8: bool = False) -> bytes:
    """The octets of any response."""
    return response.encode(utf8)
