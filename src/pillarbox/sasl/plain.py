"""PLAIN (RFC 4616). Sans-IO."""

from __future__ import annotations

from pillarbox.net.secret import Secret
from pillarbox.sasl.errors import MalformedResponse
from pillarbox.sasl.mechanism import Challenge, PasswordGiven


class Plain:
    """Name and password in one response: `[authzid] NUL authcid NUL passwd`."""

    def step(self, response: bytes | None) -> Challenge | PasswordGiven:
        """A client that sent no initial response is asked by an empty challenge."""
        if response is None:
            return Challenge(b"")
        fields = response.split(b"\0")
        if len(fields) != 3 or not fields[1] or not fields[2]:
            raise MalformedResponse
        try:
            authorization, username = fields[0].decode(), fields[1].decode()
        except UnicodeDecodeError as error:
            raise MalformedResponse from error
        return PasswordGiven(username, Secret(fields[2]), authorization)


def encode_plain(username: str, password: Secret, authorization: str = "") -> bytes:
    """The client's response."""
    return b"\0".join((authorization.encode(), username.encode(), password.reveal()))
