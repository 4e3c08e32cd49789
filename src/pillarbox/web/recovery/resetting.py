"""A link for a new password. Looking at it uses nothing up, so that no scanner of links can."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from pillarbox.accounts.password_quality import SHORTEST, WeakPassword
from pillarbox.net.secret import Secret
from pillarbox.store.model import Account
from pillarbox.store.sql import recovery
from pillarbox.telemetry.log import get_logger
from pillarbox.web.pages import language_of
from pillarbox.web.recovery.desk import Desk

log = get_logger("web")
_MOST_PASSWORD = 1024  # characters that are read


def routes(desk: Desk) -> list[BaseRoute]:
    """/reset/{token}, /recovery/undo/{token}."""

    async def reset(request: Request) -> Response:
        return await _reset(request, desk)

    async def undo(request: Request) -> Response:
        return await _undo(request, desk)

    return [
        Route("/reset/{token}", reset, methods=["GET", "POST"]),
        Route("/recovery/undo/{token}", undo, methods=["GET", "POST"]),
    ]


def _token(request: Request) -> Secret:
    return Secret(request.path_params["token"])


async def _reset(request: Request, desk: Desk) -> Response:
    found = await desk.recovering.find_link(_token(request))
    if found is None:
        return _gone(request, desk)
    _, account = found
    if request.method != "POST":
        return _form(request, desk, account.login)
    fields = await desk.form(request)
    if fields is None:
        return _form(request, desk, account.login, status=403, error="old_page")
    password = fields.get("password", "")[:_MOST_PASSWORD]
    if password != fields.get("again", ""):
        return _form(request, desk, account.login, status=422, error="not_equal")
    try:
        done = await desk.recovering.choose_password(
            _token(request), Secret(password), with_app_passwords="apps" in fields
        )
    except WeakPassword as error:
        return _form(request, desk, account.login, status=422, error=f"weak_{error.reason}")
    if done is None:
        return _gone(request, desk)
    log.event("web.password_reset", account=done.id, peer=request.scope["pillarbox.peer"])
    await _tell(request, desk, done)
    return desk.told(request, "reset_done_title", "reset_done")


def _form(
    request: Request, desk: Desk, login: str, *, status: int = 200, error: str = ""
) -> Response:
    return desk.pages.render(
        request, "reset.html", status=status, login=login, error=error, shortest=SHORTEST
    )


def _gone(request: Request, desk: Desk) -> Response:
    """Used, too old, cut off, or never given out: all the same page."""
    return desk.told(request, "link_gone_title", "link_gone", status=404)


async def _tell(request: Request, desk: Desk, account: Account) -> None:
    """The mailbox and the recovery address hear of it, in case it was somebody else."""
    services = desk.services
    given = await services.store.read(lambda db: recovery.get(db, account.id))
    for to in filter(None, (account.login, given.address)):
        letter = await desk.wishes.letter(
            language_of(request),
            to,
            "changed",
            login=account.login,
            peer=request.scope["pillarbox.peer"],
            link=f"{desk.origin_of(request)}/forgot",
        )
        await services.letters.send(letter)


async def _undo(request: Request, desk: Desk) -> Response:
    """The owner of the former recovery address did not change it."""
    if request.method != "POST":
        return desk.pages.render(request, "undo.html", error="")
    if await desk.form(request) is None:
        return desk.pages.render(request, "undo.html", status=403, error="old_page")
    account = await desk.recovering.take_back(_token(request))
    if account is None:
        return _gone(request, desk)
    log.event("web.recovery_taken_back", account=account.id)
    return desk.told(request, "undo_done_title", "undo_done")
