"""SAVEDATE: when a message came into its mailbox (RFC 8514)."""

from __future__ import annotations

from pillarbox.imap.server.command import Extension
from pillarbox.imap.server.commands.fetch_items import Batch, FetchItem
from pillarbox.imap.server.commands.search_keys import before, every, on, saved, since
from pillarbox.imap.wire.encoder import encode_date_time


def _values(batch: Batch) -> list[bytes]:
    at_index = batch.picture.saved
    return [b"SAVEDATE " + encode_date_time(at_index[at]) for at in batch.indexes]


EXTENSION = Extension(
    rfc=8514,
    capabilities=("SAVEDATE",),
    fetch_items={"SAVEDATE": FetchItem("SAVEDATE", _values)},
    search_keys={
        "SAVEDBEFORE": saved(before),
        "SAVEDON": saved(on),
        "SAVEDSINCE": saved(since),
        "SAVEDATESUPPORTED": every,
    },
)
