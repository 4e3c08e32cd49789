"""Passkeys at the sign-in pages: instead of the password, or as the second step."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from pillarbox.accounts.history import Attempt
from pillarbox.errors import AuthenticationFailed, NotAllowed
from pillarbox.web.session import SignInNeeded
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
)
from pillarbox.web.sites import site_of


class PasskeyStep:
    """What the page's script asks for, as JSON."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def post_options(self, request: Request) -> Response:
        """A challenge for whoever answers it."""
        await self._given(request)
        return JSONResponse(await self._desk.services.passkeys.ask(site_of(request)))

    async def post(self, request: Request) -> Response:
        """Instead of the password."""
        given = await self._given(request)
        return await self._enter(request, given, None, Wish.of(given))

    async def post_second_options(self, request: Request) -> Response:
        """A challenge for the passkeys of who gave the right password."""
        await self._given(request)
        step = await self._step(request)
        site = site_of(request)
        return JSONResponse(await self._desk.services.passkeys.ask(site, step.account))

    async def post_second(self, request: Request) -> Response:
        """Behind the password."""
        given = await self._given(request)
        step = await self._step(request)
        return await self._enter(request, given, step, Wish(step.stay, step.next))

    async def _enter(
        self, request: Request, given: dict[str, Any], step: Step | None, wish: Wish
    ) -> Response:
        services = self._desk.services
        credential = given.get("credential")
        account = step.account if step is not None else None
        try:
            identity = await services.passkeys.check(
                credential if isinstance(credential, dict) else {},
                site_of(request),
                account,
            )
        except AuthenticationFailed as error:
            self._desk.failed(request, "passkey", "failed")
            return refused(401, error)
        who = (identity.account, "web", peer_of(request), agent_of(request))
        services.history.note(Attempt(*who, "ok", identity.credential))
        await services.second_factors.was_right(identity.account)
        return await self._desk.enter(request, identity, wish)

    async def _given(self, request: Request) -> dict[str, Any]:
        """Raises NotAllowed, NotOurPage."""
        check_line(request)
        if not is_json(request):
            raise NotAllowed("This address is for the page's own script.")
        given = await read_json(request)
        self._desk.pages.forms.check(request, given)
        return given

    async def _step(self, request: Request) -> Step:
        step = await self._desk.find_step(request)
        if step is None:
            raise SignInNeeded("That took too long. Begin with the password again.")
        return step
