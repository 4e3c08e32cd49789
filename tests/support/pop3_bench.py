"""A POP3 door over a real store, listening on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from pillarbox.clock import SystemClock
from pillarbox.config.pop3 import Pop3Settings
from pillarbox.message.digest import digest
from pillarbox.net.limits import ConnectionLimiter
from pillarbox.net.tls import TlsContexts
from pillarbox.pop3.server.connection import Pop3Connection
from pillarbox.pop3.server.door import Pop3Server
from pillarbox.pop3.server.services import Pop3Services
from pillarbox.store.model import Role
from pillarbox.store.sql import mailboxes, messages
from support.listening import all_gone, both_ports, tls_contexts
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

    async def deliver(
        self, octets: bytes, trace: bytes = b"", received_at: int | None = None
    ) -> int:
        """Put a message into alice's inbox, now or then; its UID."""
        store, account = self.people.store, self.people.alice.id
        spool = store.spool()
        spool.write(octets)
        found = digest(octets)
        blob = await spool.seal()

        async def append(tx):  # type: ignore[no-untyped-def]
            inbox = await mailboxes.by_role(tx, account, Role.INBOX)
            assert inbox is not None
            new = messages.NewMessage(
                account=account,
                mailbox=inbox.id,
                blob=blob,
                digest=found,
                trace=trace,
                received_at=received_at,
            )
            return await messages.append(tx, new)

        appended = await store.write(append)
        spool.discard()
        return appended.uid

    async def all_gone(self) -> None:
        """Wait until no connection is left."""
        await all_gone(self.door)

    @property
    def standing(self) -> list[Pop3Connection]:
        """The server's sides of all connections."""
        return [one for one in self.door.standing if isinstance(one, Pop3Connection)]


@asynccontextmanager
async def pop3_bench(
    folder: Path,
    settings: Pop3Settings | None = None,
    *,
    remote: bool = False,
    handshake_seconds: int = 30,
) -> AsyncIterator[Pop3Bench]:
    """Open everything in `folder`, close it at the end."""
    tls = tls_contexts(folder, handshake_seconds)
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
        try:
            async with both_ports(door, "pop3", tls, remote=remote) as ports:
                yield Pop3Bench(found, door, services, tls, *ports)
        finally:
            door.close()
