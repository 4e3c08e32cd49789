"""The password again, another password, and whether it alone is enough."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import msgspec
from starlette.responses import Response
from starlette.routing import BaseRoute

from pillarbox.accounts.password_quality import WeakPassword, check_quality
from pillarbox.errors import AuthenticationFailed, Throttled
from pillarbox.net.cookie import read_cookie
from pillarbox.net.problem import problem
from pillarbox.net.secret import Secret
from pillarbox.store.sql import accounts
from pillarbox.telemetry.log import get_logger
from pillarbox.web.account.asked import Asked, NotUnderstood, done, route
from pillarbox.web.services import WebServices
from pillarbox.web.session import hand_cookie
from pillarbox.web.sites import site_of

log = get_logger("accounts")


class _Confirm(msgspec.Struct):
    password: str = ""
    code: str = ""
    credential: dict[str, Any] | None = None  # of a passkey


class _Password(msgspec.Struct, rename="camel"):
    new: str
    app_passwords: bool = False  # those end, too


class _TwoStep(msgspec.Struct):
    on: bool


def routes(services: WebServices) -> list[BaseRoute]:
    """confirm, password, two-step."""
    return [
        route(services, "confirm", "POST", post_confirm),
        route(services, "password", "POST", post_password, fresh=True),
        route(services, "two-step", "PUT", put_two_step, fresh=True),
    ]


async def post_confirm(asked: Asked) -> Response:
    """By the password, a code, or a passkey; the session is fresh for some minutes."""
    given = await asked.body(_Confirm)
    try:
        await _check(asked, given)
    except Throttled as error:
        seconds = max(1, math.ceil(error.seconds))
        headers = {"Retry-After": str(seconds)}
        return problem(429, str(error), headers=headers, retryAfter=seconds)
    except AuthenticationFailed as error:
        return problem(422, str(error), reason="wrong")
    await _another_cookie(asked)
    return done()


async def _check(asked: Asked, given: _Confirm) -> None:
    """Raises AuthenticationFailed, Throttled."""
    services, session = asked.services, asked.session
    if given.credential is not None:
        site = site_of(asked.request)
        await services.passkeys.check(given.credential, site, session.account)
    elif given.code:
        await services.second_factors.check_code(session.account, given.code)
    elif given.password:
        peer: str = asked.request.scope["pillarbox.peer"]
        password = Secret(given.password.encode(errors="replace"))
        await services.authenticator.check_person(
            session.login, password, peer=peer, agent=session.agent
        )
    else:
        raise NotUnderstood


async def post_password(asked: Asked) -> Response:
    """Every other browser and program has to sign in again."""
    given = await asked.body(_Password)
    services, session = asked.services, asked.session
    password = Secret(given.new.encode(errors="replace"))
    owner = await services.store.read(lambda db: accounts.get(db, session.account))
    try:
        await asyncio.to_thread(check_quality, password, session.login, owner.name)
    except WeakPassword as error:
        return problem(422, str(error), reason=error.reason)
    await services.admin.set_password(
        session.login,
        password,
        keep_session=session.id,
        end_app_passwords=given.app_passwords,
    )
    log.event("accounts.password_changed", account=session.account, login=session.login)
    await asked.tell_owner("password")
    await _another_cookie(asked)
    return done()


async def put_two_step(asked: Asked) -> Response:
    """Whether something is asked for behind the password."""
    given = await asked.body(_TwoStep)
    await asked.services.second_factors.require(asked.account, given.on)
    log.event("accounts.two_step", account=asked.account, on=given.on)
    await asked.tell_owner("two_step_on" if given.on else "two_step_off")
    return done()


async def _another_cookie(asked: Asked) -> None:
    sessions = asked.services.sessions
    cookie = await sessions.confirm(asked.session, read_cookie(asked.request))
    if cookie is not None:
        hand_cookie(asked.request, asked.services, asked.session, cookie)
