"""Passkeys: made by the browser, named, removed."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.responses import Response
from starlette.routing import BaseRoute

from pillarbox.accounts.passkeys import PasskeyRefused
from pillarbox.net.problem import problem
from pillarbox.telemetry.log import get_logger
from pillarbox.web.account.asked import Asked, done, instant, route, told
from pillarbox.web.services import WebServices
from pillarbox.web.sites import site_of

log = get_logger("accounts")


class _Made(msgspec.Struct):
    credential: dict[str, Any]
    name: str = ""


def routes(services: WebServices) -> list[BaseRoute]:
    """passkeys; `ask` is for confirming by one."""
    return [
        route(services, "passkeys", "GET", get_all),
        route(services, "passkeys/begin", "POST", post_begin, fresh=True),
        route(services, "passkeys/finish", "POST", post_finish, fresh=True),
        route(services, "passkeys/ask", "POST", post_ask),
        route(services, "passkeys/{id}", "DELETE", delete_one, fresh=True),
    ]


async def get_all(asked: Asked) -> Response:
    """In the order of their making."""
    found = await asked.services.passkeys.all(asked.account)
    return told(
        [
            {
                "id": str(one.number),
                "name": one.name,
                "createdAt": instant(one.created_at),
                "lastUsedAt": instant(one.last_used_at),
            }
            for one in found
        ]
    )


async def post_begin(asked: Asked) -> Response:
    """What the browser needs to make one."""
    site = site_of(asked.request)
    return told(await asked.services.passkeys.begin(asked.account, asked.session.login, site))


async def post_finish(asked: Asked) -> Response:
    """What the browser made."""
    given = await asked.body(_Made)
    site = site_of(asked.request)
    try:
        number = await asked.services.passkeys.finish(
            asked.account, given.credential, given.name, site
        )
    except PasskeyRefused as error:
        return problem(422, str(error), reason="wrong")
    log.event("accounts.passkey_made", account=asked.account, number=number)
    made = await asked.services.passkeys.all(asked.account)
    await asked.tell_owner("passkey_made", next(one.name for one in made if one.number == number))
    return told({"id": str(number)})


async def post_ask(asked: Asked) -> Response:
    """What the browser needs to use one; its answer goes to /account/confirm."""
    return told(await asked.services.passkeys.ask(site_of(asked.request), asked.account))


async def delete_one(asked: Asked) -> Response:
    """It opens nothing any more."""
    await asked.services.passkeys.remove(asked.account, asked.number())
    log.event("accounts.passkey_removed", account=asked.account, number=asked.number())
    await asked.tell_owner("passkey_removed")
    return done()
