"""The addresses of what all pages share."""

from __future__ import annotations

from starlette.routing import BaseRoute, Route

from pillarbox.web.pages.assets import TYPES, asset_endpoint
from pillarbox.web.services import WebServices


def routes(_services: WebServices) -> list[BaseRoute]:
    """Style sheet, script, picture: named one by one, for `/assets/` has other files, too."""
    return [Route(f"/assets/{name}", asset_endpoint(name), methods=["GET"]) for name in TYPES]
