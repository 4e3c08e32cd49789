"""Which parts a worker is made of: the one place that chooses and joins them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec

from pillarbox.accounts.authenticator import Authenticator
from pillarbox.accounts.directory import Directory
from pillarbox.accounts.server_key import load_server_key
from pillarbox.accounts.throttle import News
from pillarbox.clock import Clock
from pillarbox.config.auth import AuthSettings
from pillarbox.config.loading import hostname_of
from pillarbox.config.settings import Settings
from pillarbox.dns.resolver import Resolver
from pillarbox.dns.stub import StubResolver
from pillarbox.flow.collect.uploaded import Uploaded, sweep
from pillarbox.flow.inbound.judge import Judge
from pillarbox.flow.inbound.local_policy import LocalserveRecipients
from pillarbox.flow.inbound.recipients import RecipientPolicy
from pillarbox.flow.outbound.remotes import RemoteLines
from pillarbox.imap.server.door import ImapServer, ImapServices
from pillarbox.net.door import Door, Lease
from pillarbox.net.limits import ConnectionLimiter
from pillarbox.net.secret import Secret
from pillarbox.net.tally import Tally
from pillarbox.net.tls import TlsContexts
from pillarbox.node.bulk import BulkWork
from pillarbox.node.collecting import Collecting, keep_remotes
from pillarbox.node.collecting_one import Parts
from pillarbox.node.collecting_parts import make_elsewhere, make_parts, make_remote_lines
from pillarbox.node.control import Assignment
from pillarbox.node.housekeeping import rounds_of
from pillarbox.node.judging import make_judge
from pillarbox.node.localserve import LocalserveDirectory, local_account
from pillarbox.node.outbound import make_sender
from pillarbox.node.reporting import Reporting
from pillarbox.node.sending import Sending, make_bouncer
from pillarbox.node.signing import forget_sign_ins, make_endings
from pillarbox.node.submitting import make_jmap_sending
from pillarbox.node.web import Outside, make_web
from pillarbox.pop3.server.door import Pop3Server
from pillarbox.pop3.server.services import Pop3Services
from pillarbox.smtp.server.context import SmtpServices
from pillarbox.smtp.server.door import SmtpServer
from pillarbox.store import Store
from pillarbox.store.open import open_store
from pillarbox.telemetry.metrics import CONNECTIONS_REFUSED

LOOK_SECONDS = 0.2  # between looks whether a retiring worker's connections have ended


class Composition:
    """A worker's parts, joined."""

    def __init__(self, store: Store, tls: TlsContexts | None, clock: Clock) -> None:
        self.store = store
        self.tls = tls
        self.doors: dict[str, Door] = {}  # by protocol
        self._clock = clock
        self.closing: list[Callable[[], None]] = []  # before the store goes
        self.ending: list[Callable[[], Awaitable[None]]] = []  # the same, where it takes time
        self.rounds: list[Callable[[], Awaitable[None]]] = []  # housekeeping beside the store's
        self.sending: Sending | None = None  # it starts when the worker is ready
        self.collecting: Collecting | None = None  # the same
        self.bulk: BulkWork | None = None  # the same
        self._hurried = False
        self.heard: Callable[[News], None] = lambda news: None  # what another worker told

    async def maintain(self) -> None:
        """The store's housekeeping, one round, and that of others."""
        await self.store.maintain()
        for work in self.rounds:
            await work()

    async def retire(self, seconds: float) -> None:
        """Wait until all connections have ended by themselves, at most so long.

        Collecting is the next generation's at once: nobody is connected to it.
        """
        for door in self.doors.values():
            door.retire()
        if self.collecting is not None:
            await self.collecting.drain(seconds)
        if self.bulk is not None:
            await self.bulk.drain()
        end = self._clock.monotonic() + seconds
        while self._clock.monotonic() < end and not self._hurried:
            if not any(door.connections for door in self.doors.values()):
                return
            await self._clock.sleep(LOOK_SECONDS)

    def hurry(self) -> None:
        """End `retire` now."""
        self._hurried = True

    async def drain(self, seconds: float) -> None:
        """Finish what is under way at every door, and what is being sent."""
        ends = [door.drain(seconds) for door in self.doors.values()]
        if self.sending is not None:
            ends.append(self.sending.drain(seconds))
        if self.collecting is not None:
            ends.append(self.collecting.drain(seconds))
        if self.bulk is not None:
            ends.append(self.bulk.drain())
        await asyncio.gather(*ends)

    async def close(self) -> None:
        """Give everything back; what was acknowledged is durable already."""
        for close in self.closing:
            close()
        for end in self.ending:
            await end()
        await self.store.close()


PROTOCOLS = {  # of each role that a listener may have
    "mx": "smtp",
    "submission": "smtp",
    "lmtp": "smtp",
    "imap": "imap",
    "pop3": "pop3",
    "web": "web",
}


async def compose(
    assignment: Assignment,
    tls: TlsContexts | None,
    clock: Clock,
    tell: Callable[[News], None] = lambda news: None,
) -> Composition:
    """Open the store and make every door. Raises ConfigurationError, Unavailable.

    `tell` takes what the other workers should hear; what they tell goes to `Composition.heard`.
    """
    settings = assignment.settings
    store = await open_store(settings.store, clock)
    composition = Composition(store, tls, clock)
    composition.bulk = BulkWork(store, settings.bulk, clock)
    composition.rounds += rounds_of(store, settings, clock)
    key = load_server_key(Path(settings.store.data_dir))
    authenticator = Authenticator(
        store,
        _share(settings.auth, assignment.workers),
        clock,
        key,
        mark_key=Secret(assignment.key) if assignment.key else None,
        tell=tell,
    )
    composition.heard = authenticator.heard
    resolver = StubResolver(settings.dns, clock)
    composition.ending.append(resolver.close)
    elsewhere = None
    if not assignment.local_login:  # all of localserve's mail ends there
        parts = _add_collecting(composition, settings, resolver, clock)
        elsewhere = make_elsewhere(settings, resolver, clock, parts)
        lines = make_remote_lines(settings, resolver, clock, parts)
        _add_sending(composition, assignment, resolver, clock, lines)
    judge = None
    if not assignment.local_login:  # what comes to localserve is for trying
        reporting = Reporting(settings, store, resolver, clock, sweeps=assignment.slot == 0)
        reporting.start()
        composition.ending.insert(0, reporting.stop)
        judge = make_judge(settings, store, resolver, clock, reporting.witness)
    if judge is not None:
        composition.rounds.append(judge.maintain)
    admit = _admission(assignment)
    shared = Shared(settings, store, authenticator, admit, tls, clock)
    composition.doors["smtp"] = await _smtp_door(shared, assignment.local_login, judge)
    composition.doors["imap"] = _imap_door(shared)
    composition.doors["pop3"] = pop3 = _pop3_door(shared)
    sending = await make_jmap_sending(settings, store, clock, assignment.local_login)
    composition.doors["web"] = web = make_web(
        settings, store, authenticator, key, admit, tls, clock, Outside(sending, elsewhere)
    )
    endings = make_endings(store, clock, composition.doors.values(), web)
    endings.start()
    composition.ending.append(endings.stop)
    composition.rounds.append(
        partial(forget_sign_ins, store, settings.auth.browser, authenticator.history)
    )
    for door in composition.doors.values():
        door.linger_seconds = settings.limits.linger_seconds
    composition.closing += [pop3.close, authenticator.close]
    return composition


def _admission(assignment: Assignment) -> Callable[[str], Lease | None]:
    """Whether one more connection from an address has a place at all doors together."""
    limits = assignment.settings.limits
    limiter = ConnectionLimiter(
        limits.connections,
        limits.connections_per_address,
        frozenset(limits.unlimited_addresses),
        _count_of(assignment),
    )

    def admit(address: str) -> Lease | None:
        lease = limiter.admit(address)
        if lease is None:
            CONNECTIONS_REFUSED.inc()
        return lease

    return admit


def _add_sending(
    composition: Composition,
    assignment: Assignment,
    resolver: Resolver,
    clock: Clock,
    lines: RemoteLines,
) -> None:
    """This worker's part in the queue. Raises ConfigurationError."""
    settings, store = assignment.settings, composition.store
    directory = Directory(store)
    sender = make_sender(settings, store, resolver, clock, directory, lines)
    if sender is None:
        return
    first = assignment.slot == 0
    bouncer = make_bouncer(store, settings, clock, directory)
    composition.sending = Sending(store, settings.queue, clock, sender, bouncer, sweeps=first)
    composition.rounds.append(sender.maintain)
    composition.ending.insert(0, sender.close)  # it takes leave while names can be looked up


def _add_collecting(
    composition: Composition, settings: Settings, resolver: Resolver, clock: Clock
) -> Parts:
    """This worker's part in bringing mail from elsewhere, and what it is made of."""
    parts = make_parts(settings, composition.store, resolver, clock)
    composition.rounds.append(partial(keep_remotes, composition.store, parts.remotes))
    uploaded = Uploaded(Path(settings.store.data_dir))
    days = settings.collect.files.upload_days
    composition.rounds.append(partial(sweep, uploaded, parts.remotes, clock, days))
    if settings.collect.enabled:
        composition.collecting = Collecting(parts)
    return parts


def _count_of(assignment: Assignment) -> Callable[[str, int], tuple[int, int]] | None:
    """Counting with the other workers, where there may be some."""
    if assignment.tally < 0:
        return None
    return Tally(assignment.tally, assignment.column, assignment.key).add


def _share(auth: AuthSettings, workers: int) -> AuthSettings:
    """Sign-ins that are held back wait in a worker: each has its part of the places."""
    places = max(1, auth.throttle.waiting_per_account // workers)
    throttle = msgspec.structs.replace(auth.throttle, waiting_per_account=places)
    return msgspec.structs.replace(auth, throttle=throttle)


@dataclass(frozen=True, slots=True)
class Shared:
    """What all doors are given."""

    settings: Settings
    store: Store
    authenticator: Authenticator
    admit: Callable[[str], Lease | None]
    tls: TlsContexts | None
    clock: Clock


async def _smtp_door(shared: Shared, local_login: str, judge: Judge | None) -> Door:
    directory = Directory(shared.store)
    recipients: RecipientPolicy | None = None
    if local_login:
        account = await local_account(shared.store, local_login)
        directory = LocalserveDirectory(shared.store, account)
        recipients = LocalserveRecipients(account.id, account.login, shared.clock)
    return SmtpServer(
        SmtpServices(
            store=shared.store,
            directory=directory,
            authenticator=shared.authenticator,
            settings=shared.settings.smtp,
            submission=shared.settings.submission,
            hostname=hostname_of(shared.settings),
            clock=shared.clock,
            admit=shared.admit,
            tls=shared.tls,
            recipients=recipients,
            judge=judge,
        )
    )


def _imap_door(shared: Shared) -> Door:
    return ImapServer(
        ImapServices(
            store=shared.store,
            authenticator=shared.authenticator,
            settings=shared.settings.imap,
            hostname=hostname_of(shared.settings),
            clock=shared.clock,
            admit=shared.admit,
            tls=shared.tls,
        )
    )


def _pop3_door(shared: Shared) -> Pop3Server:
    return Pop3Server(
        Pop3Services(
            store=shared.store,
            authenticator=shared.authenticator,
            settings=shared.settings.pop3,
            hostname=hostname_of(shared.settings),
            clock=shared.clock,
            admit=shared.admit,
            tls=shared.tls,
            lock_file=Path(shared.settings.store.data_dir) / "run" / "pop3.lock",
        )
    )
