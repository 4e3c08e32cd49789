"""Who is signed in, for the pages: by cookie, and with proof that a page of ours asks."""

from __future__ import annotations

import re
from urllib.parse import quote

from starlette.requests import Request

from pillarbox.accounts.browser_sessions import BrowserSession
from pillarbox.errors import AuthenticationFailed, NotAllowed
from pillarbox.net.cookie import CSRF_HEADER, drop_cookie, is_csrf, read_cookie, set_cookie
from pillarbox.net.secret import Secret
from pillarbox.web.services import WebServices

_DAY = 86_400
_LOCAL = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]{0,2000}")  # no scheme, host or backslash
_OURS = frozenset({"same-origin", "none"})


class SignInNeeded(AuthenticationFailed):
    """Pages lead to the sign-in page, programs get 401 (`web.failures`)."""

    sentence = "You are signed out. Sign in again."


class ConfirmNeeded(NotAllowed):
    """What guards the account is changed only shortly after the password was given."""

    sentence = "Give your password once more to change this."


class NotOurPage(NotAllowed):
    """A request by cookie that no page of ours made."""

    sentence = "This page is too old. Load it again and repeat what you did."


async def signed_in(request: Request, services: WebServices) -> BrowserSession:
    """The session of a request. Raises SignInNeeded, NotOurPage.

    A link on another site may lead to a page (it is a navigation); nothing else of other sites
    gets past here. What changes something must call `check_csrf`, too.
    """
    cookie = read_cookie(request)
    session = await services.sessions.find(cookie) if cookie else None
    if session is None:
        raise SignInNeeded
    if request.headers.get("sec-fetch-site", "none") not in _OURS and not is_navigation(request):
        raise NotOurPage
    services.arrived()
    return session


async def signed_in_fresh(request: Request, services: WebServices) -> BrowserSession:
    """The same, for what guards the account. Raises ConfirmNeeded besides."""
    session = await signed_in(request, services)
    check_fresh(session, services)
    return session


def check_fresh(session: BrowserSession, services: WebServices) -> None:
    """Raises ConfirmNeeded."""
    if not services.sessions.is_fresh(session):
        raise ConfirmNeeded


def check_csrf(request: Request, session: BrowserSession, given: str | None = None) -> None:
    """`given`: the form's hidden field; None: the header. Raises NotOurPage."""
    word = request.headers.get(CSRF_HEADER, "") if given is None else given
    if not is_csrf(session.csrf, word):
        raise NotOurPage


async def renew_cookie(request: Request, services: WebServices, session: BrowserSession) -> None:
    """Call it where a page is loaded: once a day the answer brings another cookie."""
    cookie = await services.sessions.renewed_cookie(read_cookie(request))
    if cookie is not None:
        hand_cookie(request, services, session, cookie)


def hand_cookie(
    request: Request, services: WebServices, session: BrowserSession, cookie: Secret
) -> None:
    """The answer to this request carries it."""
    days = services.sessions.settings.stay_idle_days
    seconds = days * _DAY if session.stays else None
    set_cookie(request.scope, cookie, seconds=seconds)


def take_cookie_back(request: Request) -> None:
    """The answer to this request lets the browser forget it."""
    drop_cookie(request.scope)


def local_path(given: str | None) -> str:
    """Where to go on: a path of ours, or the mail."""
    return given if given and _LOCAL.fullmatch(given) else "/mail/"


def sign_in_path(request: Request) -> str:
    """The sign-in page that leads back to what was asked for."""
    path = request.url.path
    if request.method not in ("GET", "HEAD") or path == "/":
        return "/sign-in"
    asked = f"{path}?{request.url.query}" if request.url.query else path
    return f"/sign-in?next={quote(asked, safe='/')}"


def is_navigation(request: Request) -> bool:
    """Whether a person follows a link, as far as the browser says."""
    return (
        request.method in ("GET", "HEAD")
        and request.headers.get("sec-fetch-mode", "") == "navigate"
        and request.headers.get("sec-fetch-dest", "") == "document"
    )
