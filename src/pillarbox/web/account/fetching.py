"""Another service fetches from here over POP3: where it finds us, what it sees, what it leaves."""

from __future__ import annotations

from typing import Annotated

import msgspec
from starlette.responses import Response
from starlette.routing import BaseRoute

from pillarbox.store.sql import pop_view
from pillarbox.store.sql.pop_view import LONGEST_DAYS, AfterFetching, PopView
from pillarbox.telemetry.log import get_logger
from pillarbox.web.account.asked import Asked, done, route, told
from pillarbox.web.devices.ways import ways_of
from pillarbox.web.services import WebServices

log = get_logger("accounts")


class _Wish(msgspec.Struct, rename="camel"):
    """All three, always: a choice is made as a whole."""

    days: Annotated[int, msgspec.Meta(ge=1, le=LONGEST_DAYS)] | None
    after: AfterFetching
    hides_fetched: bool


def routes(services: WebServices) -> list[BaseRoute]:
    """fetching."""
    return [
        route(services, "fetching", "GET", get_view),
        route(services, "fetching", "PUT", put_view, fresh=True),
    ]


async def get_view(asked: Asked) -> Response:
    """The choice, and how mail programs reach this server."""
    settings = asked.services.settings
    view = await asked.services.store.read(lambda db: pop_view.get(db, asked.account))
    return told(
        {
            "days": view.days,
            "after": view.after.value,
            "hidesFetched": view.hides_fetched,
            "deletedGoesTo": settings.pop3.deleted_goes_to,
            "ways": [
                {
                    "protocol": way.protocol,
                    "host": way.host,
                    "port": way.port,
                    "security": "tls" if way.is_implicit else "starttls",
                }
                for way in ways_of(settings)
            ],
        }
    )


async def put_view(asked: Asked) -> Response:
    """For sessions that begin from now on; it decides what becomes of mail, so it is guarded."""
    wish = await asked.body(_Wish)
    view = PopView(wish.days, wish.after, wish.hides_fetched)
    await asked.services.store.write(lambda tx: pop_view.put(tx, asked.account, view))
    log.event(
        "accounts.pop_view", account=asked.account, days=view.days or 0, after=view.after.value
    )
    return done()
