"""How to set up a phone or a mail program: a page for people, answers for programs.

Nothing here needs a sign-in, and nothing tells whether somebody exists.
"""

from __future__ import annotations

import io
import re

import segno
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from pillarbox.accounts.names import split_address
from pillarbox.config.site import site_origin
from pillarbox.errors import BadName
from pillarbox.net.problem import problem
from pillarbox.store.sql import accounts
from pillarbox.web.devices.formats import autoconfig, autodiscover, mobileconfig
from pillarbox.web.devices.ways import ways_of
from pillarbox.web.pages import Pages
from pillarbox.web.services import WebServices

__all__ = ["routes"]
_MOST_BODY = 16_384  # octets of what Outlook sends
_ASKED = re.compile(rb"<EMailAddress>\s*([^<>\s]{3,320})\s*</EMailAddress>")  # no parser: no tricks
_PROFILE_TYPE = "application/x-apple-aspen-config"
_AUTOCONFIG = ("/.well-known/autoconfig/mail/config-v1.1.xml", "/mail/config-v1.1.xml")
_AUTODISCOVER = ("/autodiscover/autodiscover.xml", "/Autodiscover/Autodiscover.xml")


def routes(services: WebServices) -> list[BaseRoute]:
    """Their addresses."""
    devices = _Devices(services)
    return [
        Route("/devices", devices.page, methods=["GET"]),
        Route("/devices/apple.mobileconfig", devices.apple, methods=["GET"]),
        Route("/devices/qr.svg", devices.picture, methods=["GET"]),
        *(Route(path, devices.thunderbird, methods=["GET"]) for path in _AUTOCONFIG),
        *(Route(path, devices.outlook, methods=["GET", "POST"]) for path in _AUTODISCOVER),
    ]


class _Devices:
    def __init__(self, services: WebServices) -> None:
        self._services = services
        self._pages = Pages(services, "devices")
        self._ways = ways_of(services.settings)

    async def page(self, request: Request) -> Response:
        """Names, ports, and files that set a program up."""
        address = _address(request.query_params.get("email", ""))
        return self._pages.render(
            request,
            "devices.html",
            ways=self._ways,
            address=address or "",
            origin=site_origin(self._services.settings),
        )

    async def picture(self, request: Request) -> Response:
        """The address of the page, for a phone's camera."""
        code = segno.make(f"{site_origin(self._services.settings)}/devices", error="m")
        written = io.BytesIO()
        code.save(written, kind="svg", scale=4, border=4, dark="#000", light="#fff")
        headers = {"Cache-Control": "public, max-age=3600"}
        return Response(written.getvalue(), headers=headers, media_type="image/svg+xml")

    async def apple(self, request: Request) -> Response:
        """A profile without a password; the device asks for it."""
        address = _address(request.query_params.get("email", ""))
        if address is None or not await self._is_ours(address):
            return problem(422, "Type your whole address on the page before, name@domain.")
        profile = mobileconfig(address, "", self._ways)
        if profile is None:
            return problem(404, "This server has no IMAP or no SMTP for mail programs.")
        headers = {"Content-Disposition": 'attachment; filename="mail.mobileconfig"'}
        return Response(profile, headers=headers, media_type=_PROFILE_TYPE)

    async def thunderbird(self, request: Request) -> Response:
        """Asked by Thunderbird, K-9, Evolution, KMail."""
        address = _address(request.query_params.get("emailaddress", ""))
        domain = address.rpartition("@")[2] if address else await self._first_domain()
        if address is not None and not await self._is_ours(address):
            return problem(404, "That domain's mail is not here.")
        return _xml(autoconfig(domain, self._ways))

    async def outlook(self, request: Request) -> Response:
        """Asked by Outlook and Windows Mail."""
        octets = bytearray()
        async for piece in request.stream():
            octets += piece
            if len(octets) > _MOST_BODY:
                return problem(413, "That is more than a request for settings.")
        found = _ASKED.search(bytes(octets))
        address = _address(found[1].decode("utf-8", "replace")) if found else None
        if address is None or not await self._is_ours(address):
            return problem(404, "The request names no address of this server.")
        return _xml(autodiscover(address, self._ways))

    async def _is_ours(self, address: str) -> bool:
        """By the domain alone, so that nobody learns who exists."""
        domain = address.rpartition("@")[2]
        return await self._services.store.read(lambda db: accounts.has_domain(db, domain))

    async def _first_domain(self) -> str:
        domains = await self._services.store.read(accounts.all_domains)
        return domains[0] if domains else self._services.hostname


def _address(text: str) -> str | None:
    """Folded; None for what cannot be one."""
    try:
        local, domain = split_address(text.strip())
    except BadName:
        return None
    return f"{local}@{domain}" if local else None


def _xml(text: str) -> Response:
    return Response(text.encode(), media_type="application/xml")
