"""Which texts count as the same."""

from __future__ import annotations

import pytest

from pillarbox.message.casefold import fold


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Straße", "STRASSE"),
        ("ÄÖÜ", "äöü"),
        ("a\u0308", "ä"),  # composed or not
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("Hello", "hELLO"),
    ],
)
def test_same(one: str, other: str) -> None:
    assert fold(one) == fold(other)


def test_accents_and_widths_still_count() -> None:
    assert fold("é") != fold("e")
    assert fold("①") != fold("1")


def test_folding_twice_is_folding_once() -> None:
    for text in ("Straße", "İ", "ŉ", "ΐ", "a\u0308\u0323", "ﬁ"):
        assert fold(fold(text)) == fold(text)
