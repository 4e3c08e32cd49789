"""What all pages of this area share."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from pillarbox.web.pages import Pages
from pillarbox.web.pages.forms import read_form
from pillarbox.web.recovery.wishes import Wishes
from pillarbox.web.services import WebServices
from pillarbox.web.session import NotOurPage

AREA = "recovery"


class Desk:
    """One for a worker."""

    def __init__(self, services: WebServices) -> None:
        self.services = services
        self.settings = services.settings.recovery
        self.pages = Pages(services, AREA)
        self.recovering = services.recovering
        self.wishes = Wishes(services, self.recovering)

    async def end(self) -> None:
        """What is under way is finished."""
        await self.wishes.end()

    async def form(self, request: Request) -> dict[str, str] | None:
        """The fields that our own page sent; None where it was too old."""
        fields = await read_form(request)
        try:
            self.pages.forms.check(request, fields)
        except NotOurPage:
            return None
        return fields

    def told(self, request: Request, heading: str, *texts: str, status: int = 200) -> Response:
        """A page that tells one thing, by the keys of its texts."""
        return self.pages.render(
            request, "told.html", status=status, heading=heading, texts=texts, contact=""
        )


def origin_of(request: Request) -> str:
    """Scheme, host and port of the page; the host is one of ours, `web.origin` saw to it."""
    return f"{request.scope['scheme']}://{request.headers['host'].lower()}"
