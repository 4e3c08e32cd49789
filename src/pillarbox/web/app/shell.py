"""The app's one page: HTML of the build, and in it what the app would ask for first (web.md §5)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from pillarbox.accounts.browser_sessions import BrowserSession
from pillarbox.errors import PillarboxError
from pillarbox.ids import AccountId
from pillarbox.jmap.session import session_object
from pillarbox.store import Reader
from pillarbox.store.model import Account, Mailbox
from pillarbox.store.sql import accounts, mailboxes, web_people
from pillarbox.store.sql.names import INBOX
from pillarbox.telemetry.log import get_logger
from pillarbox.web.app.build import Build
from pillarbox.web.app.first import first_batch
from pillarbox.web.pages.accent import accent_path
from pillarbox.web.services import WebServices
from pillarbox.web.session import renew_cookie, signed_in

log = get_logger("web")
WITHOUT_APP = "/basic/"
_MARK = "<!--inlined-->"
Finding = Callable[[], Awaitable[dict[str, Any] | None]]
_LISTED = re.compile(r"(?:inbox(?:/.*)?)?")  # paths below /mail/ that begin with the Inbox's list
POLICY_REPORTS = "/policy-report"
POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "frame-src 'self'",
        "worker-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types app dompurify svelte-trusted-html",
        f"report-uri {POLICY_REPORTS}",
    ]
)


@dataclass(frozen=True, slots=True)
class _Known:
    """One snapshot of what the page tells."""

    account: Account
    inbox: Mailbox | None
    preferences: dict[str, Any]


class Shell:
    """Of one build."""

    def __init__(self, services: WebServices, build: Build | None) -> None:
        self._services = services
        self._parts = None
        if build is not None:
            page = _with_sheet(build.page, accent_path(services.settings.web))
            self._parts = page.partition(_MARK)

    async def get(self, request: Request) -> Response:
        """The same page for every path of the app; the list is in it where it begins with one."""
        session = await signed_in(request, self._services)
        if self._parts is None:
            return RedirectResponse(WITHOUT_APP, 303)
        await renew_cookie(request, self._services, session)
        before, _, after = self._parts
        boot, first = await self._boot(request, session)

        async def pieces() -> AsyncIterator[str]:
            # The browser fetches the app's files while the list is being read.
            yield before
            yield f"{data_block('session', boot)}{await _first_block(first)}{after}"

        headers = {"Content-Security-Policy": POLICY}
        return StreamingResponse(pieces(), headers=headers, media_type="text/html")

    async def _boot(
        self, request: Request, session: BrowserSession
    ) -> tuple[dict[str, Any], Finding]:
        """What the app knows at once, and how the first list is found."""
        services = self._services
        origin = f"{request.scope['scheme']}://{request.headers['host'].lower()}"
        known = await services.store.read(lambda db: _known(db, session.account))
        boot = {
            "session": session_object(services.jmap, session.identity, origin),
            "csrf": session.csrf,
            "login": session.login,
            "name": known.account.name or None,
            "stays": session.stays,
            "preferences": known.preferences,
        }
        is_listed = _LISTED.fullmatch(request.path_params.get("path", "")) is not None
        first = partial(
            first_batch,
            services.jmap,
            session.identity,
            origin,
            inbox=known.inbox.id if known.inbox is not None and is_listed else None,
            is_collapsed=known.preferences.get("conversations") is not False,
        )
        return boot, first


def _with_sheet(page: str, path: str) -> str:
    """The last of the page's style sheets, so that it wins."""
    link = f'<link rel="stylesheet" href="{path}">' if path else ""
    return page.replace("</head>", f"{link}</head>", 1)


async def _first_block(finding: Finding) -> str:
    """The page has begun: what fails is left out, and the app asks for it."""
    try:
        first = await finding()
    except PillarboxError as error:
        log.warning_event("web.first_list_failed", why=type(error).__name__)
        return ""
    return data_block("first", first) if first is not None else ""


async def _known(db: Reader, account: AccountId) -> _Known:
    row = await accounts.get(db, account)
    inbox = await mailboxes.find(db, account, INBOX)
    kept, _ = await web_people.find(db, account)
    return _Known(row, inbox, msgspec.json.decode(kept))


def data_block(name: str, value: Any) -> str:
    """JSON inside HTML: nothing in it ends the element or begins a comment."""
    text = msgspec.json.encode(value).decode()
    for mark in "<>&\u2028\u2029":
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    return f'<script type="application/json" id="{name}">{text}</script>'
