"""How a store comes to be."""

from __future__ import annotations

from pillarbox.clock import Clock
from pillarbox.config.store import StoreSettings
from pillarbox.store.blobs.disk import Disk, RealDisk
from pillarbox.store.engine.sqlite.engine import SqliteEngine
from pillarbox.store.store import Store


async def open_store(
    settings: StoreSettings, clock: Clock, *, disk: Disk | None = None, vfs: str | None = None
) -> Store:
    """Open or make the data folder and bring its schema up to date.

    `disk` and `vfs` (the name of an SQLite VFS) let tests come between the store and the disk.
    Raises ConfigurationError when a newer version wrote it or the library is unfit, Unavailable
    when the disk refuses.
    """
    engine = await SqliteEngine.open(settings, clock, disk or RealDisk(), vfs)
    return Store(engine, settings, clock)
