"""A request's octets → method calls (RFC 8620 §3.3)."""

from __future__ import annotations

from typing import Any

import msgspec

from pillarbox.jmap.errors import RequestRefused


class Call(msgspec.Struct, frozen=True, array_like=True):
    """An Invocation (RFC 8620 §3.2)."""

    name: str
    arguments: dict[str, Any]
    id: str


class Request(msgspec.Struct, frozen=True, rename="camel"):
    """What a client wants done, in order."""

    using: tuple[str, ...]
    method_calls: tuple[Call, ...]
    created_ids: dict[str, str] | None = None


_MOST_SHOWN = 200  # characters of what a client sent, in an answer
_decoder = msgspec.json.Decoder(Request)


def parse_request(octets: bytes, *, known: frozenset[str], max_calls: int) -> Request:
    """`known`: the capabilities that there are. Raises RequestRefused."""
    try:
        request = _decoder.decode(octets)
    except msgspec.ValidationError as error:
        raise RequestRefused("notRequest", f"The JSON is no JMAP request: {error}.") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RequestRefused("notJSON", "The body of the request is not JSON.") from error
    unknown = [name for name in request.using if name not in known]
    if unknown:
        name = unknown[0][:_MOST_SHOWN]
        raise RequestRefused("unknownCapability", f"This server does not speak {name!r}.")
    if len(request.method_calls) > max_calls:
        raise RequestRefused(
            "limit", f"A request has at most {max_calls} method calls.", limit="maxCallsInRequest"
        )
    return request
