"""Signals as a list to look at, so that handlers do nothing but note."""

from __future__ import annotations

import contextlib
import signal
import socket
from collections.abc import Iterable
from types import FrameType


class SignalInbox:
    """Catches signals while entered; `waiting` becomes readable when one came."""

    def __init__(self, numbers: Iterable[int]) -> None:
        self._numbers = tuple(numbers)
        self._noted: list[int] = []
        self.waiting, self._written = socket.socketpair()
        self.waiting.setblocking(False)
        self._written.setblocking(False)

    def __enter__(self) -> SignalInbox:
        self._before = {number: signal.signal(number, self._note) for number in self._numbers}
        self._wakeup = signal.set_wakeup_fd(self._written.fileno(), warn_on_full_buffer=False)
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(self._wakeup)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self.waiting.close()
        self._written.close()

    def take(self) -> list[int]:
        """Signals since the last call, in order."""
        with contextlib.suppress(BlockingIOError):
            self.waiting.recv(4096)
        taken, self._noted = self._noted, []
        return taken

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self._noted.append(number)
