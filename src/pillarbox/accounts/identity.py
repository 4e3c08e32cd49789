"""Who signed in, and how."""

from __future__ import annotations

from dataclasses import dataclass

from pillarbox.accounts.names import fold_address
from pillarbox.errors import BadName
from pillarbox.ids import AccountId

MAX_USERNAME = 320  # characters: an address cannot be longer (RFC 5321 §4.5.3.1)


@dataclass(frozen=True, slots=True)
class Identity:
    """An account and the credential that opened it."""

    account: AccountId
    login: str  # folded
    credential: str  # "password", or "app:3" with the app password's number


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The end of a successful exchange."""

    identity: Identity


def login_of(username: str, default_domain: str) -> str:
    """The login that a user name means; what cannot be one stays as it is and matches nobody."""
    username = username.strip()[:MAX_USERNAME]
    if default_domain and "@" not in username:
        username = f"{username}@{default_domain}"
    try:
        return fold_address(username)
    except BadName:
        return username.encode(errors="replace").decode().casefold()
