"""/account/: what people see and change of their own account, as JSON for the app."""

from __future__ import annotations

from starlette.routing import BaseRoute

from pillarbox.web.account import (
    app_passwords,
    export,
    fetching,
    guarding,
    passkeys,
    person,
    remotes,
    sessions,
    totp,
)
from pillarbox.web.services import WebServices

__all__ = ["routes"]


def routes(services: WebServices) -> list[BaseRoute]:
    """All by cookie; what is no GET carries the word that our own pages know."""
    return [
        *person.routes(services),
        *guarding.routes(services),
        *app_passwords.routes(services),
        *export.routes(services),
        *fetching.routes(services),
        *remotes.routes(services),
        *sessions.routes(services),
        *totp.routes(services),
        *passkeys.routes(services),
    ]
