"""What the pages of the site may use."""

from __future__ import annotations

from dataclasses import dataclass

from pillarbox.accounts.authenticator import Authenticator
from pillarbox.accounts.browser_sessions import BrowserSessions
from pillarbox.clock import Clock
from pillarbox.config.settings import Settings
from pillarbox.jmap.context import Services as JmapServices
from pillarbox.net.secret import Secret
from pillarbox.store import Store


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
