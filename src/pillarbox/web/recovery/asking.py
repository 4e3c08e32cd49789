"""Who cannot sign in asks: forgotten password, forgotten address, help of an administrator."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from pillarbox.accounts.typed_names import login_typed
from pillarbox.errors import Throttled
from pillarbox.store.sql.recovery import Wish
from pillarbox.web.pages import language_of
from pillarbox.web.recovery.desk import Desk

_HOUR = 3600
_KINDS = {"/forgot": "reset", "/addresses": "addresses", "/admin-help": "administrator"}


def routes(desk: Desk) -> list[BaseRoute]:
    """/forgot, /forgot/code, /addresses, /admin-help."""
    asking = [
        Route(path, _asking(desk, path.removeprefix("/"), kind), methods=["GET", "POST"])
        for path, kind in _KINDS.items()
    ]

    async def by_code(request: Request) -> Response:
        return await _by_code(request, desk)

    return [*asking, Route("/forgot/code", by_code, methods=["GET", "POST"])]


def _asking(desk: Desk, page: str, kind: str) -> Callable[[Request], Awaitable[Response]]:
    """A page that asks for an address, and says the same whatever was typed."""

    async def endpoint(request: Request) -> Response:
        if request.method != "POST":
            return _page(request, desk, page)
        fields = await desk.form(request)
        if fields is None:
            return _page(request, desk, page, status=403, error="old_page")
        await desk.wishes.take(
            Wish(
                kind=kind,
                text=fields.get("email", ""),
                peer=request.scope["pillarbox.peer"],
                language=language_of(request),
                origin=desk.origin_of(request),
            )
        )
        return desk.told(request, f"{page}_sent_title", f"{page}_sent")

    return endpoint


def _page(
    request: Request, desk: Desk, page: str, *, status: int = 200, error: str = ""
) -> Response:
    return desk.pages.render(
        request,
        "asking.html",
        status=status,
        page=page,
        error=error,
        ways=desk.settings,
        contact=desk.settings.contact,
    )


async def _by_code(request: Request, desk: Desk) -> Response:
    """Who has a code on paper goes straight to the page for a new password."""
    if request.method != "POST":
        return _code_page(request, desk)
    fields = await desk.form(request)
    if fields is None:
        return _code_page(request, desk, status=403, error="old_page")
    services = desk.services
    typed, default = fields.get("email", ""), services.settings.auth.default_domain
    login = await services.store.read(lambda db: login_typed(db, typed, default))
    try:
        token = await desk.recovering.link_by_code(
            login, fields.get("code", "")[:100], request.scope["pillarbox.peer"]
        )
    except Throttled as error:
        return _wait_page(request, desk, max(1, math.ceil(error.seconds)))
    if token is None:
        return _code_page(request, desk, status=401, error="wrong_code")
    return RedirectResponse(f"/reset/{token.reveal().decode()}", 303)


def _wait_page(request: Request, desk: Desk, seconds: int) -> Response:
    return desk.pages.render(
        request,
        "code.html",
        status=429,
        error="too_many" if seconds >= _HOUR else "wait",
        seconds=seconds,
        headers={"Retry-After": str(seconds)},
    )


def _code_page(request: Request, desk: Desk, *, status: int = 200, error: str = "") -> Response:
    return desk.pages.render(request, "code.html", status=status, error=error, seconds=0)
