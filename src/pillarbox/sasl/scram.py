"""SCRAM-SHA-1 and SCRAM-SHA-256, each with -PLUS: the server side (RFC 5802, RFC 7677). Sans-IO."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping, Sequence
from enum import Enum, auto

from pillarbox.errors import AuthenticationFailed
from pillarbox.sasl.errors import MalformedResponse
from pillarbox.sasl.mechanism import Challenge, KeysWanted, Proved
from pillarbox.sasl.saslprep import saslprep
from pillarbox.sasl.scram_keys import ScramHash, ScramKeys

_NONCE_OCTETS = 18  # of randomness in our part of the nonce
_PRINTABLE = r"[\x21-\x2b\x2d-\x7e]+"  # RFC 5802 §7 printable: ASCII without ","

# RFC 5802 §7: gs2-header, client-first-message-bare; extensions may follow, "m=" may not lead.
_FIRST = re.compile(
    rf"(?P<gs2>(?:(?P<flag>[ny])|p=(?P<binding>[A-Za-z0-9.-]+)),(?:a=(?P<authzid>[^,\0]+))?,)"
    rf"(?P<bare>n=(?P<name>[^,\0]+),r=(?P<nonce>{_PRINTABLE})(?:,[A-Za-z]=[^,\0]+)*)"
)
_FINAL = re.compile(
    rf"(?P<without_proof>c=(?P<binding>[A-Za-z0-9+/=]+),r=(?P<nonce>{_PRINTABLE})"
    rf"(?:,[A-Za-z]=[^,\0]+)*?),p=(?P<proof>[A-Za-z0-9+/=]+)"
)
_ESCAPED_NAME = re.compile(r"(?:[^=]|=2C|=3D)+")


class _At(Enum):
    FIRST = auto()
    KEYS = auto()
    FINAL = auto()
    PROVED = auto()
    OVER = auto()


class ScramServer:
    """One exchange. Steps: client-first → KeysWanted; keys_found → Challenge; client-final →
    Challenge with our own proof; the client's empty response → Proved.
    """

    def __init__(
        self,
        algorithm: ScramHash,
        *,
        plus: bool,
        bindings: Mapping[str, bytes],
        nonce: str | None = None,
        longest: int = 8192,
    ) -> None:
        """`bindings`: this connection's channel bindings, {} when -PLUS is not advertised.

        A client's message of more than `longest` octets is refused.
        """
        self._longest = longest
        self.algorithm = algorithm
        self._plus = plus
        self._bindings = bindings
        self._nonce = nonce or base64.b64encode(secrets.token_bytes(_NONCE_OCTETS)).decode()
        self._at = _At.FIRST
        self._username = self._authorization = ""
        self._channel_binding = b""
        self._first_bare = self._server_first = ""
        self._keys: Sequence[ScramKeys] = ()
        self._proved: Proved | None = None

    def step(self, response: bytes | None) -> Challenge | KeysWanted | Proved:
        """Take the client's next message."""
        at, self._at = self._at, _At.OVER  # until all is well
        if response is None:
            if at is not _At.FIRST:
                raise MalformedResponse
            self._at = at
            return Challenge(b"")
        if len(response) > self._longest:
            raise MalformedResponse
        if at is _At.FIRST:
            return self._client_first(_decode(response))
        if at is _At.FINAL:
            return self._client_final(_decode(response))
        if at is _At.PROVED and not response and self._proved is not None:
            return self._proved
        raise MalformedResponse

    def keys_found(self, salt: bytes, iterations: int, keys: Sequence[ScramKeys]) -> Challenge:
        """The keys of the credentials that the name may sign in with; answers server-first."""
        if self._at is not _At.KEYS:
            raise MalformedResponse
        self._keys = keys
        self._server_first = f"r={self._nonce},s={base64.b64encode(salt).decode()},i={iterations}"
        self._at = _At.FINAL
        return Challenge(self._server_first.encode())

    def _client_first(self, message: str) -> KeysWanted:
        found = _FIRST.fullmatch(message)
        if found is None:
            raise MalformedResponse
        self._channel_binding = found["gs2"].encode() + self._binding(
            found["flag"], found["binding"]
        )
        self._username = saslprep(_unescape(found["name"]))
        if found["authzid"]:
            self._authorization = saslprep(_unescape(found["authzid"]))
        if not self._username:
            raise MalformedResponse
        self._nonce = found["nonce"] + self._nonce
        self._first_bare = found["bare"]
        self._at = _At.KEYS
        return KeysWanted(self._username, self._authorization)

    def _binding(self, flag: str | None, name: str | None) -> bytes:
        """The channel binding's octets, after the checks of RFC 5802 §6."""
        if name is not None:
            if not self._plus:
                raise MalformedResponse("Channel binding needs the -PLUS mechanism.")
            if name not in self._bindings:
                raise AuthenticationFailed("That type of channel binding is not available here.")
            return self._bindings[name]
        if self._plus:
            raise MalformedResponse("A -PLUS mechanism needs channel binding.")
        if flag == "y" and self._bindings:
            # The client believes that we have no -PLUS, yet we advertised it: somebody between us
            # took it out of the list.
            raise AuthenticationFailed("The list of mechanisms was changed on its way.")
        return b""

    def _client_final(self, message: str) -> Challenge:
        found = _FINAL.fullmatch(message)
        if found is None:
            raise MalformedResponse
        if _unbase64(found["binding"]) != self._channel_binding:
            raise AuthenticationFailed("The channel binding does not match this connection.")
        if not hmac.compare_digest(found["nonce"].encode(), self._nonce.encode()):
            raise AuthenticationFailed
        signed = f"{self._first_bare},{self._server_first},{found['without_proof']}".encode()
        index = self._matching_keys(signed, _unbase64(found["proof"]))
        if index is None:
            raise AuthenticationFailed
        signature = hmac.digest(self._keys[index].server_key, signed, self.algorithm)
        self._proved = Proved(self._username, self._authorization, index)
        self._at = _At.PROVED
        return Challenge(b"v=" + base64.b64encode(signature))

    def _matching_keys(self, signed: bytes, proof: bytes) -> int | None:
        """Which keys the proof was made with; every pair is tried, so the time tells nothing."""
        match = None
        for index, keys in enumerate(self._keys):
            signature = hmac.digest(keys.stored_key, signed, self.algorithm)
            if len(proof) != len(signature):
                continue
            client_key = bytes(a ^ b for a, b in zip(proof, signature, strict=True))
            digest = hashlib.new(self.algorithm, client_key).digest()
            if hmac.compare_digest(digest, keys.stored_key) and match is None:
                match = index
        return match


def _decode(response: bytes) -> str:
    try:
        return response.decode()
    except UnicodeDecodeError as error:
        raise MalformedResponse from error


def _unescape(name: str) -> str:
    """RFC 5802 §5.1: "," and "=" inside a name are written =2C and =3D."""
    if "=" not in name:
        return name
    if not _ESCAPED_NAME.fullmatch(name):
        raise MalformedResponse
    return name.replace("=2C", ",").replace("=3D", "=")


def _unbase64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise MalformedResponse from error
