"""The lines of an exchange as every protocol writes them: base64, "=" or "*". Sans-IO."""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode

from pillarbox.sasl.errors import Cancelled, NotBase64


def decode_line(line: bytes) -> bytes:
    """What the client answers to a challenge. Raises Cancelled ("*"), NotBase64."""
    if line == b"*":
        raise Cancelled
    try:
        return b64decode(line, validate=True)
    except binascii.Error as error:
        raise NotBase64 from error


def decode_initial(word: bytes | None) -> bytes:
    """An initial response; b"" where there is none, or "=" that says so. Raises NotBase64."""
    return b"" if word is None or word == b"=" else decode_line(word)


def encode_line(challenge: bytes) -> bytes:
    """A challenge as it is sent, without what the protocol puts before it."""
    return b64encode(challenge)
