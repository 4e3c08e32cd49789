"""Joins what brings mail from elsewhere: names and connections, the vault, the engine."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from pillarbox.accounts.vault import Vault
from pillarbox.clock import Clock
from pillarbox.config.settings import Settings
from pillarbox.dns.addresses import find_addresses
from pillarbox.dns.resolver import Resolver
from pillarbox.flow.collect.dial import Dialer, Patience
from pillarbox.flow.collect.files.opening import open_files
from pillarbox.flow.collect.oauth import OAuth, Web
from pillarbox.flow.collect.remotes import Remote, Remotes
from pillarbox.flow.collect.run import run
from pillarbox.flow.collect.settings import RemoteSettings, ServerSpec, SignIn
from pillarbox.flow.collect.sorting import ContentSorter
from pillarbox.flow.collect.source import Source
from pillarbox.flow.collect.sources.imap import ImapSource
from pillarbox.flow.collect.sources.pop3 import Pop3Source
from pillarbox.flow.collect.uploaded import Uploaded
from pillarbox.imap.client.connection import ImapConnection
from pillarbox.net.address_policy import PUBLIC, AddressPolicy
from pillarbox.net.outgoing.connector import Connector
from pillarbox.node.collecting_one import Parts, SignInNow, Way, open_source, stored_sign_in
from pillarbox.node.remote_lines import SendAsLines
from pillarbox.pop3.client.connection import Pop3Connection
from pillarbox.smtp.client.connection import Caller, SmtpConnection
from pillarbox.store import Store
from pillarbox.web.services import Elsewhere

_ANY_PORT: tuple[int, ...] = ()


def make_parts(
    settings: Settings,
    store: Store,
    resolver: Resolver,
    clock: Clock,
    *,
    connector: Connector | None = None,
) -> Parts:
    """What a worker and the command line bring mail with. `connector`: the network of a test."""
    remotes = make_remotes(settings, store, clock)
    sources = _Sources(settings, resolver, clock, connector)
    oauth = make_oauth(settings, resolver, clock)
    return Parts(
        store=store,
        settings=settings.collect,
        clock=clock,
        remotes=remotes,
        open_remote=sources.open,
        refresh=oauth.fresh,
        run=run,
        forget_file=Uploaded(Path(settings.store.data_dir)).discard,
        sorter=ContentSorter(resolver, settings.trust, clock),
    )


def make_oauth(settings: Settings, resolver: Resolver, clock: Clock) -> OAuth:
    """Goes to authorization servers: to public ones, as long as `collect.allow_private` is off."""
    collect = settings.collect
    policy = AddressPolicy(private=True, ports=_ANY_PORT) if collect.allow_private else PUBLIC
    web = Web(
        address_policy=policy,
        resolve=partial(find_addresses, resolver),
        authorities=_authorities_of(settings),
    )
    return OAuth(clock, limits=collect.oauth_limits, web=web)


def _authorities_of(settings: Settings) -> Path | None:
    name = settings.collect.authorities
    return Path(settings.store.data_dir) / name if name else None


def make_elsewhere(settings: Settings, resolver: Resolver, clock: Clock, parts: Parts) -> Elsewhere:
    """What the account's pages need of it."""
    return Elsewhere(
        remotes=parts.remotes,
        open=parts.open,
        resolver=resolver,
        open_stored=lambda remote: open_source(parts, remote, Way()),
        oauth=make_oauth(settings, resolver, clock),
    )


def make_remote_lines(
    settings: Settings, resolver: Resolver, clock: Clock, parts: Parts
) -> SendAsLines:
    """The ways by which our people's mail leaves through other providers."""
    sources = _Sources(settings, resolver, clock, None)
    return SendAsLines(parts.remotes, partial(stored_sign_in, parts), sources.smtp)


def make_remotes(settings: Settings, store: Store, clock: Clock) -> Remotes:
    """Remote accounts, for who only shows and steers them."""
    vault = Vault(Path(settings.store.data_dir))
    return Remotes(store, vault, clock, settings.collect)


def make_dialer(
    settings: Settings,
    resolver: Resolver,
    clock: Clock,
    *,
    private: bool = False,
    connector: Connector | None = None,
) -> Dialer:
    """Goes to other people's servers. `private`: to those of one's own network, too, as
    `collect.allow_private` lets everybody."""
    collect = settings.collect
    return Dialer(
        resolver,
        clock,
        policy=AddressPolicy(private=private or collect.allow_private, ports=_ANY_PORT),
        authorities=_authorities_of(settings),
        connector=connector,
        patience=Patience(
            imap_timeouts=collect.imap_timeouts,
            imap_limits=collect.imap_limits,
            pop3_timeouts=collect.pop3_timeouts,
            pop3_limits=collect.pop3_limits,
        ),
    )


class _Sources:
    """Opens sources of all kinds."""

    def __init__(
        self, settings: Settings, resolver: Resolver, clock: Clock, connector: Connector | None
    ) -> None:
        self._settings = settings.collect
        self._data_dir = Path(settings.store.data_dir)
        self._clock = clock
        self._dialers = {
            private: make_dialer(settings, resolver, clock, private=private, connector=connector)
            for private in (False, True)
        }

    async def open(self, settings: RemoteSettings, sign_in_now: SignInNow) -> Source:
        """Raises SourceFailure; a server is connected to when it is first asked for something."""
        server = settings.server
        if server is None:
            return await open_files(
                self._data_dir / settings.path,  # a whole path stays what it is
                clock=self._clock,
                settings=self._settings.files,
                temporary=self._data_dir,
            )
        dialer = self._dialer(settings)
        if settings.kind == "pop3":
            return self._pop3(dialer, server, sign_in_now)
        return self._imap(dialer, server, sign_in_now)

    async def smtp(
        self, remote: Remote, server: ServerSpec, sign_in: SignIn, caller: Caller
    ) -> SmtpConnection:
        """A connection for submission. Raises SourceFailure."""
        return await self._dialer(remote.settings).smtp(server, sign_in, caller)

    def _dialer(self, settings: RemoteSettings) -> Dialer:
        return self._dialers[settings.allow_private]

    def _imap(self, dialer: Dialer, server: ServerSpec, sign_in_now: SignInNow) -> Source:
        async def dial() -> ImapConnection:
            return await dialer.imap(server, await sign_in_now())

        return ImapSource(dial, self._clock, host=server.host)

    def _pop3(self, dialer: Dialer, server: ServerSpec, sign_in_now: SignInNow) -> Source:
        async def dial() -> Pop3Connection:
            return await dialer.pop3(server, await sign_in_now())

        limits = self._settings.pop3_limits
        return Pop3Source(dial, self._clock, limits=limits, host=server.host)
