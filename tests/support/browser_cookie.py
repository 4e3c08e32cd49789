"""A browser's session made beside a running server, for tests that are not about signing in."""

from __future__ import annotations

from pillarbox.accounts.browser_sessions import BrowserSessions
from pillarbox.accounts.identity import Identity
from pillarbox.node.administration import Opened
from pillarbox.store.sql import accounts
from pillarbox.testing import RunningServer


def session_cookie(server: RunningServer, login: str) -> str:
    """The value of the cookie; its name on loopback without TLS is `pillarbox`."""

    async def begin(opened: Opened) -> str:
        account = await opened.store.read(lambda db: accounts.find(db, login))
        assert account is not None, login
        settings = opened.settings.auth.browser
        sessions = BrowserSessions(opened.store, opened.store.clock, settings)
        identity = Identity(account.id, login, "password")
        _, cookie = await sessions.begin(identity, peer="127.0.0.1", agent="test", stays=True)
        return cookie.reveal().decode()

    return server.administer(begin)
