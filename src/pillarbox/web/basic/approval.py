"""Who forgot the password asks for a word of this browser (web.md §2.5); here without scripts."""

from __future__ import annotations

import math
import re

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from pillarbox.accounts.browser_sessions import BrowserSession
from pillarbox.accounts.recovery_approval import Approving
from pillarbox.clock import from_unix_seconds
from pillarbox.errors import AuthenticationFailed, NotFound, Throttled
from pillarbox.net.cookie import read_cookie
from pillarbox.store.sql.approvals import Ask
from pillarbox.web.account.asked import Asked
from pillarbox.web.basic.desk import Desk, list_path
from pillarbox.web.basic.form import read_fields
from pillarbox.web.recovery.answering import decide
from pillarbox.web.session import check_csrf, hand_cookie

_PATH = "/basic/approve"
_TOLD = {"approved": "approved", "refused": "refused", "wrong": "mistaken"}
_MOST_CODE = 100  # characters
_BROWSERS = (
    ("Edge", re.compile("Edg/")),
    ("Opera", re.compile("OPR/")),
    ("Firefox", re.compile("Firefox/")),
    ("Chrome", re.compile("Chrome/|CriOS/")),
    ("Safari", re.compile("Safari/")),
)
_SYSTEMS = (
    ("iOS", re.compile("iPhone|iPad")),
    ("Android", re.compile("Android")),
    ("Windows", re.compile("Windows")),
    ("macOS", re.compile("Mac OS X|Macintosh")),
    ("Linux", re.compile("Linux|X11")),
)


class Approval:
    """One for a worker."""

    def __init__(self, desk: Desk) -> None:
        services = desk.services
        self._desk = desk
        self._approving = Approving(
            services.store,
            services.clock,
            services.recovering,
            services.settings.auth.default_domain,
        )

    async def get(self, request: Request) -> Response:
        """The oldest question, with three numbers once it is sure who sits here. Who opens this
        looks for one: those that wait quietly come up, too."""
        session = await self._desk.enter(request)
        await self._approving.look(session)
        request.state.asks = await self._desk.asks(session)
        return await self._page(request, session)

    async def post(self, request: Request) -> Response:
        """A code of the authenticator program, a number, or no."""
        session = await self._desk.enter(request)
        form = await read_fields(request)
        check_csrf(request, session, form.get("csrf"))
        if "code" in form.fields:
            return await self._confirm(request, session, form.get("code")[:_MOST_CODE])
        chosen = _number(form.get("number"))
        is_no = form.get("number") == "no"
        if not is_no and (chosen is None or not self._desk.services.sessions.is_fresh(session)):
            return await self._page(request, session)
        asked = Asked(request, self._desk.services, session)
        try:
            answer = await decide(asked, self._approving, _number(form.get("ask")) or 0, chosen)
        except NotFound:
            return _back("over")
        return _back(_TOLD[answer])

    async def _confirm(self, request: Request, session: BrowserSession, code: str) -> Response:
        """For some minutes the session is one whose owner is known to sit here."""
        services, t = self._desk.services, self._desk.pages.translate(request)
        try:
            await services.second_factors.check_code(session.account, code)
        except Throttled as error:
            wait = t("wait_code", seconds=max(1, math.ceil(error.seconds)))
            return await self._page(request, session, status=429, problem=wait)
        except AuthenticationFailed:
            return await self._page(request, session, status=422, problem=t("wrong_code"))
        cookie = await services.sessions.confirm(session, read_cookie(request))
        if cookie is not None:
            hand_cookie(request, services, session, cookie)
        return RedirectResponse(_PATH, 303)

    async def _page(
        self, request: Request, session: BrowserSession, *, status: int = 200, problem: str = ""
    ) -> Response:
        asks: list[Ask] = request.state.asks
        if not asks:
            return _back("over")
        ask = asks[0]
        return self._desk.show(
            request,
            "approve.html",
            session,
            await self._desk.frame(session),
            status=status,
            ask=ask,
            browser=browser_of(ask.agent),
            at=from_unix_seconds(ask.asked_at).astimezone(),
            is_fresh=self._desk.services.sessions.is_fresh(session),
            problem=problem,
        )


def browser_of(agent: str) -> str:
    """What it probably is; a stranger chose the text, so none of it is shown."""
    found = [
        next((name for name, sign in kinds if sign.search(agent)), "")
        for kinds in (_BROWSERS, _SYSTEMS)
    ]
    return " · ".join(filter(None, found))


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 18 else None


def _back(told: str) -> Response:
    return RedirectResponse(list_path("", told=told), 303)
