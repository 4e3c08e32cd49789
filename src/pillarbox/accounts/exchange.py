"""One SASL exchange from its first response to `SignedIn`, on behalf of any door."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pillarbox.accounts.identity import Identity, SignedIn
from pillarbox.accounts.scope import Scope
from pillarbox.errors import AuthenticationFailed, PillarboxError, Throttled
from pillarbox.sasl.mechanism import Challenge, KeysWanted, Mechanism, PasswordGiven, Proved
from pillarbox.sasl.scram import ScramServer
from pillarbox.sasl.scram_keys import ScramHash
from pillarbox.telemetry.metrics import SIGN_INS

if TYPE_CHECKING:
    from pillarbox.accounts.authenticator import Authenticator, ScramCandidates


class Exchange:
    """Feed it the client's responses until it answers `SignedIn` or raises."""

    def __init__(
        self,
        authenticator: Authenticator,
        name: str,
        mechanism: Mechanism,
        scope: Scope,
        peer: str,
    ) -> None:
        self.mechanism = name
        self.username = ""  # as the client wrote it, once known
        self._authenticator = authenticator
        self._mechanism = mechanism
        self._scope = scope
        self._peer = peer
        self._candidates: ScramCandidates | None = None

    async def step(self, octets: bytes) -> Challenge | SignedIn:
        """The client's next response; the first is b"" where there is no initial one.

        Raises AuthenticationFailed, Throttled, MalformedResponse, Unavailable.
        """
        try:
            outcome = await self._step(octets)
        except PillarboxError as error:
            self._count(_OUTCOMES.get(type(error), "error"))
            raise
        if isinstance(outcome, SignedIn):
            self._count("ok")
        return outcome

    async def _step(self, octets: bytes) -> Challenge | SignedIn:
        if self._candidates is not None:
            self._authenticator.scram_may_go_on(self._candidates, self._peer)
        try:
            step = self._mechanism.step(octets)
        except AuthenticationFailed:
            if self._candidates is not None:
                self._authenticator.scram_failed(self._candidates, self._peer)
            raise
        match step:
            case Challenge():
                return step
            case PasswordGiven(username, password, authorization):
                self.username = username
                identity = await self._authenticator.check_password(
                    username, password, scope=self._scope, peer=self._peer
                )
                return self._signed_in(identity, authorization)
            case KeysWanted(username):
                self.username = username
                return await self._hand_keys(username)
            case Proved(_, authorization, index):
                assert self._candidates is not None
                identity = await self._authenticator.scram_proved(
                    self._candidates, index, self._peer
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

    def _count(self, outcome: str) -> None:
        SIGN_INS.labels(self._scope.value, self.mechanism, outcome).inc()


_OUTCOMES: dict[type[PillarboxError], str] = {
    AuthenticationFailed: "failed",
    Throttled: "throttled",
}
MECHANISM_HASHES = {"SHA-256": ScramHash.SHA_256, "SHA-1": ScramHash.SHA_1}
