"""The session resource and method calls (RFC 8620 §2, §3)."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from pillarbox.errors import Unavailable
from pillarbox.jmap.context import Context
from pillarbox.jmap.dispatch import run_request
from pillarbox.jmap.errors import RequestRefused
from pillarbox.jmap.http.answers import json_answer
from pillarbox.jmap.http.body import pieces
from pillarbox.jmap.http.desk import Desk
from pillarbox.jmap.registry import KNOWN
from pillarbox.jmap.request import Request as Asked
from pillarbox.jmap.request import parse_request
from pillarbox.jmap.session import session_object, session_state


async def get_session(request: Request, desk: Desk) -> Response:
    """What a client asks for first."""
    identity = await desk.sign_in.identify(request)
    return json_answer(session_object(desk.services, identity, origin_of(request)))


async def post_api(request: Request, desk: Desk) -> Response:
    """Method calls, and their responses in the same order."""
    identity = await desk.sign_in.identify(request)
    settings = desk.services.settings
    try:
        async with desk.requests.take(identity.account, settings.answer_seconds):
            asked = await _read(request, desk)
            created = dict(asked.created_ids or {})
            peer: str = request.scope["pillarbox.peer"]
            ctx = Context(desk.services, identity, frozenset(asked.using), created, peer)
            async with asyncio.timeout(settings.answer_seconds):
                responses = await run_request(asked, ctx)
    except TimeoutError:
        raise Unavailable("That takes too long. Ask for less at a time.") from None
    answer: dict[str, Any] = {"methodResponses": responses}
    if asked.created_ids is not None:
        answer["createdIds"] = ctx.created_ids
    answer["sessionState"] = session_state(desk.services, identity, origin_of(request))
    return json_answer(answer)


async def _read(request: Request, desk: Desk) -> Asked:
    """The request; refused where it is none of ours."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise RequestRefused("notJSON", "The Content-Type of a request is application/json.")
    settings = desk.services.settings
    most = settings.max_request_octets
    octets = b"".join([piece async for piece in pieces(request, most, "maxSizeRequest")])
    return parse_request(octets, known=KNOWN, max_calls=settings.max_calls)


def origin_of(request: Request) -> str:
    """Scheme, host and port; the host is one of ours, that was checked before."""
    return f"{request.scope['scheme']}://{request.headers['host'].lower()}"
