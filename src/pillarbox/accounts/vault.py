"""Secrets that must be had again in the clear: passwords for other servers, sealed at rest.

The key is a file beside the database, so that a copy of the database alone tells nothing. Each
secret is bound to its owner: moved to another row it cannot be opened. AES-256-GCM (NIST
SP 800-38D) with a random nonce is safe for 2**32 seals under one key.

The file holds a key a line, the one that seals first; the others open what was sealed before a
change of keys. Losing it loses no mail: the passwords have to be entered again.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import hashlib
import os
import secrets
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NewType

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pillarbox.errors import PillarboxError
from pillarbox.ids import AccountId, RemoteId
from pillarbox.net.secret import Secret

Sealed = NewType("Sealed", bytes)

_NAME = "vault.key"
_KEY_OCTETS = 32
_ID_OCTETS = 4
_NONCE_OCTETS = 12
_FORM = b"\x01"  # the first octet: form, key id, nonce, then ciphertext with its tag
_HEAD_OCTETS = len(_FORM) + _ID_OCTETS
_SHORTEST = _HEAD_OCTETS + _NONCE_OCTETS + 16
_OWNER = struct.Struct(">QQ")
_MOST_KEYS = 100
_LONGEST_FILE = _MOST_KEYS * 64

_Stamp = tuple[int, int, int]


class VaultClosed(PillarboxError):
    """A secret cannot be opened: its key is gone, or is another one."""

    sentence = (
        "The stored password cannot be read any more, because the key that it was sealed with is "
        "lost. Enter the password again."
    )


class Vault:
    """Seals and opens. The file is read at each change, so all processes use its first key."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / _NAME
        self._stamp: _Stamp | None = None
        self._keys: dict[bytes, AESGCM] = {}  # by id, the one that seals first

    def __repr__(self) -> str:
        return f"Vault({str(self._path)!r})"

    def seal(self, account: AccountId, remote: RemoteId, plain: Secret) -> Sealed:
        """What is stored. Raises VaultClosed where the file of keys cannot be used."""
        keys = self._current()
        head = _FORM + next(iter(keys))
        nonce = secrets.token_bytes(_NONCE_OCTETS)
        cipher = keys[head[len(_FORM) :]]
        owner = head + _OWNER.pack(account, remote)
        return Sealed(head + nonce + cipher.encrypt(nonce, plain.reveal(), owner))

    def open(self, account: AccountId, remote: RemoteId, sealed: bytes) -> Secret:
        """Raises VaultClosed: the key is lost, or this is not what was sealed for that owner."""
        key_id, nonce = sealed[len(_FORM) : _HEAD_OCTETS], sealed[_HEAD_OCTETS:][:_NONCE_OCTETS]
        if len(sealed) < _SHORTEST or not sealed.startswith(_FORM):
            raise VaultClosed
        cipher = self._current().get(key_id)
        if cipher is None:
            raise VaultClosed
        owner = sealed[:_HEAD_OCTETS] + _OWNER.pack(account, remote)
        try:
            return Secret(cipher.decrypt(nonce, sealed[_HEAD_OCTETS + _NONCE_OCTETS :], owner))
        except InvalidTag:
            raise VaultClosed from None

    def reseal(self, account: AccountId, remote: RemoteId, sealed: bytes) -> Sealed | None:
        """The same secret under the first key; None: it is already. Raises VaultClosed."""
        if sealed[len(_FORM) : _HEAD_OCTETS] == next(iter(self._current())):
            return None
        return self.seal(account, remote, self.open(account, remote, sealed))

    # Keys

    def add_key(self) -> None:
        """Seal with a new key from now on, in all processes; the old ones still open."""
        with self._locked():
            lines = [_encode(secrets.token_bytes(_KEY_OCTETS)), *self._lines()]
            self._write(lines[:_MOST_KEYS])

    def drop_old_keys(self) -> None:
        """Keep only the key that seals; call it when all is sealed anew."""
        with self._locked():
            self._write(self._lines()[:1])

    def _current(self) -> dict[bytes, AESGCM]:
        """The keys as the file has them now; it is made at the first call."""
        try:
            stamp = _stamp_of(self._path)
        except FileNotFoundError:
            self._create()
            stamp = _stamp_of(self._path)
        if stamp != self._stamp:
            self._keys = {_id_of(key): AESGCM(key) for key in map(self._decode, self._lines())}
            self._stamp = stamp
        return self._keys

    def _lines(self) -> list[bytes]:
        try:
            with self._path.open("rb") as file:
                lines = file.read(_LONGEST_FILE).split()
        except FileNotFoundError:
            self._create()
            lines = self._path.read_bytes().split()
        except OSError as error:
            raise VaultClosed(f"The file of keys {self._path} cannot be read.") from error
        if not lines:
            raise self._damaged()
        return lines

    def _decode(self, line: bytes) -> bytes:
        try:
            key = base64.b64decode(line, validate=True)
        except binascii.Error:
            raise self._damaged() from None
        if len(key) != _KEY_OCTETS:
            raise self._damaged()
        return key

    def _damaged(self) -> VaultClosed:
        return VaultClosed(
            f"The file of keys {self._path} is damaged. Bring it back from a backup; or delete it "
            "and enter the passwords of all remote accounts again."
        )

    def _create(self) -> None:
        """Write to a name of our own, then link: the first process wins, whole."""
        fresh = self._fresh([_encode(secrets.token_bytes(_KEY_OCTETS))])
        try:
            self._path.hardlink_to(fresh)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()

    def _write(self, lines: list[bytes]) -> None:
        self._fresh(lines).replace(self._path)
        _sync_folder(self._path.parent)

    def _fresh(self, lines: list[bytes]) -> Path:
        fresh = self._path.with_name(f"{_NAME}.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(b"".join(line + b"\n" for line in lines))
            file.flush()
            os.fsync(descriptor)
        return fresh

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One process changes the keys at a time; the folder itself is the lock."""
        descriptor = os.open(self._path.parent, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _stamp_of(path: Path) -> _Stamp:
    found = path.stat()
    return found.st_ino, found.st_mtime_ns, found.st_size


def _encode(key: bytes) -> bytes:
    return base64.b64encode(key)


def _id_of(key: bytes) -> bytes:
    """It tells nothing of the key."""
    return hashlib.sha256(b"pillarbox vault key\0" + key).digest()[:_ID_OCTETS]


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
