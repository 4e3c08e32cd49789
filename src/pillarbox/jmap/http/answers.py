"""Domain errors → HTTP, in one table; whole requests that are refused (RFC 8620 §3.6.1)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from pillarbox.errors import (
    AuthenticationFailed,
    LimitReached,
    NotAllowed,
    NotFound,
    OverQuota,
    PillarboxError,
    Throttled,
    TooLarge,
    Unavailable,
)
from pillarbox.jmap.errors import RequestRefused
from pillarbox.jmap.http.desk import Desk
from pillarbox.jmap.http.sign_in import CHALLENGE
from pillarbox.net.problem import problem

Endpoint = Callable[[Request, Desk], Awaitable[Response]]
_STATUSES: dict[type[PillarboxError], int] = {
    AuthenticationFailed: 401,
    NotAllowed: 403,
    NotFound: 404,
    TooLarge: 413,
    Throttled: 429,
    LimitReached: 429,
    OverQuota: 403,
    Unavailable: 503,
}
_HEADERS = {
    401: {"WWW-Authenticate": CHALLENGE},
    429: {"Retry-After": "10"},
    503: {"Retry-After": "10"},
}

# A page tells itself that its session ended; for `Basic` the browser would open a window.
_CHALLENGE_OF_PAGES = {"WWW-Authenticate": 'Bearer realm="Pillarbox"'}


def json_answer(value: object, *, status: int = 200) -> Response:
    """JSON, as every answer but files and events."""
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def answering(endpoint: Endpoint, desk: Desk) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint for a route: what it raises is answered."""

    async def answered(request: Request) -> Response:
        try:
            return await endpoint(request, desk)
        except RequestRefused as refused:
            told = refused.problem()
            limit = {"limit": told["limit"]} if "limit" in told else {}
            status = refused.status
            headers = {"Retry-After": "1"} if status == 429 else _HEADERS.get(status)
            return problem(status, str(refused), kind=told["type"], headers=headers, **limit)
        except PillarboxError as error:
            for kind, status in _STATUSES.items():
                if isinstance(error, kind):
                    headers = _CHALLENGE_OF_PAGES if _is_of_page(request, status) else None
                    return problem(status, str(error), headers=headers or _HEADERS.get(status))
            raise

    return answered


def _is_of_page(request: Request, status: int) -> bool:
    return status == 401 and "sec-fetch-site" in request.headers
