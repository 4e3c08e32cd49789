"""An HTTP relay on loopback that can forget a stream, as a router does overnight."""

from __future__ import annotations

import contextlib
import socket
import threading

from support.server import HOST

_CHUNK = 65536


class DeafProxy:
    """Relays to a port. After `go_deaf` nothing passes on the connections on which a path is read,
    and neither side is told; the others end, as a browser ends them before a computer sleeps. New
    connections work."""

    def __init__(self, port: int, stream: bytes = b"/eventsource") -> None:
        self._there = (HOST, port)
        self._stream = stream
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._open: dict[socket.socket, bool] = {}  # whether it hears
        self._asked: dict[socket.socket, bytes] = {}  # the last request line of a browser's
        self._other: dict[socket.socket, socket.socket] = {}
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> DeafProxy:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        with self._lock:
            for one in self._open:
                _end(one)

    def go_deaf(self) -> int:
        """How many connections were forgotten."""
        forgotten = 0
        with self._lock:
            for near, asked in self._asked.items():
                if not self._open[near]:
                    continue
                if self._stream in asked:
                    self._open[near] = self._open[self._other[near]] = False
                    forgotten += 1
                else:
                    _end(near)
        return forgotten

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                threading.Thread(target=self._relay, args=(near,), daemon=True).start()

    def _relay(self, near: socket.socket) -> None:
        try:
            far = socket.create_connection(self._there, timeout=60)
        except OSError:
            near.close()
            return
        far.settimeout(None)
        with self._lock:
            self._open.update({near: True, far: True})
            self._other[near] = far
        for source, target in ((near, far), (far, near)):
            source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._pump, args=(source, target), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        chunk = b"."
        with contextlib.suppress(OSError):
            while chunk:
                chunk = source.recv(_CHUNK)
                if not self._open[source]:
                    continue
                if not chunk:
                    target.shutdown(socket.SHUT_WR)
                    return
                if source in self._other:
                    self._asked[source] = chunk.partition(b"\r\n")[0]
                target.sendall(chunk)


def _end(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
