"""What all these pages share: method calls in this process, the folders beside everything."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from pillarbox.accounts.browser_sessions import BrowserSession
from pillarbox.clock import unix_seconds
from pillarbox.errors import LimitReached, NotFound, PillarboxError, TooLarge, Unavailable
from pillarbox.jmap.context import Context
from pillarbox.jmap.dispatch import run_request
from pillarbox.jmap.ids import account_id
from pillarbox.jmap.registry import KNOWN
from pillarbox.jmap.request import Call
from pillarbox.jmap.request import Request as JmapRequest
from pillarbox.store.sql import approvals
from pillarbox.store.sql.approvals import Ask
from pillarbox.web.basic.folders import Folder, arranged
from pillarbox.web.pages import Pages
from pillarbox.web.services import WebServices
from pillarbox.web.session import renew_cookie, signed_in

Answer = dict[str, Any]
Endpoint = Callable[[Request], Awaitable[Response]]
AskedCall = tuple[str, Answer, str]
FOLDERS: tuple[AskedCall, ...] = (
    ("Mailbox/get", {"ids": None}, "mailboxes"),
    ("Quota/get", {"ids": None}, "quotas"),
)
# Pictures and messages in frames come from here, and nothing else from anywhere.
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; frame-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; script-src 'self'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)


class Refused(PillarboxError):
    """A method call was answered with an error; the message is for people."""

    sentence = "That could not be done."


_STATUSES: dict[type[PillarboxError], int] = {
    Refused: 409,
    NotFound: 404,
    TooLarge: 413,
    LimitReached: 409,
    Unavailable: 503,
}


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around every page."""

    folders: list[Folder]
    quota: tuple[int, int] | None  # used and allowed octets

    def with_role(self, role: str) -> Folder | None:
        """The Trash, the Drafts …"""
        return next((one for one in self.folders if one.role == role), None)

    def with_id(self, wanted: str) -> Folder | None:
        """A folder of this account."""
        return next((one for one in self.folders if one.id == wanted), None)


class Desk:
    """One for a worker."""

    def __init__(self, services: WebServices) -> None:
        self.services = services
        self.pages = Pages(services, "basic")

    async def enter(self, request: Request) -> BrowserSession:
        """Whose page it is to be. Raises SignInNeeded."""
        session = await signed_in(request, self.services)
        await renew_cookie(request, self.services, session)
        request.state.asks = await self.asks(session)
        return session

    async def asks(self, session: BrowserSession) -> list[Ask]:
        """Who waits for a word of this browser; every page tells of it."""
        services = self.services
        if not services.settings.recovery.by_device:
            return []
        now = unix_seconds(services.clock.now())
        return await services.store.read(lambda db: approvals.open_asks(db, session.account, now))

    def answering(self, endpoint: Endpoint) -> Endpoint:
        """The endpoint for a route: what went wrong is told on a page like the others."""

        async def answered(request: Request) -> Response:
            try:
                return await endpoint(request)
            except PillarboxError as error:
                for kind, status in _STATUSES.items():
                    if isinstance(error, kind):
                        sentence = str(error)
                        return self.pages.render(
                            request, "problem.html", status=status, sentence=sentence
                        )
                raise

        return answered

    async def call(self, session: BrowserSession, *calls: AskedCall) -> dict[str, Answer]:
        """The answers by tag; of several with the same tag the first.

        Raises Refused (any error), NotFound, Unavailable.
        """
        jmap, own = self.services.jmap, account_id(session.account)
        asked = tuple(Call(name, {"accountId": own, **args}, tag) for name, args, tag in calls)
        ctx = Context(jmap, session.identity, KNOWN)
        try:
            async with asyncio.timeout(jmap.settings.answer_seconds):
                responses = await run_request(JmapRequest(tuple(sorted(KNOWN)), asked), ctx)
        except TimeoutError:
            raise Unavailable("That takes too long. Try again in a minute.") from None
        answers: dict[str, Answer] = {}
        for name, answer, tag in responses:
            if name == "error":
                raise _error(answer)
            answers.setdefault(tag, answer)
        return answers

    async def frame(self, session: BrowserSession) -> Frame:
        """For a page that asks for nothing else."""
        return read_frame(await self.call(session, *FOLDERS))

    def show(
        self,
        request: Request,
        template: str,
        session: BrowserSession,
        frame: Frame,
        *,
        status: int = 200,
        **values: Any,
    ) -> Response:
        """A page with the folders beside it."""
        return self.pages.render(
            request,
            template,
            status=status,
            session=session,
            headers={"Content-Security-Policy": POLICY},
            frame=frame,
            today=self.services.clock.now().astimezone(),
            local=local_time,
            octets=shown_octets,
            told=told(request),
            asks=request.state.asks,
            **values,
        )


def read_frame(answers: Mapping[str, Answer]) -> Frame:
    """From the answers to FOLDERS."""
    folders = arranged(answers["mailboxes"]["list"])
    for one in answers["quotas"]["list"]:
        if one["resourceType"] == "octets" and one["hardLimit"]:
            return Frame(folders, (one["used"], one["hardLimit"]))
    return Frame(folders, None)


def list_path(folder: str, words: str = "", page: int = 1, **more: str | int) -> str:
    """The address of a list."""
    given = {"in": folder, "q": words, "page": page if page > 1 else "", **more}
    query = urlencode({name: value for name, value in given.items() if value != ""})
    return f"/basic/?{query}" if query else "/basic/"


def told(request: Request) -> tuple[str, int, str] | None:
    """What was done before this page: a text's key, a number, and an operation of the server's."""
    key, number = request.query_params.get("told", ""), request.query_params.get("n", "")
    if not (key.isascii() and key.isalpha() and len(key) <= 20):
        return None
    count = int(number) if number.isascii() and number.isdecimal() and len(number) < 10 else 0
    return key, count, request.query_params.get("operation", "")[:40]


def local_time(instant: str) -> datetime:
    """A UTCDate on the clock of the server's place; a page without scripts knows no other."""
    return datetime.fromisoformat(instant).astimezone()


def shown_octets(octets: int) -> str:
    """A size for people, counted as the other page counts it."""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if octets >= size:
            return f"{octets * 10 // size / 10} {unit}"  # never more than there is
    return f"{octets} B"


def _error(answer: Answer) -> PillarboxError:
    sentence = answer.get("description")
    if answer.get("type") == "serverUnavailable":
        return Unavailable(sentence) if sentence else Unavailable()
    if answer.get("type") in ("notFound", "accountNotFound"):
        return NotFound("There is no such message or folder.")
    return Refused(sentence) if sentence else Refused()
