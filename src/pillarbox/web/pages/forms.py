"""Forms: what was sent, and proof that our own page sent it, also before anybody is signed in.

Before a sign-in a random cookie and a hidden field that only we can derive from it must agree.
Else another site could sign a browser in to the attacker's account, unnoticed (login CSRF).
"""

from __future__ import annotations

import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from urllib.parse import parse_qsl

from starlette.requests import Request

from pillarbox.accounts.browser_sessions import BrowserSession
from pillarbox.errors import TooLarge
from pillarbox.net.cookie import is_csrf, read_cookie, set_cookie
from pillarbox.net.secret import Secret
from pillarbox.web.session import NotOurPage, check_csrf

_COOKIE = "form"
_NONCE = re.compile(r"[A-Za-z0-9_-]{22}")
_MOST_OCTETS = 16_384  # of a form; the longest field is a password
_MOST_FIELDS = 50
FIELD = "csrf"


class Forms:
    """Makes the hidden field and checks it."""

    def __init__(self, server_key: Secret) -> None:
        self._key = server_key

    def field(self, request: Request, session: BrowserSession | None = None) -> str:
        """The value of the hidden field `csrf`; the answer brings the cookie where it is new."""
        if session is not None:
            return session.csrf
        nonce = read_cookie(request, _COOKIE)
        if not _NONCE.fullmatch(nonce):
            nonce = secrets.token_urlsafe(16)
            set_cookie(request.scope, Secret(nonce), seconds=None, name=_COOKIE)
        return self._derived(nonce)

    def check(
        self, request: Request, form: dict[str, str], session: BrowserSession | None = None
    ) -> None:
        """Raises NotOurPage."""
        given = form.get(FIELD, "")
        if session is not None:
            check_csrf(request, session, given)
            return
        nonce = read_cookie(request, _COOKIE)
        if not _NONCE.fullmatch(nonce) or not is_csrf(self._derived(nonce), given):
            raise NotOurPage

    def _derived(self, nonce: str) -> str:
        made = hmac.digest(self._key.reveal(), b"form\0" + nonce.encode(), "sha256")
        return urlsafe_b64encode(made[:24]).decode()


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form that was posted; of equal names the last. Raises TooLarge."""
    octets = bytearray()
    async for piece in request.stream():
        octets += piece
        if len(octets) > _MOST_OCTETS:
            raise TooLarge("That is more than the form takes.")
    try:
        pairs = parse_qsl(
            octets.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS
        )
    except ValueError:  # no UTF-8, or too many fields
        return {}
    return dict(pairs)
