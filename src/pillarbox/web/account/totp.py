"""Codes of an authenticator program: shown as a QR code, tried once, asked for from then on."""

from __future__ import annotations

import asyncio

import msgspec
from starlette.responses import Response
from starlette.routing import BaseRoute

from pillarbox.accounts import totp
from pillarbox.accounts.second_factors import WrongCode
from pillarbox.net.problem import problem
from pillarbox.telemetry.log import get_logger
from pillarbox.web.account.asked import Asked, done, route, told
from pillarbox.web.services import WebServices

log = get_logger("accounts")


class _Code(msgspec.Struct):
    code: str


def routes(services: WebServices) -> list[BaseRoute]:
    """totp."""
    return [
        route(services, "totp/begin", "POST", post_begin, fresh=True),
        route(services, "totp/finish", "POST", post_finish, fresh=True),
        route(services, "totp", "DELETE", delete, fresh=True),
    ]


async def post_begin(asked: Asked) -> Response:
    """A new secret, as text, as a link, and as a picture for a telephone's camera."""
    services = asked.services
    secret = await services.second_factors.begin_totp(asked.account)
    uri = totp.uri_of(secret, asked.session.login, services.hostname)
    picture = await asyncio.to_thread(_picture, uri)
    return told({"secret": totp.readable(secret), "uri": uri, "qr": picture})


async def post_finish(asked: Asked) -> Response:
    """The program shows the right code: the second step is on."""
    given = await asked.body(_Code)
    try:
        await asked.services.second_factors.finish_totp(asked.account, given.code)
    except WrongCode as error:
        return problem(422, str(error), reason="wrong")
    log.event("accounts.totp_on", account=asked.account)
    await asked.tell_owner("totp_on")
    return done()


async def delete(asked: Asked) -> Response:
    """Off; the password alone is enough again."""
    await asked.services.second_factors.remove_totp(asked.account)
    log.event("accounts.totp_off", account=asked.account)
    await asked.tell_owner("totp_off")
    return done()


def _picture(uri: str) -> str:
    import segno  # only here, and not at every start

    return str(
        segno.make(uri, error="m").svg_data_uri(scale=4, border=2, dark="#000", light="#fff")
    )
