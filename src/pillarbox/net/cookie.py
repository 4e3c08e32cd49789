"""The cookie that a browser is known by, and what a request that carries it must show besides.

Over https its name begins with `__Host-`, which browsers take only as Secure, from this very host
and for all paths: no other name of the domain can plant one. On the loopback interface without
TLS it has another name and no Secure (RFC 6265 §4.1.2.5 says who sends what).
"""

from __future__ import annotations

import hmac
from typing import Any

from starlette.requests import Request

from pillarbox.net.secret import Secret

CSRF_HEADER = "x-csrf-token"
_SESSION = "pillarbox"
_HOST_ONLY = "__Host-"
_MOST_COOKIES = 8192  # characters of the header field
_OURS = frozenset({"same-origin", "none"})  # Sec-Fetch-Site; browsers without it send nothing
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def read_cookie(request: Request, name: str = _SESSION) -> str:
    """The value of a cookie of ours; "" where there is none, or it came over an open line."""
    given = request.headers.get("cookie", "")
    if not given or len(given) > _MOST_COOKIES:
        return ""
    if not request.scope.get("pillarbox.secure", False):
        return ""
    wanted = _full_name(request.scope, name)
    for pair in given.split(";"):
        found, _, value = pair.strip().partition("=")
        if found == wanted:
            return value
    return ""


def set_cookie(scope: Any, value: Secret, *, seconds: int | None, name: str = _SESSION) -> None:
    """With the answer to this request. `seconds`: None: until the browser is closed."""
    _add(scope, _encode(scope, name, value.reveal().decode(), seconds))


def drop_cookie(scope: Any, name: str = _SESSION) -> None:
    """The browser is to forget it."""
    _add(scope, _encode(scope, name, "", 0))


def may_use_cookie(request: Request, csrf: str) -> bool:
    """Whether a request by cookie was made by a page of ours, and not by another site's."""
    if request.headers.get("sec-fetch-site", "none") not in _OURS:
        return False
    return request.method in _SAFE or is_csrf(csrf, request.headers.get(CSRF_HEADER, ""))


def is_csrf(csrf: str, given: str) -> bool:
    """Compare in constant time."""
    return bool(given) and hmac.compare_digest(csrf.encode(), given.encode())


def _full_name(scope: Any, name: str) -> str:
    return _HOST_ONLY + name if scope["scheme"] == "https" else name


def _encode(scope: Any, name: str, value: str, seconds: int | None) -> bytes:
    """Values are letters, digits, `-`, `_` and `.`: nothing that needs quoting."""
    words = [f"{_full_name(scope, name)}={value}", "Path=/", "HttpOnly", "SameSite=Lax"]
    if scope["scheme"] == "https":
        words.append("Secure")
    if seconds is not None:
        words.append(f"Max-Age={seconds}")
    return "; ".join(words).encode()


def _add(scope: Any, field: bytes) -> None:
    scope.setdefault("pillarbox.cookies", []).append(field)
