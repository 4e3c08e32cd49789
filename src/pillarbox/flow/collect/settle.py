"""What is done at the source with messages that are safe here, and with no others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pillarbox.clock import unix_seconds
from pillarbox.flow.collect.intake import OpenPlace
from pillarbox.flow.collect.job import Job
from pillarbox.flow.collect.progress import Progress, Watch
from pillarbox.flow.collect.source import AtSource, RemoteMessage, Source
from pillarbox.store.model import Flag
from pillarbox.store.sql import collected
from pillarbox.store.sql.collected import SeenKey

_DAY = 86_400


def due(
    listed: Sequence[RemoteMessage],
    rows: Mapping[str, SeenKey],
    what: AtSource,
    now: int,
) -> list[str]:
    """Keys of listed messages that something is to be done with. Pure.

    `rows`: by listed key, committed ones only.
    """
    if what.action == "leave":
        return []
    found = []
    for message in listed:
        row = rows.get(message.key)
        if row is None or row.message is None:
            continue
        if what.action == "mark" and (row.settled or message.flags & Flag.SEEN):
            continue  # once: whoever takes the mark away has a reason
        if what.action == "delete" and now - row.brought_at < what.after_days * _DAY:
            continue
        found.append(message.key)
    return found


async def settle(
    job: Job,
    source: Source,
    place: OpenPlace,
    listed: Sequence[RemoteMessage],
    progress: Progress,
    watch: Watch,
) -> None:
    """Ask for it once (POP3 deletes by ending the session) and note what was confirmed."""
    what = job.settings.at_source
    rows = {key: place.seen[row] for key, row in place.rows.items() if row in place.seen}
    now = unix_seconds(job.clock.now())
    keys = due(listed, rows, what, now)[: job.limits.settle_keys]
    if not keys or place.planned.is_view:
        return
    progress.phase = "settling"
    watch(progress)
    done = set(await source.settle(keys, what)) & set(keys)
    settled = [place.rows[key] for key in keys if key in done]
    folder = place.planned.remote.key
    if settled:
        await job.store.write(
            lambda tx: collected.set_settled(tx, job.remote, folder, place.validity, settled)
        )
    progress.settled += len(settled)
    watch(progress)
