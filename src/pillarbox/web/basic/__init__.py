"""The mail without JavaScript: server-rendered, over the same method calls as the app's.

For browsers without scripts, for screen readers that like it better, and as the way out when the
app cannot start (web.md §2.3).
"""

from __future__ import annotations

from starlette.routing import BaseRoute, Route

from pillarbox.web.basic.acting import Acting
from pillarbox.web.basic.approval import Approval
from pillarbox.web.basic.composing import Composing
from pillarbox.web.basic.desk import Desk
from pillarbox.web.basic.listing import Listing
from pillarbox.web.basic.reading import Reading
from pillarbox.web.services import WebServices


def routes(services: WebServices) -> list[BaseRoute]:
    """All below /basic/."""
    desk = Desk(services)
    listing, reading = Listing(desk), Reading(desk)
    acting, composing = Acting(desk), Composing(desk)
    approval = Approval(desk)
    places = (
        ("GET", "/basic", listing.get),
        ("GET", "/basic/", listing.get),
        ("GET", "/basic/message/{id}", reading.get),
        ("POST", "/basic/act", acting.post),
        ("POST", "/basic/undo", acting.post_undo),
        ("GET", "/basic/compose", composing.get),
        ("POST", "/basic/compose", composing.post),
        ("GET", "/basic/approve", approval.get),
        ("POST", "/basic/approve", approval.post),
    )
    return [
        Route(path, desk.answering(endpoint), methods=[method]) for method, path, endpoint in places
    ]
