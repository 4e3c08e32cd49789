"""Which language a page is in, and its texts (RFC 9110 §12.5.4)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files

from starlette.requests import Request

from pillarbox.net.cookie import read_cookie, set_cookie
from pillarbox.net.secret import Secret

LANGUAGES: Mapping[str, str] = {
    "en": "English",
    "de": "Deutsch",
    "es": "Español",
    "zh": "中文",
}
_COOKIE = "language"
_COOKIE_SECONDS = 365 * 86_400
_MOST_RANGES = 20  # of Accept-Language; browsers send a handful
_RANGE = re.compile(r"([A-Za-z]{1,8}|\*)(?:-[A-Za-z0-9-]{1,40})?\s*(?:;\s*q=([01](?:\.\d{0,3})?))?")


def language_of(request: Request, *, remember: bool = True) -> str:
    """`?lang=` (which is remembered), else what was remembered, else what the browser asks for."""
    asked = request.query_params.get("lang", "")
    if asked in LANGUAGES:
        if remember and read_cookie(request, _COOKIE) != asked:
            set_cookie(request.scope, Secret(asked), seconds=_COOKIE_SECONDS, name=_COOKIE)
        return asked
    remembered = read_cookie(request, _COOKIE)
    if remembered in LANGUAGES:
        return remembered
    return negotiated(request.headers.get("accept-language", ""))


def negotiated(accepted: str) -> str:
    """The best of ours; English where none of ours is wanted."""
    best, best_weight = "en", 0.0
    for part in accepted.split(",")[:_MOST_RANGES]:
        found = _RANGE.fullmatch(part.strip())
        if found is None:
            continue
        name, weight = found[1].lower(), float(found[2] or 1)
        if name in LANGUAGES and weight > best_weight:
            best, best_weight = name, weight
    return best


@lru_cache
def texts_of(area: str, language: str) -> Mapping[str, str]:
    """The texts of an area's folder; what all pages share is among them."""
    shared = {} if area == "pages" else texts_of("pages", language)
    path = files(f"pillarbox.web.{area}") / "texts" / f"{language}.json"
    return {**shared, **json.loads(path.read_text("utf-8"))}
