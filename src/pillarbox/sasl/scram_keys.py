"""The keys that a server keeps for SCRAM (RFC 5802 §3) instead of the password. Sans-IO."""

from __future__ import annotations

import hashlib
import hmac
from enum import StrEnum

import msgspec

SALT_OCTETS = 16


class ScramHash(StrEnum):
    """Hash functions by `hashlib`'s names."""

    SHA_256 = "sha256"  # RFC 7677
    SHA_1 = "sha1"  # RFC 5802


class ScramKeys(msgspec.Struct, frozen=True, array_like=True):
    """What verifies a client's proof, and what proves us to the client."""

    stored_key: bytes
    server_key: bytes


class ScramRecord(msgspec.Struct, frozen=True, array_like=True):
    """All SCRAM keys of one credential, as stored.

    The credentials of one account share salt and iterations: the server must name these before it
    can know which password the client was given.
    """

    salt: bytes
    iterations: int
    sha256: ScramKeys
    sha1: ScramKeys

    def keys(self, algorithm: ScramHash) -> ScramKeys:
        """The pair for one hash function."""
        return self.sha256 if algorithm is ScramHash.SHA_256 else self.sha1


def derive_keys(algorithm: ScramHash, prepared: bytes, salt: bytes, iterations: int) -> ScramKeys:
    """Keys of a prepared password; slow on purpose (10 ms and more), releases the GIL."""
    salted = hashlib.pbkdf2_hmac(algorithm, prepared, salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", algorithm)
    return ScramKeys(
        stored_key=hashlib.new(algorithm, client_key).digest(),
        server_key=hmac.digest(salted, b"Server Key", algorithm),
    )


def derive_record(prepared: bytes, salt: bytes, iterations: int) -> ScramRecord:
    """Keys for both hash functions."""
    return ScramRecord(
        salt=salt,
        iterations=iterations,
        sha256=derive_keys(ScramHash.SHA_256, prepared, salt, iterations),
        sha1=derive_keys(ScramHash.SHA_1, prepared, salt, iterations),
    )


def encode_record(record: ScramRecord) -> bytes:
    """As stored."""
    return msgspec.msgpack.encode(record)


def decode_record(octets: bytes) -> ScramRecord | None:
    """From the store; None for b"" (no SCRAM for this credential)."""
    return msgspec.msgpack.decode(octets, type=ScramRecord) if octets else None
