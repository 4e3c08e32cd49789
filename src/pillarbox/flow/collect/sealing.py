"""A `SignIn` as octets to be sealed, and back."""

from __future__ import annotations

import msgspec

from pillarbox.accounts.vault import VaultClosed
from pillarbox.flow.collect.settings import OAuthGrant, SignIn
from pillarbox.net.secret import Secret


class _KeptGrant(msgspec.Struct):
    provider: str
    client_id: str
    client_secret: bytes | None
    token_endpoint: str
    scope: str
    refresh_token: bytes
    access_token: bytes | None
    expires_at: int


class _Kept(msgspec.Struct):
    login: str
    password: bytes | None = None
    grant: _KeptGrant | None = None


def encode_sign_in(sign_in: SignIn) -> Secret:
    """What goes into the vault."""
    password, grant = sign_in.password, sign_in.grant
    kept = _Kept(
        sign_in.login,
        password.reveal() if password is not None else None,
        _kept(grant) if grant is not None else None,
    )
    return Secret(msgspec.msgpack.encode(kept))


def decode_sign_in(octets: Secret) -> SignIn:
    """What came out of it. Raises VaultClosed where another version wrote something else."""
    try:
        kept = msgspec.msgpack.decode(octets.reveal(), type=_Kept)
    except msgspec.DecodeError:
        raise VaultClosed from None  # the error's text could quote what was read
    if kept.grant is not None:
        return SignIn(kept.login, _grant(kept.grant))
    return SignIn(kept.login, Secret(kept.password or b""))


def _kept(grant: OAuthGrant) -> _KeptGrant:
    return _KeptGrant(
        provider=grant.provider,
        client_id=grant.client_id,
        client_secret=_octets(grant.client_secret),
        token_endpoint=grant.token_endpoint,
        scope=grant.scope,
        refresh_token=grant.refresh_token.reveal(),
        access_token=_octets(grant.access_token),
        expires_at=grant.expires_at,
    )


def _grant(kept: _KeptGrant) -> OAuthGrant:
    return OAuthGrant(
        provider=kept.provider,
        client_id=kept.client_id,
        client_secret=_secret(kept.client_secret),
        token_endpoint=kept.token_endpoint,
        scope=kept.scope,
        refresh_token=Secret(kept.refresh_token),
        access_token=_secret(kept.access_token),
        expires_at=kept.expires_at,
    )


def _octets(secret: Secret | None) -> bytes | None:
    return secret.reveal() if secret is not None else None


def _secret(octets: bytes | None) -> Secret | None:
    return Secret(octets) if octets is not None else None
