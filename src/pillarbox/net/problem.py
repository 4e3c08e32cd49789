"""Problem details: why an HTTP request failed, as JSON that a program can read.

Both HTTP doors, the pages and JMAP, answer with them.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.responses import Response

PROBLEM_TYPE = "application/problem+json"


def phrase_of(status: int) -> str:
    """The standard phrase of an HTTP status."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def problem(
    status: int,
    sentence: str,
    *,
    kind: str = "about:blank",
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> Response:
    """The answer; `sentence` says what to do, `kind` is a URI for programs."""
    told = {
        "type": kind,
        "title": phrase_of(status),
        "status": status,
        "detail": sentence,
        **more,
    }
    return Response(msgspec.json.encode(told), status, headers, PROBLEM_TYPE)
