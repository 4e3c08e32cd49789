"""A request's body, never longer than its limit."""

from __future__ import annotations

from collections.abc import AsyncIterator

from starlette.requests import Request

from pillarbox.jmap.errors import RequestRefused


async def pieces(request: Request, most: int, limit: str) -> AsyncIterator[bytes]:
    """As they come. Raises RequestRefused with the limit's name before too much was read."""
    told = request.headers.get("content-length", "")
    if told.isdecimal() and int(told) > most:
        raise _too_large(most, limit)
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size > most:
            raise _too_large(most, limit)
        yield piece


def _too_large(most: int, limit: str) -> RequestRefused:
    sentence = f"That is more than {most} octets. Send less at a time."
    return RequestRefused("limit", sentence, status=413, limit=limit)
