"""All files of a message as one ZIP archive, made while it is sent."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import AsyncIterator

from pillarbox.clock import Clock
from pillarbox.jmap.email.parts import BodyPart
from pillarbox.jmap.http.files import safe_name
from pillarbox.web.bodies.opened import Opened

_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE)
_EXTENSIONS = {
    "application/pdf": ".pdf",
    "application/zip": ".zip",
    "image/gif": ".gif",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "message/rfc822": ".eml",
    "text/calendar": ".ics",
    "text/csv": ".csv",
    "text/html": ".html",
    "text/plain": ".txt",
    "text/vcard": ".vcf",
}


class _Outlet(io.RawIOBase):
    """Where the archive is written to; it cannot go back."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, octets: bytes, /) -> int:  # type: ignore[override]  # zipfile gives bytes
        self._pieces.append(bytes(octets))
        return len(octets)

    def take(self) -> bytes:
        """What was written since the last time."""
        octets = b"".join(self._pieces)
        self._pieces.clear()
        return octets


async def zipped(opened: Opened, clock: Clock) -> AsyncIterator[bytes]:
    """Piece by piece; the files are not compressed once more: most are already."""
    outlet = _Outlet()
    now = clock.now()
    stamp = (max(now.year, 1980), now.month, now.day, now.hour, now.minute, now.second)
    with zipfile.ZipFile(outlet, "w", zipfile.ZIP_STORED) as archive:
        names = unique_names([_name_of(part) for part in opened.bodies.attachments])
        for part, name in zip(opened.bodies.attachments, names, strict=True):
            entry = zipfile.ZipInfo(name, stamp)
            entry.external_attr = 0o600 << 16
            with archive.open(entry, "w", force_zip64=True) as file:
                async for chunk in opened.source.chunks(part.part):
                    file.write(chunk)
                    yield outlet.take()
    yield outlet.take()


def unique_names(names: list[str]) -> list[str]:
    """No two the same to any file system, none with a way elsewhere."""
    taken: set[str] = set()
    found: list[str] = []
    counts: dict[str, int] = {}
    for name in names:
        stem, dot, extension = name.rpartition(".")
        if not stem:
            stem, dot, extension = name, "", ""
        chosen = name
        number = counts.get(name.casefold(), 1)
        while chosen.casefold() in taken:
            number += 1
            chosen = f"{stem} ({number}){dot}{extension}"
        counts[name.casefold()] = number
        taken.add(chosen.casefold())
        found.append(chosen)
    return found


def _name_of(part: BodyPart) -> str:
    if part.name:
        name = safe_name(part.name)
        return f"_{name}" if _RESERVED.fullmatch(name) else name
    return f"part-{part.number.replace('.', '-')}{_EXTENSIONS.get(part.type, '.bin')}"
