"""A TCP relay on loopback that cuts connections at given octets, counted over all of them."""

from __future__ import annotations

import contextlib
import random
import socket
import struct
import threading
from collections.abc import Callable, Sequence

from support.server import HOST

_CHUNK = 16384
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER with no time: the other side sees a reset


def random_octets(seed: int, count: int, total: int) -> list[int]:
    """Where to cut a transfer of about `total` octets, not in its last twentieth."""
    return sorted(random.Random(seed).sample(range(1, max(total * 19 // 20, count + 1)), count))


class CuttingProxy:
    """Relays to a port; octets of both directions are counted as they pass.

    At each octet of `cuts` the connection that carries it ends there, by a reset or by an end of
    stream in turn. `calls` are functions for other octets, such as killing a process.
    """

    def __init__(
        self,
        port: int,
        cuts: Sequence[int] = (),
        calls: Sequence[tuple[int, Callable[[], None]]] = (),
        *,
        host: str = HOST,
    ) -> None:
        self._there = (host, port)
        self._cuts = sorted(cuts)
        self._calls = sorted(calls, key=lambda one: one[0])
        self._lock = threading.Lock()
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self.passed = 0  # octets
        self.cut = 0  # connections that were cut
        self.connections = 0
        self._open: set[socket.socket] = set()
        self._reset: set[socket.socket] = set()  # to be closed without a word
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> CuttingProxy:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """No further connections; those that are open end."""
        self._listener.close()
        for one in list(self._open):
            _shut(one)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._relay, args=(near,), daemon=True).start()

    def _relay(self, near: socket.socket) -> None:
        try:
            far = socket.create_connection(self._there, timeout=60)
        except OSError:
            near.close()
            return
        far.settimeout(None)
        for one in (near, far):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open.add(one)
        back = threading.Thread(target=self._pump, args=(far, near), daemon=True)
        back.start()
        self._pump(near, far)
        back.join()
        for one in (near, far):
            self._open.discard(one)
            self._reset.discard(one)
            one.close()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        """Octets one way, until an end or a cut."""
        with contextlib.suppress(OSError):
            while chunk := source.recv(_CHUNK):
                allowed, calls = self._count(len(chunk))
                target.sendall(chunk[:allowed])
                for call in calls:
                    call()
                if allowed < len(chunk):
                    self._end(source, target)
                    return
            if source not in self._reset:
                target.shutdown(socket.SHUT_WR)
            return
        _shut(source)
        _shut(target)

    def _count(self, octets: int) -> tuple[int, list[Callable[[], None]]]:
        """How many of them may pass before the next cut, and what is to be called now."""
        with self._lock:
            before = self.passed
            allowed = octets
            if self._cuts and self._cuts[0] < before + octets:
                allowed = max(self._cuts.pop(0) - before, 0)
                self.cut += 1
            self.passed = before + allowed
            due = []
            while self._calls and self._calls[0][0] <= self.passed:
                due.append(self._calls.pop(0)[1])
            return allowed, due

    def _end(self, *pair: socket.socket) -> None:
        if self.cut % 2 == 0:
            for one in pair:
                _shut(one)
            return
        for one in pair:
            self._reset.add(one)
            with contextlib.suppress(OSError):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                one.shutdown(socket.SHUT_RD)  # wakes whoever reads; close() then resets


def _shut(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
