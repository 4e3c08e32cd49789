"""The texts of all pages: every language says everything, and nothing is said to nobody."""

from __future__ import annotations

import json
import re
import string
from pathlib import Path

import pytest

import pillarbox.web
from pillarbox.web.pages.languages import LANGUAGES

WEB = Path(pillarbox.web.__file__).parent
AREAS = sorted(path.parent.name for path in WEB.glob("*/texts"))


def texts(area: str, language: str) -> dict[str, str]:
    found: dict[str, str] = json.loads((WEB / area / "texts" / f"{language}.json").read_text())
    return found


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_there_are_areas() -> None:
    assert {"pages", "sign_in"} <= set(AREAS)


@pytest.mark.parametrize("area", AREAS)
def test_all_languages_say_the_same_things(area: str) -> None:
    english = texts(area, "en")
    for language in LANGUAGES:
        said = texts(area, language)
        assert set(said) == set(english), language
        for key, text in said.items():
            assert text.strip(), (language, key)
            assert fields(text) == fields(english[key]), (language, key)
            assert "<" not in text, (language, key)  # what is said is never markup


@pytest.mark.parametrize("area", ["pages", "sign_in"])
def test_nothing_is_said_to_nobody(area: str) -> None:
    sources = [*WEB.rglob("*.py"), *WEB.rglob("templates/*.html")]
    used = "\n".join(path.read_text() for path in sources)
    for key in texts(area, "en"):
        assert re.search(rf"[\"']{key}[\"']", used), key
