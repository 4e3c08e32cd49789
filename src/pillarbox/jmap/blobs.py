"""Blob ids → octets: whole messages, their parts, uploads, and parts of these (RFC 8620 §6).

`B7` is message 7 as it is read, `U…` an upload; `B7_1-2` is part 1.2 of the message, decoded, and
`B7_2_1` part 1 of the message that is its part 2. What is asked for must be the account's.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

import msgspec

from pillarbox.ids import AccountId, BlobId, MessageId
from pillarbox.jmap.email.octets import Held, Readable, Source, behind
from pillarbox.jmap.email.parts import BodyPart, find_part
from pillarbox.jmap.ids import number_of
from pillarbox.message.digest import digest
from pillarbox.message.part import Digest, Octets, Part
from pillarbox.store import Store
from pillarbox.store.blobs.content import Content
from pillarbox.store.database import Reader
from pillarbox.store.model import MessageRow
from pillarbox.store.sql import email_places, messages, uploads

MESSAGE_TYPE = "message/rfc822"
MOST_LEVELS = 20  # messages within messages that one id goes into; each may be scanned anew
_LONGEST_ID = 255  # RFC 8620 §1.2
_SCAN_INLINE = 128 * 1024  # octets taken apart on the loop's own thread (some milliseconds)
_UPLOAD = re.compile(r"U[0-9a-f]{64}")
_PART = re.compile(r"[1-9][0-9]{0,5}(?:-[1-9][0-9]{0,5})*")
_decode_part = msgspec.msgpack.Decoder(Part).decode


@dataclass(frozen=True, slots=True)
class Blob:
    """What an id stands for."""

    size: int
    type: str
    name: str | None
    source: Source
    part: Part | None = None  # decoded; None: all of the source

    async def chunks(self) -> AsyncIterator[bytes]:
        """The octets piece by piece; may be called again. Raises Damaged."""
        if self.part is not None:
            async for chunk in self.source.chunks(self.part):
                yield chunk
            return
        at = 0
        while at < self.size:
            stop = min(behind(at - self.source.trace) + self.source.trace, self.size)
            yield await self.source.octets.read(at, stop)
            at = stop

    async def read(self) -> bytes:
        """All octets at once. Raises Damaged."""
        return b"".join([chunk async for chunk in self.chunks()])


async def find_blob(store: Store, account: AccountId, blob_id: str) -> Blob | None:
    """None: the account has nothing of that id. Raises Damaged."""
    whole, *levels = blob_id.split("_")
    if len(blob_id) > _LONGEST_ID or len(levels) > MOST_LEVELS:
        return None
    paths = [_path(level) for level in levels]
    found = await _find_whole(store, account, whole)
    for path in paths:
        if found is None or path is None:
            return None
        found = await _find_within(store, found, path)
    return found


def _path(level: str) -> tuple[int, ...] | None:
    if _PART.fullmatch(level) is None:
        return None
    return tuple(map(int, level.split("-")))


async def _find_whole(store: Store, account: AccountId, blob_id: str) -> Blob | None:
    if _UPLOAD.fullmatch(blob_id):
        upload = BlobId(bytes.fromhex(blob_id[1:]))
        found = await store.read(lambda db: uploads.find(db, account, upload))
        if found is None:
            return None
        return _whole(store.octets(upload, found.size), found.type)
    message = MessageId(number_of("B", blob_id))
    opened = await store.read(lambda db: _open_message(store, db, account, message))
    if opened is None:
        return None
    row, content = opened
    return _whole(content, MESSAGE_TYPE, _decode_part(row.structure), len(row.trace))


async def _open_message(
    store: Store, db: Reader, account: AccountId, message: MessageId
) -> tuple[MessageRow, Content] | None:
    rows = await messages.get_many(db, account, [message])
    if message not in rows or not await email_places.places_of(db, account, [message]):
        return None
    return rows[message], store.contents([rows[message]])[0]


def _whole(octets: Readable, media_type: str, root: Part | None = None, trace: int = 0) -> Blob:
    return Blob(octets.size, media_type, None, Source(octets, root, trace))


async def _find_within(store: Store, blob: Blob, path: tuple[int, ...]) -> Blob | None:
    """A part of a message, which may be a part itself."""
    source = blob.source
    root = source.root
    if blob.part is not None and blob.part.children:  # it was opened with the message around it
        root = blob.part.children[0]
    elif blob.part is not None or root is None:
        octets = await blob.read()
        root = (await take_apart(store, octets)).root
        source = Source(Held(octets), root)
    part = find_part(root, path)
    if part is None:
        return None
    shown = BodyPart(part, "")
    size = await source.decoded_size(part, exact=True)
    return Blob(size, shown.type, shown.name, source, part)


async def take_apart(store: Store, octets: Octets) -> Digest:
    """The digest of octets; large ones beside the loop's thread."""
    limits = store.settings.message
    if len(octets) <= _SCAN_INLINE:
        return digest(octets, limits)
    return await asyncio.to_thread(digest, octets, limits)
