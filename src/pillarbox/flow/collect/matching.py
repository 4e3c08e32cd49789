"""Which message of a source is one that was brought before, where its key does not tell.

Keys lose their meaning when UIDVALIDITY changes (RFC 9051 §2.3.1.1), and a POP3 server may give
one UIDL to several messages, or an old one to a new message (against RFC 1939 §7). Then the
content decides: as many of the same content as were brought are here, and the next is new.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

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

    def __init__(self, rows: Iterable[tuple[str, Known]]) -> None:
        """`rows`: with the name under which they are looked for besides their content."""
        self._waiting: dict[tuple[str, bytes], list[Known]] = defaultdict(list)
        for name, known in rows:
            if known.row.digest:
                self._waiting[name, known.row.digest].append(known)
        for same in self._waiting.values():
            same.reverse()  # taken from the end, the first one first

    @classmethod
    def after_renumbering(cls, rows: Iterable[tuple[str, SeenKey]]) -> ByContent:
        """Any row of the folder may be any message of it."""
        return cls(("", Known(validity, row)) for validity, row in rows)

    @classmethod
    def of_repeated(
        cls, rows: Mapping[str, SeenKey], doubtful: Sequence[RemoteMessage]
    ) -> ByContent:
        """A row may be a message that has its UIDL."""
        uidls = {uidl_of(one.key) for one in doubtful}
        return cls(
            (uidl, Known("", row)) for key, row in rows.items() if (uidl := uidl_of(key)) in uidls
        )

    def take(self, digest: bytes, name: str = "") -> Known | None:
        """A row of that content, which then is spoken for."""
        same = self._waiting.get((name, digest))
        return same.pop() if same else None


def doubtful(listed: Sequence[RemoteMessage], rows: Mapping[str, SeenKey]) -> list[RemoteMessage]:
    """Messages of a POP3 source whose UIDL does not say which they are, though it is known."""
    repeated = {uidl_of(key) for key in rows if REPEATED in key}
    return [one for one in listed if _is_doubtful(one, rows.get(one.key), repeated)]


def _is_doubtful(message: RemoteMessage, row: SeenKey | None, repeated: set[str]) -> bool:
    if REPEATED in message.key or message.key in repeated:
        return True
    # Another size is another message: some servers call them by their position in the mailbox.
    return row is not None and 0 < row.listed != message.size > 0


def new_key(uidl: str, digest: bytes, taken: Mapping[str, object]) -> str:
    """A key for a message whose UIDL others have, too; the same in every run."""
    key = f"{uidl}{REPEATED}{digest.hex()}"
    number = 1
    while key in taken:
        number += 1
        key = f"{uidl}{REPEATED}{digest.hex()}{REPEATED}{number}"
    return key
