"""Everything that a source of files gives, in a form that tests can compare."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pillarbox.flow.collect.files.opening import open_files
from pillarbox.flow.collect.source import Arrived
from support.fake_clock import FakeClock
from support.store_box import Box

Got = tuple[bytes, int, str, int | None]  # octets, flags, keywords, received at


class Read:
    """What came."""

    def __init__(self) -> None:
        self.folders: dict[str, list[Got]] = {}
        self.missed: dict[str, str] = {}  # key → why
        self.roles: dict[str, str] = {}
        self.subscribed: set[str] = set()
        self.keys: dict[str, list[str]] = {}
        self.notes: list[str] = []

    def octets(self, path: str = "INBOX") -> list[bytes]:
        """The messages of a folder."""
        return [one[0] for one in self.folders[path]]


async def read_all(box: Box, path: Path, kind: Any = "auto", **how: Any) -> Read:
    """Open a path and bring all of it; spools are those of the box's store."""
    read = Read()
    source = await open_files(path, kind, clock=FakeClock(), **how)
    try:
        for folder in await source.folders():
            opened = await source.open(folder)
            got = read.folders.setdefault(folder.path, [])
            read.keys[folder.path] = [one.key for one in opened.messages]
            if folder.role:
                read.roles[folder.path] = folder.role.value
            if folder.subscribed:
                read.subscribed.add(folder.path)
            async for one in source.fetch(opened.messages, box.store.spool):
                message = one.message
                if isinstance(one, Arrived):
                    octets = bytes(one.spool.octets()[:])
                    got.append((octets, message.flags, message.keywords, message.received_at))
                    one.spool.discard()
                else:
                    read.missed[message.key] = one.why
        read.notes = source.notes
    finally:
        await source.close()
    return read
