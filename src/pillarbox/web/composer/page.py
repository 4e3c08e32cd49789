"""An empty page for the editor's frame.

A letter that is answered brings its own styles, which the app's policy refuses. So it is written in
a document of its own, whose policy lets styles in and scripts out; the app's code works on it from
outside.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from pillarbox.web.services import WebServices

PATH = "/compose-page"
_PAGE = (
    b'<!DOCTYPE html><html><head><meta charset="utf-8"><title></title></head><body></body></html>'
)
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data: blob: {images}; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
_IMAGES = ("/m/", "/imgproxy/", "/jmap/download/")  # a letter may ask for nothing else of ours
_HEADERS = {
    "X-Frame-Options": "SAMEORIGIN",
    "Cache-Control": "public, max-age=86400",
}


def routes(_services: WebServices) -> list[BaseRoute]:
    """One page, the same for everybody."""
    return [Route(PATH, get_page, methods=["GET"])]


async def get_page(request: Request) -> Response:
    """The page; what is written in it never reaches the server this way."""
    host = request.headers["host"]  # checked for every request
    policy = _POLICY.format(images=" ".join(f"{host}{path}" for path in _IMAGES))
    headers = {"Content-Security-Policy": policy, "Vary": "Host", **_HEADERS}
    return Response(_PAGE, headers=headers, media_type="text/html")
