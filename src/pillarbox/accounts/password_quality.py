"""Whether a new password is one of those that are tried first; no rules of composition."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from pillarbox.accounts.passwords import prepare_password
from pillarbox.errors import BadName
from pillarbox.net.secret import Secret

SHORTEST = 10  # characters of a password that people choose on a web page
_LOOKED_AT = 72  # characters: the judge's time grows with the square
_LEAST_GUESSES = 1e8  # online guessing at the throttle's pace takes lifetimes longer


class WeakPassword(BadName):
    """It would be guessed; the sentence tells why. `reason` is "short", "control" or "common"."""

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason


def check_quality(password: Secret, *known: str) -> None:
    """`known`: words that a guesser would try first, the address and the name. Raises WeakPassword.

    It takes some milliseconds, and 14 MiB of word lists once.
    """
    prepared = prepare_password(password)
    if prepared is None:
        raise WeakPassword("control", "A password cannot hold control characters.")
    text = prepared.decode()
    if len(text) < SHORTEST:
        raise WeakPassword("short", f"A password needs {SHORTEST} characters or more.")
    words = [word for one in known for word in one.replace("@", " ").replace(".", " ").split()]
    judged = _judge()(text[:_LOOKED_AT], user_inputs=[*known, *words])
    if judged["guesses"] < _LEAST_GUESSES:
        raise WeakPassword(
            "common",
            "That password is among the first that are tried. A few words that have nothing to do "
            "with one another are better, and easier to remember.",
        )


@lru_cache
def _judge() -> Any:
    from zxcvbn import zxcvbn  # its word lists are only loaded where somebody sets a password

    return zxcvbn
