"""Keys for signing in tests, made once a run, and the zone in which their other halves stand."""

from __future__ import annotations

import base64
import functools
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from pillarbox.config.trust import TrustSettings
from pillarbox.net.secret import Secret
from pillarbox.trust.dkim import SigningKey, dns_record, generate_key
from support.fake_resolver import FakeResolver

DOMAIN = "example.org"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SETTINGS = TrustSettings()


@functools.cache
def rsa_key(bits: int = 2048, domain: str = DOMAIN) -> SigningKey:
    """An RSA key; its selector is `r` and its size."""
    if bits == 2048:
        pem, _ = generate_key("rsa-sha256")
    else:
        key = generate_private_key(65537, bits)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return SigningKey(domain, f"r{bits}", "rsa-sha256", Secret(pem))


@functools.cache
def ed_key(domain: str = DOMAIN) -> SigningKey:
    """An Ed25519 key with the selector `ed`."""
    pem, _ = generate_key("ed25519-sha256")
    return SigningKey(domain, "ed", "ed25519-sha256", Secret(pem))


def ed_secret(key: SigningKey) -> bytes:
    """An Ed25519 key as dkimpy wants it: 32 octets in base64."""
    private = load_pem_private_key(key.secret.reveal(), password=None)
    raw = private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    return base64.b64encode(raw)


def key_name(key: SigningKey) -> str:
    """Where the public half stands."""
    return f"{key.selector}._domainkey.{key.domain}"


def zone(*keys: SigningKey) -> dict[str, dict[str, Any]]:
    """What the DNS says about some keys."""
    return {key_name(key): {"TXT": [dns_record(key)]} for key in keys}


def resolver(*keys: SigningKey) -> FakeResolver:
    """A resolver that knows some keys."""
    return FakeResolver(zone(*keys))
