"""PRECIS: which names people may have, in any script (RFC 8265 §3.3, UsernameCaseMapped). Sans-IO.

Names are prepared leniently when someone signs in (the store compares), and checked strictly when a
name is made: so that no two names look the same and none can be mistaken for markup.
"""

from __future__ import annotations

import unicodedata

from pillarbox.sasl.saslprep import ProhibitedCharacter

# Categories of the IdentifierClass: letters, digits and marks that combine.
_VALID = frozenset({"Ll", "Lu", "Lo", "Nd", "Lm", "Mn", "Mc"})
# Exceptions that RFC 5892 §2.6 makes to the categories.
_EXCEPTIONALLY_VALID = frozenset("\u00df\u03c2\u06fd\u06fe\u0f0b\u3007")
_EXCEPTIONALLY_INVALID = frozenset(
    "\u0640\u07fa\u302e\u302f\u3031\u3032\u3033\u3034\u3035\u303b"  # fillers and repeat marks
    "\u115f\u1160\u3164\uffa0"  # Hangul fillers: letters that show nothing
)
_RTL_LETTERS = frozenset({"R", "AL"})
_IN_RTL = frozenset({"R", "AL", "AN", "EN", "ES", "CS", "ET", "ON", "BN", "NSM"})
_ENDS_RTL = frozenset({"R", "AL", "EN", "AN"})
_WIDE = frozenset({"<wide>", "<narrow>"})


def map_width(text: str) -> str:
    """Full-width and half-width characters to their usual forms; all else stays."""
    if text.isascii():
        return text
    return "".join(map(_usual_width, text))


def _usual_width(character: str) -> str:
    decomposition = unicodedata.decomposition(character).split()
    if len(decomposition) == 2 and decomposition[0] in _WIDE:
        return chr(int(decomposition[1], 16))
    return character


def enforce_username(text: str) -> str:
    """UsernameCaseMapped; raises ProhibitedCharacter for "" and for what no name may hold."""
    prepared = unicodedata.normalize("NFC", map_width(text).lower())
    if not prepared or not all(map(_is_identifier, prepared)):
        raise ProhibitedCharacter
    _check_bidi(prepared)
    return prepared


def _is_identifier(character: str) -> bool:
    """Whether the IdentifierClass has it (RFC 8264 §4.2)."""
    if "\x21" <= character <= "\x7e" or character in _EXCEPTIONALLY_VALID:
        return True
    if character in _EXCEPTIONALLY_INVALID or unicodedata.category(character) not in _VALID:
        return False
    # HasCompat: what only looks like another character is refused.
    return unicodedata.normalize("NFKC", character) == character


def _check_bidi(text: str) -> None:
    """The Bidi Rule (RFC 5893 §2) for text with right-to-left characters."""
    kinds = [unicodedata.bidirectional(character) for character in text]
    if not any(kind in ("R", "AL", "AN") for kind in kinds):
        return
    while kinds and kinds[-1] == "NSM":
        kinds.pop()
    fits = (
        bool(kinds)
        and kinds[0] in _RTL_LETTERS
        and set(kinds) <= _IN_RTL
        and kinds[-1] in _ENDS_RTL
        and not {"EN", "AN"} <= set(kinds)
    )
    if not fits:
        raise ProhibitedCharacter
