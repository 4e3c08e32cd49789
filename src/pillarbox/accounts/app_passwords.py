"""App passwords: made by us, one for each mail program, so that one can be withdrawn alone.

100 random bits need no slow hash: SHA-256 keeps them, and finding one is an equality.
"""

from __future__ import annotations

import hashlib
import re
import secrets

from pillarbox.ids import AccountId
from pillarbox.net.secret import Secret

ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # no i, l, o, 0, 1: people type these
_GROUPS = 5
_GROUP_LENGTH = 4  # 20 characters of 31: 99 bits
_SHAPE = re.compile(rf"[{ALPHABET}]{{{_GROUPS * _GROUP_LENGTH}}}")

_TOKEN = re.compile(r"A([1-9][0-9]{0,17})\.([A-Za-z0-9-]{20,40})")


def generate_app_password() -> Secret:
    """A new one, in readable groups: `kq7m-x3vd-9hpt-w2ra-e6nc`."""
    groups = (
        "".join(secrets.choice(ALPHABET) for _ in range(_GROUP_LENGTH)) for _ in range(_GROUPS)
    )
    return Secret("-".join(groups))


def canonical_app_password(password: Secret) -> bytes | None:
    """Without hyphens and spaces, in lower case; None for what cannot be an app password."""
    try:
        text = password.reveal().decode("ascii").lower()
    except UnicodeDecodeError:
        return None
    text = text.replace("-", "").replace(" ", "")
    return text.encode() if _SHAPE.fullmatch(text) else None


def app_password_digest(account: AccountId, canonical: bytes) -> bytes:
    """What is stored: the account is part of it, so equal digests say nothing across accounts."""
    return hashlib.sha256(b"pillarbox app password\0%d\0%b" % (account, canonical)).digest()


def encode_token(account: AccountId, password: Secret) -> str:
    """For programs that send a token and no name: the account's number, a dot, the password."""
    return f"A{account}.{password.reveal().decode()}"


def parse_token(text: str) -> tuple[AccountId, Secret] | None:
    """None for what cannot be one."""
    found = _TOKEN.fullmatch(text)
    if found is None or canonical_app_password(password := Secret(found[2])) is None:
        return None
    return AccountId(int(found[1])), password
