"""Who makes a request: Basic with a password, Bearer with an app password's token, or a cookie.

The cookie counts only where no Authorization is given, and only in requests of our own pages: what
changes something carries a word that other sites cannot read. A name that nobody has and a wrong
password get the same answer in the same time; the authenticator sees to it.
"""

from __future__ import annotations

import base64
import binascii
from collections import OrderedDict

from starlette.requests import Request

from pillarbox.accounts.app_passwords import parse_token
from pillarbox.accounts.authenticator import Authenticator
from pillarbox.accounts.browser_sessions import BrowserSessions
from pillarbox.accounts.identity import Identity
from pillarbox.accounts.scope import Scope
from pillarbox.clock import Clock
from pillarbox.errors import (
    AppPasswordNeeded,
    AuthenticationFailed,
    NotAllowed,
    PillarboxError,
    Throttled,
)
from pillarbox.ids import AccountId
from pillarbox.net.cookie import may_use_cookie, read_cookie
from pillarbox.net.secret import Secret
from pillarbox.store import Store
from pillarbox.store.sql import accounts
from pillarbox.telemetry.log import get_logger
from pillarbox.telemetry.metrics import SIGN_INS

log = get_logger("accounts")
CHALLENGE = 'Basic realm="Pillarbox", charset="UTF-8", Bearer realm="Pillarbox"'
_MOST_CREDENTIALS = 8192  # characters of the header field
_QUIET_SECONDS = 3600.0  # between two lines in the log of the same credential and address
_MOST_QUIET = 4096  # such pairs that are remembered
_OUTCOMES: dict[type[PillarboxError], str] = {
    AuthenticationFailed: "failed",
    AppPasswordNeeded: "failed",
    Throttled: "throttled",
}


class SignIn:
    """One for a worker."""

    def __init__(
        self,
        authenticator: Authenticator,
        sessions: BrowserSessions,
        store: Store,
        clock: Clock,
    ) -> None:
        self._authenticator = authenticator
        self._sessions = sessions
        self._store = store
        self._clock = clock
        self._noted: OrderedDict[tuple[AccountId, str, str], float] = OrderedDict()

    async def identify(self, request: Request) -> Identity:
        """Raises AuthenticationFailed, Throttled, NotAllowed (no TLS), Unavailable."""
        given = request.headers.getlist("authorization")
        if not given and (cookie := read_cookie(request)):
            return await self._by_cookie(request, cookie)
        if len(given) != 1 or len(given[0]) > _MOST_CREDENTIALS:
            raise AuthenticationFailed("Sign in with a user name and a password, or with a token.")
        scheme, _, credentials = given[0].partition(" ")
        if not request.scope.get("pillarbox.secure", False):
            raise NotAllowed("Passwords are taken over TLS only: use https.")
        scheme = scheme.lower()
        peer: str = request.scope["pillarbox.peer"]
        try:
            identity = await self._check(scheme, credentials.strip(), peer)
        except PillarboxError as error:
            self._failed(scheme, peer, _OUTCOMES.get(type(error), "error"))
            raise
        self._succeeded(scheme, peer, identity)
        return identity

    async def _by_cookie(self, request: Request, cookie: str) -> Identity:
        session = await self._sessions.find(cookie)
        if session is None:
            raise AuthenticationFailed("You are signed out. Sign in again.")
        if not may_use_cookie(request, session.csrf):
            raise NotAllowed("Pages of other sites may do nothing here.")
        return session.identity

    async def _check(self, scheme: str, credentials: str, peer: str) -> Identity:
        if scheme == "basic":
            username, password = _basic(credentials)
        elif scheme == "bearer":
            username, password = await self._bearer(credentials)
        else:
            raise AuthenticationFailed
        return await self._authenticator.check_password(
            username, password, scope=Scope.JMAP, peer=peer
        )

    async def _bearer(self, token: str) -> tuple[str, Secret]:
        """The account's number before the dot, an app password behind it (RFC 6750 §2.1)."""
        found = parse_token(token)
        if found is None:
            raise AuthenticationFailed
        number, password = found
        login = await self._store.read(lambda db: accounts.find_login(db, number))
        return login or f"A{number}", password  # nobody's: it takes the same time

    def _failed(self, scheme: str, peer: str, outcome: str) -> None:
        """The name of a failed attempt is not told: it may be a password."""
        mechanism = scheme if scheme in ("basic", "bearer") else "other"
        SIGN_INS.labels("jmap", mechanism, outcome).inc()
        log.warning_event("accounts.sign_in_failed", door="jmap", peer=peer, outcome=outcome)

    def _succeeded(self, scheme: str, peer: str, identity: Identity) -> None:
        SIGN_INS.labels("jmap", scheme, "ok").inc()
        key = (identity.account, identity.credential, peer)
        now = self._clock.monotonic()
        if now - self._noted.get(key, -_QUIET_SECONDS) < _QUIET_SECONDS:
            return
        self._noted[key] = now
        self._noted.move_to_end(key)
        if len(self._noted) > _MOST_QUIET:
            self._noted.popitem(last=False)
        log.event(
            "accounts.signed_in",
            door="jmap",
            peer=peer,
            mechanism=scheme,
            account=identity.account,
            login=identity.login,
            credential=identity.credential,
        )


def _basic(credentials: str) -> tuple[str, Secret]:
    try:
        octets = base64.b64decode(credentials, validate=True)
        name, colon, password = octets.partition(b":")
        username = name.decode()
    except (binascii.Error, ValueError):
        raise AuthenticationFailed from None
    if not colon:
        raise AuthenticationFailed
    return username, Secret(password)
