"""App passwords: made by us, one for each mail program, so that one can be withdrawn alone.

100 random bits need no slow hash: SHA-256 keeps them, and finding one is an equality.
"""

from __future__ import annotations

import hashlib
import re
import secrets

from pillarbox.ids import AccountId
from pillarbox.net.secret import Secret

_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # no i, l, o, 0, 1: people type these
_GROUPS = 5
_GROUP_LENGTH = 4  # 20 characters of 31: 99 bits
_SHAPE = re.compile(rf"[{_ALPHABET}]{{{_GROUPS * _GROUP_LENGTH}}}")


def generate_app_password() -> Secret:
    """A new one, in readable groups: `kq7m-x3vd-9hpt-w2ra-e6nc`."""
    groups = (
        "".join(secrets.choice(_ALPHABET) for _ in range(_GROUP_LENGTH)) for _ in range(_GROUPS)
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
