"""One HTTP connection: uvicorn's protocol, with a bound on everything that a peer may let us wait.

uvicorn waits for ever for the rest of a request and for an answer to be taken. Here a request has
its seconds, a long body and a long answer more of them by their octets, and the end its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from pillarbox.net.door import Connection, Lease
from pillarbox.net.peer import whereabouts
from pillarbox.web.deadline import Deadline
from pillarbox.web.headers import PLAIN_HEADERS

Application = Callable[[Any, Any, Any], Any]  # ASGI 3
_INVALID = (
    "The request is not valid HTTP/1.1, or its head is too long. "
    "If a browser sent it, delete the cookies of this site and try again.\n"
)
_BUSY = "Too many connections are open. Close some, or try again in a minute.\n"


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long a peer may take."""

    request_seconds: float
    answer_seconds: float
    linger_seconds: float
    octets_per_second: int  # 0: a long body has no more time than a short one


@dataclass(frozen=True, slots=True)
class Site:
    """What the connections of one server share."""

    config: uvicorn.Config
    state: ServerState
    bounds: Bounds
    admit: Callable[[str], Lease | None] | None  # None: no limit but uvicorn's
    standing: set[Connection]


def make_config(application: Application, *, head_octets: int, idle_seconds: int) -> uvicorn.Config:
    """Of a server of ours: it touches neither the loop nor the log, and believes no header."""
    config = uvicorn.Config(
        application,
        loop="none",
        http=H11Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=idle_seconds,
        h11_max_incomplete_event_size=head_octets,
    )
    config.load()
    return config


class HttpConnection(H11Protocol, Connection):
    """Where a peer is too slow it is cut off; where it has no place it is told so."""

    def __init__(self, site: Site) -> None:
        super().__init__(site.config, site.state, {})
        self._site = site
        self._bounds = site.bounds
        self._lease: Lease | None = None
        self._received = 0  # octets of the request under way
        self._deaf = False  # nothing that comes is looked at
        self._began_at = 0.0  # it, on the loop's clock
        self._asked = Deadline(self.loop, self._too_slow)
        self._taken = Deadline(self.loop, self._abort)

    # What a door calls

    def take_place(self, lease: Lease) -> None:
        """A place that was taken before the handshake."""
        self._lease = lease

    def finish(self) -> None:
        """Close now, or behind the answer under way."""
        if self._deaf:
            self.transport.close()
        elif not self.transport.is_closing():
            self.shutdown()
        self._linger()

    def abort(self) -> None:
        """Close without flushing."""
        self.transport.abort()

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        plain = cast(asyncio.Transport, transport)  # uvloop's is no subclass of it
        super().connection_made(plain)
        peer, _ = whereabouts(plain)
        self.client = (peer, 0)
        if self._lease is None and self._site.admit is not None:
            self._lease = self._site.admit(peer)
            if self._lease is None:
                self.connections.discard(self)
                self._refuse(503, _BUSY)
                return
        self._site.standing.add(self)
        self._begin()

    def data_received(self, data: bytes) -> None:
        if self._deaf or self.transport.is_closing():
            return
        if not self._asked.is_set and self._is_idle:
            self._begin()
        self._received += len(data)
        super().data_received(data)
        self._look()

    def pause_writing(self) -> None:
        super().pause_writing()
        waiting = self.transport.get_write_buffer_size()
        self._taken.set(self._bounds.answer_seconds + self._more_seconds(waiting))

    def resume_writing(self) -> None:
        super().resume_writing()
        self._taken.end()

    def on_response_complete(self) -> None:
        before = self.cycle
        super().on_response_complete()
        if self.transport.is_closing():
            self._linger()
        elif self.cycle is not before:  # the next request was there already
            self._begin()
            self._look()
        elif self.conn.their_state is h11.SEND_BODY or self.conn.trailing_data[0]:
            self._begin()  # the rest of a body that nobody reads, or of the next head
        else:
            self._asked.end()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._linger()

    def connection_lost(self, exc: Exception | None) -> None:
        self._asked.drop()
        self._taken.drop()
        self._site.standing.discard(self)
        super().connection_lost(exc)
        if self._lease is not None:
            self._lease.release()

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP is answered, and the connection closed."""
        if self.cycle is None or self.cycle.response_complete:
            self._refuse(400, _INVALID, listen=True)
        else:  # in the middle of an answer
            self.transport.close()
        self._linger()

    # How long

    @property
    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _begin(self) -> None:
        """A request is awaited, or has begun."""
        self._received = 0
        self._began_at = self.loop.time()
        self._asked.set(self._bounds.request_seconds)

    def _look(self) -> None:
        """After octets of a request: how long the rest may take."""
        if self._is_idle or self.transport.is_closing():
            return
        if self.cycle.more_body:
            allowed = self._bounds.request_seconds + self._more_seconds(self._received)
            self._asked.set(allowed - (self.loop.time() - self._began_at))
        else:
            self._asked.end()  # it is our turn

    def _more_seconds(self, octets: int) -> float:
        rate = self._bounds.octets_per_second
        return octets / rate if rate else 0.0

    def _too_slow(self) -> None:
        if self.flow.read_paused and not self._is_idle:
            self._asked.set(self._bounds.request_seconds)  # we do not read: not the peer's fault
        else:
            self._abort()

    def _linger(self) -> None:
        """The connection is closed, and its last octets have still to be taken."""
        if self._deaf or self.transport.is_closing():
            self._asked.end()
            self._taken.set(self._bounds.linger_seconds)

    def _abort(self) -> None:
        self.transport.abort()

    def _refuse(self, status: int, sentence: str, *, listen: bool = False) -> None:
        """Answer without any application, and close.

        `listen`: the peer may still be sending. Closed with octets unread, the system would take
        back our answer; so they are read and thrown away until the peer closes, or its time ends.
        """
        octets = sentence.encode()
        length = (b"content-length", b"%d" % len(octets))
        response = h11.Response(
            status_code=status,
            headers=[*PLAIN_HEADERS, length, (b"connection", b"close")],
            reason=b"Service Unavailable" if status == 503 else b"Bad Request",
        )
        for event in (response, h11.Data(data=octets), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        if listen and self.transport.can_write_eof():
            self._deaf = True
            self.transport.write_eof()
        else:
            self.transport.close()
        self._linger()
