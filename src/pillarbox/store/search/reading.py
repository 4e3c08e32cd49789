"""From stored messages to the documents that are searched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from pillarbox.errors import Damaged
from pillarbox.ids import BlobId
from pillarbox.message.part import Part
from pillarbox.store.search.document import Content, Document, add_columns
from pillarbox.store.search.text_index import Where
from pillarbox.telemetry.log import get_logger

log = get_logger("store")

ReadBlob = Callable[[BlobId], bytes]
_decode_part = msgspec.msgpack.Decoder(Part).decode


class DocumentReader:
    """Makes documents one after another.

    One message that went to many recipients stands in many rows side by side: what was read last
    is kept, so that it is read and decoded once.
    """

    def __init__(self, read_blob: ReadBlob, max_octets: int) -> None:
        self._read_blob = read_blob
        self._max_octets = max_octets
        self._last: tuple[BlobId, bytes] | None = None
        self._content: Content | None = None

    def read(self, row: Sequence[Any]) -> Document:
        """The document of a stored message; one that cannot be read has only its columns' words.

        The row holds blob id, structure, trace and the folded columns.
        """
        blob, structure, trace, *columns = row
        words = Document(b"", b"")
        try:
            words = self._of(blob, structure).document(trace)
        except (Damaged, FileNotFoundError):
            log.warning_event("store.unreadable", blob=blob.hex())
        except Exception:  # a bug met by one message must not end search for all
            log.error_event("store.no_words", exc=True, blob=blob.hex())
        return add_columns(words, columns)

    def holds(self, row: Sequence[Any], where: Where, needle: str, octets: bytes) -> bool | None:
        """Whether that part of the document holds a needle that `is_glanced_for`.

        `octets` are the needle's. None: perhaps; of a message that cannot be read, `read` will
        tell.
        """
        blob, structure, trace, *columns = row
        try:
            content = self._of(blob, structure)
            if where is not Where.BODY and (
                any(needle in column for column in columns) or content.head_holds(trace, octets)
            ):
                return True
            return content.body_holds(needle) if where is not Where.HEAD else False
        except Exception:
            return None

    def _of(self, blob: BlobId, structure: bytes) -> Content:
        if self._content is None or self._last != (blob, structure):
            part = _decode_part(structure)
            self._content = Content(self._read_blob(blob), part, self._max_octets)
            self._last = (blob, structure)
        return self._content
