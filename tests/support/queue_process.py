"""A process that sends from a data folder: `python queue_process.py FOLDER OUT NAME COUNT`.

It ends when COUNT recipients have been queued and all have ended. Each "sent" recipient is a line
in OUT, flushed before its outcome is reported.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from pillarbox.clock import SystemClock
from pillarbox.config.store import StoreSettings
from pillarbox.store.open import open_store
from support.queue_bench import FakeSender, all_ended, outcome, rows, worker


async def main(folder: str, out: str, name: str, count: str) -> None:
    store = await open_store(StoreSettings(data_dir=folder), SystemClock())
    with Path(out).open("a") as file:

        async def answer(_message, recipient):  # type: ignore[no-untyped-def]
            await asyncio.sleep(0.001)
            file.write(f"{recipient.queued} {recipient.number}\n")
            file.flush()
            return outcome(recipient)

        loop = worker(
            store, SystemClock(), FakeSender(answer), name=name, poll_seconds=1, lease_seconds=15
        )
        loop.start()
        print("started", flush=True)
        while len(await rows(store)) < int(count) or not await all_ended(store):
            await asyncio.sleep(0.1)
        await loop.drain(5)
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
