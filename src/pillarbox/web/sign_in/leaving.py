"""The first address of all, and the way out."""

from __future__ import annotations

import contextlib

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from pillarbox.errors import NotFound
from pillarbox.net.cookie import read_cookie
from pillarbox.web.pages import read_form
from pillarbox.web.session import check_csrf, take_cookie_back
from pillarbox.web.sign_in.desk import Desk, is_json

# Whoever uses this computer next finds nothing; drafts are kept by the server.
_CLEAR = {"Clear-Site-Data": '"cache", "storage"'}


class Leaving:
    """The root, and sign-out."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def get_root(self, request: Request) -> Response:
        """The mail, or the sign-in page."""
        cookie = read_cookie(request)
        session = await self._desk.services.sessions.find(cookie) if cookie else None
        return RedirectResponse("/mail/" if session is not None else "/sign-in", 303)

    async def post_sign_out(self, request: Request) -> Response:
        """By a form with its hidden field, or by the app with its header."""
        sessions = self._desk.services.sessions
        cookie = read_cookie(request)
        session = await sessions.find(cookie) if cookie else None
        json = is_json(request)
        if session is not None:
            form = {} if json or "x-csrf-token" in request.headers else await read_form(request)
            check_csrf(request, session, form.get("csrf"))
            with contextlib.suppress(NotFound):
                await sessions.end(session.account, session.id)
        take_cookie_back(request)
        if json:
            return JSONResponse({"next": "/sign-in"}, headers=_CLEAR)
        return RedirectResponse("/sign-in", 303, _CLEAR)
