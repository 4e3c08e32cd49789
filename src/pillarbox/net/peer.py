"""One accepted connection: its transport, deadline, back-pressure and change to TLS.

Doors subclass `PeerConnection` and implement what stands under "What a door implements". An idle
connection has no task, only a timer.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Mapping
from ipaddress import ip_address
from typing import cast

from pillarbox.net.door import Connection, Door, Lease
from pillarbox.net.listener import Security

_JOINED_OCTETS = 16 * 1024  # up to this, copying costs less than a vector of buffers


class PeerConnection(Connection):
    """Transport, limits and timing of one peer, under any protocol."""

    def __init__(self, door: Door, security: Security) -> None:
        self._door = door
        self._lease: Lease | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._deadline = 0.0
        self._writable = asyncio.Event()
        self._writable.set()
        self._starting_tls = False
        self._early = b""  # decrypted octets that came before `start_tls` returned
        self._reading = True
        self._lingering = False
        self.offers_tls = door.tls is not None and security is Security.STARTTLS
        self.transport: asyncio.Transport | None = None
        self.peer = ""  # IP address as text; "local" on a Unix socket; "gone" if it left at once
        self.is_loopback = False
        self.closed = False

    # What a door implements

    def connected(self) -> None:
        """The connection stands (with implicit TLS: the handshake is done)."""

    def refused(self) -> bytes:
        """What a peer over the connection limits is told before it is closed (without TLS)."""
        return b""

    def octets_arrived(self, octets: bytes) -> None:
        """Some octets came in."""

    def deadline_passed(self) -> None:
        """Nothing happened for as long as was set; the default closes."""
        self.close()

    def end_of_input(self) -> None:
        """The peer will send no more; the default closes. A door that still answers must close."""
        self.close()

    def finish(self) -> None:
        """The server stops: end now, or behind what is under way; the default closes."""
        self.close()

    def gone(self) -> None:
        """The connection ended, by whichever side."""

    # What a door calls

    @property
    def tls(self) -> ssl.SSLObject | None:
        """The TLS facts (cipher, channel binding), None on a plain connection."""
        if self.transport is None:
            return None
        found: ssl.SSLObject | None = self.transport.get_extra_info("ssl_object")
        return found

    @property
    def is_secure(self) -> bool:
        """Whether a password may pass: TLS, or loopback."""
        return self.is_loopback or self.tls is not None

    @property
    def is_writable(self) -> bool:
        """Whether the peer takes what is written; if not, await `drained()` before writing more."""
        return self._writable.is_set()

    def bindings(self) -> Mapping[str, bytes]:
        """TLS channel bindings by name; none on a plain connection."""
        return self._door.tls.bindings(self.tls) if self._door.tls is not None else {}

    def write(self, octets: bytes) -> None:
        """Send; await `drained()` now and then when sending much."""
        if self.transport is not None and not self.closed:
            self.transport.write(octets)

    def write_all(self, pieces: list[bytes]) -> None:
        """Send them as one; many octets are not joined before, which would copy them."""
        if self.transport is None or self.closed:
            return
        if len(pieces) == 1:
            self.transport.write(pieces[0])
        elif sum(map(len, pieces)) < _JOINED_OCTETS:
            self.transport.write(b"".join(pieces))
        else:
            self.transport.writelines(pieces)

    async def drained(self) -> None:
        """Return when the peer took enough of what was written, or is gone."""
        await self._writable.wait()

    def set_deadline(self, seconds: float) -> None:
        """Call `deadline_passed` in so many seconds unless set again. Costs no timer per call."""
        if self._lingering:
            return
        loop = asyncio.get_running_loop()
        self._deadline = loop.time() + seconds
        if self._timer is None or self._timer.when() > self._deadline:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = loop.call_at(self._deadline, self._timer_fired)

    def pause_input(self) -> None:
        """Stop reading from the peer while its last commands are under way."""
        if self._reading and self.transport is not None and not self.closed:
            self._reading = False
            self.transport.pause_reading()

    def resume_input(self) -> None:
        if not self._reading and self.transport is not None and not self.closed:
            self._reading = True
            self.transport.resume_reading()

    async def start_tls(self, go_ahead: bytes) -> bool:
        """Send `go_ahead` and change to TLS; False: it failed and the connection is closed.

        The caller has checked that nothing stands behind the STARTTLS line in its own buffer;
        plain octets that arrive later are read as a handshake and break it (CVE-2011-0411). The
        caller must begin its new session before it awaits anything else.
        """
        tls = self._door.tls
        if tls is None or not self.offers_tls or self.transport is None:
            raise RuntimeError("STARTTLS was not offered on this connection")
        loop = asyncio.get_running_loop()
        plain = self.transport
        self._starting_tls = True
        plain.pause_reading()
        plain.write(go_ahead)
        try:
            secured = await loop.start_tls(
                plain,
                self,
                tls.server_context(),
                server_side=True,
                ssl_handshake_timeout=tls.handshake_seconds,
            )
        except (OSError, ssl.SSLError, TimeoutError):
            secured = None
        self._starting_tls = False
        if secured is None or self.closed:
            self.abort()
            self.connection_lost(None)  # asyncio tells nobody when a handshake came to nothing
            return False
        self.transport = secured
        self._reading = True
        if self._early:  # when the caller has begun its new session
            loop.call_soon(self._deliver_early)
        return True

    def acknowledge(self) -> None:
        """Acknowledge at once what came: call it when the peer's next piece is awaited.

        Many clients write a literal, or a message, and its end in two pieces. Nagle's algorithm
        holds the second back until the first is acknowledged, and our kernel would wait 40 ms for
        an answer to acknowledge it with, which can't come before the second piece.
        """
        plain = self.transport.get_extra_info("socket") if self.transport is not None else None
        if plain is not None and plain.family != socket.AF_UNIX and not self.closed:
            with contextlib.suppress(OSError):
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    def close(self) -> None:
        """Flush what was written, then close; who does not take it is cut off after a while."""
        if self.transport is not None and not self.transport.is_closing():
            self.set_deadline(self._door.linger_seconds)
            self._lingering = True
            self.transport.close()

    def abort(self) -> None:
        """Close without flushing."""
        if self.transport is not None:
            self.transport.abort()

    def take_place(self, lease: Lease) -> None:
        """Use this place under the limits, taken before the connection was made (`TlsGate`)."""
        self._lease = lease

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self._starting_tls:
            return
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass of it
        self.peer, self.is_loopback = whereabouts(self.transport)
        if self._lease is None:
            self._lease = self._door.admit(self.peer)
        if self._lease is None:
            self.transport.write(self.refused())  # doors may gather what they `write`
            self.close()
            return
        self._door.standing.add(self)
        self.connected()

    def data_received(self, data: bytes) -> None:
        if self._lease is None:
            return
        if self._starting_tls:
            # Decrypted: `loop.start_tls` took the plain octets away from us at once. A quick
            # client's first command comes together with the end of its handshake.
            self._early += data
            return
        self.octets_arrived(data)

    def eof_received(self) -> bool:
        if self._lease is not None:
            self.end_of_input()
        # The door closes when it has answered what came before; TLS knows no half-closing.
        return self._lease is not None and self.tls is None

    def connection_lost(self, exc: Exception | None) -> None:
        if self.closed:
            return
        self.closed = True
        self._writable.set()
        if self._timer is not None:
            self._timer.cancel()
        self._door.standing.discard(self)
        if self._lease is not None:
            self.gone()
            self._lease.release()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def _deliver_early(self) -> None:
        octets, self._early = self._early, b""
        if not self.closed:
            self.octets_arrived(octets)

    def _timer_fired(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = None
        if self.closed:
            return
        if loop.time() < self._deadline:
            self._timer = loop.call_at(self._deadline, self._timer_fired)
            return
        if self._lingering:
            self.abort()
        else:
            self.deadline_passed()


def whereabouts(transport: asyncio.Transport) -> tuple[str, bool]:
    """A peer's address as text, and whether it is on this machine."""
    name = transport.get_extra_info("peername")
    if isinstance(name, tuple):
        # Sockets for both IP versions name IPv4 peers ::ffff:192.0.2.1 (RFC 4291 §2.5.5.2).
        address = name[0].removeprefix("::ffff:") if "." in name[0] else name[0]
        return address, ip_address(address).is_loopback
    ours = transport.get_extra_info("socket")
    if ours is not None and ours.family == socket.AF_UNIX:
        return "local", True
    return "gone", False  # the peer left before it could be asked who it was
