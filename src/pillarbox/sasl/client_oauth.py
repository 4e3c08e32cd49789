"""Signing in with a token: OAUTHBEARER (RFC 7628), and XOAUTH2, which came before it. Sans-IO."""

from __future__ import annotations

from pillarbox.net.secret import Secret
from pillarbox.sasl.client_mechanism import Credentials
from pillarbox.sasl.errors import MalformedResponse

_SEPARATOR = b"\x01"


class _TokenClient:
    """All in one response; a server that does not take it explains itself, and awaits an answer."""

    is_done = True  # a bearer token proves nothing about the server
    _farewell: bytes

    def __init__(self, credentials: Credentials, token: Secret) -> None:
        self._credentials = credentials
        self._token = token
        self._refused = False

    def respond(self, challenge: bytes) -> bytes:
        """To the server's explanation; the refusal itself comes behind it (RFC 7628 §3.2.3)."""
        if self._refused:
            raise MalformedResponse("The other server asks for more than a token.")
        self._refused = True
        return self._farewell


class OAuthBearerClient(_TokenClient):
    """OAUTHBEARER (RFC 7628 §3.1)."""

    name = "OAUTHBEARER"
    _farewell = _SEPARATOR

    def first(self) -> bytes | None:
        """A GS2 header with the name, the server as it was called, the token."""
        credentials = self._credentials
        name = _checked((credentials.authorization or credentials.username).encode())
        name = name.replace(b"=", b"=3D").replace(b",", b"=2C")  # RFC 5801 §4
        pairs = [b"n,a=%b," % name]
        if credentials.host:
            pairs.append(b"host=" + _checked(credentials.host.encode()))
        if credentials.port:
            pairs.append(b"port=%d" % credentials.port)
        pairs.append(b"auth=Bearer " + _checked(self._token.reveal()))
        return _SEPARATOR.join(pairs) + _SEPARATOR * 2


class XOAuth2Client(_TokenClient):
    """XOAUTH2, of Google and Microsoft."""

    name = "XOAUTH2"
    _farewell = b""

    def first(self) -> bytes | None:
        """Name and token."""
        name = _checked(self._credentials.username.encode())
        return b"user=%b\x01auth=Bearer %b\x01\x01" % (name, _checked(self._token.reveal()))


def _checked(octets: bytes) -> bytes:
    """What would end a field, or a line, may not be part of it."""
    if any(octet < 0x20 or octet == 0x7F for octet in octets):
        raise MalformedResponse("The name or the token has a control character in it.")
    return octets
