"""The webmail as a browser gets it: its shell with the first list in it, its files, its worker."""

from __future__ import annotations

from starlette.routing import BaseRoute, Route

from pillarbox.web.app.build import current_build
from pillarbox.web.app.reports import Reports
from pillarbox.web.app.served import Files
from pillarbox.web.app.shell import POLICY_REPORTS, Shell
from pillarbox.web.services import WebServices


def headers() -> list[tuple[bytes, bytes]]:
    """In every answer: which build is served, so that an app that has been open for long knows."""
    build = current_build()
    return [(b"x-pillarbox-app", build.number.encode())] if build is not None else []


def routes(services: WebServices) -> list[BaseRoute]:
    """Without a build, /mail/ leads to the pages that need none."""
    build = current_build()
    shell, reports = Shell(services, build), Reports(services)
    files = Files(build, services.arrived)
    return [
        Route("/mail", shell.get, methods=["GET"]),
        Route("/mail/{path:path}", shell.get, methods=["GET"]),
        Route("/assets/{name:path}", files.get_asset, methods=["GET"]),
        Route("/sw.js", files.get_worker, methods=["GET"]),
        Route("/client-error", reports.post, methods=["POST"]),
        Route(POLICY_REPORTS, reports.post_refused, methods=["POST"]),
    ]
