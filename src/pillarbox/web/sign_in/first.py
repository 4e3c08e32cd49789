"""The sign-in page: address and password, and all that helps those who miss one of them."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from pillarbox.accounts.typed_names import login_typed
from pillarbox.errors import AppPasswordGiven, AuthenticationFailed, PillarboxError, Throttled
from pillarbox.net.cookie import read_cookie
from pillarbox.net.secret import Secret
from pillarbox.web.pages import read_form
from pillarbox.web.session import NotOurPage, local_path
from pillarbox.web.sign_in.desk import (
    Desk,
    Wish,
    agent_of,
    check_line,
    is_json,
    peer_of,
    read_json,
    refused,
    seconds_of,
    text_of,
)

_MOST_SHOWN = 320  # characters of the address that come back in the form


class FirstStep:
    """Address and password."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def get_page(self, request: Request) -> Response:
        """Who is signed in goes on."""
        cookie = read_cookie(request)
        if cookie and await self._desk.services.sessions.find(cookie) is not None:
            return RedirectResponse(local_path(request.query_params.get("next")), 303)
        return self._page(request, {"next": request.query_params.get("next", "")})

    async def post(self, request: Request) -> Response:
        """By the form, or by JSON from the app."""
        check_line(request)
        if is_json(request):
            return await self._post_json(request, await read_json(request))
        form: dict[str, Any] = await read_form(request)
        try:
            self._desk.pages.forms.check(request, form)
            return await self._check(request, form)
        except NotOurPage:
            return self._page(request, form, status=403, problem_key="old_page")
        except Throttled as error:
            seconds = seconds_of(error)
            headers = {"Retry-After": str(seconds)}
            return self._page(request, form, 429, "wait", headers, seconds=seconds)
        except AppPasswordGiven:
            return self._desk.pages.render(request, "app_password.html", status=422)
        except AuthenticationFailed:
            return self._page(request, form, 422, "wrong")

    async def _post_json(self, request: Request, given: dict[str, Any]) -> Response:
        try:
            return await self._check(request, given)
        except Throttled as error:
            return refused(429, error)
        except AuthenticationFailed as error:
            return refused(401, error)

    async def _check(self, request: Request, given: dict[str, Any]) -> Response:
        """Raises AuthenticationFailed, Throttled; the same for all that is wrong."""
        services = self._desk.services
        typed, password = text_of(given, "email"), Secret(_octets(text_of(given, "password")))
        default = services.settings.auth.default_domain
        login = await services.store.read(lambda db: login_typed(db, typed, default))
        try:
            person = await services.authenticator.check_person(
                login, password, peer=peer_of(request), agent=agent_of(request)
            )
        except PillarboxError as error:
            outcome = "throttled" if isinstance(error, Throttled) else "failed"
            self._desk.failed(request, "password", outcome)
            raise
        wish = Wish.of(given)
        if not person.needs_second:
            return await self._desk.enter(request, person.identity, wish)
        await self._desk.begin_second(request, person.identity, wish)
        if is_json(request):
            return JSONResponse({"second": True})
        return RedirectResponse("/sign-in/second", 303)

    def _page(
        self,
        request: Request,
        given: dict[str, Any],
        status: int = 200,
        problem_key: str = "",
        headers: dict[str, str] | None = None,
        **variables: object,
    ) -> Response:
        """`problem_key`: the text of what is wrong, with its variables."""
        return self._desk.pages.render(
            request,
            "sign_in.html",
            status=status,
            headers=headers,
            problem_key=problem_key,
            problem_variables=variables,
            email=text_of(given, "email")[:_MOST_SHOWN],
            stay=bool(given.get("stay")),
            next=_shown_next(text_of(given, "next")),
        )


def _shown_next(given: str) -> str:
    """Only where the form should carry something on."""
    path = local_path(given)
    return path if path == given else ""


def _octets(text: str) -> bytes:
    """Half a surrogate pair is no password of anybody's."""
    return text.encode(errors="replace")
