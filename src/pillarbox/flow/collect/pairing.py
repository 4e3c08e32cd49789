"""Which message here is which message there; each finds one partner at most."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from pillarbox.flow.collect.source import RemoteMessage
from pillarbox.ids import BlobId
from pillarbox.store.model import FLAG_NAMES
from pillarbox.store.sql.comparison import Held


class Pool:
    """The messages of a mailbox that have no partner yet."""

    def __init__(self, here: Iterable[Held]) -> None:
        self._left = {one.uid: one for one in here}
        self._by_blob: dict[BlobId, list[Held]] = defaultdict(list)
        self._by_identity: dict[tuple[int, int], list[Held]] = defaultdict(list)
        self._traced: dict[int, list[Held]] = defaultdict(list)
        for one in reversed(
            self._left.values()
        ):  # lists give back from their end: lowest UID first
            self._by_blob[one.blob].append(one)
            self._by_identity[one.id_hash, one.size].append(one)
            if one.traced:
                self._traced[one.size].append(one)

    def __len__(self) -> int:
        return len(self._left)

    def take(self, blob: BlobId) -> Held | None:
        """One of those octets."""
        return self._first(self._by_blob.get(blob, []))

    def take_identical(self, message: RemoteMessage, identity: int) -> Held | None:
        """One of that Message-ID and size; without a Message-ID the date must agree, too."""
        if not message.size:
            return None
        among = self._by_identity.get((identity, message.size), [])
        on_the_second = [one for one in among if one.received_at == message.received_at]
        return self._first(on_the_second) or (self._first(among) if identity else None)

    def traced(self, size: int) -> list[Held]:
        """Those with trace fields of ours that are so long when read."""
        return [one for one in self._traced.get(size, []) if one.uid in self._left]

    def drop(self, one: Held) -> None:
        """It has its partner."""
        self._left.pop(one.uid, None)

    def _first(self, among: list[Held]) -> Held | None:
        while among:
            one = among.pop()
            if self._left.pop(one.uid, None) is not None:
                return one
        return None


def flags_differ(message: RemoteMessage, here: Held, label: str) -> str:
    """What differs in words; "" when nothing does. `label`: a keyword that is only ours."""
    there, ours = _by_folded(message.keywords, label), _by_folded(here.keywords, label)
    told: list[str] = []
    for flag, name in FLAG_NAMES.items():
        if (message.flags ^ here.flags) & flag:
            told.append(f"{name} only {'there' if message.flags & flag else 'here'}")
    told += [f"{there[word]} only there" for word in sorted(there.keys() - ours)]
    told += [f"{ours[word]} only here" for word in sorted(ours.keys() - there)]
    return ", ".join(told)


def _by_folded(keywords: str, label: str) -> dict[str, str]:
    """Keywords as they are spelt; IMAP knows no case in them."""
    return {word.lower(): word for word in keywords.split() if word.lower() != label.lower()}
