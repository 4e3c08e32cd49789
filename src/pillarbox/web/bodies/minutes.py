"""How often each account did something in this minute, at all workers together.

A file of counters that the workers share. Two accounts may have one counter where there are very
many; then they count together. Lost with the file, which costs nobody more than a minute.
"""

from __future__ import annotations

import fcntl
import os
import struct
from pathlib import Path

from pillarbox.clock import Clock, unix_seconds
from pillarbox.ids import AccountId

_COUNTERS = 16_384
_COUNTER = struct.Struct("<QQ")  # the minute and the number


class Minutes:
    """One kind of thing; a write takes some microseconds."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._clock = clock
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        self._file = os.fdopen(os.open(path, flags, 0o600), "r+b", buffering=0)

    def add(self, account: AccountId) -> int:
        """Once more; how often it is in this minute."""
        file, place = self._file.fileno(), account % _COUNTERS * _COUNTER.size
        minute = unix_seconds(self._clock.now()) // 60
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            kept = os.pread(file, _COUNTER.size, place).ljust(_COUNTER.size, b"\0")
            known, count = _COUNTER.unpack(kept)
            count = count + 1 if known == minute else 1
            os.pwrite(file, _COUNTER.pack(minute, count), place)
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)
        return count

    def count(self, account: AccountId) -> int:
        """How often it was in this minute until now."""
        place = account % _COUNTERS * _COUNTER.size
        kept = os.pread(self._file.fileno(), _COUNTER.size, place).ljust(_COUNTER.size, b"\0")
        known, count = _COUNTER.unpack(kept)
        return int(count) if known == unix_seconds(self._clock.now()) // 60 else 0

    def close(self) -> None:
        """Its worker ends."""
        self._file.close()
