"""One sign-in from its first response to `SignedIn`, on behalf of any door; counted and logged."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, TypeVar

from pillarbox.accounts.identity import Identity, SignedIn
from pillarbox.accounts.scope import Scope
from pillarbox.errors import AppPasswordNeeded, AuthenticationFailed, PillarboxError, Throttled
from pillarbox.net.secret import Secret
from pillarbox.sasl.mechanism import Challenge, KeysWanted, Mechanism, PasswordGiven, Proved
from pillarbox.sasl.scram import ScramServer
from pillarbox.telemetry.log import get_logger
from pillarbox.telemetry.metrics import SIGN_INS

if TYPE_CHECKING:
    from pillarbox.accounts.authenticator import Authenticator, ScramCandidates

log = get_logger("accounts")
S = TypeVar("S", bound=Challenge | SignedIn)


class Exchange:
    """Feed it the client's responses until it answers `SignedIn` or raises."""

    def __init__(
        self,
        authenticator: Authenticator,
        name: str,
        mechanism: Mechanism,
        scope: Scope,
        peer: str,
        journey: str,
    ) -> None:
        self.mechanism = name
        self.username = ""  # as the client wrote it, once known
        self._authenticator = authenticator
        self._mechanism = mechanism
        self._scope = scope
        self._peer = peer
        self._journey = journey
        self._candidates: ScramCandidates | None = None

    async def step(self, octets: bytes | None) -> Challenge | SignedIn:
        """The client's next response; the first is None where there is no initial one.

        Raises AuthenticationFailed, Throttled, MalformedResponse, Unavailable.
        """
        return await self._noted(self._step(octets))

    async def check_password(self, username: str, password: Secret) -> SignedIn:
        """Name and password at once, for commands that take them as they are (IMAP's LOGIN).

        Raises AuthenticationFailed, Throttled, Unavailable.
        """
        return await self._noted(self._check_password(username, password, ""))

    async def _step(self, octets: bytes | None) -> Challenge | SignedIn:
        if self._candidates is not None:
            self._authenticator.scram_may_go_on(self._candidates, self._peer)
        try:
            step = self._mechanism.step(octets)
        except AuthenticationFailed:
            if self._candidates is not None:
                self._authenticator.scram_failed(self._candidates, self._peer, self._scope)
            raise
        match step:
            case Challenge():
                return step
            case PasswordGiven(username, password, authorization):
                return await self._check_password(username, password, authorization)
            case KeysWanted(username):
                self.username = username
                return await self._hand_keys(username)
            case Proved(_, authorization, index):
                assert self._candidates is not None
                identity = await self._authenticator.scram_proved(
                    self._candidates, index, self._peer, self._scope
                )
                return self._signed_in(identity, authorization)

    async def _check_password(
        self, username: str, password: Secret, authorization: str
    ) -> SignedIn:
        self.username = username
        identity = await self._authenticator.check_password(
            username, password, scope=self._scope, peer=self._peer
        )
        return self._signed_in(identity, authorization)

    async def _hand_keys(self, username: str) -> Challenge:
        assert isinstance(self._mechanism, ScramServer)
        self._candidates = found = await self._authenticator.scram_candidates(
            username, self._mechanism.algorithm, scope=self._scope, peer=self._peer
        )
        return self._mechanism.keys_found(found.salt, found.iterations, found.keys)

    def _signed_in(self, identity: Identity, authorization: str) -> SignedIn:
        """Acting for another account is not given to anyone here."""
        if authorization and self._authenticator.login_of(authorization) != identity.login:
            raise AuthenticationFailed
        return SignedIn(identity)

    async def _noted(self, doing: Awaitable[S]) -> S:
        try:
            outcome = await doing
        except PillarboxError as error:
            self._note(_OUTCOMES.get(type(error), "error"), None)
            raise
        if isinstance(outcome, SignedIn):
            self._note("ok", outcome.identity)
        return outcome

    def _note(self, outcome: str, identity: Identity | None) -> None:
        """Count and log; the name of a failed attempt is not told, it may be a password."""
        door = self._scope.value
        SIGN_INS.labels(door, self.mechanism, outcome).inc()
        facts = {
            "door": door,
            "journey": self._journey,
            "peer": self._peer,
            "mechanism": self.mechanism,
        }
        if identity is None:
            log.warning_event("accounts.sign_in_failed", **facts, outcome=outcome)
        else:
            who = {"account": identity.account, "login": identity.login}
            log.event("accounts.signed_in", **facts, **who, credential=identity.credential)


_OUTCOMES: dict[type[PillarboxError], str] = {
    AuthenticationFailed: "failed",
    AppPasswordNeeded: "failed",
    Throttled: "throttled",
}
