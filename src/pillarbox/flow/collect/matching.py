"""Which message of a source is one that was brought before, where its key does not tell.

Keys lose their meaning when UIDVALIDITY changes (RFC 9051 §2.3.1.1), and a POP3 server may give
one UIDL to several messages, an old one to a new message (against RFC 1939 §7), or new ones to all
when it is replaced. Then the content decides: as many of the same content as were brought are
here, and the next is new.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence

from msgspec import Struct

from pillarbox.flow.collect.source import RemoteMessage
from pillarbox.store.sql.collected import SeenKey

REPEATED = "\t"  # between a repeated UIDL, which cannot hold it, and what tells the messages apart


class Known(Struct, frozen=True):
    """A row of what was brought, with the UIDVALIDITY that it stands under."""

    validity: str
    row: SeenKey


def uidl_of(key: str) -> str:
    """What the server itself called it."""
    return key.partition(REPEATED)[0]


class ByContent:
    """Rows that wait for the message that they mean; each is taken once."""

    def __init__(self, rows: Iterable[tuple[str, SeenKey]]) -> None:
        """`rows`: with the UIDVALIDITY that each stands under."""
        self._waiting: dict[bytes, list[Known]] = defaultdict(list)
        for validity, row in rows:
            if row.digest:
                self._waiting[row.digest].append(Known(validity, row))
        for same in self._waiting.values():
            same.reverse()  # taken from the end, the first one first

    def take(self, digest: bytes) -> Known | None:
        """A row of that content, which then is spoken for."""
        same = self._waiting.get(digest)
        return same.pop() if same else None


def unclaimed(
    listed: Sequence[RemoteMessage], rows: Mapping[str, SeenKey], doubtful: Container[str]
) -> list[tuple[str, SeenKey]]:
    """Rows of a POP3 source that no listed UIDL surely means: theirs may have changed.

    What was deleted there is not among what is there now.
    """
    claimed = {one.key for one in listed if one.key not in doubtful}
    seen = {uidl_of(one.key) for one in listed}
    return [
        ("", row)
        for key, row in rows.items()
        if key not in claimed and (not row.settled or uidl_of(key) in seen)
    ]


def doubtful(listed: Sequence[RemoteMessage], rows: Mapping[str, SeenKey]) -> list[str]:
    """Keys of a POP3 source that do not say which message is meant, though they are known."""
    repeated = {uidl_of(key) for key in rows if REPEATED in key}
    return [one.key for one in listed if _is_doubtful(one, rows.get(one.key), repeated)]


def _is_doubtful(message: RemoteMessage, row: SeenKey | None, repeated: set[str]) -> bool:
    if REPEATED in message.key or message.key in repeated:
        return True
    if row is None:
        return False
    # Another size is another message: some servers call them by their position in the mailbox.
    # What was deleted there and confirmed is gone: its name has a new message, or it came back.
    return row.settled or 0 < row.listed != message.size > 0


def new_key(uidl: str, digest: bytes, taken: Container[str]) -> str:
    """A key for a message whose UIDL others have, too; the same in every run."""
    key = f"{uidl}{REPEATED}{digest.hex()}"
    number = 1
    while key in taken:
        number += 1
        key = f"{uidl}{REPEATED}{digest.hex()}{REPEATED}{number}"
    return key
