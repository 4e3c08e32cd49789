"""All pages: an area is a folder with a `routes` function, and a line here."""

from __future__ import annotations

from collections.abc import Callable

from starlette.routing import BaseRoute

from pillarbox.web import account, app, basic, composer, devices, pages, sign_in
from pillarbox.web.bodies import area as bodies
from pillarbox.web.links import routes as links
from pillarbox.web.recovery import routes as recovery
from pillarbox.web.services import WebServices

AREAS: tuple[Callable[[WebServices], list[BaseRoute]], ...] = (
    pages.routes,
    sign_in.routes,
    account.routes,
    basic.routes,
    composer.routes,
    bodies.routes,
    recovery,
    devices.routes,
    links,
    app.routes,  # the last: below /assets/ it takes what no other area does
)


def site_routes(services: WebServices) -> list[BaseRoute]:
    """What `node` gives to the application, behind JMAP's own routes."""
    return [route for area in AREAS for route in area(services)]
