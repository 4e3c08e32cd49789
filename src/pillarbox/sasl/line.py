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


def decode_initial(word: bytes | None) -> bytes | None:
    """An initial response; None where there is none. Raises NotBase64.

    "=" is one that is there and empty (RFC 4959 §3, RFC 4954 §4, RFC 5034 §4).
    """
    if word is None:
        return None
    return b"" if word == b"=" else decode_line(word)


def encode_line(challenge: bytes) -> bytes:
    """A challenge as it is sent, without what the protocol puts before it."""
    return b64encode(challenge)
