"""The style sheet, the script and the picture of all pages, under names that tell their content."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response

TYPES: Mapping[str, str] = {
    "basic.css": "text/css",
    "pages.css": "text/css",
    "pages.js": "text/javascript",
    "pages.svg": "image/svg+xml",
}
_FOR_EVER = "public, max-age=31536000, immutable"


@lru_cache
def octets_of(name: str) -> bytes:
    """A file of `assets/`."""
    return (files(__package__) / "assets" / name).read_bytes()


@lru_cache
def asset_path(name: str) -> str:
    """Its address; another one after each change."""
    return f"/assets/{name}?v={hashlib.sha256(octets_of(name)).hexdigest()[:12]}"


def asset_endpoint(name: str) -> Callable[[Request], Awaitable[Response]]:
    """Answers with the file; browsers that asked for this very content keep it for ever."""

    async def get_asset(request: Request) -> Response:
        is_this = f"{request.url.path}?{request.url.query}" == asset_path(name)
        headers = {"Cache-Control": _FOR_EVER if is_this else "no-cache"}
        return Response(octets_of(name), headers=headers, media_type=TYPES[name])

    return get_asset
