"""One question to one resolver: by UDP, and by TCP where the answer was cut (RFC 7766 §5).

Every question has its own socket, so that who wants to forge an answer has to guess its port
besides its id. What does not fit the question is passed over and the right answer waited for.
"""

from __future__ import annotations

import asyncio
import secrets

from pillarbox.dns.errors import Why
from pillarbox.dns.servers import Server
from pillarbox.dns.wire import (
    Question,
    Reply,
    answers,
    encode_query,
    is_truncated,
    parse_reply,
)
from pillarbox.dns.wire_names import MalformedReply

MAX_STRAYS = 16  # datagrams that are no answer, then TCP is used: somebody is guessing
_WITHOUT_EDNS = frozenset({"FORMERR", "NOTIMP", "BADVERS"})


class NoReply(Exception):
    """The resolver gave no usable answer."""

    def __init__(self, why: Why, *, silent: bool) -> None:
        super().__init__(why)
        self.why: Why = why
        self.silent = silent  # nothing came from it at all


async def ask(server: Server, question: Question, *, dnssec: bool, seconds: float) -> Reply:
    """The server's reply, whatever its code. Raises NoReply."""
    try:
        async with asyncio.timeout(seconds):
            reply = await _ask(server, question, dnssec=dnssec)
            if reply.rcode in _WITHOUT_EDNS:  # an old server (RFC 6891 §6.2.2)
                reply = await _ask(server, question, dnssec=False, edns=False)
            return reply
    except TimeoutError:
        raise NoReply("timeout", silent=True) from None
    except MalformedReply as error:
        raise NoReply("malformed", silent=False) from error
    except ConnectionRefusedError as error:
        raise NoReply("refused", silent=True) from error
    except (OSError, asyncio.IncompleteReadError) as error:
        raise NoReply("timeout", silent=True) from error


async def _ask(server: Server, question: Question, *, dnssec: bool, edns: bool = True) -> Reply:
    ident = secrets.randbelow(65536)
    query = encode_query(question, ident, dnssec=dnssec, edns=edns)
    reply = await _by_udp(server, question, query, ident)
    return reply or await _by_tcp(server, question, query, ident)


class _Waiting(asyncio.DatagramProtocol):
    """`reply` becomes the answer, or None where TCP is to be used."""

    def __init__(self, question: Question, ident: int, reply: asyncio.Future[Reply | None]) -> None:
        self._question = question
        self._ident = ident
        self._reply = reply
        self._strays = 0

    def datagram_received(self, data: bytes, _address: object) -> None:
        if self._reply.done():
            return
        if answers(data, self._ident):
            if is_truncated(data):
                self._reply.set_result(None)
                return
            try:
                found = parse_reply(data, self._question)
            except MalformedReply as error:
                self._reply.set_exception(error)
                return
            if found is not None:
                self._reply.set_result(found)
                return
        self._strays += 1
        if self._strays >= MAX_STRAYS:
            self._reply.set_result(None)

    def error_received(self, error: Exception) -> None:
        if not self._reply.done():
            self._reply.set_exception(error)


async def _by_udp(server: Server, question: Question, query: bytes, ident: int) -> Reply | None:
    loop = asyncio.get_running_loop()
    reply: asyncio.Future[Reply | None] = loop.create_future()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: _Waiting(question, ident, reply), remote_addr=(server.host, server.port)
    )
    try:
        transport.sendto(query)
        return await reply
    finally:
        transport.close()


async def _by_tcp(server: Server, question: Question, query: bytes, ident: int) -> Reply:
    reader, writer = await asyncio.open_connection(server.host, server.port)
    try:
        writer.write(len(query).to_bytes(2, "big") + query)
        octets = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
    finally:
        writer.transport.abort()  # nothing is left to send, and a close could wait for the peer
    if not answers(octets, ident) or is_truncated(octets):
        raise MalformedReply
    found = parse_reply(octets, question)
    if found is None:
        raise MalformedReply
    return found
