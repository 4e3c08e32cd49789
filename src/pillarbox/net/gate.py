"""The way into a listener with implicit TLS: a place first, then the handshake.

`create_server(ssl=…)` shows a connection to its protocol only when the handshake is done, so that
half-open ones would count nowhere. A gate takes the plain connection, asks for a place under the
limits, and hands a duplicate of the socket to the loop's TLS; the first transport is dropped before
it reads an octet. (Changing that very transport to TLS would lose a quick client's first octets:
uvloop reads as soon as `connection_made` returns, paused or not.)
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from pillarbox.net.peer import whereabouts

if TYPE_CHECKING:
    from pillarbox.net.door import Connection, Door, Lease


class TlsGate(asyncio.Protocol):
    """Lets one accepted connection through to `make`'s protocol when it has its place."""

    def __init__(self, door: Door, make: Callable[[], Connection]) -> None:
        if door.tls is None:
            raise RuntimeError("a listener with implicit TLS without a certificate")
        self._door, self._tls = door, door.tls
        self._make = make

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        plain = cast(asyncio.Transport, transport)  # uvloop's is no subclass of it
        peer, _ = whereabouts(plain)
        lease = self._door.admit(peer)
        if lease is not None:  # who has no place is told nothing: it would cost a handshake
            self._begin(plain, lease)
        plain.abort()

    def _begin(self, plain: asyncio.Transport, lease: Lease) -> None:
        try:
            own = socket.socket(fileno=os.dup(plain.get_extra_info("socket").fileno()))
        except OSError:  # too many open files
            lease.release()
            return
        own.setblocking(False)
        task = asyncio.get_running_loop().create_task(self._secure(own, lease))
        self._door.handshakes.add(task)
        task.add_done_callback(self._door.handshakes.discard)

    async def _secure(self, plain: socket.socket, lease: Lease) -> None:
        begun = False

        def begin() -> Connection:
            connection = self._make()
            connection.take_place(lease)
            return connection

        try:
            with contextlib.suppress(OSError, ssl.SSLError, TimeoutError):
                await asyncio.get_running_loop().connect_accepted_socket(
                    begin,
                    plain,
                    ssl=self._tls.server_context(),
                    ssl_handshake_timeout=self._tls.handshake_seconds,
                )
                begun = True
        finally:
            if not begun:
                plain.close()
                lease.release()
