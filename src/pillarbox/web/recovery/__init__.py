"""Ways back into an account, and into a first one: what the sign-in page leads to.

Whatever is typed here gets the same answer in the same time: it is written down, and somebody looks
at it behind the answer.
"""

from __future__ import annotations

from starlette.routing import BaseRoute

from pillarbox.web.recovery import answering, asking, joining, resetting, self_service, waiting
from pillarbox.web.recovery.desk import Desk
from pillarbox.web.services import WebServices

__all__ = ["routes"]


def routes(services: WebServices) -> list[BaseRoute]:
    """Their addresses."""
    desk = Desk(services)
    desk.begin()
    services.ending.append(desk.end)
    return [
        *asking.routes(desk),
        *resetting.routes(desk),
        *joining.routes(desk),
        *self_service.routes(desk),
        *waiting.routes(desk),
        *answering.routes(desk),
    ]
