"""Keys that we sign with: made, read, and told to the world (RFC 6376 §3.6.1, RFC 8463 §4)."""

from __future__ import annotations

import base64
import functools
from typing import Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from msgspec import Struct

from pillarbox.net.secret import Secret
from pillarbox.trust.dkim.key_record import HASHED, PADDING

Algorithm = Literal["rsa-sha256", "ed25519-sha256"]

RSA_BITS = 2048  # RFC 8301 §3.2; longer ones do not fit into one DNS answer over UDP everywhere
_EXPONENT = 65537
_KEYS_KEPT = 1024


class BadSigningKey(ValueError):
    """The private key cannot be read, or is not of the algorithm it should be of."""


class SigningKey(Struct, frozen=True):
    """A key with the name under which its other half is published."""

    domain: str  # A-labels
    selector: str
    algorithm: Algorithm
    secret: Secret  # PEM, PKCS #8

    def sign_digest(self, digest: bytes) -> bytes:
        """The signature of a SHA-256. Raises BadSigningKey."""
        key = _load(self.secret.reveal(), self.algorithm)
        if isinstance(key, RSAPrivateKey):
            return key.sign(digest, PADDING, HASHED)
        return key.sign(digest)


def generate_key(algorithm: Algorithm) -> tuple[bytes, str]:
    """A new private key (PEM, PKCS #8) and the value of the TXT record for it."""
    key: RSAPrivateKey | Ed25519PrivateKey
    if algorithm == "rsa-sha256":
        key = generate_private_key(_EXPONENT, RSA_BITS)
    else:
        key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem, _record(key)


def dns_record(key: SigningKey) -> str:
    """The value of the TXT record at `selector._domainkey.domain`. Raises BadSigningKey."""
    return _record(_load(key.secret.reveal(), key.algorithm))


def _record(key: RSAPrivateKey | Ed25519PrivateKey) -> str:
    public = key.public_key()
    if isinstance(key, RSAPrivateKey):
        kind = "rsa"
        octets = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    else:
        kind = "ed25519"
        octets = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return f"v=DKIM1; k={kind}; p={base64.b64encode(octets).decode()}"


@functools.lru_cache(maxsize=_KEYS_KEPT)
def _load(pem: bytes, algorithm: Algorithm) -> RSAPrivateKey | Ed25519PrivateKey:
    """Kept, since reading a key costs more than signing with it. Raises BadSigningKey."""
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as error:
        raise BadSigningKey("The private key cannot be read.") from error
    wanted = RSAPrivateKey if algorithm == "rsa-sha256" else Ed25519PrivateKey
    if not isinstance(key, wanted):
        raise BadSigningKey(f"The private key is not one for {algorithm}.")
    return key
