"""A request's method calls, one after the other; none ends the others (RFC 8620 §3.6.2)."""

from __future__ import annotations

from typing import Any

import msgspec

from pillarbox.errors import PillarboxError, Unavailable
from pillarbox.jmap.context import Context
from pillarbox.jmap.errors import MethodRefused, invalid_arguments
from pillarbox.jmap.method import Answers
from pillarbox.jmap.references import Response, resolve_references
from pillarbox.jmap.registry import METHODS
from pillarbox.jmap.request import Call, Request
from pillarbox.telemetry.log import get_logger

log = get_logger("jmap")


async def run_request(request: Request, ctx: Context) -> list[Response]:
    """All responses, in order."""
    responses: list[Response] = []
    for call in request.method_calls:
        responses.extend(await run_call(call, responses, ctx))
    return responses


async def run_call(call: Call, before: list[Response], ctx: Context) -> list[Response]:
    """One call's responses; an error is one, too."""
    try:
        method = METHODS.get(call.name)
        if method is None or method.capability not in ctx.using:
            raise MethodRefused("unknownMethod")
        arguments: Any = resolve_references(call.arguments, before)
        if method.arguments is not None:
            if "accountId" in method.arguments.__struct_encode_fields__:
                ctx.check_account(arguments.get("accountId"))
            arguments = _typed(arguments, method.arguments)
        answer = await method.run(ctx, arguments)
    except MethodRefused as refused:
        return [("error", refused.answer, call.id)]
    except Unavailable as error:
        return [_error("serverUnavailable", str(error), call)]
    except PillarboxError as error:
        log.error_event("jmap.unmapped_error", exc=True, method=call.name)
        return [_error("serverFail", str(error), call)]
    except Exception:  # a bug ends its call, not the request
        log.error_event("jmap.call_failed", exc=True, method=call.name)
        return [_error("serverFail", "This server met a fault; its log tells which.", call)]
    if isinstance(answer, Answers):
        return [(name, told, call.id) for name, told in answer.responses]
    return [(call.name, answer, call.id)]


def _typed(arguments: dict[str, Any], kind: type[msgspec.Struct]) -> msgspec.Struct:
    try:
        return msgspec.convert(arguments, kind)
    except msgspec.ValidationError as error:
        raise invalid_arguments(f"{error}.") from error


def _error(kind: str, sentence: str, call: Call) -> Response:
    return "error", {"type": kind, "description": sentence}, call.id
