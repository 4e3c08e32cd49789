"""The second step: a code of the authenticator program, or one from paper."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from pillarbox.accounts.history import Attempt
from pillarbox.accounts.identity import Identity
from pillarbox.errors import AuthenticationFailed, Throttled
from pillarbox.web.pages import read_form
from pillarbox.web.session import NotOurPage, SignInNeeded
from pillarbox.web.sign_in.desk import (
    Desk,
    Step,
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


class SecondStep:
    """Only for who gave the right password some minutes ago."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def get_page(self, request: Request) -> Response:
        """Without the first step there is nothing to see."""
        step = await self._desk.find_step(request)
        if step is None:
            return RedirectResponse("/sign-in", 303)
        return await self._page(request, step)

    async def post(self, request: Request) -> Response:
        """A code."""
        check_line(request)
        step = await self._desk.find_step(request)
        if step is None and is_json(request):
            return refused(401, SignInNeeded("That took too long. Begin with the password again."))
        if step is None:
            return RedirectResponse("/sign-in", 303)
        if is_json(request):
            return await self._post_json(request, step)
        form = await read_form(request)
        try:
            self._desk.pages.forms.check(request, form)
            return await self._check(request, step, form)
        except NotOurPage:
            return await self._page(request, step, 403, "old_page")
        except Throttled as error:
            seconds = seconds_of(error)
            headers = {"Retry-After": str(seconds)}
            return await self._page(request, step, 429, "wait_code", headers, seconds=seconds)
        except AuthenticationFailed:
            return await self._page(request, step, 422, "wrong_code")

    async def _post_json(self, request: Request, step: Step) -> Response:
        try:
            return await self._check(request, step, await read_json(request))
        except Throttled as error:
            return refused(429, error)
        except AuthenticationFailed as error:
            return refused(401, error)

    async def _check(self, request: Request, step: Step, given: dict[str, Any]) -> Response:
        services = self._desk.services
        who = (step.account, "web", peer_of(request), agent_of(request))
        try:
            by = await services.second_factors.check_code(step.account, text_of(given, "code"))
        except AuthenticationFailed:
            services.history.note(Attempt(*who, "failed", ""))
            self._desk.failed(request, "code", "failed")
            raise
        services.history.note(Attempt(*who, "ok", by))
        identity = Identity(step.account, step.login, by)
        return await self._desk.enter(request, identity, Wish(step.stay, step.next))

    async def _page(
        self,
        request: Request,
        step: Step,
        status: int = 200,
        problem_key: str = "",
        headers: dict[str, str] | None = None,
        **variables: object,
    ) -> Response:
        services = self._desk.services
        factors = await services.second_factors.of(step.account)
        return self._desk.pages.render(
            request,
            "second.html",
            status=status,
            headers=headers,
            problem_key=problem_key,
            problem_variables=variables,
            login=step.login,
            has_totp=factors.has_totp,
            has_passkeys=bool(await services.passkeys.all(step.account)),
        )
