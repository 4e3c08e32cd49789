"""The data items of FETCH that need no message octets (RFC 9051 §6.4.5), as rows of one type.

An item writes its values for a whole batch of messages at once: fifty thousand FLAGS are a hundred
list comprehensions, not fifty thousand calls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pillarbox.ids import MessageId, ThreadId
from pillarbox.imap.server.object_ids import email_object_id, thread_object_id
from pillarbox.imap.server.picture import Picture, flag_names
from pillarbox.imap.wire.encoder import encode_date_time


@dataclass(frozen=True, slots=True)
class Batch:
    """Some messages of a view, with the columns that the items asked for."""

    picture: Picture
    indexes: Sequence[int]
    rows: Mapping[MessageId, tuple[Any, ...]]
    names: tuple[str, ...]  # of the columns in `rows`
    utf8: bool

    def column(self, name: str) -> list[Any]:
        """A column's values, one a message."""
        at = self.names.index(name)
        messages, rows = self.picture.messages, self.rows
        return [rows[MessageId(messages[i])][at] for i in self.indexes]


@dataclass(frozen=True, slots=True)
class FetchItem:
    """One item: its name in the command, and "NAME value" for each message of a batch."""

    name: str
    values: Callable[[Batch], list[bytes]]
    columns: tuple[str, ...] = ()  # of the store's message rows, by the names of MessageRow
    suffixes: tuple[bytes, ...] = ()  # what may stand behind the name and changes nothing
    enables_condstore: bool = False


def _uids(batch: Batch) -> list[bytes]:
    uids = batch.picture.uids
    return [b"UID %d" % uids[i] for i in batch.indexes]


def _flags(batch: Batch) -> list[bytes]:
    picture = batch.picture
    flags, keywords, uids = picture.flags, picture.keywords, picture.uids
    encoded: dict[int, bytes] = {}
    found = []
    for i in batch.indexes:
        bits = flags[i]
        if keywords and uids[i] in keywords:
            found.append(_encode_flags(bits, keywords[uids[i]]))
            continue
        octets = encoded.get(bits)
        if octets is None:
            octets = encoded[bits] = _encode_flags(bits, "")
        found.append(octets)
    return found


def _encode_flags(bits: int, keywords: str) -> bytes:
    return b"FLAGS (%b)" % flag_names(bits, keywords).encode("ascii", "replace")


def _sizes(batch: Batch) -> list[bytes]:
    sizes = batch.picture.sizes
    return [b"RFC822.SIZE %d" % sizes[i] for i in batch.indexes]


def _modseqs(batch: Batch) -> list[bytes]:
    modseqs = batch.picture.modseqs
    return [b"MODSEQ (%d)" % modseqs[i] for i in batch.indexes]


def _email_ids(batch: Batch) -> list[bytes]:
    messages = batch.picture.messages
    return [b"EMAILID (%b)" % email_object_id(MessageId(messages[i])) for i in batch.indexes]


def _thread_ids(batch: Batch) -> list[bytes]:
    return [b"THREADID (%b)" % thread_object_id(ThreadId(t)) for t in batch.column("thread_id")]


def _internal_dates(batch: Batch) -> list[bytes]:
    return [b"INTERNALDATE " + encode_date_time(at) for at in batch.column("received_at")]


def _encoded(label: bytes, column: str) -> Callable[[Batch], list[bytes]]:
    """For columns that the store keeps in IMAP's own form."""

    def values(batch: Batch) -> list[bytes]:
        return [label + value for value in batch.column(column)]

    return values


UID = FetchItem("UID", _uids)
FLAGS = FetchItem("FLAGS", _flags)
INTERNALDATE = FetchItem("INTERNALDATE", _internal_dates, ("received_at",))
SIZE = FetchItem("RFC822.SIZE", _sizes)
ENVELOPE = FetchItem("ENVELOPE", _encoded(b"ENVELOPE ", "envelope"), ("envelope",))
BODY = FetchItem("BODY", _encoded(b"BODY ", "body"), ("body",))
BODYSTRUCTURE = FetchItem(
    "BODYSTRUCTURE", _encoded(b"BODYSTRUCTURE ", "bodystructure"), ("bodystructure",)
)
BASE_ITEMS = {
    item.name: item for item in (UID, FLAGS, INTERNALDATE, SIZE, ENVELOPE, BODY, BODYSTRUCTURE)
}
MACROS = {  # RFC 9051 §6.4.5
    "FAST": (FLAGS, INTERNALDATE, SIZE),
    "ALL": (FLAGS, INTERNALDATE, SIZE, ENVELOPE),
    "FULL": (FLAGS, INTERNALDATE, SIZE, ENVELOPE, BODY),
}

# Rows for the extensions that bring these items
MODSEQ = FetchItem("MODSEQ", _modseqs, enables_condstore=True)  # RFC 7162 §3.1.4.2
EMAIL_ID = FetchItem("EMAILID", _email_ids)  # RFC 8474 §5.1
THREAD_ID = FetchItem("THREADID", _thread_ids, ("thread_id",))  # RFC 8474 §5.2
