"""One Pillarbox of a world in memory, joined as a node would join it."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import msgspec

from pillarbox.accounts.admin import AccountAdmin
from pillarbox.accounts.authenticator import Authenticator
from pillarbox.accounts.directory import Directory
from pillarbox.cli.trace import tell
from pillarbox.clock import unix_seconds
from pillarbox.config.auth import AuthSettings
from pillarbox.config.outbound import OutboundSettings
from pillarbox.config.server import ServerSettings
from pillarbox.config.settings import Settings
from pillarbox.config.smtp import SmtpSettings
from pillarbox.config.store import StoreSettings
from pillarbox.config.tls import CertificateFiles, TlsSettings
from pillarbox.config.trust import TrustSettings
from pillarbox.flow.outbound.sender import OutboundSender, Surroundings
from pillarbox.flow.queue.home import HomeDelivery
from pillarbox.net.listener import Listener, Security
from pillarbox.net.secret import Secret
from pillarbox.net.tls import TlsContexts
from pillarbox.node.judging import make_judge
from pillarbox.node.sending import Sending, make_bouncer
from pillarbox.sasl.client_mechanism import Credentials
from pillarbox.smtp.client.connection import Caller, SmtpConnection
from pillarbox.smtp.client.transaction import (
    HeldMessage,
    OutgoingRecipient,
    OutgoingTransaction,
)
from pillarbox.smtp.server.context import SmtpServices
from pillarbox.smtp.server.door import SmtpServer
from pillarbox.store import Store
from pillarbox.store.model import RecipientRow, Role
from pillarbox.store.open import open_store
from pillarbox.store.sql import changes, dkim_keys, mailboxes, messages, queue_lease
from pillarbox.store.sql.dkim_keys import DkimKeyRow, KeyState
from pillarbox.store.sql.queue_steer import Filter, list_recipients
from pillarbox.trust.dkim import SigningKey
from support.authority import Issued
from support.dkim_keys import ed_key, rsa_key, zone
from support.smtp_bench import MemoryPeer

if TYPE_CHECKING:
    from support.world import World

PASSWORD = "correct-horse-9"
AUTH = AuthSettings(argon2_passes=1, argon2_memory_kib=8, scram_iterations=4096)
MX = Listener("smtp", "mx", Security.STARTTLS)
SUBMISSION = Listener("submission", "submission", Security.STARTTLS)
NEAR_SECONDS = 5.0  # steps of time while something is being sent
_ALL = 1_000_000


@dataclass(frozen=True)
class Wishes:
    """How a server differs from the others."""

    trust: TrustSettings = field(default_factory=TrustSettings)
    settings: dict[str, Any] = field(default_factory=dict)  # sections of `Settings`
    aliases: dict[str, list[str]] = field(default_factory=dict)
    certificate: Issued | None = None  # None: no TLS
    signs: bool = True
    policy: str = "reject"  # of DMARC
    sends: bool = True


class _Lease:
    def release(self) -> None:
        pass


@dataclass
class Node:
    """A running server."""

    world: World
    domain: str
    address: str
    settings: Settings
    store: Store
    admin: AccountAdmin
    services: SmtpServices
    server: SmtpServer
    sending: Sending | None = None

    @property
    def hostname(self) -> str:
        return self.services.hostname

    def listen(self) -> None:
        """Port 25 for the world, port 587 for our people."""
        for port, listener in ((25, MX), (587, SUBMISSION)):
            self.world.listen(self.domain, self.address, port, self._factory(listener))

    def stop_listening(self) -> None:
        """The machine is off the net; what it has to send it still sends."""
        self.world.network.stop_listening(self.address, 25)

    def _factory(self, listener: Listener) -> Callable[[], Any]:
        return lambda: self.server.connection(listener)

    # Mail in

    async def sign_in(self, login: str) -> SmtpConnection:
        """A mail program on the server's own machine."""
        connector = self.world.network.connector("127.0.0.1")
        caller = Caller(ehlo_name="[127.0.0.1]", clock=self.world.clock, connector=connector)
        connection = await SmtpConnection.open(caller, self.address, 587)
        await connection.authenticate(Credentials(login, Secret(PASSWORD)), in_the_clear=True)
        return connection

    async def submit(
        self, login: str, octets: bytes, *to: str | OutgoingRecipient, **more: Any
    ) -> list[str]:
        """One message by such a program; the reply for each recipient."""
        connection = await self.sign_in(login)
        replies = await send(connection, octets, to, more.pop("sender", login), **more)
        connection.close()
        return replies

    @asynccontextmanager
    async def dialogue(self, login: str) -> AsyncIterator[Callable[[str], Awaitable[str]]]:
        """Lines by hand on the way of `submit`, signed in."""
        peer = MemoryPeer(cast(Any, self), "submission")
        await peer.reply()
        await peer.ask("EHLO [127.0.0.1]")
        secret = base64.b64encode(f"\0{login}\0{PASSWORD}".encode()).decode()
        assert (await peer.ask(f"AUTH PLAIN {secret}")).startswith("235")
        yield peer.ask
        peer.close()

    # What is there

    async def mail(self, login: str, role: Role = Role.INBOX) -> list[bytes]:
        """The messages of a mailbox, as they are read."""
        account = (await self.admin.find_account(login)).id

        async def read(db: Any) -> list[Any]:
            found = await mailboxes.by_role(db, account, role)
            assert found is not None
            placed = await changes.placed(db, account, found.id)
            ids = [place.message for place in placed]
            rows = await messages.get_many(db, account, ids)
            return [rows[one] for one in ids]

        rows = await self.store.read(read)
        return [await self.store.content(row).read(0, row.size) for row in rows]

    async def count(self, login: str) -> int:
        """How many messages are in INBOX."""
        account = (await self.admin.find_account(login)).id

        async def read(db: Any) -> int:
            inbox = await mailboxes.by_role(db, account, Role.INBOX)
            assert inbox is not None
            return len(await changes.placed(db, account, inbox.id))

        return await self.store.read(read)

    async def rows(self, **chosen: Any) -> list[RecipientRow]:
        """All recipients of the queue, ended ones too."""
        wanted = Filter(**{"open_only": False} | chosen)
        found = await self.store.read(lambda db: list_recipients(db, wanted, _ALL))
        return [one.recipient for one in found]

    async def states(self) -> dict[str, str]:
        """What became of each address that was queued, by address."""
        return {row.forward_path: row.state.value for row in await self.rows()}

    async def all_ended(self) -> bool:
        """Whether the queue has nothing more to do or to tell."""
        rows = await self.rows()
        return all(row.finished_at is not None and not row.report for row in rows)

    async def trace(self, key: str) -> str:
        """What `pillarbox trace` says."""
        found = await self.store.journeys.find(key, since=0.0, limit=20)
        return "\n".join(line for notes in reversed(found) for line in tell(notes))

    async def next_due(self) -> float:
        """Seconds until the queue has something to do."""
        now = unix_seconds(self.world.clock.now())
        lanes = await self.store.read(lambda db: queue_lease.lanes(db, "", 10_000))
        due = [float(lane.due_at - now) for lane in lanes]
        rows = await self.rows()
        if any(row.sending for row in rows):
            due.append(NEAR_SECONDS)
        if any(row.report for row in rows):
            wait = self.settings.queue.report_wait_seconds
            due.append(float(max(wait, self.settings.queue.sweep_seconds)))
        return min(due, default=3600.0)


async def send(
    connection: SmtpConnection,
    octets: bytes,
    to: Sequence[str | OutgoingRecipient],
    sender: str,
    **more: Any,
) -> list[str]:
    """One message; the reply for each recipient."""
    recipients = tuple(OutgoingRecipient(one) if isinstance(one, str) else one for one in to)
    transaction = OutgoingTransaction(
        reverse_path=sender, recipients=recipients, message=HeldMessage(octets), **more
    )
    outcome = await connection.send(transaction)
    return [one.text for one in outcome.replies]


@asynccontextmanager
async def open_node(
    world: World, domain: str, address: str, people: Sequence[str], wishes: Wishes
) -> AsyncIterator[Node]:
    """A server on the network, with its names in the DNS."""
    settings = Settings(
        **{
            "server": ServerSettings(hostname=f"mx.{domain}"),
            "smtp": SmtpSettings(greeting_delay_seconds=0.0),
            "store": _storage(world.folder / domain),
            "trust": wishes.trust,
            "outbound": OutboundSettings(private_addresses=True),  # those of documentation
        }
        | wishes.settings
    )
    store = await open_store(settings.store, world.clock)
    store.write = world.loop.counted(store.write)  # type: ignore[method-assign]
    async with AsyncExitStack() as stack:
        stack.push_async_callback(store.close)
        admin = AccountAdmin(store, AUTH)
        stack.callback(admin.close)
        authenticator = Authenticator(store, AUTH, world.clock, Secret(b"k" * 32))
        stack.callback(authenticator.close)
        services = SmtpServices(
            store=store,
            directory=Directory(store),
            authenticator=authenticator,
            settings=settings.smtp,
            submission=settings.submission,
            hostname=settings.server.hostname,
            clock=world.clock,
            admit=lambda _address: _Lease(),
            tls=_tls(world.folder / domain, wishes.certificate),
            judge=make_judge(settings, store, world.resolver, world.clock),
        )
        server = SmtpServer(services)
        node = Node(world, domain, address, settings, store, admin, services, server)
        await _furnish(node, people, wishes)
        node.listen()
        if wishes.sends:
            stack.push_async_callback(start_sending(node).close)
        try:
            yield node
        finally:
            if node.sending is not None:
                await node.sending.drain(0.0)


def start_sending(node: Node) -> OutboundSender:
    """Its queue worker, with the real sender on the network in memory."""
    world, settings, directory = node.world, node.settings, node.services.directory
    home = HomeDelivery(node.store, directory, hostname=node.hostname, clock=world.clock)
    around = Surroundings(
        store=node.store,
        resolver=world.resolver,
        clock=world.clock,
        hostname=node.hostname,
        home=home,
        listening=frozenset(((node.address, 25),)),
        connector=world.network.connector(node.address),
        fetch=world.fetch,
    )
    sender = OutboundSender(settings.outbound, around)
    bouncer = make_bouncer(node.store, settings, world.clock, directory)
    node.sending = Sending(node.store, settings.queue, world.clock, sender, bouncer, sweeps=True)
    node.sending.start()
    return sender


def _storage(folder: Path) -> StoreSettings:
    """What runs by the clock in the store stays out of it."""
    return StoreSettings(data_dir=str(folder), index_seconds=3600.0, poll_seconds=3600.0)


def _tls(folder: Path, certificate: Issued | None) -> TlsContexts | None:
    if certificate is None:
        return None
    place = folder / "tls"
    place.mkdir()
    chain, key = certificate.write(place)
    files = CertificateFiles(certificate=str(chain), key=str(key))
    return TlsContexts(TlsSettings(certificates=(files,)))


async def _furnish(node: Node, people: Sequence[str], wishes: Wishes) -> None:
    domain = node.domain
    await node.admin.add_domain(domain)
    for name in people:
        await node.admin.create_account(f"{name}@{domain}", Secret(PASSWORD))
    for alias, targets in wishes.aliases.items():
        await node.admin.add_alias(f"{alias}@{domain}", targets)
    keys = (rsa_key(2048, domain), ed_key(domain)) if wishes.signs else ()
    for key in keys:
        await node.store.write(lambda tx, key=key: dkim_keys.add(tx, _row(key)))
    records = node.world.resolver.records
    records[domain] = {"MX": [(10, node.hostname)], "TXT": ["v=spf1 mx -all"]}
    records[node.hostname] = {"A": [node.address], "TXT": ["v=spf1 a -all"]}
    records[node.address] = {"PTR": [node.hostname]}
    records[f"_dmarc.{domain}"] = {"TXT": [f"v=DMARC1; p={wishes.policy}"]}
    records.update(zone(*keys))


def _row(key: SigningKey) -> DkimKeyRow:
    return DkimKeyRow(key.domain, key.selector, key.algorithm, key.secret, KeyState.SIGNING, 0, 0)


def with_services(node: Node, **changed: Any) -> None:
    """From the next connection on, the door works otherwise."""
    node.services = dataclasses.replace(node.services, **changed)
    node.server = SmtpServer(node.services)


def with_trust(node: Node, **changed: Any) -> None:
    """From the next connection on, mail is judged otherwise."""
    trust = msgspec.structs.replace(node.settings.trust, **changed)
    node.settings = msgspec.structs.replace(node.settings, trust=trust)
    world = node.world
    judge = make_judge(node.settings, node.store, world.resolver, world.clock)
    with_services(node, judge=judge)
