"""The administrator's accent as a style sheet of its own, which every policy allows anyway."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from pillarbox.config.accent import ink_on
from pillarbox.config.web import WebSettings

PATH = "/assets/accent.css"
_FOR_EVER = "public, max-age=31536000, immutable"


def accent_sheet(settings: WebSettings) -> str:
    """Empty where none is set. Where the system's own colours are wanted it says nothing.

    The app names its theme in the page; pages without scripts, and the app until it has started,
    follow the system.
    """
    rules = []
    for color, theme, media in (
        (settings.accent, "light", "not all and (prefers-color-scheme: dark)"),
        (settings.accent_dark, "dark", "(prefers-color-scheme: dark)"),
    ):
        if color:
            tokens = f"{{--accent:{color};--on-accent:{ink_on(color)}}}"
            rules.append(f':root[data-theme="{theme}"]{tokens}')
            rules.append(f"@media {media}{{:root:not([data-theme]){tokens}}}")
    return f"@media (forced-colors:none){{{''.join(rules)}}}" if rules else ""


def accent_path(settings: WebSettings) -> str:
    """Its address, another one for every colour; empty where there is none."""
    sheet = accent_sheet(settings)
    return f"{PATH}?v={hashlib.sha256(sheet.encode()).hexdigest()[:12]}" if sheet else ""


def accent_endpoint(settings: WebSettings) -> Callable[[Request], Awaitable[Response]]:
    """Answers with the sheet; an address of an older one has this one, too, but not for ever."""
    sheet, path = accent_sheet(settings), accent_path(settings)

    async def get_accent(request: Request) -> Response:
        is_this = f"{request.url.path}?{request.url.query}" == path
        headers = {"Cache-Control": _FOR_EVER if is_this else "no-cache"}
        return Response(sheet, headers=headers, media_type="text/css")

    return get_accent
