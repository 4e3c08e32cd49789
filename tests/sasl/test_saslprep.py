"""SASLprep by the examples of RFC 4013 §3 and some passwords that people have."""

from __future__ import annotations

import pytest

from pillarbox.sasl.saslprep import ProhibitedCharacter, saslprep


@pytest.mark.parametrize(
    ("text", "prepared"),
    [
        ("I\u00adX", "IX"),
        ("user", "user"),
        ("USER", "USER"),
        ("\u00aa", "a"),
        ("\u2168", "IX"),
        ("a\u00a0b", "a b"),
        ("cafe\u0301", "café"),
        ("p\U0001f511ss", "p\U0001f511ss"),  # unknown to Unicode 3.2; in use all the same
        ("", ""),
        ("\u0627\u0628", "\u0627\u0628"),
    ],
)
def test_prepared(text: str, prepared: str) -> None:
    assert saslprep(text) == prepared


@pytest.mark.parametrize(
    "text", ["\u0007", "\u0627\u0031", "a\x00", "\ue000", "\u0627a\u0628", "\u200e"]
)
def test_prohibited(text: str) -> None:
    with pytest.raises(ProhibitedCharacter):
        saslprep(text)
