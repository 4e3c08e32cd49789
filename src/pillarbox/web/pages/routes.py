"""The addresses of what all pages share."""

from __future__ import annotations

from starlette.routing import BaseRoute, Route

from pillarbox.web.pages.accent import PATH, accent_endpoint
from pillarbox.web.pages.assets import TYPES, asset_endpoint
from pillarbox.web.services import WebServices


def routes(services: WebServices) -> list[BaseRoute]:
    """Style sheet, script, picture: named one by one, for `/assets/` has other files, too."""
    assets = [Route(f"/assets/{name}", asset_endpoint(name), methods=["GET"]) for name in TYPES]
    return [*assets, Route(PATH, accent_endpoint(services.settings.web), methods=["GET"])]
