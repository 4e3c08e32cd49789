"""Words that we hand out and know again when they come back: signed, and good for a while.

Nothing is stored for them. What must be used only once is marked in `store.sql.spent` at its use.
"""

from __future__ import annotations

import hmac
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error

from pillarbox.clock import Clock, unix_seconds
from pillarbox.net.secret import Secret

_UNTIL = struct.Struct(">Q")
_MAC_OCTETS = 32
_MOST_CHARACTERS = 4096


class Signer:
    """For one purpose: what was signed for another is not known here."""

    def __init__(self, server_key: Secret, clock: Clock, purpose: str) -> None:
        self._key = hmac.digest(server_key.reveal(), b"signer\0" + purpose.encode(), "sha256")
        self._clock = clock

    def sign(self, octets: bytes, seconds: int) -> str:
        """A word of letters, digits, `-` and `_` that holds the octets readably."""
        told = _UNTIL.pack(unix_seconds(self._clock.now()) + seconds) + octets
        return urlsafe_b64encode(self._mac(told) + told).rstrip(b"=").decode()

    def read(self, word: str) -> bytes | None:
        """The octets; None for what we did not sign, and for what has ended."""
        if len(word) > _MOST_CHARACTERS or not word.isascii():
            return None
        try:
            octets = urlsafe_b64decode(word + "=" * (-len(word) % 4))
        except (Error, ValueError):
            return None
        mac, told = octets[:_MAC_OCTETS], octets[_MAC_OCTETS:]
        if len(told) < _UNTIL.size or not hmac.compare_digest(mac, self._mac(told)):
            return None
        (until,) = _UNTIL.unpack_from(told)
        return told[_UNTIL.size :] if unix_seconds(self._clock.now()) < until else None

    def _mac(self, told: bytes) -> bytes:
        return hmac.digest(self._key, told, "sha256")
