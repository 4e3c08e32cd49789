"""Codes that change every half minute (RFC 6238), as authenticator programs make them."""

from __future__ import annotations

import base64
import hmac
import secrets
from urllib.parse import quote

from pillarbox.net.secret import Secret

STEP_SECONDS = 30  # RFC 6238 §5.2
DIGITS = 6
_SECRET_OCTETS = 20  # RFC 4226 §4 asks for 160 bits
_WINDOW = 1  # steps before and after now: clocks differ, people type slowly (RFC 6238 §5.2)


def new_secret() -> Secret:
    """Random octets of a hash's length."""
    return Secret(secrets.token_bytes(_SECRET_OCTETS))


def code_of(secret: Secret, step: int, digits: int = DIGITS) -> str:
    """The code of a step since 1970 (RFC 4226 §5.3)."""
    mac = hmac.digest(secret.reveal(), step.to_bytes(8), "sha1")
    offset = mac[-1] & 0x0F
    number = int.from_bytes(mac[offset : offset + 4]) & 0x7FFF_FFFF
    return str(number % 10**digits).zfill(digits)


def find_step(secret: Secret, code: str, now: int, used: int) -> int | None:
    """The step that a code is of, if it is one of about now and behind those `used`."""
    current = now // STEP_SECONDS
    found: int | None = None
    for step in range(current - _WINDOW, current + _WINDOW + 1):
        if hmac.compare_digest(code_of(secret, step).encode(), code.encode()) and step > used:
            found = step
    return found


def readable(secret: Secret) -> str:
    """The secret as people type it, in base32."""
    return base64.b32encode(secret.reveal()).decode().rstrip("=")


def uri_of(secret: Secret, login: str, issuer: str) -> str:
    """What a QR code holds for authenticator programs."""
    label = quote(f"{issuer}:{login}", safe="@:")
    return f"otpauth://totp/{label}?secret={readable(secret)}&issuer={quote(issuer, safe='')}"
