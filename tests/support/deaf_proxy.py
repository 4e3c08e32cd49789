"""A TCP relay on loopback that can forget the connections it has, as a router does overnight."""

from __future__ import annotations

import contextlib
import socket
import threading

from support.server import HOST

_CHUNK = 65536


class DeafProxy:
    """Relays to a port until `go_deaf`: then nothing passes on the connections that there are, and
    neither side is told. New ones work."""

    def __init__(self, port: int) -> None:
        self._there = (HOST, port)
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._open: dict[socket.socket, bool] = {}  # whether it hears
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> DeafProxy:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        with self._lock:
            for one in self._open:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def go_deaf(self) -> int:
        """How many connections were forgotten."""
        with self._lock:
            hearing = [one for one, hears in self._open.items() if hears]
            self._open.update(dict.fromkeys(hearing, False))
        return len(hearing) // 2

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                threading.Thread(target=self._relay, args=(near,), daemon=True).start()

    def _relay(self, near: socket.socket) -> None:
        try:
            far = socket.create_connection(self._there, timeout=20)
        except OSError:
            near.close()
            return
        far.settimeout(None)
        with self._lock:
            self._open.update({near: True, far: True})
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
                if chunk:
                    target.sendall(chunk)
                else:
                    target.shutdown(socket.SHUT_WR)
