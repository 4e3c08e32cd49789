"""The list of a maildrop, with a key for each message that is the same in every session.

The server's own names (UIDL) are it, where there are any and they are names: some servers have
none, repeat one, or give the message's number, which is another message's tomorrow. Such messages
are told apart by their header, or by their whole content where the server has no TOP either.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

from msgspec import Struct

from pillarbox.config.pop3_client import Pop3ClientLimits
from pillarbox.flow.collect.source import RemoteMessage
from pillarbox.net.outgoing.printable import printable
from pillarbox.pop3.client.connection import Pop3Connection, Retrieved, Sink
from pillarbox.store.model import Flag

ORDINAL = "\t"  # between a name that is not the only one of its kind and its number
_LONGEST = 200  # characters of a name as it is; a longer one is hashed

_PROBES = 3  # refused so often in a row, TOP is not known there


class Listing(Struct, frozen=True):
    """A maildrop in one session."""

    messages: tuple[RemoteMessage, ...]
    numbers: dict[str, int]  # by key


async def list_maildrop(connection: Pop3Connection, limits: Pop3ClientLimits) -> Listing:
    """Raises Pop3Failure."""
    sizes = await connection.sizes()
    found = await connection.unique_ids() if sizes else {}
    last = None
    if found is None:  # as old as LAST, which tells what was read there
        last = await connection.last()
    names = usable_names(found or {})
    nameless = [number for number in sizes if number not in names]
    if nameless:
        names.update(await _names_by_content(connection, nameless, sizes, limits))
    keys = unique_keys({number: names[number] for number in sizes})
    messages = tuple(
        RemoteMessage(
            key=keys[number],
            size=size,
            flags=int(Flag.SEEN) if last is not None and number <= last else 0,
        )
        for number, size in sizes.items()
    )
    return Listing(messages, {key: number for number, key in keys.items()})


def usable_names(unique_ids: Mapping[int, bytes]) -> dict[int, str]:
    """The server's names as text; none of them where they are just the numbers."""
    if all(name == b"%d" % number for number, name in unique_ids.items()):
        return {}
    names: dict[int, str] = {}
    for number, octets in unique_ids.items():
        name = printable(octets)
        if len(name) > _LONGEST:
            name = f"sha256:{hashlib.sha256(octets).hexdigest()}"
        names[number] = name
    return names


def unique_keys(names: Mapping[int, str]) -> dict[int, str]:
    """Each name that occurs more than once gets an ordinal, in every place."""
    often = Counter(names.values())
    met: Counter[str] = Counter()
    keys: dict[int, str] = {}
    for number, name in names.items():
        if often[name] > 1:
            met[name] += 1
            keys[number] = f"{name}{ORDINAL}{met[name]}"
        else:
            keys[number] = name
    return keys


class _Hash:
    """Takes a message's beginning into a digest."""

    def __init__(self, most: int) -> None:
        self._left = most
        self._digest = hashlib.sha256()

    def write(self, chunk: bytes) -> None:
        self._digest.update(chunk[: self._left])
        self._left -= min(len(chunk), self._left)

    def name(self, size: int) -> str:
        """With the size that the server tells, which some headers alone do not tell apart."""
        return f"sha256:{size}:{self._digest.hexdigest()}"


_Ask = Callable[[Sequence[int], Callable[[int], Sink]], AsyncIterator[Retrieved]]


async def _names_by_content(
    connection: Pop3Connection,
    numbers: Sequence[int],
    sizes: Mapping[int, int],
    limits: Pop3ClientLimits,
) -> dict[int, str]:
    """By the header; by all of it where there is no TOP. What cannot be read has an ordinal."""
    names: dict[int, str] = {}
    capabilities = connection.capabilities
    if capabilities.top or not capabilities.known:
        most = limits.max_header_octets
        names = await _hashed(connection.headers, numbers[:_PROBES], sizes, most)
        if names:
            names |= await _hashed(connection.headers, numbers[_PROBES:], sizes, most)
    if not names:
        names = await _hashed(connection.retrieve, numbers, sizes, limits.max_hashed_octets)
    unreadable = (number for number in numbers if number not in names)
    return names | {number: f"unreadable{ORDINAL}{number}" for number in unreadable}


async def _hashed(
    ask: _Ask, numbers: Sequence[int], sizes: Mapping[int, int], most: int
) -> dict[int, str]:
    """Digests of what comes; no name for a message that is refused."""
    hashes: dict[int, _Hash] = {}

    def sink(number: int) -> _Hash:
        return hashes.setdefault(number, _Hash(most))

    names: dict[int, str] = {}
    async for retrieved in ask(numbers, sink):
        number = retrieved.number
        if retrieved.status.ok:
            names[number] = hashes.pop(number).name(sizes[number])
    return names
