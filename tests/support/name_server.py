"""A name server on loopback, UDP and TCP, that looks like a recursive resolver.

Its records are written as those of `FakeResolver`, and so are its failures:

    async with NameServer({"example.org": {"MX": [(10, "mx.example.org")]}}) as server:
        settings = DnsSettings(servers=(server.address,))

`in_a_thread(server)` serves programs that run beside a test without an event loop. The messages
are dnspython's, so that what our own code writes and reads meets something that we did not write.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Literal

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.TXT
import dns.reversename
import dns.rrset

from pillarbox.dns.names import fold_name

Failure = Literal["timeout", "servfail", "refused", "malformed", "hangup"]

MAX_CHAIN = 20  # of CNAMEs that the server follows itself
IN = dns.rdataclass.IN
_RCODES = {"servfail": dns.rcode.SERVFAIL, "refused": dns.rcode.REFUSED}


class NameServer:
    """`records`, `fail` and the other attributes may be changed while it runs."""

    def __init__(
        self,
        records: Mapping[str, Mapping[str, Any]] | None = None,
        *,
        fail: Mapping[str, Failure] | None = None,
        authentic: Collection[str] | bool = False,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.records = {name: dict(types) for name, types in (records or {}).items()}
        self.fail: dict[str, Failure] = dict(fail or {})
        self.authentic = authentic
        self.host = host
        self.port = port
        self.ttl = 300
        self.negative_ttl: int | None = 120  # None: absences come without an SOA record
        self.delay = 0.0  # seconds before each answer
        self.noise = 0  # datagrams with a wrong id ahead of each answer
        self.truncate = False  # every answer by UDP is cut
        self.follow = True  # False: aliases are answered as such, and nothing more
        self.edns = True  # False: FORMERR to any question with EDNS
        self.raw: dict[str, bytes] = {}  # octets behind the id, in place of an answer
        self.asked: list[str] = []
        self.asked_by_tcp: list[str] = []
        self._tcp: asyncio.Server | None = None
        self._udp: asyncio.DatagramTransport | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> str:
        """As `dns.servers` takes it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    async def __aenter__(self) -> NameServer:
        loop = asyncio.get_running_loop()
        udp, tcp = _pair_of_sockets(self.host, self.port)
        self.port = udp.getsockname()[1]
        self._tcp = await asyncio.start_server(self._serve_stream, sock=tcp)
        self._udp, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self), sock=udp)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._tcp is not None and self._udp is not None
        self._udp.close()
        self._tcp.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def take_datagram(self, octets: bytes, peer: Any) -> None:
        task = asyncio.ensure_future(self._answer_datagram(octets, peer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer_datagram(self, octets: bytes, peer: Any) -> None:
        answer = await self._answer(octets, by_udp=True)
        if answer and self._udp is not None and not self._udp.is_closing():
            for extra in range(1, self.noise + 1):
                wrong = (int.from_bytes(octets[:2], "big") + extra) % 65536
                self._udp.sendto(wrong.to_bytes(2, "big") + answer[2:], peer)
            self._udp.sendto(answer, peer)

    async def _serve_stream(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                size = int.from_bytes(await reader.readexactly(2), "big")
                answer = await self._answer(await reader.readexactly(size), by_udp=False)
                if answer is None:
                    continue
                if answer == b"":
                    break
                writer.write(len(answer).to_bytes(2, "big") + answer)
                await writer.drain()
        writer.close()
        self._tasks.discard(task)

    async def _answer(self, octets: bytes, *, by_udp: bool) -> bytes | None:
        """None: silence. Empty: the end of the connection."""
        query = dns.message.from_wire(octets)
        question = query.question[0]
        rdtype = dns.rdatatype.to_text(question.rdtype)
        name = _shown(question.name)
        (self.asked if by_udp else self.asked_by_tcp).append(f"{rdtype} {name}")
        if self.delay:
            await asyncio.sleep(self.delay)
        raw = self.raw.get(f"{rdtype} {name}")
        if raw is not None:
            return octets[:2] + raw
        failure = self.fail.get(f"{rdtype} {name}") or self.fail.get(name)
        if failure in ("timeout", "hangup"):
            return b"" if failure == "hangup" and not by_udp else None
        if failure == "malformed":
            return octets[:2] + b"\x81\x80" + b"\0\1\0\1\0\0\0\0\xff\xff\xff"
        response = dns.message.make_response(query, recursion_available=True)
        if query.edns >= 0 and not self.edns:
            response = dns.message.make_response(query)
            response.use_edns(False)
            response.set_rcode(dns.rcode.FORMERR)
        elif failure is not None:
            response.set_rcode(_RCODES[failure])
        else:
            self._fill(query, response, name, rdtype)
        return self._to_wire(query, response, by_udp=by_udp)

    def _to_wire(
        self, query: dns.message.Message, response: dns.message.Message, *, by_udp: bool
    ) -> bytes:
        if not by_udp:
            return response.to_wire(max_size=65535)
        try:
            if not self.truncate:
                return response.to_wire(max_size=query.payload if query.edns >= 0 else 512)
        except dns.exception.TooBig:
            pass
        response.flags |= dns.flags.TC
        response.answer.clear()
        response.authority.clear()
        return response.to_wire()

    def _fill(
        self, query: dns.message.Message, response: dns.message.Message, name: str, rdtype: str
    ) -> None:
        chain = [name]
        while len(chain) < MAX_CHAIN and rdtype != "CNAME":
            alias = self.records.get(chain[-1], {}).get("CNAME")
            if alias is None:
                break
            target = alias if isinstance(alias, str) else alias[0]
            response.answer.append(self._rrset(chain[-1], "CNAME", [target]))
            chain.append(fold_name(target))
            if not self.follow:
                return
        last = chain[-1]
        records = self.records.get(last, {}).get(rdtype, [])
        if records:
            response.answer.append(self._rrset(last, rdtype, records))
        else:
            if not self._exists(last):
                response.set_rcode(dns.rcode.NXDOMAIN)
            if self.negative_ttl is not None:
                soa = f"ns. hostmaster. 1 3600 600 86400 {self.negative_ttl}"
                response.authority.append(dns.rrset.from_text(".", 3600, "IN", "SOA", soa))
        wants_ad = bool(query.flags & dns.flags.AD or query.ednsflags & dns.flags.DO)
        if wants_ad and all(self._is_authentic(link) for link in chain):
            response.flags |= dns.flags.AD

    def _rrset(self, name: str, rdtype: str, values: Any) -> dns.rrset.RRset:
        values = [values] if isinstance(values, (str, bytes)) else values
        rdatas = [_rdata(rdtype, value) for value in values]
        return dns.rrset.from_rdata_list(_asked_name(name), self.ttl, rdatas)

    def _exists(self, name: str) -> bool:
        return name in self.records or any(key.endswith(f".{name}") for key in self.records)

    def _is_authentic(self, name: str) -> bool:
        if isinstance(self.authentic, bool):
            return self.authentic
        return name in self.authentic


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: NameServer) -> None:
        self._server = server

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._server.take_datagram(data, addr)


@contextlib.contextmanager
def in_a_thread(server: NameServer) -> Iterator[NameServer]:
    """The server runs in a thread with its own event loop until the block ends."""
    started, loop = threading.Event(), asyncio.new_event_loop()
    ended = asyncio.Event()

    async def serve() -> None:
        async with server:
            started.set()
            await ended.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    if not started.wait(60):
        raise TimeoutError("the name server did not start")
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(10)
        loop.close()


def _pair_of_sockets(host: str, port: int) -> tuple[socket.socket, socket.socket]:
    """UDP and TCP on one port; a free one is looked for when `port` is 0."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for _ in range(50):
        udp = socket.socket(family, socket.SOCK_DGRAM)
        tcp = socket.socket(family, socket.SOCK_STREAM)
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            udp.bind((host, port))
            tcp.bind((host, udp.getsockname()[1]))
        except OSError:
            udp.close()
            tcp.close()
            if port:
                raise
        else:
            udp.setblocking(False)
            tcp.setblocking(False)
            return udp, tcp
    raise OSError("no port is free for both UDP and TCP")


def _shown(name: dns.name.Name) -> str:
    """A question's name as the records are keyed: reverse names as addresses."""
    text = b".".join(name.labels[:-1]).decode("latin-1").lower()
    if text.endswith((".in-addr.arpa", ".ip6.arpa")):
        with contextlib.suppress(dns.exception.SyntaxError, ValueError):
            return dns.reversename.to_address(name)
    return text


def _asked_name(name: str) -> dns.name.Name:
    """The inverse of `_shown`."""
    with contextlib.suppress(dns.exception.SyntaxError, ValueError):
        return dns.reversename.from_address(name)
    return _name(name)


def _name(text: str) -> dns.name.Name:
    text = text.removesuffix(".")
    return dns.name.Name((*text.encode().split(b"."), b"")) if text else dns.name.root


def _rdata(rdtype: str, value: Any) -> dns.rdata.Rdata:
    if rdtype == "TXT":
        return dns.rdtypes.ANY.TXT.TXT(IN, dns.rdatatype.TXT, list(_strings(value)))
    if rdtype == "MX":
        value = f"{value[0]} {_name(value[1]).to_text()}"
    elif rdtype in ("CNAME", "PTR"):
        value = _name(value).to_text()
    elif rdtype == "SRV":
        value = f"{value[0]} {value[1]} {value[2]} {_name(value[3]).to_text()}"
    elif rdtype == "TLSA":
        value = f"{value[0]} {value[1]} {value[2]} {value[3].hex()}"
    return dns.rdata.from_text(IN, rdtype, value)


def _strings(value: Any) -> Iterator[bytes]:
    """A tuple is the character-strings themselves; anything else is cut where it has to be."""
    for piece in value if isinstance(value, tuple) else (value,):
        octets = piece.encode() if isinstance(piece, str) else piece
        yield from (octets[at : at + 255] for at in range(0, len(octets), 255) or (0,))
