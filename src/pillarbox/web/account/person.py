"""Who it is, what the page keeps for them, and whether the first steps were done."""

from __future__ import annotations

import msgspec
from starlette.responses import Response
from starlette.routing import BaseRoute

from pillarbox.accounts.recovery import masked
from pillarbox.config.loading import hostname_of
from pillarbox.store import Reader
from pillarbox.store.sql import accounts, second_factors, web_people
from pillarbox.web.account.asked import Asked, NotUnderstood, done, route, told
from pillarbox.web.pages import language_of
from pillarbox.web.services import WebServices
from pillarbox.web.session import renew_cookie


class _Checklist(msgspec.Struct):
    done: bool


def routes(services: WebServices) -> list[BaseRoute]:
    """state, preferences, checklist."""
    return [
        route(services, "state", "GET", get_state),
        route(services, "preferences", "GET", get_preferences),
        route(services, "preferences", "PUT", put_preferences),
        route(services, "checklist", "POST", post_checklist),
    ]


async def get_state(asked: Asked) -> Response:
    """What the app asks for when it begins, or when somebody signed in again."""
    services, account = asked.services, asked.account
    await renew_cookie(asked.request, services, asked.session)
    recovery = await services.recovering.state(account)

    async def look(db: Reader) -> dict[str, object]:
        factors = await second_factors.find(db, account)
        preferences, checklist_at = await web_people.find(db, account)
        language = msgspec.json.decode(preferences).get("language")
        return {
            "name": (await accounts.get(db, account)).name,
            "totp": factors.has_totp,
            "twoStep": factors.required,
            "passkeys": await second_factors.count_passkeys(db, account),
            "checklistDone": checklist_at is not None,
            "language": language if isinstance(language, str) else language_of(asked.request),
        }

    found = await services.store.read(look)
    return told(
        {
            "login": asked.session.login,
            "mailHost": hostname_of(services.settings),
            "csrf": asked.session.csrf,
            "stays": asked.session.stays,
            "sessionId": str(asked.session.id),
            "fresh": services.sessions.is_fresh(asked.session),
            "recovery": {
                "address": masked(recovery.address) if recovery.address else None,
                "verified": recovery.address is not None,
                "codesLeft": recovery.codes_left,
            },
            **found,
        }
    )


async def get_preferences(asked: Asked) -> Response:
    """As they were put."""
    octets, _ = await asked.services.store.read(lambda db: web_people.find(db, asked.account))
    return Response(octets, media_type="application/json")


async def put_preferences(asked: Asked) -> Response:
    """One object, which only the app understands."""
    octets = await asked.octets(asked.services.settings.auth.browser.preferences_octets)
    try:
        value = msgspec.json.decode(octets)
        kept = msgspec.json.encode(value)
    except (msgspec.DecodeError, RecursionError) as error:
        raise NotUnderstood from error
    if not isinstance(value, dict):
        raise NotUnderstood
    await asked.services.store.write(
        lambda tx: web_people.set_preferences(tx, asked.account, kept), short=True
    )
    return done()


async def post_checklist(asked: Asked) -> Response:
    """Done or put away, or to be shown again."""
    given = await asked.body(_Checklist)
    await asked.services.store.write(
        lambda tx: web_people.set_checklist(tx, asked.account, given.done), short=True
    )
    return done()
