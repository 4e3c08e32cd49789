"""One session an account: a lock that the system releases when its process dies.

One small file for all accounts. Each account has eight octets of it: they are what is locked, and
they hold when its last session began.
"""

from __future__ import annotations

import fcntl
import os
import struct
from pathlib import Path

from pillarbox.ids import AccountId

_SLOT = struct.Struct(">Q")
# struct flock of Linux, 64 bit: l_type, l_whence, l_start, l_len, l_pid. Locks of this kind belong
# to our open file, not to the process, so closing another descriptor of it gives nothing up.
_FLOCK = struct.Struct("@hhqqi4x")


class MaildropLocks:
    """The locks that one worker holds."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._held: set[AccountId] = set()

    def acquire(self, account: AccountId) -> bool:
        """Whether the account's maildrop is ours now; False: another session has it."""
        if account in self._held or not self._lock(account, fcntl.F_WRLCK):
            return False
        self._held.add(account)
        return True

    def release(self, account: AccountId) -> None:
        """Give it back; does nothing when it is not ours."""
        if account in self._held:
            self._held.discard(account)
            self._lock(account, fcntl.F_UNLCK)

    def last_session(self, account: AccountId) -> int:
        """When the last session began, Unix seconds; 0 for never."""
        octets = os.pread(self._descriptor, _SLOT.size, account * _SLOT.size)
        began: int = _SLOT.unpack(octets)[0] if len(octets) == _SLOT.size else 0
        return began

    def note_session(self, account: AccountId, at: int) -> None:
        """A session begins."""
        os.pwrite(self._descriptor, _SLOT.pack(at), account * _SLOT.size)

    def close(self) -> None:
        """Give all back."""
        os.close(self._descriptor)
        self._held.clear()

    def _lock(self, account: AccountId, kind: int) -> bool:
        start = account * _SLOT.size
        try:
            fcntl.fcntl(
                self._descriptor,
                fcntl.F_OFD_SETLK,
                _FLOCK.pack(kind, os.SEEK_SET, start, _SLOT.size, 0),
            )
        except (BlockingIOError, PermissionError):
            return False
        return True
