"""A POP3 door over a real store, listening on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pillarbox.clock import SystemClock
from pillarbox.config.pop3 import Pop3Settings
from pillarbox.config.tls import CertificateFiles, TlsSettings
from pillarbox.message.digest import digest
from pillarbox.net.limits import ConnectionLimiter
from pillarbox.net.listener import Listener, Security
from pillarbox.net.self_signed import create_self_signed
from pillarbox.net.tls import TlsContexts
from pillarbox.pop3.server.connection import Pop3Connection
from pillarbox.pop3.server.door import Pop3Server
from pillarbox.pop3.server.services import Pop3Services
from pillarbox.store.model import Role
from pillarbox.store.sql import mailboxes, messages
from support.people import People, people


@dataclass
class Pop3Bench:
    """Ports, people and the door."""

    people: People
    door: Pop3Server
    services: Pop3Services
    tls: TlsContexts
    port: int  # with STLS
    tls_port: int

    async def deliver(self, octets: bytes, trace: bytes = b"") -> int:
        """Put a message into alice's inbox; its UID."""
        store, account = self.people.store, self.people.alice.id
        spool = store.spool()
        spool.write(octets)
        found = digest(octets)
        blob = await spool.seal()

        async def append(tx):  # type: ignore[no-untyped-def]
            inbox = await mailboxes.by_role(tx, account, Role.INBOX)
            assert inbox is not None
            new = messages.NewMessage(
                account=account, mailbox=inbox.id, blob=blob, digest=found, trace=trace
            )
            return await messages.append(tx, new)

        appended = await store.write(append)
        spool.discard()
        return appended.uid

    async def all_gone(self) -> None:
        """Wait until no connection is left."""
        for _ in range(500):
            if not self.door.connections:
                return
            await asyncio.sleep(0.01)
        raise AssertionError("connections are left")


@asynccontextmanager
async def pop3_bench(
    folder: Path, settings: Pop3Settings | None = None, *, remote: bool = False
) -> AsyncIterator[Pop3Bench]:
    """Open everything in `folder`, close it at the end."""
    certificate, key = folder / "tls.pem", folder / "tls.key"
    create_self_signed(["localhost", "127.0.0.1"], certificate, key, now=datetime.now(UTC))
    tls = TlsContexts(
        TlsSettings(certificates=(CertificateFiles(certificate=str(certificate), key=str(key)),))
    )
    async with people(folder / "data", clock=SystemClock()) as found:
        services = Pop3Services(
            store=found.store,
            authenticator=found.authenticator,
            settings=settings or Pop3Settings(),
            hostname="mail.example.org",
            clock=found.clock,
            admit=ConnectionLimiter(1000, 1000).admit,
            tls=tls,
            lock_file=folder / "pop3.lock",
        )
        door = Pop3Server(services)
        loop = asyncio.get_running_loop()

        def connection(security: Security) -> Pop3Connection:
            made = door.connection(Listener(name="pop3", role="pop3", security=security))
            if remote:
                made.connected = _far_away(made)  # type: ignore[method-assign]
            return made

        plain = await loop.create_server(lambda: connection(Security.STARTTLS), "127.0.0.1", 0)
        secure = await loop.create_server(
            lambda: connection(Security.IMPLICIT), "127.0.0.1", 0, ssl=tls.server_context()
        )
        try:
            yield Pop3Bench(
                found,
                door,
                services,
                tls,
                plain.sockets[0].getsockname()[1],
                secure.sockets[0].getsockname()[1],
            )
        finally:
            plain.close()
            secure.close()
            await door.drain(1)
            door.close()


def _far_away(made: Pop3Connection):  # type: ignore[no-untyped-def]
    def connected() -> None:
        made.is_loopback = False
        Pop3Connection.connected(made)

    return connected
