"""What parts of an account weigh: counts and octets of what a question holds for."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable

import msgspec

from pillarbox.ids import MessageId
from pillarbox.message.part import Part
from pillarbox.store.search.account_wide import AccountSearch

_numbers = msgspec.json.Decoder(list[int]).decode
_SIZES = """
    SELECT json_group_array(message_id), json_group_array(size) FROM placement WHERE account_id = ?
"""
_STRUCTURES = """
    SELECT message_id, structure FROM message
    WHERE account_id = ? AND message_id IN (SELECT value FROM json_each(?))
"""
_MOST_OPENED = 5000  # messages whose parts are looked at, the largest
_decode = msgspec.msgpack.Decoder(Part).decode


class Weight(msgspec.Struct, frozen=True):
    """All places of a message count, as they do for the quota."""

    count: int
    octets: int


class SenderWeight(msgspec.Struct, frozen=True):
    """Of one sender."""

    address: str
    weight: Weight
    latest: MessageId


class Weights:
    """Of one account, in one snapshot."""

    def __init__(self, search: AccountSearch, sizes: dict[int, int]) -> None:
        self._search = search
        self._sizes = sizes

    @classmethod
    async def of(cls, search: AccountSearch) -> Weights:
        """Reads how large each message is, in all its places together."""
        row = await search.db.row(_SIZES, (search.account,))
        sizes: dict[int, int] = {}
        for message, size in zip(*map(_numbers, row or ("[]", "[]")), strict=True):
            sizes[message] = sizes.get(message, 0) + size
        return cls(search, sizes)

    def of_messages(self, messages: Iterable[int]) -> Weight:
        """Together."""
        each = [self._sizes.get(message, 0) for message in messages]
        return Weight(len(each), sum(each))

    async def by_sender(self, messages: Collection[int], most: int) -> list[SenderWeight]:
        """The heaviest senders of some messages."""
        sender_of = await self._search.senders()
        groups: dict[str, list[int]] = {}
        for message in messages:
            address = sender_of.get(message)
            if address:
                groups.setdefault(address, []).append(message)
        weighed = [
            SenderWeight(address, self.of_messages(group), MessageId(max(group)))
            for address, group in groups.items()
        ]
        weighed.sort(key=lambda one: (-one.weight.octets, one.address))
        return weighed[:most]

    async def duplicates(self, messages: Collection[int], least: int) -> list[MessageId]:
        """Messages all of whose large files a later one of these has, too."""
        large = sorted(messages, key=lambda message: -self._sizes.get(message, 0))[:_MOST_OPENED]
        sql, account = _STRUCTURES, self._search.account
        rows = await self._search.db.rows(sql, (account, json.dumps(large)))
        seen: set[tuple[str, int]] = set()
        found: list[MessageId] = []
        for message, structure in sorted(rows, reverse=True):  # the latest first: it is kept
            files = set(_files(_decode(structure), least))
            if files and files <= seen:
                found.append(MessageId(message))
            seen |= files
        return found


def _files(part: Part, least: int) -> Iterable[tuple[str, int]]:
    """Names and encoded sizes of the large files in a message."""
    for child in part.children:
        yield from _files(child, least)
    size = part.body_end - part.body_start
    if not part.children and size >= least and part.type not in ("text", "multipart"):
        name = dict(part.disposition_params).get("filename") or dict(part.params).get("name")
        if name:
            yield name, size
