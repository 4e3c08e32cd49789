"""App passwords: made, seen with their last use, withdrawn."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from starlette.responses import Response
from starlette.routing import BaseRoute

from pillarbox.accounts.scope import ALL_SCOPES, Scope, decode_scopes
from pillarbox.clock import unix_seconds
from pillarbox.errors import BadName, LimitReached
from pillarbox.telemetry.log import get_logger
from pillarbox.web.account.asked import Asked, done, instant, route, told
from pillarbox.web.services import WebServices

log = get_logger("accounts")
_MOST_NAME = 100  # characters


class _New(msgspec.Struct, rename="camel"):
    name: str
    scopes: list[Scope] = msgspec.field(default_factory=lambda: sorted(ALL_SCOPES))
    expires_at: datetime | None = None


def routes(services: WebServices) -> list[BaseRoute]:
    """app-passwords."""
    return [
        route(services, "app-passwords", "GET", get_all),
        route(services, "app-passwords", "POST", post_new, fresh=True),
        route(services, "app-passwords/{id}", "DELETE", delete_one),
    ]


async def get_all(asked: Asked) -> Response:
    """Without the passwords, which nobody knows any more."""
    found = await asked.services.admin.app_passwords(asked.session.login)
    return told(
        [
            {
                "id": str(one.id),
                "name": one.name,
                "scopes": sorted(decode_scopes(one.scopes)),
                "createdAt": instant(one.created_at),
                "expiresAt": instant(one.expires_at),
                "lastUsedAt": instant(one.last_used_at),
            }
            for one in found
        ]
    )


async def post_new(asked: Asked) -> Response:
    """The password itself is told this once."""
    given = await asked.body(_New)
    services, login = asked.services, asked.session.login
    name = "".join(filter(str.isprintable, given.name)).strip()[:_MOST_NAME]
    if not name or not given.scopes:
        raise BadName("An app password needs a name, and something that it is for.")
    expires_at = None
    if given.expires_at is not None:
        moment = given.expires_at
        aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        expires_at = unix_seconds(aware)
        if expires_at <= unix_seconds(services.clock.now()):
            raise BadName("That moment has passed already.")
    most = services.settings.auth.browser.app_passwords_per_account
    if len(await services.admin.app_passwords(login)) >= most:
        raise LimitReached("That is enough of app passwords. Remove those that are not used.")
    number, password = await services.admin.add_app_password(
        login, name, scopes=frozenset(given.scopes), expires_at=expires_at
    )
    log.event("accounts.app_password_made", account=asked.account, number=number)
    await asked.tell_owner("app_password", name)
    return told({"id": str(number), "password": password.reveal().decode()})


async def delete_one(asked: Asked) -> Response:
    """Programs that use it are let go."""
    await asked.services.admin.remove_app_password(asked.session.login, asked.number())
    log.event("accounts.app_password_removed", account=asked.account, number=asked.number())
    return done()
