"""LOGIN, the undocumented elder of PLAIN that some mail programs still prefer. Sans-IO."""

from __future__ import annotations

from pillarbox.net.secret import Secret
from pillarbox.sasl.errors import MalformedResponse
from pillarbox.sasl.mechanism import Challenge, PasswordGiven

# Old Outlooks compare these texts, so they stay as everyone writes them.
_ASK_USERNAME = Challenge(b"Username:")
_ASK_PASSWORD = Challenge(b"Password:")


class Login:
    """Two challenges; an initial response is the user name."""

    def __init__(self) -> None:
        self._username: str | None = None
        self._asked = False

    def step(self, response: bytes | None) -> Challenge | PasswordGiven:
        """Name first, then password."""
        if self._username is not None:
            if not response:
                raise MalformedResponse
            return PasswordGiven(self._username, Secret(response))
        if not response:
            if self._asked:
                raise MalformedResponse
            self._asked = True
            return _ASK_USERNAME
        try:
            self._username = response.decode()
        except UnicodeDecodeError as error:
            raise MalformedResponse from error
        return _ASK_PASSWORD
