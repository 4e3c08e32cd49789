"""The browser that waits until another one, which is signed in, says yes.

Every name gets the same: a cookie, a number, and as long to wait. That somebody said no, or that
there was nobody to ask, is not told here; only a yes is.
"""

from __future__ import annotations

import re

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from pillarbox.accounts.history import Attempt
from pillarbox.accounts.recovery_approval import WAY, shown_agent, shown_number
from pillarbox.clock import unix_seconds
from pillarbox.net.cookie import drop_cookie, read_cookie, set_cookie
from pillarbox.net.secret import Secret
from pillarbox.telemetry.log import get_logger
from pillarbox.web.recovery.desk import Desk

log = get_logger("web")
_PATH = "/forgot/device"
_WAIT = f"{_PATH}/wait"
_COOKIE = "waiting"
# Since when, for what is shown (the row knows it for itself), and the 256 bits.
_VALUE = re.compile(r"([0-9]{1,12})\.([A-Za-z0-9_-]{43})")


def routes(desk: Desk) -> list[BaseRoute]:
    """/forgot/device, /forgot/device/wait, /forgot/device/state; none where this way is closed."""
    if not desk.settings.by_device:
        return []
    waiting = _Waiting(desk)
    return [
        Route(_PATH, waiting.ask, methods=["GET", "POST"]),
        Route(_WAIT, waiting.wait, methods=["GET", "POST"]),
        Route(f"{_PATH}/state", waiting.get_state, methods=["GET"]),
    ]


class _Waiting:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def ask(self, request: Request) -> Response:
        """An address is typed; the cookie begins to wait."""
        if request.method != "POST":
            return self._form(request)
        fields = await self._desk.form(request)
        if fields is None:
            return self._form(request, status=403, error="old_page")
        token = await self._desk.approving.ask(
            fields.get("email", ""),
            request.scope["pillarbox.peer"],
            _agent(request),
        )
        self._desk.asks.begin()
        value = Secret(f"{self._now()}.{token.reveal().decode()}")
        set_cookie(request.scope, value, seconds=self._seconds, name=_COOKIE)
        return RedirectResponse(_WAIT, 303)

    async def wait(self, request: Request) -> Response:
        """GET shows how it stands, as often as one likes; POST goes on, once."""
        is_going_on = request.method == "POST"
        if is_going_on and await self._desk.form(request) is None:
            return await self._page(request, status=403, error="old_page")
        kept = self._kept(request)
        if kept is None:
            return RedirectResponse(_PATH, 303)
        made = await self._desk.approving.finish(kept[1]) if is_going_on else None
        if made is None:
            return await self._page(request)
        account, link = made
        drop_cookie(request.scope, _COOKIE)
        peer, agent = request.scope["pillarbox.peer"], shown_agent(_agent(request))
        log.event("web.approval_used", account=account, peer=peer)
        self._desk.services.history.note(Attempt(account, "web", peer, agent, "used", WAY))
        return RedirectResponse(f"/reset/{link.reveal().decode()}", 303)

    async def get_state(self, request: Request) -> Response:
        """The same for the page's script."""
        told = msgspec.json.encode({"state": await self._state(request)})
        return Response(told, media_type="application/json", headers={"Cache-Control": "no-store"})

    async def _state(self, request: Request) -> str:
        kept = self._kept(request)
        if kept is None:
            return "over"
        since, token = kept
        if await self._desk.approving.is_approved(token):
            return "approved"
        return "waiting" if self._now() - since < self._seconds else "over"

    async def _page(self, request: Request, *, status: int = 200, error: str = "") -> Response:
        kept = self._kept(request)
        return self._desk.pages.render(
            request,
            "waiting.html",
            status=status,
            error=error,
            state=await self._state(request),
            number=shown_number(kept[1]) if kept else 0,
            minutes=self._desk.settings.approval_minutes,
        )

    def _form(self, request: Request, *, status: int = 200, error: str = "") -> Response:
        return self._desk.pages.render(
            request,
            "asking.html",
            status=status,
            page="device",
            error=error,
            ways=self._desk.settings,
            contact="",
        )

    def _kept(self, request: Request) -> tuple[int, Secret] | None:
        found = _VALUE.fullmatch(read_cookie(request, _COOKIE))
        return (int(found[1]), Secret(found[2])) if found else None

    @property
    def _seconds(self) -> int:
        return self._desk.settings.approval_minutes * 60

    def _now(self) -> int:
        return unix_seconds(self._desk.services.clock.now())


def _agent(request: Request) -> str:
    return request.headers.get("user-agent", "")
