"""JMAP's addresses: the routes that `node` gives to the web server."""

from __future__ import annotations

from starlette.routing import Route

from pillarbox.accounts.authenticator import Authenticator
from pillarbox.accounts.browser_sessions import BrowserSessions
from pillarbox.ids import AccountId
from pillarbox.jmap.context import Services
from pillarbox.jmap.http.answers import answering
from pillarbox.jmap.http.api import get_session, post_api
from pillarbox.jmap.http.desk import Desk
from pillarbox.jmap.http.events import get_events
from pillarbox.jmap.http.files import get_download, post_upload
from pillarbox.jmap.http.sign_in import SignIn
from pillarbox.jmap.session import API_PATH, DOWNLOAD_PATH, EVENTS_PATH, SESSION_PATH, UPLOAD_PATH

WELL_KNOWN = "/.well-known/jmap"  # RFC 8620 §2.2


class JmapDoor:
    """One for a worker."""

    def __init__(
        self, services: Services, authenticator: Authenticator, sessions: BrowserSessions
    ) -> None:
        sign_in = SignIn(authenticator, sessions, services.store, services.clock)
        self._desk = desk = Desk(services, sign_in)
        download = DOWNLOAD_PATH.replace("{name}", "{name:path}")  # the client may have any in it
        self.routes = [
            Route(WELL_KNOWN, answering(get_session, desk), methods=["GET"]),
            Route(SESSION_PATH, answering(get_session, desk), methods=["GET"]),
            Route(API_PATH, answering(post_api, desk), methods=["POST"]),
            Route(UPLOAD_PATH, answering(post_upload, desk), methods=["POST"]),
            Route(download, answering(get_download, desk), methods=["GET"]),
            Route(EVENTS_PATH, answering(get_events, desk), methods=["GET"]),
        ]

    def end_streams(self) -> None:
        """Event sources end; their clients connect again."""
        self._desk.watches.end()

    def end_streams_of(self, account: AccountId, credential: str | None) -> None:
        """Of somebody who was signed out; None: whatever the account has open."""
        self._desk.watches.end_of(account, credential)
