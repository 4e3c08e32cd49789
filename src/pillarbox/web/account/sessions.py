"""Browsers that are signed in, and the history of signing in at all doors."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import BaseRoute

from pillarbox.web.account.asked import Asked, done, instant, route, told
from pillarbox.web.services import WebServices
from pillarbox.web.session import take_cookie_back

_MOST_SHOWN = 200
_SHOWN = 50


def routes(services: WebServices) -> list[BaseRoute]:
    """sessions, sign-ins."""
    return [
        route(services, "sessions", "GET", get_all),
        route(services, "sessions/end-others", "POST", post_end_others),
        route(services, "sessions/{id}", "DELETE", delete_one),
        route(services, "sign-ins", "GET", get_history),
    ]


async def get_all(asked: Asked) -> Response:
    """Those used last first."""
    found = await asked.services.sessions.all(asked.account)
    return told(
        [
            {
                "id": str(one.id),
                "createdAt": instant(one.created_at),
                "lastSeenAt": instant(one.last_seen_at),
                "peer": one.peer,
                "agent": one.agent,
                "current": one.id == asked.session.id,
                "stays": one.stays,
            }
            for one in found
        ]
    )


async def delete_one(asked: Asked) -> Response:
    """Sign a browser out, this one too."""
    number = asked.number()
    await asked.services.sessions.end(asked.account, number)
    if number == asked.session.id:
        take_cookie_back(asked.request)
    return done()


async def post_end_others(asked: Asked) -> Response:
    """Only this browser stays."""
    await asked.services.sessions.end_others(asked.account, asked.session.id)
    return done()


async def get_history(asked: Asked) -> Response:
    """The newest first; equal attempts of an hour are one, with their number."""
    text = asked.request.query_params.get("limit", "")
    limit = int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else _SHOWN
    limit = max(1, min(limit, _MOST_SHOWN))
    found = await asked.services.history.recent(asked.account, limit)
    return told(
        [
            {
                "at": instant(one.last_at),
                "firstAt": instant(one.first_at),
                "times": one.times,
                "door": one.door,
                "peer": one.peer,
                "agent": one.agent or None,
                "outcome": one.outcome,
                "credential": one.credential or None,
            }
            for one in found
        ]
    )
