"""One request to /account/: who asks, that a page of ours did, and what it brought along."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pillarbox.accounts.browser_sessions import BrowserSession
from pillarbox.clock import from_unix_seconds
from pillarbox.errors import NotFound, TooLarge
from pillarbox.ids import AccountId
from pillarbox.net.problem import problem
from pillarbox.web.account.notices import tell_owner
from pillarbox.web.services import WebServices
from pillarbox.web.session import check_csrf, check_fresh, signed_in

T = TypeVar("T")
_MOST_BODY = 65_536  # octets; a new passkey has some thousand
_SAFE = frozenset({"GET", "HEAD"})


class NotUnderstood(Exception):
    """The body is not what this address takes."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Everything that an endpoint needs."""

    request: Request
    services: WebServices
    session: BrowserSession

    @property
    def account(self) -> AccountId:
        """Whose it is."""
        return self.session.account

    async def octets(self, most: int = _MOST_BODY) -> bytes:
        """The body. Raises TooLarge."""
        found = bytearray()
        async for piece in self.request.stream():
            found += piece
            if len(found) > most:
                raise TooLarge(f"That is more than {most} octets.")
        return bytes(found)

    async def body(self, kind: type[T]) -> T:
        """The body as a value. Raises NotUnderstood, TooLarge."""
        try:
            return msgspec.json.decode(await self.octets(), type=kind)
        except (msgspec.DecodeError, RecursionError) as error:
            raise NotUnderstood from error

    async def tell_owner(self, what: str, name: str = "") -> None:
        """A letter about a change; see `notices`."""
        await tell_owner(self.request, self.services, self.session, what, name=name)

    def number(self) -> int:
        """The `{id}` of the path. Raises NotFound."""
        text: str = self.request.path_params["id"]
        if not (text.isascii() and text.isdecimal() and len(text) < 18):
            raise NotFound("There is nothing of that name.")
        return int(text)


Endpoint = Callable[[Asked], Awaitable[Response]]


def route(
    services: WebServices, path: str, method: str, endpoint: Endpoint, *, fresh: bool = False
) -> Route:
    """`fresh`: only shortly after the password was given."""

    async def answered(request: Request) -> Response:
        session = await signed_in(request, services)
        if request.method not in _SAFE:
            check_csrf(request, session)
        if fresh:
            check_fresh(session, services)
        try:
            return await endpoint(Asked(request, services, session))
        except NotUnderstood:
            return problem(400, "The request is not what this address takes.")

    return Route(f"/account/{path}", answered, methods=[method])


def told(value: object) -> Response:
    """An answer in JSON."""
    return Response(msgspec.json.encode(value), media_type="application/json")


def done() -> Response:
    """It is as it was asked for."""
    return Response(status_code=204)


def instant(seconds: int | None) -> str | None:
    """RFC 3339, UTC."""
    if seconds is None:
        return None
    return from_unix_seconds(seconds).strftime("%Y-%m-%dT%H:%M:%SZ")
