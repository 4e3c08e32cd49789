"""The build's files over HTTP: the smallest form that the browser takes, for ever where hashed."""

from __future__ import annotations

from collections.abc import Callable

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from pillarbox.web.app.build import HASHED, Build, BuiltFile

_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"
_WORKER = "sw.js"
# A worker may fetch from here and do nothing else; it serves the app's paths alone.
_WORKER_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; connect-src 'self'; script-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Service-Worker-Allowed": "/mail/",
}
_CODINGS = ("br", "gzip")  # the smallest first
_MOST_ACCEPTED = 1000  # characters of Accept-Encoding and If-None-Match that are looked at


class Files:
    """Of one build; nothing is there without one."""

    def __init__(self, build: Build | None, arrived: Callable[[], None] = lambda: None) -> None:
        """`arrived` is told of everyone who fetches a file: the app is being started."""
        self._files = build.files if build is not None else {}
        self._arrived = arrived

    async def get_asset(self, request: Request) -> Response:
        """A file under its hashed name."""
        self._arrived()
        return self._serve(request, HASHED + request.path_params["name"], _FOR_EVER, {})

    async def get_worker(self, request: Request) -> Response:
        """The service worker; browsers look for a new one each time."""
        return self._serve(request, _WORKER, _ASK_AGAIN, _WORKER_HEADERS)

    def _serve(self, request: Request, name: str, keep: str, more: dict[str, str]) -> Response:
        file = self._files.get(name)
        if file is None:
            raise HTTPException(404)
        accepted = request.headers.get("accept-encoding", "")
        coding = choose_coding(file, accepted)
        etag = f'"{file.etag}-{coding}"'
        headers = {"Cache-Control": keep, "ETag": etag, "Vary": "Accept-Encoding", **more}
        known = request.headers.get("if-none-match", "")[:_MOST_ACCEPTED]
        if etag in [one.strip().removeprefix("W/") for one in known.split(",")]:
            return Response(status_code=304, headers=headers)
        headers["Content-Type"] = file.media_type
        if coding != "identity":
            headers["Content-Encoding"] = coding
        return Response(file.forms[coding], headers=headers)


def choose_coding(file: BuiltFile, accepted: str) -> str:
    """Of the forms that there are, the best that Accept-Encoding allows (RFC 9110 §12.5.3)."""
    weights = {}
    for word in accepted[:_MOST_ACCEPTED].lower().split(","):
        name, _, parameter = word.partition(";")
        weights[name.strip()] = parameter.replace(" ", "")
    for coding in _CODINGS:
        weight = weights.get(coding)
        if coding in file.forms and weight is not None and not _is_zero(weight):
            return coding
    return "identity"


def _is_zero(weight: str) -> bool:
    return weight.startswith("q=0") and not weight.removeprefix("q=0").strip(".0")
