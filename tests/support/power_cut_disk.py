"""What a disk may hold after the power was cut, worked out from a recording."""

from __future__ import annotations

import os
import random
from enum import Enum

from support.power_cut_record import (
    Create,
    Event,
    Link,
    Rename,
    Sync,
    SyncFolder,
    Truncate,
    Unlink,
    Write,
)

SECTOR = 512
Image = dict[str, bytes]  # by name
Change = Write | Truncate
NameChange = Create | Link | Rename | Unlink


class Fate(Enum):
    """What became of that which no sync had made durable."""

    DROPPED = "dropped"  # none of it is there
    KEPT = "kept"  # all of it is there
    TORN = "torn"  # all but some sectors of the last write
    MIXED = "mixed"  # any of it, whole: the disk changed the order
    SHREDDED = "shredded"  # any sectors of it
    HOLLOW = "hollow"  # files have their names and lengths and zeros for what was added


class CutDisk:
    """Takes events one by one; tells at each point what a power cut could leave."""

    def __init__(self) -> None:
        self._durable: dict[int, bytes] = {}
        self._pending: dict[int, list[Change]] = {}
        self._names: dict[str, int] = {}
        self._pending_names: list[NameChange] = []
        self._folders: set[str] = set()
        self._last: Change | None = None
        self.syncs = 0  # how often something became durable

    def take(self, event: Event) -> None:
        """The next event."""
        match event:
            case Write() | Truncate():
                self._pending.setdefault(event.file, []).append(event)
                self._last = event
            case Sync():
                changes = self._pending.pop(event.file, [])
                self._durable[event.file] = _apply(self._durable.get(event.file, b""), changes)
                self.syncs += bool(changes)
            case Create() | Link() | Rename() | Unlink():
                self._pending_names.append(event)
            case SyncFolder():
                self._sync_folder(event.folder)

    def image(self, fate: Fate, rng: random.Random) -> Image:
        """The files by name that are there when the power comes back."""
        names = dict(self._names)
        for change in self._pending_names:
            if fate is Fate.DROPPED or (fate in (Fate.MIXED, Fate.SHREDDED) and rng.random() < 0.5):
                continue
            _rename(names, change)
        lost = fate is Fate.DROPPED
        return {
            name: self._content(file, fate, rng)
            for name, file in names.items()
            if not (lost and _folders_of(name) - self._folders)
        }

    def _sync_folder(self, folder: str) -> None:
        rest: list[NameChange] = []
        for change in self._pending_names:
            if (os.path.dirname(change.name) or ".") == folder:
                _rename(self._names, change)
            else:
                rest.append(change)
        self.syncs += len(rest) != len(self._pending_names)
        self._pending_names = rest
        # All folders were made before the first event.
        self._folders |= {"."} if folder == ".." else {"blobs", "tmp"} if folder == "." else set()

    def _content(self, file: int, fate: Fate, rng: random.Random) -> bytes:
        durable = self._durable.get(file, b"")
        pending = self._pending.get(file, [])
        if not pending or fate is Fate.DROPPED:
            return durable
        match fate:
            case Fate.KEPT:
                return _apply(durable, pending)
            case Fate.TORN:
                whole = [one for one in pending if one is not self._last]
                last = pending[-1] if pending[-1] is self._last else None
                return _apply(durable, whole + (_tear(last, rng) if last else []))
            case Fate.MIXED:
                return _apply(durable, [one for one in pending if rng.random() < 0.5])
            case Fate.SHREDDED:
                return _apply(durable, [part for one in pending for part in _tear(one, rng)])
            case Fate.HOLLOW:
                return durable.ljust(len(_apply(durable, pending)), b"\0")


def _folders_of(name: str) -> set[str]:
    above = os.path.dirname(name)
    return {".", above} if above else {"."}


def _rename(names: dict[str, int], change: NameChange) -> None:
    if isinstance(change, Unlink):
        names.pop(change.name, None)
        return
    if isinstance(change, Rename) and names.get(change.old) == change.file:
        del names[change.old]
    names[change.name] = change.file


def _apply(octets: bytes, changes: list[Change]) -> bytes:
    if not changes:
        return octets
    made = bytearray(octets)
    for change in changes:
        if isinstance(change, Truncate):
            del made[change.length :]
            made.extend(bytes(change.length - len(made)))
        else:
            made.extend(bytes(max(change.offset - len(made), 0)))
            made[change.offset : change.offset + len(change.octets)] = change.octets
    return bytes(made)


def _tear(change: Change, rng: random.Random) -> list[Change]:
    """Some of its sectors: mostly the first ones, sometimes any."""
    if isinstance(change, Truncate):
        return [change] if rng.random() < 0.5 else []
    first = change.offset - change.offset % SECTOR
    end = change.offset + len(change.octets)
    parts = [
        Write(change.file, start, change.octets[start - change.offset : stop - change.offset])
        for start, stop in (
            (max(at, change.offset), min(at + SECTOR, end)) for at in range(first, end, SECTOR)
        )
    ]
    if rng.random() < 0.5:
        return list(parts[: rng.randrange(len(parts) + 1)])
    return [part for part in parts if rng.random() < 0.5]
