"""An SMTP door over a real store in a temporary folder, spoken to in memory or by sockets."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from pillarbox.accounts.admin import AccountAdmin
from pillarbox.accounts.authenticator import Authenticator
from pillarbox.accounts.directory import Directory
from pillarbox.clock import Clock, SystemClock
from pillarbox.config.auth import AuthSettings
from pillarbox.config.smtp import SmtpSettings
from pillarbox.config.store import StoreSettings
from pillarbox.ids import AccountId
from pillarbox.net.listener import Listener, Security
from pillarbox.net.secret import Secret
from pillarbox.smtp.server.context import SmtpServices
from pillarbox.smtp.server.door import SmtpServer
from pillarbox.store import Store
from pillarbox.store.model import MessageRow, QueuedRow, Role
from pillarbox.store.open import open_store
from pillarbox.store.sql import accounts, changes, mailboxes, messages, queue
from support.costs import Costs

HOSTNAME = "mx.example.org"
PASSWORD = "correct-horse-9"
LISTENERS = {
    "mx": Listener("smtp", "mx", Security.STARTTLS),
    "submission": Listener("submission", "submission", Security.STARTTLS),
    "lmtp": Listener("lmtp", "lmtp", Security.NONE),
}


class _Lease:
    def release(self) -> None:
        pass


@dataclass
class Bench:
    """One door with alice and bob, and aliases: sales (both), far (elsewhere)."""

    store: Store
    admin: AccountAdmin
    directory: Directory
    services: SmtpServices
    server: SmtpServer

    async def account(self, login: str) -> AccountId:
        return (await self.admin.find_account(login)).id

    async def inbox(self, login: str) -> list[tuple[MessageRow, bytes]]:
        """Every message of an account's INBOX with its octets as read."""
        account = await self.account(login)

        async def read(db: Any) -> list[MessageRow]:
            inbox = await mailboxes.by_role(db, account, Role.INBOX)
            assert inbox is not None
            placed = await changes.placed(db, account, inbox.id)
            ids = [place.message for place in placed]
            rows = await messages.get_many(db, account, ids)
            return [rows[one] for one in ids]

        found = []
        for row in await self.store.read(read):
            content = self.store.content(row)
            found.append((row, await content.read(0, row.size)))
        return found

    async def octets(self, login: str) -> list[bytes]:
        """What a person reads in INBOX."""
        return [octets for _, octets in await self.inbox(login)]

    async def queued(self) -> list[QueuedRow]:
        """What waits to be sent."""
        return await self.store.read(queue.list_queued)

    async def set_quota(self, login: str, octets: int, messages: int = 0) -> None:
        account = await self.account(login)
        await self.store.write(lambda tx: accounts.set_quota(tx, account, octets, messages))


@contextlib.asynccontextmanager
async def open_bench(
    folder: Path,
    tls: Any = None,
    costs: Costs | None = None,
    clock: Clock | None = None,
    **settings: Any,
) -> AsyncIterator[Bench]:
    """A bench whose SMTP settings are as given; the others are the quickest."""
    clock = clock or SystemClock()
    kept = StoreSettings(data_dir=str(folder / "data"))
    if costs is None:
        store = await open_store(kept, clock)
    else:  # what runs by the clock stays out of what is counted
        kept = msgspec.structs.replace(kept, index_seconds=3600.0, poll_seconds=3600.0)
        store = await open_store(kept, clock, disk=costs.disk, vfs=costs.vfs)
    auth = AuthSettings(argon2_passes=1, argon2_memory_kib=8, scram_iterations=4096)
    admin = AccountAdmin(store, auth)
    authenticator = Authenticator(store, auth, clock, Secret(b"k" * 32))
    try:
        for login in ("alice@example.org", "bob@example.org"):
            await admin.create_account(login, Secret(PASSWORD), add_domain=True)
        await admin.add_alias("sales@example.org", ["alice@example.org", "bob@example.org"])
        await admin.add_alias("far@example.org", ["carol@example.net"])
        services = SmtpServices(
            store=store,
            directory=Directory(store),
            authenticator=authenticator,
            settings=SmtpSettings(**{"greeting_delay_seconds": 0.0, **settings}),
            hostname=HOSTNAME,
            clock=clock,
            admit=lambda address: _Lease(),
            tls=tls,
        )
        yield Bench(store, admin, services.directory, services, SmtpServer(services))
    finally:
        authenticator.close()
        admin.close()
        await store.close()


class MemoryTransport(asyncio.Transport):
    """The far side of a connection, without a socket."""

    def __init__(self, peer: str) -> None:
        super().__init__()
        self._peer = peer
        self._closing = False
        self._protocol: asyncio.Protocol | None = None
        self.reader = asyncio.StreamReader()

    def start(self, protocol: asyncio.Protocol) -> None:
        self._protocol = protocol
        protocol.connection_made(self)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return (self._peer, 40000) if name == "peername" else default

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self._closing:
            self.reader.feed_data(bytes(data))

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            self.reader.feed_eof()
            assert self._protocol is not None
            asyncio.get_running_loop().call_soon(self._protocol.connection_lost, None)

    abort = close

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


class MemoryPeer:
    """A client in memory: what it sends arrives at once, in the chunks that are asked for."""

    def __init__(self, bench: Bench, role: str = "mx", peer: str = "127.0.0.1") -> None:
        self.connection = bench.server.connection(LISTENERS[role])
        self._transport = MemoryTransport(peer)
        self._transport.start(self.connection)

    async def send(self, octets: bytes, chunk: int = 0) -> None:
        step = chunk or max(len(octets), 1)
        for at in range(0, len(octets), step):
            if not self._transport.is_closing():
                self.connection.data_received(octets[at : at + step])
            if chunk:
                await asyncio.sleep(0)

    async def line(self) -> bytes:
        """The next line with its CR LF; b"" when the connection is closed."""
        return await asyncio.wait_for(self._transport.reader.readline(), 60)

    async def reply(self) -> str:
        """The next whole reply without its last CR LF; "" when the connection is closed."""
        lines = []
        while True:
            line = (await self.line()).decode()
            lines.append(line)
            if line[3:4] != "-":
                return "".join(lines).removesuffix("\r\n")

    async def ask(self, line: str) -> str:
        """Send one line, return the reply."""
        await self.send(line.encode() + b"\r\n")
        return await self.reply()

    async def rest(self) -> bytes:
        """All up to the close."""
        return await asyncio.wait_for(self._transport.reader.read(), 60)

    def close(self) -> None:
        self._transport.close()


class SocketPeer:
    """The same over TCP on loopback."""

    def __init__(
        self, server: asyncio.Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._server, self._reader, self._writer = server, reader, writer

    @classmethod
    async def connect(cls, bench: Bench, role: str = "mx") -> SocketPeer:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: bench.server.connection(LISTENERS[role]), "127.0.0.1", 0
        )
        port = server.sockets[0].getsockname()[1]
        return cls(server, *await asyncio.open_connection("127.0.0.1", port))

    async def send(self, octets: bytes, chunk: int = 0) -> None:
        self._writer.write(octets)
        with contextlib.suppress(ConnectionError):
            await self._writer.drain()

    async def line(self) -> bytes:
        try:
            return await asyncio.wait_for(self._reader.readline(), 60)
        except ConnectionError:
            return b""

    def half_close(self) -> None:
        """No more will be sent."""
        self._writer.write_eof()

    def close(self) -> None:
        self._writer.close()
        self._server.close()
