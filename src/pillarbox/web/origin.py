"""Who asks, and for which name: proxies, the Host header, and requests that another site makes.

Links are made of the Host header, so only names of ours pass. A browser sends what it knows of a
person (a password typed once, a cookie) along with requests of any site; those that change
something must therefore come from our own pages, or from no page at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from ipaddress import ip_address
from typing import Any

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException

_HOST = re.compile(
    r"(?P<name>[a-z0-9_](?:[a-z0-9._-]{0,252})|\[[0-9a-f:.]{2,45}\])(?::(?P<port>[0-9]{1,5}))?"
)
_LOCAL = frozenset({"localhost", "127.0.0.1", "[::1]"})
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_OURS = frozenset({"same-origin", "none"})  # Sec-Fetch-Site


class Origin:
    """ASGI middleware: raises HTTPException for what is not for us."""

    def __init__(
        self,
        application: Any,
        *,
        hosts: Iterable[str],
        is_certified: Callable[[str], bool],
        proxies: Iterable[str],
        head_octets: int,
    ) -> None:
        """`is_certified`: whether a certificate of ours is for that name."""
        self._application = application
        self._hosts = frozenset(host.lower().removesuffix(".") for host in hosts)
        self._is_certified = is_certified
        self._proxies = frozenset(proxies)
        self._head_octets = head_octets

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = Headers(scope=scope)
        # The parser bounds what is incomplete; a head that comes in one piece can be longer.
        if sum(len(name) + len(value) for name, value in headers.raw) > self._head_octets:
            raise HTTPException(431, "The request's head is too long. Delete this site's cookies.")
        scope["pillarbox.proxied"] = scope["client"][0] in self._proxies
        scope.update(self._forwarded(scope, headers))
        name = self._checked_host(headers)
        peer = scope["client"][0]
        from_here = is_loopback(peer)
        scope["pillarbox.local"] = name in _LOCAL
        scope["pillarbox.peer"] = peer
        scope["pillarbox.secure"] = scope["scheme"] == "https" or from_here
        if scope["method"] not in _SAFE:
            _check_site(headers, f"{scope['scheme']}://{headers['host'].lower()}")
        await self._application(scope, receive, send)

    def _forwarded(self, scope: Any, headers: Headers) -> dict[str, Any]:
        """What a proxy of ours says about who asked; the last address that is no proxy's."""
        peer = scope["client"][0]
        if peer not in self._proxies:
            return {}
        told = ",".join(headers.getlist("x-forwarded-for")).split(",")
        for word in reversed(told):
            try:
                address = str(ip_address(word.strip()))
            except ValueError:
                break
            peer = address
            if address not in self._proxies:
                break
        scheme = headers.get("x-forwarded-proto", "").strip().lower()
        known = scheme if scheme in ("http", "https") else "http"
        return {"client": (peer, 0), "scheme": known}

    def _checked_host(self, headers: Headers) -> str:
        given = headers.getlist("host")
        found = _HOST.fullmatch(given[0].lower()) if len(given) == 1 else None
        if found is None:
            raise HTTPException(400, "The request does not say which host it is for.")
        name = found["name"].removesuffix(".")
        if name in self._hosts or name in _LOCAL or self._is_certified(name):
            return name
        raise HTTPException(
            421,
            "This server does not go by that name. Whoever runs it can add the name to 'web.hosts' "
            "of the configuration.",
        )


def _check_site(headers: Headers, own: str) -> None:
    """Raises HTTPException for a request that another site's page made.

    From pages that let no referrer out, as ours, a form's Origin is "null"; where the browser says
    besides that the page is of this very origin it is believed. A sandboxed page is of no origin.
    """
    origin = headers.get("origin", own).lower()
    site = headers.get("sec-fetch-site", "none")
    is_known = origin == own or (origin == "null" and site == "same-origin")
    if site not in _OURS or not is_known:
        raise HTTPException(403, "Pages of other sites may change nothing here.")


def name_and_port(host: str) -> tuple[str, str]:
    """Of a Host header that was let in; "": no port is told."""
    found = _HOST.fullmatch(host.lower())
    return (found["name"], found["port"] or "") if found is not None else ("", "")


def is_loopback(peer: str) -> bool:
    """Whether it is this computer that asks."""
    try:
        return ip_address(peer).is_loopback
    except ValueError:
        return peer == "local"
