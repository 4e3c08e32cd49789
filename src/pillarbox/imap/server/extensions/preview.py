"""PREVIEW: the first words of a message (RFC 8970). They were made at delivery, so LAZY waits for
nothing either.
"""

from __future__ import annotations

from pillarbox.imap.server.command import Extension
from pillarbox.imap.server.commands.fetch_items import Batch, FetchItem
from pillarbox.imap.wire.encoder import encode_text


def _values(batch: Batch) -> list[bytes]:
    utf8 = batch.utf8
    return [b"PREVIEW " + encode_text(text, utf8=utf8) for text in batch.column("preview")]


EXTENSION = Extension(
    rfc=8970,
    capabilities=("PREVIEW",),
    fetch_items={"PREVIEW": FetchItem("PREVIEW", _values, ("preview",), suffixes=(b" (LAZY)",))},
)
