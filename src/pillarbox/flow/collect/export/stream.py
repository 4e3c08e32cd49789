"""An account as a zip archive that is sent while it is made: no copy lies on our disk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

from pillarbox.flow.collect.export.export import (
    EVERYTHING,
    CannotWrite,
    Exporter,
    unwatched,
)
from pillarbox.flow.collect.export.snapshot import Snapshot
from pillarbox.flow.collect.export.zip_stream import ZipStream
from pillarbox.flow.collect.files.manifest import Form
from pillarbox.flow.collect.files.tree import why
from pillarbox.flow.collect.progress import Progress
from pillarbox.store import Store
from pillarbox.store.model import Account


async def stream(
    store: Store, account: Account, form: Form, *, folder: Path, progress: Progress | None = None
) -> AsyncGenerator[bytes, None]:
    """Its pieces, each only when the one before was taken; `aclose` it.

    `folder`: for notes of what there is. Raises CannotWrite; then what was given is no archive.
    """
    exporter = Exporter(store, account, EVERYTHING, progress or Progress(), unwatched)
    pieces: asyncio.Queue[bytes] = asyncio.Queue()  # of one: `join` waits for whoever takes it
    making = asyncio.ensure_future(_make(exporter, store, account, form, folder, pieces))
    making.add_done_callback(lambda _: pieces.put_nowait(b""))
    try:
        while piece := await pieces.get():
            pieces.task_done()
            yield piece
        await making
    finally:
        making.cancel()
        await asyncio.gather(making, return_exceptions=True)


async def _make(
    exporter: Exporter,
    store: Store,
    account: Account,
    form: Form,
    folder: Path,
    pieces: asyncio.Queue[bytes],
) -> None:
    try:
        snapshot = Snapshot(folder)
        try:
            await snapshot.take(store, account.id, ())
            with ZipStream(folder) as archive:

                async def taken() -> None:
                    made = archive.take()
                    if made:
                        pieces.put_nowait(made)
                        await pieces.join()

                exporter.taken = taken
                await exporter.write(archive, snapshot, form)
        finally:
            snapshot.close()
    except OSError as error:
        raise CannotWrite(f"The archive cannot be made: {why(error)}.") from error
