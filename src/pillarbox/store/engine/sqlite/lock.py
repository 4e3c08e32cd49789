"""One writer at a time between the processes of a machine, in the order of asking."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class WriteLock:
    """`flock` on a file: the kernel wakes waiters fairly, which SQLite's busy handler does not.

    Each process opens the file for itself. A holder that dies gives the lock back by dying.
    """

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def acquire(self) -> None:
        """Wait for the lock. Holders keep it for one commit, which the disk alone can delay."""
        fcntl.flock(self._fd, fcntl.LOCK_EX)

    def try_acquire(self) -> bool:
        """Take it if it is free."""
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def release(self) -> None:
        fcntl.flock(self._fd, fcntl.LOCK_UN)

    def close(self) -> None:
        os.close(self._fd)
