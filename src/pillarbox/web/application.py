"""The HTTP application of a worker: its routes between what every request has to pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from starlette.routing import BaseRoute, Router

from pillarbox.clock import Clock
from pillarbox.config.web import WebSettings
from pillarbox.web.connection import Application
from pillarbox.web.failures import Failures
from pillarbox.web.headers import Header, SecurityHeaders
from pillarbox.web.origin import Origin


def make_application(
    routes: Sequence[BaseRoute],
    *,
    clock: Clock,
    settings: WebSettings,
    hosts: Iterable[str],
    is_certified: Callable[[str], bool],
    more_headers: Sequence[Header] = (),
) -> Application:
    """Security headers around failures around origin around the routes.

    `more_headers` are in every answer.
    """
    router = Router(routes, redirect_slashes=False)

    async def routed(scope: Any, receive: Any, send: Any) -> None:
        scope["app"] = routed  # then the router raises what it has no route for
        await router(scope, receive, send)

    origin = Origin(
        routed,
        hosts=(*hosts, *settings.hosts),
        is_certified=is_certified,
        proxies=settings.proxies,
        head_octets=settings.head_octets,
    )
    return SecurityHeaders(Failures(origin), clock, more_headers)
