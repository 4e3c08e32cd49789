"""What an operation costs in things that can be counted: statements, syncs, writes to peers."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw

from pillarbox.store.blobs.disk import RealDisk

_VFS = "pillarbox-counting"


class CountingDisk(RealDisk):
    """Counts the syncs and writes of segment files."""

    def __init__(self, costs: Costs) -> None:
        self._costs = costs

    def write(self, fd: int, buffers: Any) -> None:
        self._costs.segment_writes += 1
        super().write(fd, buffers)

    def sync(self, fd: int) -> None:
        self._costs.segment_syncs += 1
        super().sync(fd)

    def sync_folder(self, path: Path) -> None:
        self._costs.folder_syncs += 1
        super().sync_folder(path)


class _CountingFile(apsw.VFSFile):
    def __init__(self, name: Any, flags: Any, costs: Costs) -> None:
        super().__init__("", name, flags)
        self._costs = costs
        named = name.filename() if isinstance(name, apsw.URIFilename) else str(name)
        self._kind = "wal" if named.endswith("-wal") else "database"

    def xSync(self, flags: int) -> None:
        self._costs.database_syncs[self._kind] += 1
        super().xSync(flags)

    def xWrite(self, data: Any, offset: int) -> None:
        self._costs.database_writes[self._kind] += 1
        super().xWrite(data, offset)


class _CountingVfs(apsw.VFS):
    def __init__(self, costs: Costs) -> None:
        super().__init__(_VFS, "")
        self._costs = costs

    def xOpen(self, name: Any, flags: Any) -> _CountingFile:
        return _CountingFile(name, flags, self._costs)


@dataclass
class Costs:
    """Counts since `reset`. Hand `disk` and `vfs` to `open_store`."""

    statements: Counter[str] = field(default_factory=Counter)  # by their first words
    database_syncs: Counter[str] = field(default_factory=Counter)  # "wal", "database"
    database_writes: Counter[str] = field(default_factory=Counter)
    segment_syncs: int = 0
    segment_writes: int = 0
    folder_syncs: int = 0

    @property
    def disk(self) -> CountingDisk:
        return CountingDisk(self)

    @property
    def vfs(self) -> str:
        return _VFS

    def reset(self) -> None:
        """Count from nought."""
        for counter in (self.statements, self.database_syncs, self.database_writes):
            counter.clear()
        self.segment_syncs = self.segment_writes = self.folder_syncs = 0

    def _trace(self, _cursor: Any, sql: str, _params: Any) -> bool:
        self.statements[_summary(sql)] += 1
        return True


@contextlib.contextmanager
def counted() -> Iterator[Costs]:
    """Count on all connections that are opened within."""
    costs = Costs()

    def hook(connection: apsw.Connection) -> None:
        connection.exec_trace = costs._trace

    vfs = _CountingVfs(costs)
    apsw.connection_hooks.append(hook)
    try:
        yield costs
    finally:
        apsw.connection_hooks.remove(hook)
        vfs.unregister()


def _summary(sql: str) -> str:
    """Verb and table: enough to tell statements apart."""
    words = sql.split()
    verb = words[0].upper()
    before_table = {"SELECT": "FROM", "DELETE": "FROM", "INSERT": "INTO", "UPDATE": "UPDATE"}
    marker = before_table.get(verb)
    if marker is None or marker not in words:
        return " ".join(words[:2])
    rest = " ".join(words[words.index(marker) + 1 :])
    if rest.startswith("("):  # a statement within
        return _summary(rest[1:])
    table = rest.split()[0]
    return f"{verb} {table}"
