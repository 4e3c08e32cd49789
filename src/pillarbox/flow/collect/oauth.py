"""Permission to read mail elsewhere, from a provider's authorization server.

By a browser that comes back to this computer or shows a code (RFC 6749 §4.1 with PKCE, RFC 8252),
or by a code that is typed on another device (RFC 8628); renewed by the refresh token from then on.
"""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

from msgspec import Struct, structs

from pillarbox.clock import Clock, unix_seconds
from pillarbox.config.oauth_client import OAuthLimits
from pillarbox.dns.errors import BadDnsName, DnsFailure
from pillarbox.flow.collect.oauth_messages import (
    CODE_GRANT,
    DEVICE_GRANT,
    REFRESH_GRANT,
    Asked,
    DeviceAsked,
    Refused,
    Registration,
    Tokens,
    code_in,
    failure_of,
    new_request,
    parse_device,
    parse_tokens,
    token_request,
)
from pillarbox.flow.collect.presets import OAuthEndpoints, find_named
from pillarbox.flow.collect.settings import OAuthGrant, SignIn
from pillarbox.flow.collect.source import SourceFailure
from pillarbox.net.address_policy import PUBLIC, AddressPolicy
from pillarbox.net.https import Fetched, FetchFailed, Limits, Resolve, client_context, post
from pillarbox.net.secret import Secret

_FORM = "application/x-www-form-urlencoded"
_SLOWER = 5  # seconds more at each "slow_down" (RFC 8628 §3.5)
_LONGEST_INTERVAL = 300  # however often it says so


class Web(Struct, frozen=True, kw_only=True):
    """How authorization servers are reached; a test has its own."""

    address_policy: AddressPolicy = PUBLIC
    resolve: Resolve | None = None
    context: ssl.SSLContext | None = None
    authorities: Path | None = None  # a PEM file to make it of; None: those of the system


class OAuth:
    """Everything that waits raises SourceFailure."""

    def __init__(
        self, clock: Clock, *, limits: OAuthLimits | None = None, web: Web | None = None
    ) -> None:
        self._clock = clock
        self._limits = limits or OAuthLimits()
        self._web = web or Web()

    def begin(
        self,
        registration: Registration,
        redirect_uri: str,
        login: str = "",
        *,
        state: str = "",
        verifier: Secret | None = None,
    ) -> Asked:
        """An authorization request: show its `url`, then `redeem` what comes back."""
        return new_request(registration, redirect_uri, login, state=state, verifier=verifier)

    async def redeem(self, asked: Asked, answer: str) -> OAuthGrant:
        """`answer`: the address to which the browser was sent, or the code that it shows."""
        body = token_request(
            asked.registration,
            CODE_GRANT,
            code=code_in(answer, asked),
            redirect_uri=asked.redirect_uri,
            code_verifier=asked.verifier.reveal().decode(),
        )
        return self._granted(asked.registration, await self._tokens(asked.registration, body))

    async def begin_device(self, registration: Registration) -> DeviceAsked:
        """Show its `user_code` and `verification_uri`, then `await_device`."""
        if not registration.endpoints.device:
            raise SourceFailure(
                "consent", "This provider offers no sign-in with a code for mail; use a browser."
            )
        body = token_request(registration, "", scope=registration.endpoints.scope)
        answer = await self._post(registration.endpoints.device, body)
        asked = parse_device(registration, answer.status, answer.body)
        if isinstance(asked, Refused):
            raise failure_of(asked, registration)
        return asked

    async def await_device(self, asked: DeviceAsked) -> OAuthGrant:
        """Ask now and then until the person has signed in, or the code has ended."""
        interval = float(asked.interval)
        until = self._clock.monotonic() + asked.seconds
        body = token_request(
            asked.registration, DEVICE_GRANT, device_code=asked.device_code.reveal().decode()
        )
        while self._clock.monotonic() + interval <= until:
            await self._clock.sleep(interval)
            try:
                answer = await self._post(asked.registration.endpoints.token, body)
            except SourceFailure as failure:
                if failure.trouble != "unreachable":
                    raise
                interval = min(interval * 2, _LONGEST_INTERVAL)  # RFC 8628 §3.5: a timeout
                continue
            found = parse_tokens(answer.status, answer.body)
            if isinstance(found, Tokens):
                return self._granted(asked.registration, found)
            if found.error == "slow_down":
                interval = min(interval + _SLOWER, _LONGEST_INTERVAL)
            elif found.error != "authorization_pending":
                raise failure_of(found, asked.registration)
        raise failure_of(Refused("expired_token", ""), asked.registration)

    async def refresh(self, grant: OAuthGrant) -> OAuthGrant:
        """A new access token (RFC 6749 §6). Keep the result before using it: the old refresh token
        may be worth nothing from now on."""
        registration = registration_of(grant)
        body = token_request(
            registration, REFRESH_GRANT, refresh_token=grant.refresh_token.reveal().decode()
        )
        tokens = await self._tokens(registration, body)
        return structs.replace(
            grant,
            access_token=tokens.access_token,
            refresh_token=tokens.refresh_token or grant.refresh_token,
            expires_at=self._now() + tokens.seconds,
        )

    async def fresh(self, sign_in: SignIn) -> SignIn:
        """The same, or with a new access token where the old one ends soon: keep it then."""
        grant = sign_in.grant
        if grant is None or self.is_fresh(grant):
            return sign_in
        return SignIn(sign_in.login, await self.refresh(grant))

    def is_fresh(self, grant: OAuthGrant) -> bool:
        """Whether its access token can be used still."""
        early = self._limits.refresh_early_seconds
        return grant.access_token is not None and grant.expires_at > self._now() + early

    # Small parts

    def _granted(self, registration: Registration, tokens: Tokens) -> OAuthGrant:
        if tokens.refresh_token is None:
            raise SourceFailure(
                "consent",
                "The provider gave no lasting permission (no refresh token). Withdraw this "
                "server's access in the account's settings there, and sign in again.",
            )
        return OAuthGrant(
            provider=registration.provider,
            client_id=registration.client_id,
            client_secret=registration.client_secret,
            token_endpoint="" if registration.provider else registration.endpoints.token,
            scope=tokens.scope or registration.endpoints.scope,
            refresh_token=tokens.refresh_token,
            access_token=tokens.access_token,
            expires_at=self._now() + tokens.seconds,
        )

    async def _tokens(self, registration: Registration, body: bytes) -> Tokens:
        answer = await self._post(registration.endpoints.token, body)
        found = parse_tokens(answer.status, answer.body)
        if isinstance(found, Refused):
            raise failure_of(found, registration)
        return found

    async def _post(self, url: str, body: bytes) -> Fetched:
        limits = Limits(self._limits.max_answer_octets, self._limits.request_seconds)
        web = self._web
        context = web.context or await asyncio.to_thread(_trusting, web.authorities)
        try:
            return await post(
                url,
                body,
                _FORM,
                address_policy=web.address_policy,
                limits=limits,
                resolve=web.resolve,
                context=context,
            )
        except (DnsFailure, BadDnsName) as failure:
            raise SourceFailure(
                "unreachable", f"The authorization server was not found: {failure}"
            ) from failure
        except FetchFailed as failure:
            told = f"The authorization server did not answer: {failure}"
            if failure.why in ("unreachable", "timeout"):
                raise SourceFailure("unreachable", f"{told} It is tried again.") from failure
            if failure.why == "certificate":
                raise SourceFailure("certificate", told) from failure
            raise SourceFailure("protocol", f"{told} Check its address.") from failure

    def _now(self) -> int:
        return unix_seconds(self._clock.now())


def _trusting(authorities: Path | None) -> ssl.SSLContext | None:
    """Read when it is wanted: no file of this part's keeps the whole server from starting.

    Raises SourceFailure.
    """
    if authorities is None:
        return None
    try:
        return client_context(authorities.read_text(encoding="ascii", errors="replace"))
    except OSError as error:  # ssl.SSLError is one, of what is no certificate
        raise SourceFailure(
            "certificate",
            "This server's file of trusted authorities cannot be read. Whoever runs it should "
            "look at collect.authorities.",
        ) from error


def registration_of(grant: OAuthGrant) -> Registration:
    """Where a grant is renewed. Raises SourceFailure."""
    preset = find_named(grant.provider) if grant.provider else None
    endpoints = preset.oauth if preset is not None else None
    if endpoints is None:
        if not grant.token_endpoint:
            raise SourceFailure("consent", "It is not known where to renew the permission.")
        endpoints = OAuthEndpoints(authorization="", token=grant.token_endpoint, scope=grant.scope)
    return Registration(
        provider=grant.provider,
        endpoints=endpoints,
        client_id=grant.client_id,
        client_secret=grant.client_secret,
    )
