"""The same zip archive for whoever takes it as it is made: what went out is not changed."""

from __future__ import annotations

import io
import struct
from pathlib import Path

from pillarbox.flow.collect.export.zip_writer import UTF8_NAMES, ZipWriter

_SIZES_BEHIND = 0x0008  # general purpose flag: a data descriptor follows the entry


class ZipStream(ZipWriter):
    """`take` what has been made, now and then."""

    _flags = UTF8_NAMES | _SIZES_BEHIND

    def __init__(self, folder: Path) -> None:
        """`folder`: where there is room for its directory, until the end."""
        self._file = self._made = io.BytesIO()
        self._prepare(folder)

    def take(self) -> bytes:
        """What was made since the last time."""
        octets = self._made.getvalue()
        self._made.seek(0)
        self._made.truncate()
        return octets

    def _tell_sizes(self) -> None:
        """Behind the entry, since its head is gone; of eight octets where the head said so."""
        form = "<4sIQQ" if self._long else "<4sIII"
        self._put(struct.pack(form, b"PK\x07\x08", self._crc, self._packed, self._size))

    def _settle(self) -> None:
        """There is no disk."""
