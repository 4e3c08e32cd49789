"""Key records: `v=DKIM1; k=rsa; p=…` (RFC 6376 §3.6.1, RFC 8463 §4). Any octets, named results."""

from __future__ import annotations

import functools

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import load_der_public_key
from msgspec import Struct

from pillarbox.trust.dkim.result import Unverified
from pillarbox.trust.dkim.tags import BadTags, parse_tags, squeeze

PADDING = PKCS1v15()
HASHED = Prehashed(hashes.SHA256())
_KEYS_KEPT = 1024
_LONGEST_KEPT = 2048  # octets: an RSA key of 8192 bits fits; so the cache stays below 4 MiB
_ED25519_OCTETS = 32


class KeyRecord(Struct, frozen=True):
    """A public key and what it may be used for."""

    kind: str  # "rsa" or "ed25519"
    key: RSAPublicKey | Ed25519PublicKey
    bits: int
    hashes: tuple[str, ...]  # empty: all
    services: tuple[str, ...]
    flags: tuple[str, ...]

    def verifies(self, signature: bytes, digest: bytes) -> bool:
        """Whether the key's owner signed this SHA-256."""
        try:
            if isinstance(self.key, RSAPublicKey):
                self.key.verify(signature, digest, PADDING, HASHED)
            else:
                self.key.verify(signature, digest)
        except InvalidSignature:
            return False
        return True


def read_key_record(record: bytes, most: int) -> KeyRecord:
    """The key in a record, kept for the next time: reading costs more. Raises Unverified."""
    if len(record) > most:
        raise Unverified("permerror", f"the key record is longer than {most} octets")
    found = _kept(record) if len(record) <= _LONGEST_KEPT else _read(record)
    if isinstance(found, str):
        raise Unverified("permerror", found)
    return found


def _read(record: bytes) -> KeyRecord | str:
    """The key, or why there is none."""
    try:
        tags = parse_tags(record)
        if tags.values.get(b"v", b"DKIM1") != b"DKIM1":
            return "the key record is of another version"
        if b"v" in tags.values and next(iter(tags.values)) != b"v":
            return "v= is not the first tag of the key record"
        if b"p" not in tags.values:
            return "the key record holds no key"
        if not squeeze(tags.values[b"p"]):
            return "the key is revoked"
        kind = tags.text(b"k", "rsa").lower()
        key = _public_key(kind, tags.octets(b"p"))
        return KeyRecord(
            kind,
            key,
            key.key_size if isinstance(key, RSAPublicKey) else 256,
            tuple(tags.words(b"h")) if b"h" in tags.values else (),
            tuple(tags.words(b"s", "*")),
            tuple(tags.words(b"t", "")),
        )
    except BadTags as error:
        return f"the key record is malformed: {error}"


_kept = functools.lru_cache(maxsize=_KEYS_KEPT)(_read)


def _public_key(kind: str, octets: bytes) -> RSAPublicKey | Ed25519PublicKey:
    """Raises BadTags. RSA keys come bare or, as the RFC's own examples, as SubjectPublicKeyInfo."""
    if kind == "ed25519":
        if len(octets) != _ED25519_OCTETS:
            raise BadTags("p= is not an Ed25519 key")
        return Ed25519PublicKey.from_public_bytes(octets)
    if kind != "rsa":
        raise BadTags("k= is not a type of key that is known")
    try:
        key = load_der_public_key(octets)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BadTags("p= is not an RSA key") from error
    if not isinstance(key, RSAPublicKey):
        raise BadTags("p= is not an RSA key")
    return key
