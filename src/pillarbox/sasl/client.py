"""Signing in at another server: PLAIN, LOGIN, and the choice among all mechanisms. Sans-IO."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pillarbox.sasl.client_mechanism import ClientMechanism, Credentials
from pillarbox.sasl.client_oauth import OAuthBearerClient, XOAuth2Client
from pillarbox.sasl.client_scram import ScramClient
from pillarbox.sasl.errors import MalformedResponse
from pillarbox.sasl.plain import encode_plain
from pillarbox.sasl.scram_keys import ScramHash

__all__ = ["Credentials", "LoginClient", "PlainClient", "choose_mechanism"]

_BY_TOKEN = (OAuthBearerClient, XOAuth2Client)
_SCRAM = (("SCRAM-SHA-256", ScramHash.SHA_256), ("SCRAM-SHA-1", ScramHash.SHA_1))


class PlainClient:
    """PLAIN (RFC 4616): all in one response."""

    name = "PLAIN"

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self.is_done = False

    def first(self) -> bytes | None:
        """Everything."""
        self.is_done = True
        credentials = self._credentials
        return encode_plain(credentials.username, credentials.password, credentials.authorization)

    def respond(self, challenge: bytes) -> bytes:
        """There is nothing more to say."""
        raise MalformedResponse("The other server asks for more than PLAIN has.")


class LoginClient:
    """LOGIN: the name, then the password, whatever the server's texts are."""

    name = "LOGIN"

    def __init__(self, credentials: Credentials) -> None:
        self._answers = [credentials.username.encode(), credentials.password.reveal()]

    @property
    def is_done(self) -> bool:
        """Both were given."""
        return not self._answers

    def first(self) -> bytes | None:
        """Some servers know no initial response to LOGIN."""
        return None

    def respond(self, challenge: bytes) -> bytes:
        """The next of the two."""
        if not self._answers:
            raise MalformedResponse("The other server asks for more than LOGIN has.")
        return self._answers.pop(0)


def choose_mechanism(
    offered: Sequence[str],
    credentials: Credentials,
    *,
    bindings: Mapping[str, bytes],
    plaintext: bool,
    max_iterations: int,
) -> ClientMechanism | None:
    """The best that both sides know; None for none.

    `bindings`: this connection's channel bindings by name. `plaintext`: the password itself may be
    sent, or the token, since the connection is encrypted.
    """
    if credentials.token is not None:
        for kind in _BY_TOKEN:
            if plaintext and kind.name in offered:
                return kind(credentials, credentials.token)
        return None
    binding = next(iter(bindings.items()), None)
    for name, algorithm in _SCRAM:
        plus = f"{name}-PLUS"
        if binding is not None and plus in offered:
            return ScramClient(
                plus, algorithm, credentials, binding=binding, max_iterations=max_iterations
            )
        if name in offered:
            # RFC 5802 §6: "y" tells the server that we would have bound the channel, so that
            # nobody between us takes -PLUS out of its list unnoticed.
            return ScramClient(
                name,
                algorithm,
                credentials,
                could_bind=binding is not None,
                max_iterations=max_iterations,
            )
    if plaintext and "PLAIN" in offered:
        return PlainClient(credentials)
    if plaintext and "LOGIN" in offered:
        return LoginClient(credentials)
    return None
