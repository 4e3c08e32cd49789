"""SASLprep (RFC 4013), the profile of stringprep by which SCRAM prepares names and passwords.

Characters that Unicode 3.2 did not know (emoji, say) are let through also in stored strings:
people use them in passwords, and RFC 5802's clients send them as they are.
"""

from __future__ import annotations

import stringprep
import unicodedata

from pillarbox.sasl.errors import MalformedResponse

_PROHIBITED = (
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
)


class ProhibitedCharacter(MalformedResponse):
    """A control character, a private-use code point, or a mix of writing directions."""

    sentence = "The name or the password has a character that cannot be used."


def saslprep(text: str) -> str:
    """The prepared form; raises ProhibitedCharacter."""
    if text.isascii() and text.isprintable():
        return text
    mapped = "".join(
        " " if stringprep.in_table_c12(c) else c for c in text if not stringprep.in_table_b1(c)
    )
    prepared = unicodedata.normalize("NFKC", mapped)
    for character in prepared:
        if any(prohibited(character) for prohibited in _PROHIBITED):
            raise ProhibitedCharacter
    _check_direction(prepared)
    return prepared


def _check_direction(text: str) -> None:
    """RFC 3454 §6: right-to-left text holds no left-to-right letter, and has RTL at both ends."""
    if not any(map(stringprep.in_table_d1, text)):
        return
    if any(map(stringprep.in_table_d2, text)):
        raise ProhibitedCharacter
    if not (stringprep.in_table_d1(text[0]) and stringprep.in_table_d1(text[-1])):
        raise ProhibitedCharacter
