"""What the pages of the site may use."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from pillarbox.accounts.admin import AccountAdmin
from pillarbox.accounts.authenticator import Authenticator
from pillarbox.accounts.browser_sessions import BrowserSessions
from pillarbox.accounts.history import History
from pillarbox.accounts.passkeys import Passkeys
from pillarbox.accounts.recovery import Recovering
from pillarbox.accounts.second_factors import SecondFactors
from pillarbox.clock import Clock
from pillarbox.config.settings import Settings
from pillarbox.dns.resolver import Resolver
from pillarbox.flow.collect.oauth import OAuth
from pillarbox.flow.collect.remotes import Remote, Remotes
from pillarbox.flow.collect.settings import RemoteSettings, SignIn
from pillarbox.flow.collect.source import Source
from pillarbox.flow.delivery.letters import Letters
from pillarbox.jmap.context import Services as JmapServices
from pillarbox.net.secret import Secret
from pillarbox.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """Mail at other providers, and how it is reached."""

    remotes: Remotes
    open: Callable[[RemoteSettings, SignIn], Awaitable[Source]]
    resolver: Resolver
    open_stored: Callable[[Remote], Awaitable[Source]]  # with the sign-in that is kept
    oauth: OAuth


@dataclass(frozen=True, slots=True)
class WebServices:
    """Of the whole worker; one for all pages."""

    settings: Settings
    store: Store
    authenticator: Authenticator
    clock: Clock
    hostname: str
    server_key: Secret  # what is signed with it holds in every worker and after a restart
    jmap: JmapServices
    sessions: BrowserSessions
    second_factors: SecondFactors
    passkeys: Passkeys
    admin: AccountAdmin
    letters: Letters
    recovering: Recovering
    elsewhere: Elsewhere | None = None  # None: nothing is fetched here
    # What an area makes ready when somebody is here; called often, so it must be cheap.
    arriving: list[Callable[[], None]] = field(default_factory=list)
    # What an area began and the worker's end has to end: processes, connections.
    ending: list[Callable[[], Awaitable[None]]] = field(default_factory=list)

    @property
    def history(self) -> History:
        """Of sign-ins at all doors."""
        return self.authenticator.history

    def arrived(self) -> None:
        """Somebody who is signed in, or starts the app, asked this worker for something."""
        for prepare in self.arriving:
            prepare()

    async def end_hashing(self) -> None:
        """The threads of `admin` end."""
        self.admin.close()
