"""A source in memory: an account that tests change at will, and connections to it that break.

`Elsewhere` is the account at the other provider; it goes on living when a connection to it ends.
`FakeSource(elsewhere)` is one connection, as `flow.collect.source.Source` wants it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

from pillarbox.errors import TooLarge
from pillarbox.flow.collect.source import (
    Arrived,
    AtSource,
    FlagsNow,
    FolderChanges,
    Missed,
    OpenFolder,
    RemoteFolder,
    RemoteMessage,
    SourceFailure,
)
from pillarbox.store.blobs.spool import Spool
from pillarbox.store.model import Flag, Role


@dataclass
class There:
    """A message at the source."""

    octets: bytes
    flags: int = 0
    keywords: str = ""
    received_at: int | None = None
    listed_size: int | None = None  # a lie; None: the truth
    broken: str = ""  # why it cannot be had
    uidl: str = ""  # as a POP3 server calls it, which may call others so, too; "": by its key


@dataclass
class Place:
    """A folder at the source."""

    path: str
    key: str = ""
    role: Role | None = None
    subscribed: bool = False
    selectable: bool = True
    validity: str = "1"
    next_key: int = 1
    messages: dict[str, There] = field(default_factory=dict)  # by key, in the folder's order

    def put(self, octets: bytes, key: str | None = None, **more: object) -> str:
        """A message arrives there; its key."""
        if key is None:
            key = str(self.next_key)
            self.next_key += 1
        self.messages[key] = There(octets, **more)  # type: ignore[arg-type]
        return key

    def renumber(self) -> None:
        """Another UIDVALIDITY, and other UIDs from 1."""
        self.validity = str(int(self.validity) + 1)
        there = list(self.messages.values())
        self.messages = {str(number): one for number, one in enumerate(there, 1)}
        self.next_key = len(there) + 1


class Elsewhere:
    """All that another provider has of one account."""

    def __init__(self, *, counts: bool = True) -> None:
        self.places: dict[str, Place] = {}
        self.counts = counts  # whether a listing says how many messages there are
        self.settled: list[tuple[str, str, AtSource]] = []  # folder, key, what
        self.lost: list[tuple[str, bytes]] = []  # folder, octets of what was deleted or moved

    def folder(self, path: str, key: str | None = None, **more: object) -> Place:
        """The folder of that path, made if it is not there."""
        if path not in self.places:
            own = path if key is None else key
            self.places[path] = Place(path, own, **more)  # type: ignore[arg-type]
        return self.places[path]

    def by_key(self, key: str) -> Place:
        """Raises SourceFailure when the folder is gone."""
        for place in self.places.values():
            if place.key == key:
                return place
        raise SourceFailure("gone", "The folder is no longer there.")


class FakeSource:
    """One connection. `cut_at`: after so many steps it is gone; `before` is called at each step."""

    def __init__(
        self,
        elsewhere: Elsewhere,
        *,
        cut_at: int | None = None,
        confirm: Callable[[str], bool] = lambda key: True,
        before: Callable[[str, int], None] = lambda what, step: None,
        pop3: bool = False,
        keeps: Callable[[str], bool] = lambda word: True,
    ) -> None:
        self.elsewhere = elsewhere
        self.steps = 0
        self.cut_at = cut_at
        self.confirm = confirm  # whether `settle` and `set_flags` are done for a key
        self.keeps = keeps  # keywords that can be set there
        self.before = before
        self.pop3 = pop3  # repeated UIDLs as the POP3 source names them
        self.closed = False
        self.fetched: list[str] = []
        self._open: Place | None = None
        self._keys: dict[str, str] = {}  # as listed → as the folder has it
        self._validity = ""

    async def _step(self, what: str) -> None:
        self.steps += 1
        self.before(what, self.steps)
        if self.cut_at is not None and self.steps > self.cut_at:
            raise SourceFailure("cut", "The connection ended in the middle.")
        await asyncio.sleep(0)

    async def folders(self) -> list[RemoteFolder]:
        await self._step("folders")
        counts = self.elsewhere.counts
        return [
            RemoteFolder(
                key=place.key,
                path=place.path,
                role=place.role,
                subscribed=place.subscribed,
                selectable=place.selectable,
                messages=len(place.messages) if counts else None,
                octets=sum(len(one.octets) for one in place.messages.values()) if counts else None,
            )
            for place in self.elsewhere.places.values()
        ]

    async def open(self, folder: RemoteFolder) -> OpenFolder:
        await self._step("open")
        place = self._open = self.elsewhere.by_key(folder.key)
        self._validity = place.validity
        self._keys = self._name(place)
        listed = [self._listed(key, place.messages[own]) for key, own in self._keys.items()]
        return OpenFolder(folder, "" if self.pop3 else place.validity, listed, place.validity)

    def _name(self, place: Place) -> dict[str, str]:
        """What is repeated gets a tab and its number among those of that UIDL."""
        if not self.pop3:
            return {key: key for key in place.messages}
        named = {own: there.uidl or own for own, there in place.messages.items()}
        counts = Counter(named.values())
        seen: Counter[str] = Counter()
        keys = {}
        for own, uidl in named.items():
            seen[uidl] += 1
            keys[uidl if counts[uidl] == 1 else f"{uidl}\t{seen[uidl]}"] = own
        return keys

    def _there(self, key: str) -> There | None:
        return self._place().messages.get(self._keys.get(key, ""))

    def _listed(self, key: str, there: There) -> RemoteMessage:
        size = len(there.octets) if there.listed_size is None else there.listed_size
        return RemoteMessage(
            key=key,
            size=size,
            flags=there.flags,
            keywords=there.keywords,
            received_at=there.received_at,
        )

    def _place(self) -> Place:
        place = self._open
        assert place is not None, "no folder is open"
        if place.validity != self._validity:
            raise SourceFailure("gone", "The folder was numbered anew meanwhile.")
        return place

    async def fetch(
        self, messages: Sequence[RemoteMessage], spool: Callable[[], Spool]
    ) -> AsyncIterator[Arrived | Missed]:
        for message in messages:
            await self._step("fetch")
            there = self._there(message.key)
            if there is None:
                yield Missed(message, "It is no longer there.", gone=True)
                continue
            if there.broken:
                yield Missed(message, there.broken)
                continue
            self.fetched.append(message.key)
            taken = spool()
            try:
                taken.write(there.octets)
            except TooLarge as error:
                taken.discard()
                yield Missed(message, str(error))
                continue
            yield Arrived(message, taken)

    async def settle(self, keys: Sequence[str], what: AtSource) -> list[str]:
        await self._step("settle")
        done = []
        for key in keys:
            there = self._there(key)
            if there is None or not self.confirm(key):
                continue
            done.append(key)
            self.elsewhere.settled.append((self._place().path, key, what))
            if what.action == "mark":
                there.flags |= Flag.SEEN
            if what.action in ("delete", "move"):
                self.elsewhere.lost.append((self._place().path, there.octets))
                del self._place().messages[self._keys[key]]
            if what.action == "move":
                self.elsewhere.folder(what.folder).put(there.octets, flags=there.flags)
        return done

    async def changes(self, since: str) -> FolderChanges:
        await self._step("changes")
        place = self._place()
        flags = [
            FlagsNow(key, there.flags, there.keywords) for key, there in place.messages.items()
        ]
        return FolderChanges(flags, [], place.validity)

    async def set_flags(self, changes: Sequence[FlagsNow]) -> list[str]:
        await self._step("set_flags")
        done = []
        for change in changes:
            there = self._there(change.key)
            if there is not None and self.confirm(change.key):
                kept = " ".join(word for word in change.keywords.split() if self.keeps(word))
                there.flags, there.keywords = change.flags, kept
                if kept == change.keywords:
                    done.append(change.key)
        return done

    async def wait(self, seconds: float) -> bool:
        await self._step("wait")
        return False

    async def close(self) -> None:
        self.closed = True
