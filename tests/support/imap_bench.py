"""An IMAP door over a real store, listening on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from pillarbox.clock import SystemClock
from pillarbox.config.imap import ImapSettings
from pillarbox.imap.server.connection import ImapConnection
from pillarbox.imap.server.context import ImapServices
from pillarbox.imap.server.door import ImapServer
from pillarbox.message.digest import digest
from pillarbox.net.limits import ConnectionLimiter
from pillarbox.store.model import FLAGS_BY_FOLDED_NAME
from pillarbox.store.sql import mailboxes, messages
from support.imap_client import ImapClient
from support.listening import all_gone, both_ports, tls_contexts
from support.people import ALICE_PASSWORD, People, people


@dataclass
class ImapBench:
    """Ports, people and the door."""

    people: People
    door: ImapServer
    services: ImapServices
    port: int  # with STARTTLS
    tls_port: int

    async def deliver(
        self,
        octets: bytes,
        path: str = "INBOX",
        flags: str = "",
        trace: bytes = b"",
        received_at: int | None = None,
    ) -> int:
        """Put a message into a mailbox of alice's; its UID."""
        store, account = self.people.store, self.people.alice.id
        bits, keywords = 0, []
        for name in flags.split():
            if flag := FLAGS_BY_FOLDED_NAME.get(name.lower()):
                bits |= flag
            else:
                keywords.append(name)
        with store.spool() as spool:
            spool.write(octets)
            found = digest(octets)
            blob = await spool.seal()

            async def append(tx):  # type: ignore[no-untyped-def]
                mailbox = await mailboxes.find(tx, account, path)
                if mailbox is None:
                    mailbox = await mailboxes.create(tx, account, path)
                new = messages.NewMessage(
                    account=account,
                    mailbox=mailbox.id,
                    blob=blob,
                    digest=found,
                    trace=trace,
                    flags=bits,
                    keywords=" ".join(sorted(keywords)),
                    received_at=received_at,
                )
                return await messages.append(tx, new)

            appended = await store.write(append)
        return int(appended.uid)

    async def client(self, *, select: str | None = None) -> ImapClient:
        """A connection of alice's, with a mailbox selected if one is named."""
        client = await ImapClient.connect("127.0.0.1", self.port)
        assert (await client.login("alice@example.org", ALICE_PASSWORD)).ok
        if select is not None:
            assert (await client.select(select)).ok
        return client

    async def all_gone(self) -> None:
        """Wait until no connection is left."""
        await all_gone(self.door)

    @property
    def standing(self) -> list[ImapConnection]:
        """The server's sides of all connections."""
        return [one for one in self.door.standing if isinstance(one, ImapConnection)]


@asynccontextmanager
async def imap_bench(
    folder: Path, settings: ImapSettings | None = None, *, remote: bool = False
) -> AsyncIterator[ImapBench]:
    """Open everything in `folder`, close it at the end. `remote`: clients count as far away."""
    tls = tls_contexts(folder)
    async with people(folder / "data", clock=SystemClock()) as found:
        services = ImapServices(
            store=found.store,
            authenticator=found.authenticator,
            settings=settings or ImapSettings(),
            hostname="mail.example.org",
            clock=found.clock,
            admit=ConnectionLimiter(1000, 1000).admit,
            tls=tls,
        )
        door = ImapServer(services)
        async with both_ports(door, "imap", tls, remote=remote) as ports:
            yield ImapBench(found, door, services, *ports)
