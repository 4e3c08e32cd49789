"""The HTTP door of a worker: JMAP's routes and the pages, on our sockets and our TLS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pillarbox.accounts.admin import AccountAdmin
from pillarbox.accounts.authenticator import Authenticator
from pillarbox.accounts.browser_sessions import BrowserSessions
from pillarbox.accounts.directory import Directory
from pillarbox.accounts.passkeys import Passkeys
from pillarbox.accounts.recovery import Recovering
from pillarbox.accounts.second_factors import SecondFactors
from pillarbox.accounts.vault import Vault
from pillarbox.clock import Clock
from pillarbox.config.loading import hostname_of
from pillarbox.config.settings import Settings
from pillarbox.flow.delivery.letters import Letters
from pillarbox.jmap.context import Services
from pillarbox.jmap.http.door import JmapDoor
from pillarbox.jmap.sending import Sending
from pillarbox.net.door import Lease
from pillarbox.net.secret import Secret
from pillarbox.net.tls import TlsContexts
from pillarbox.store import Store
from pillarbox.web.app import headers
from pillarbox.web.application import make_application
from pillarbox.web.server import WebServer
from pillarbox.web.services import Elsewhere, WebServices
from pillarbox.web.site import site_routes


@dataclass(frozen=True, slots=True)
class Outside:
    """The pages' ways to other servers."""

    sending: Sending
    elsewhere: Elsewhere | None


def make_web(
    settings: Settings,
    store: Store,
    authenticator: Authenticator,
    server_key: Secret,
    admit: Callable[[str], Lease | None],
    tls: TlsContexts | None,
    clock: Clock,
    outside: Outside,
) -> WebServer:
    """Join the doors that HTTP has."""
    hostname = hostname_of(settings)
    letters = Letters(store, Directory(store), hostname=hostname, clock=clock)
    services = Services(
        store,
        clock,
        settings.jmap,
        hostname,
        outside.sending,
        letters=letters,
        bulk=settings.bulk,
        rules=settings.rules,
    )
    sessions = BrowserSessions(store, clock, settings.auth.browser)
    jmap = JmapDoor(services, authenticator, sessions)
    site = _site(
        settings, services, authenticator, server_key, sessions, letters, outside.elsewhere
    )
    site.ending.extend((site.end_hashing, authenticator.history.close))
    application = make_application(
        [*jmap.routes, *site_routes(site)],
        clock=clock,
        settings=settings.web,
        hosts=(hostname,),
        is_certified=tls.has_name if tls is not None else lambda name: False,
        more_headers=headers(),
    )
    return WebServer(
        application,
        settings.web,
        admit=admit,
        tls=tls,
        clock=clock,
        end_streams=jmap.end_streams,
        end_streams_of=jmap.end_streams_of,
        ending=site.ending,
    )


def _site(
    settings: Settings,
    jmap: Services,
    authenticator: Authenticator,
    server_key: Secret,
    sessions: BrowserSessions,
    letters: Letters,
    elsewhere: Elsewhere | None,
) -> WebServices:
    """What the pages may use."""
    store, clock, browser = jmap.store, jmap.clock, settings.auth.browser
    admin = AccountAdmin(store, settings.auth)
    recovering = Recovering(store, admin, clock, settings.recovery, settings.auth.throttle)
    vault = Vault(Path(settings.store.data_dir))
    return WebServices(
        settings=settings,
        store=store,
        authenticator=authenticator,
        clock=clock,
        hostname=jmap.hostname,
        server_key=server_key,
        jmap=jmap,
        sessions=sessions,
        second_factors=SecondFactors(store, vault, clock, browser, recovering.use_code),
        passkeys=Passkeys(store, clock, browser, server_key),
        admin=admin,
        recovering=recovering,
        letters=letters,
        elsewhere=elsewhere,
    )
