"""Files too large for a letter: sent as a link that ends by itself.

Who has the address gets the file and needs no account here; its owner sees and withdraws it. An
address has 256 random bits, of which only the SHA-256 is stored.
"""

from __future__ import annotations

from starlette.routing import BaseRoute, Route

from pillarbox.web.account.asked import route
from pillarbox.web.links.own import Own
from pillarbox.web.links.shown import Shown
from pillarbox.web.services import WebServices

__all__ = ["routes"]


def routes(services: WebServices) -> list[BaseRoute]:
    """Those of the owner, by cookie, and those of everybody."""
    own, shown = Own(services), Shown(services)
    return [
        route(services, "links", "GET", own.get_all),
        route(services, "links", "POST", own.post),
        route(services, "links/{id}", "DELETE", own.delete),
        Route("/links/{word}", shown.get_page, methods=["GET"]),
        Route("/links/{word}/file", shown.get_file, methods=["GET"]),
    ]
