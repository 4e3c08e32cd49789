"""Header fields that every answer carries, whoever made it: they shut what a browser could do.

A page that needs more says so itself: what an answer brings is not overwritten.
"""

from __future__ import annotations

from collections.abc import Sequence
from email.utils import format_datetime
from typing import Any

from pillarbox.clock import Clock

Header = tuple[bytes, bytes]
Headers = list[Header]
_CLOSED = (
    b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
)
SECURITY: dict[bytes, bytes] = {
    b"content-security-policy": _CLOSED,
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"permissions-policy": b"camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    b"x-dns-prefetch-control": b"off",
    b"cache-control": b"no-store",
}
_STRICT_TRANSPORT = (b"strict-transport-security", b"max-age=31536000")
PLAIN_HEADERS: Headers = [*SECURITY.items(), (b"content-type", b"text/plain; charset=utf-8")]


class SecurityHeaders:
    """ASGI middleware, the outermost."""

    def __init__(self, application: Any, clock: Clock, more: Sequence[Header] = ()) -> None:
        """`more`: besides, in every answer."""
        self._application = application
        self._more = more
        self._clock = clock

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        cookies: list[bytes] = []
        scope["pillarbox.cookies"] = cookies  # filled by `net.cookie`, whoever makes the answer

        async def send_more(message: Any) -> None:
            if message["type"] == "http.response.start":
                given = list(message.get("headers", ()))
                given += [(b"set-cookie", cookie) for cookie in cookies]
                message = {**message, "headers": self._with_more(given, scope)}
            await send(message)

        await self._application(scope, receive, send_more)

    def _with_more(self, given: Headers, scope: Any) -> Headers:
        names = {name.lower() for name, _ in given}
        more = [(name, value) for name, value in SECURITY.items() if name not in names]
        more.append((b"date", format_datetime(self._clock.now(), usegmt=True).encode()))
        if scope["scheme"] == "https" and not scope.get("pillarbox.local"):
            more.append(_STRICT_TRANSPORT)  # not for localhost: it would bind every port there
        return [*given, *more, *self._more]
