"""What all pages of this area share."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from pillarbox.accounts.recovery_approval import Approving
from pillarbox.config.site import site_ports
from pillarbox.web.pages import Pages
from pillarbox.web.pages.forms import read_form
from pillarbox.web.recovery.behind import Behind
from pillarbox.web.recovery.wishes import Wishes
from pillarbox.web.services import WebServices
from pillarbox.web.session import NotOurPage
from pillarbox.web.sites import origin_for_letters

AREA = "recovery"


class Desk:
    """One for a worker."""

    def __init__(self, services: WebServices) -> None:
        self.services = services
        self.settings = services.settings.recovery
        self.pages = Pages(services, AREA)
        self._ports = site_ports(services.settings)
        self.recovering = services.recovering
        self.wishes = Wishes(services, self.recovering)
        self.approving = Approving(
            services.store,
            services.clock,
            self.recovering,
            services.settings.auth.default_domain,
        )
        self.asks = Behind(self.approving.look_up_next, "recovery-asks")

    def begin(self) -> None:
        """What was left from before a restart."""
        self.wishes.begin()
        if self.settings.by_device:
            self.asks.begin()

    async def end(self) -> None:
        """What is under way is finished."""
        await self.wishes.end()
        await self.asks.end()

    async def form(self, request: Request) -> dict[str, str] | None:
        """The fields that our own page sent; None where it was too old."""
        fields = await read_form(request)
        try:
            self.pages.forms.check(request, fields)
        except NotOurPage:
            return None
        return fields

    def told(
        self, request: Request, heading: str, *texts: str, status: int = 200, login: str = ""
    ) -> Response:
        """A page that tells one thing, by the keys of its texts; `login` is named in some."""
        return self.pages.render(
            request,
            "told.html",
            status=status,
            heading=heading,
            texts=texts,
            ways=self.settings,
            login=login,
        )

    def origin_of(self, request: Request) -> str:
        """Where a link in a letter leads."""
        return origin_for_letters(request, self.services.hostname, self._ports)
