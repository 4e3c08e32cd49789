"""Names in any script (RFC 8265)."""

from __future__ import annotations

import pytest

from pillarbox.sasl.precis import enforce_username, map_width
from pillarbox.sasl.saslprep import ProhibitedCharacter


@pytest.mark.parametrize(
    ("name", "enforced"),
    [
        ("juliet", "juliet"),
        ("Juliet.Capulet+x!", "juliet.capulet+x!"),
        ("fußball", "fußball"),
        ("\u03c0", "\u03c0"),
        ("\u03a3", "\u03c3"),
        ("\u03c2", "\u03c2"),
        ("u\u0308", "ü"),
        ("\uff21\uff22", "ab"),  # full width
        ("\uff76\uff9e", "\u30ab\u3099".replace("\u30ab\u3099", "\u30ac")),  # half width
        ("田中", "田中"),
        ("\u05e9\u05dc\u05d5\u05dd", "\u05e9\u05dc\u05d5\u05dd"),
        ("\u05d01", "\u05d01"),
    ],
)
def test_names(name: str, enforced: str) -> None:
    assert enforce_username(name) == enforced


@pytest.mark.parametrize(
    "name",
    [
        "", "foo bar", "\u265a", "henry\u2163", "\u2163", "a\u200db", "x\u00a0y", "\u115f",
        "\ufb01sh", "😀", "\u0640", "a\u05d0", "\u05d0a", "1\u05d0", "\x07", "\u05d01\u0661",
    ],
)  # fmt: skip
def test_what_no_name_may_hold(name: str) -> None:
    with pytest.raises(ProhibitedCharacter):
        enforce_username(name)


def test_width_mapping_leaves_the_rest() -> None:
    assert map_width("ａlice①") == "alice①"
