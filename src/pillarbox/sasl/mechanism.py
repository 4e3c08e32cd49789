"""What the server side of every SASL mechanism looks like (RFC 4422 §3). Sans-IO.

A mechanism is fed the client's decoded responses and says what comes next. It never looks a
password up: it asks, by `PasswordGiven` or `KeysWanted`, and its driver (`accounts`) answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from pillarbox.net.secret import Secret


@dataclass(frozen=True, slots=True)
class Challenge:
    """Octets for the client (before base64)."""

    octets: bytes


@dataclass(frozen=True, slots=True)
class PasswordGiven:
    """The client gave a name and a password; the driver checks them, the exchange is over."""

    username: str
    password: Secret
    authorization: str = ""  # whom to act as; "" is the same person


@dataclass(frozen=True, slots=True)
class KeysWanted:
    """SCRAM knows the name; the driver looks its keys up and calls `keys_found`."""

    username: str
    authorization: str = ""


@dataclass(frozen=True, slots=True)
class Proved:
    """The client proved to hold the keys with this index among those that were handed over."""

    username: str
    authorization: str
    keys: int


Step = Challenge | PasswordGiven | KeysWanted | Proved


class Mechanism(Protocol):
    """The server side of one exchange."""

    def step(self, response: bytes | None) -> Step:
        """Take the client's next response; the first is None where it sent no initial one.

        Raises MalformedResponse or AuthenticationFailed.
        """
