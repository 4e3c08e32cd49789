"""SCRAM-SHA-1 and SCRAM-SHA-256, each with -PLUS: the client side (RFC 5802, RFC 7677). Sans-IO."""

from __future__ import annotations

import binascii
import hashlib
import hmac
import re
import secrets
from base64 import b64decode, b64encode

from pillarbox.sasl.client_mechanism import Credentials, ServerNotProved
from pillarbox.sasl.errors import MalformedResponse
from pillarbox.sasl.saslprep import saslprep
from pillarbox.sasl.scram_keys import ScramHash

MIN_ITERATIONS = 4096  # RFC 7677 §4; fewer make a stolen exchange cheap to guess at
_MAX_MESSAGE = 8192  # octets of one server message
_NONCE_OCTETS = 18
_MIN_SALT = 8  # octets; RFC 5802 has no minimum, and less is no salt

_FIRST = re.compile(
    r"r=(?P<nonce>[\x21-\x2b\x2d-\x7e]+),s=(?P<salt>[A-Za-z0-9+/=]+),i=(?P<iterations>[1-9][0-9]{0,9})"
    r"(?:,[A-Za-z]=[^,\0]+)*"
)
_FINAL = re.compile(r"v=(?P<signature>[A-Za-z0-9+/=]+)(?:,[A-Za-z]=[^,\0]+)*")


class ScramClient:
    """client-first, then client-final, then an empty answer to the server's proof."""

    def __init__(
        self,
        name: str,
        algorithm: ScramHash,
        credentials: Credentials,
        *,
        max_iterations: int,
        binding: tuple[str, bytes] | None = None,
        could_bind: bool = False,
        nonce: str = "",
    ) -> None:
        """`binding`: the channel binding's name and octets, for a -PLUS mechanism."""
        self.name = name
        self.is_done = False
        self._algorithm = algorithm
        self._password = saslprep(_text(credentials.password.reveal())).encode()
        self._max_iterations = max_iterations
        self._nonce = nonce or b64encode(secrets.token_bytes(_NONCE_OCTETS)).decode()
        flag = "y" if could_bind else "n"
        if binding is not None:
            flag = f"p={binding[0]}"
        acting = _escape(saslprep(credentials.authorization))
        self._gs2 = f"{flag},{f'a={acting}' if acting else ''},"
        self._channel = self._gs2.encode() + (binding[1] if binding is not None else b"")
        self._bare = f"n={_escape(saslprep(credentials.username))},r={self._nonce}"
        self._signature: bytes | None = None

    def first(self) -> bytes | None:
        """client-first-message."""
        return (self._gs2 + self._bare).encode()

    def respond(self, challenge: bytes) -> bytes:
        """client-final-message; then b"" when the server proved itself."""
        if len(challenge) > _MAX_MESSAGE or self.is_done:
            raise MalformedResponse
        message = _text(challenge)
        if self._signature is None:
            return self._client_final(message)
        found = _FINAL.fullmatch(message)
        if found is None:
            raise ServerNotProved
        if not hmac.compare_digest(_unbase64(found["signature"]), self._signature):
            raise ServerNotProved
        self.is_done = True
        return b""

    def _client_final(self, server_first: str) -> bytes:
        found = _FIRST.fullmatch(server_first)
        if found is None or not found["nonce"].startswith(self._nonce):
            raise MalformedResponse
        iterations = int(found["iterations"])
        salt = _unbase64(found["salt"])
        if found["nonce"] == self._nonce or len(salt) < _MIN_SALT:
            raise MalformedResponse("The other server added nothing of its own.")
        if not MIN_ITERATIONS <= iterations <= self._max_iterations:
            raise MalformedResponse(f"The other server asks for {iterations} iterations.")
        salted = hashlib.pbkdf2_hmac(self._algorithm, self._password, salt, iterations)
        client_key = hmac.digest(salted, b"Client Key", self._algorithm)
        server_key = hmac.digest(salted, b"Server Key", self._algorithm)
        without_proof = f"c={b64encode(self._channel).decode()},r={found['nonce']}"
        signed = f"{self._bare},{server_first},{without_proof}".encode()
        stored_key = hashlib.new(self._algorithm, client_key).digest()
        signature = hmac.digest(stored_key, signed, self._algorithm)
        proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
        self._signature = hmac.digest(server_key, signed, self._algorithm)
        return f"{without_proof},p={b64encode(proof).decode()}".encode()


def _escape(name: str) -> str:
    """RFC 5802 §5.1: "," and "=" inside a name."""
    return name.replace("=", "=3D").replace(",", "=2C")


def _text(octets: bytes) -> str:
    try:
        return octets.decode()
    except UnicodeDecodeError as error:
        raise MalformedResponse from error


def _unbase64(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except binascii.Error as error:
        raise MalformedResponse from error
