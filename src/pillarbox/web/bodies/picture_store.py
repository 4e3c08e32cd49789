"""Fetched pictures on disk, for some days: looking again asks nobody."""

from __future__ import annotations

import contextlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from pillarbox.clock import Clock, unix_seconds
from pillarbox.config.bodies import PictureSettings
from pillarbox.telemetry.log import get_logger

log = get_logger("web")
_DAY = 86_400
_SWEEP_SHARE = 16  # so much of the room is filled between two looks at all of it
_SWEEP_TO = 0.9  # of the room


@dataclass(frozen=True, slots=True)
class Picture:
    """A raster image."""

    type: str
    octets: bytes


class PictureStore:
    """A folder that the workers share. Its functions wait for the disk: call them in a thread."""

    def __init__(self, folder: Path, settings: PictureSettings, clock: Clock) -> None:
        self.folder = folder
        self._settings = settings
        self._clock = clock
        self._written = settings.cache_octets  # the first picture looks at what there is

    def find(self, key: str) -> Picture | None:
        """None: it is not there, or too old."""
        path = self._path(key)
        try:
            if self._now() - path.stat().st_mtime > self._settings.cache_days * _DAY:
                return None
            kind, _, octets = path.read_bytes().partition(b"\n")
        except OSError:
            return None
        return Picture(kind.decode("ascii", "replace"), octets)

    def keep(self, key: str, picture: Picture) -> None:
        """Where the disk refuses, it is fetched again the next time."""
        if not self._settings.cache_days or len(picture.octets) > self._settings.cache_octets:
            return
        path = self._path(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor, fresh = tempfile.mkstemp(dir=path.parent, prefix="new-")
            with os.fdopen(descriptor, "wb") as file:
                file.write(picture.type.encode() + b"\n" + picture.octets)
            os.utime(fresh, (self._now(), self._now()))
            Path(fresh).replace(path)
        except OSError as error:
            log.warning_event("web.picture_not_kept", why=error.strerror or "")
            return
        self._written += len(picture.octets)
        if self._written * _SWEEP_SHARE >= self._settings.cache_octets:
            self._written = 0
            self.sweep()

    def sweep(self) -> None:
        """Delete what is too old, then the oldest until there is room."""
        found: list[tuple[float, int, Path]] = []
        for path in self.folder.glob("*/*"):
            with contextlib.suppress(OSError):
                status = path.stat()
                found.append((status.st_mtime, status.st_size, path))
        found.sort()
        total = sum(size for _, size, _ in found)
        oldest = self._now() - self._settings.cache_days * _DAY
        room = self._settings.cache_octets
        room = int(room * _SWEEP_TO) if total > room else room
        for changed, size, path in found:
            if changed >= oldest and total <= room:
                break
            with contextlib.suppress(OSError):
                path.unlink()
            total -= size

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / key

    def _now(self) -> int:
        return unix_seconds(self._clock.now())
