"""An accent that cannot be read is refused, with the ratio that it reached."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pillarbox.config.accent import GROUNDS, LEAST, contrast, ink_on
from pillarbox.config.loading import parse
from pillarbox.errors import ConfigurationError

HERE = Path("/etc/pillarbox")
OURS = {"accent": "#0b5cc8", "accent_dark": "#7ab0ff"}
SHEETS = (
    Path(__file__).parents[2] / "src/pillarbox/web/pages/assets/pages.css",
    Path(__file__).parents[2] / "frontend/src/shell/base.css",
)


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ("#000000", "#ffffff", 21.0),
        ("#ffffff", "#ffffff", 1.0),
        ("#767676", "#ffffff", 4.54),  # the lightest grey that may be text on white
        ("#777777", "#ffffff", 4.48),
        ("#ff0000", "#ffffff", 4.0),
        ("#0b5cc8", "#ffffff", 6.2),
        ("#7ab0ff", "#15181c", 8.0),
    ],
)
def test_contrast_as_others_compute_it(one, other, ratio):
    assert contrast(one, other) == contrast(other, one)
    assert contrast(one, other) == pytest.approx(ratio, abs=0.06)


@pytest.mark.parametrize("name", OURS)
def test_our_own_accents_would_be_taken(name):
    settings = parse(f'[web]\n{name} = "{OURS[name]}"'.encode(), "p.toml", HERE)
    assert getattr(settings.web, name) == OURS[name]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('accent = "#777777"', ["p.toml: web: accent #777777", "3.82 to 1", "4.5", "darker"]),
        ('accent = "#1a7f37"', ["#e3eefd", "4.33 to 1"]),
        ('accent = "#ffffff"', ["1.00 to 1"]),
        ('accent_dark = "#0b5cc8"', ["accent_dark #0b5cc8", "2.08 to 1", "4.5", "lighter"]),
        ('accent = "red"', ["web.accent"]),
        ('accent = "#fff"', ["web.accent"]),
        ('accent = "#0b5cc8}a{"', ["web.accent"]),
        ('accent = "#0b5cc8\\n"', ["web.accent"]),
    ],
)
def test_what_cannot_be_read_or_is_no_colour_is_refused(line, words):
    with pytest.raises(ConfigurationError) as caught:
        parse(f"[web]\n{line}".encode(), "p.toml", HERE)
    for word in words:
        assert word in str(caught.value)


def test_words_on_an_accent_can_be_read_whatever_accent_is_taken():
    for name, grounds in GROUNDS.items():
        for color in (f"#{red:02x}{green:02x}80" for red in range(0, 256, 15) for green in (0, 99)):
            if min(contrast(color, ground) for ground in grounds) >= LEAST:
                assert contrast(color, ink_on(color)) >= LEAST, (name, color)


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda one: one.name)
def test_the_grounds_are_those_of_the_style_sheets(sheet):
    text = re.sub(r"#fff\b", "#ffffff", sheet.read_text())
    for name, grounds in GROUNDS.items():
        for token, ground in zip(("bg", "surface", "selected"), grounds, strict=True):
            assert f"--{token}: {ground};" in text, (name, token)
