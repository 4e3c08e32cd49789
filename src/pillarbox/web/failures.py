"""What could not be done: problem details for programs, a short page for people in a browser."""

from __future__ import annotations

import html
from typing import Any

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from pillarbox.errors import (
    AlreadyExists,
    BadName,
    LimitReached,
    NotAllowed,
    NotFound,
    PillarboxError,
    Throttled,
    TooLarge,
    Unavailable,
)
from pillarbox.net.problem import phrase_of, problem
from pillarbox.telemetry.log import get_logger
from pillarbox.telemetry.metrics import FAULTS
from pillarbox.web.pages.assets import asset_path
from pillarbox.web.pages.languages import language_of, texts_of
from pillarbox.web.session import ConfirmNeeded, SignInNeeded, sign_in_path

log = get_logger("web")
_NOTHING_HERE = "There is nothing at this address. Look for a typing mistake in it."
_SENTENCES = {  # for what the router says
    404: _NOTHING_HERE,
    405: "That method is not used here.",
}
_FAULT = "This server met a fault; its log tells which. Try again, and tell whoever runs it."
_PAGE = """<!doctype html>
<html lang="{language}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="{style}">
<main class="card">
<h1>{title}</h1>
<p>{sentence}</p>
<p><a href="/">{back}</a></p>
</main>
"""
PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_STATUSES: dict[type[PillarboxError], int] = {
    Unavailable: 503,
    Throttled: 429,
    LimitReached: 409,
    AlreadyExists: 409,
    TooLarge: 413,
    BadName: 422,
    NotFound: 404,
    NotAllowed: 403,
}
_LATER = frozenset({429, 503})


class Failures:
    """ASGI middleware: whatever is raised inside becomes an answer."""

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        begun = False

        async def send_noting(message: Any) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._application(scope, receive, send_noting)
        except ClientDisconnect:
            return
        except Exception as error:
            answer = _answer(error, scope)
            if begun:
                raise  # too late to say anything: the connection is cut
            await answer(scope, receive, send)


def _answer(error: Exception, scope: Any) -> Response:
    if isinstance(error, HTTPException):
        known = error.detail == phrase_of(error.status_code)
        sentence = _SENTENCES.get(error.status_code, error.detail) if known else error.detail
        return _told(error.status_code, sentence, scope, dict(error.headers or {}))
    if isinstance(error, SignInNeeded):
        if _wants_page(scope):
            return RedirectResponse(sign_in_path(Request(scope)), 303)
        return problem(401, str(error))
    if isinstance(error, ConfirmNeeded):
        return problem(403, str(error), reason="confirm")
    for kind, status in _STATUSES.items():
        if isinstance(error, kind):
            headers = {"Retry-After": "10"} if status in _LATER else {}
            return _told(status, str(error), scope, headers)
    FAULTS.labels("web").inc()
    log.error_event("web.request_failed", exc=True, method=scope["method"])
    return _told(500, _FAULT, scope, {})


def _told(status: int, sentence: str, scope: Any, headers: dict[str, str]) -> Response:
    if not _wants_page(scope):
        return problem(status, sentence, headers=headers)
    language = language_of(Request(scope))
    texts = texts_of("pages", language)
    title = f"{status} {phrase_of(status)}"
    if sentence == _NOTHING_HERE:
        title, sentence = texts["nothing_here"], texts["nothing_here_text"]
    page = _PAGE.format(
        language=language,
        style=asset_path("pages.css"),
        title=html.escape(title),
        sentence=html.escape(sentence),
        back=html.escape(texts["to_the_start"]),
    )
    return HTMLResponse(page, status, {**headers, "Content-Security-Policy": PAGE_POLICY})


def _wants_page(scope: Any) -> bool:
    """A browser that shows the answer, and no program or script."""
    return "text/html" in Headers(scope=scope).get("accept", "")
