"""What the client side of every SASL mechanism looks like (RFC 4422 §3). Sans-IO."""

from __future__ import annotations

from typing import Protocol

import msgspec

from pillarbox.errors import PillarboxError
from pillarbox.net.secret import Secret


class ServerNotProved(PillarboxError):
    """The server does not know the password that it asks us to prove."""

    sentence = "The other server did not prove that it knows the password."


class Credentials(msgspec.Struct, frozen=True):
    """With what we sign in elsewhere."""

    username: str
    password: Secret
    authorization: str = ""  # whom to act as; "" is the same person
    token: Secret | None = None  # an OAuth 2 access token; the password is not used then
    host: str = ""  # the server as it was called, which OAUTHBEARER names to it; "" for not
    port: int = 0


class ClientMechanism(Protocol):
    """The client side of one exchange."""

    @property
    def name(self) -> str:
        """As it is written in AUTH."""

    @property
    def is_done(self) -> bool:
        """Whether a success that the server reports now can be believed."""

    def first(self) -> bytes | None:
        """The initial response; None where the server speaks first."""

    def respond(self, challenge: bytes) -> bytes:
        """The answer to a challenge. Raises MalformedResponse, ServerNotProved."""
