"""Making an account of one's own: with an invitation, or where everybody may."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from pillarbox.accounts.password_quality import SHORTEST, WeakPassword, check_quality
from pillarbox.accounts.recovery import token_digest
from pillarbox.errors import AlreadyExists, BadName, NotFound
from pillarbox.net.secret import Secret
from pillarbox.store import Transaction
from pillarbox.store.sql import invitations, recovery
from pillarbox.telemetry.log import get_logger
from pillarbox.web.recovery.desk import Desk

log = get_logger("web")
_DAY = 86_400
_MOST_NAME = 200  # characters
_MOST_PASSWORD = 1024


@dataclass(frozen=True, slots=True)
class Offer:
    """What may be chosen."""

    domains: tuple[str, ...]  # where the guest chooses the name
    login: str  # or the address that was chosen for them
    quota_octets: int
    digest: bytes | None  # of the invitation; None: everybody may


def routes(desk: Desk) -> list[BaseRoute]:
    """/invite/{token}, /sign-up."""

    async def invite(request: Request) -> Response:
        digest = token_digest(Secret(request.path_params["token"]))
        now = int(desk.services.clock.now().timestamp())
        found = await desk.services.store.read(lambda db: invitations.find(db, digest, now))
        if found is None:
            return desk.told(request, "link_gone_title", "invitation_gone", status=404)
        is_domain = found.login.startswith("@")
        domains = (found.login[1:],) if is_domain else ()
        login = "" if is_domain else found.login
        return await _join(request, desk, Offer(domains, login, found.quota_octets, digest))

    async def sign_up(request: Request) -> Response:
        settings = desk.settings
        if not settings.sign_up_domains:
            return desk.told(request, "sign_up_closed_title", "sign_up_closed", status=404)
        offer = Offer(settings.sign_up_domains, "", settings.sign_up_quota_octets, None)
        return await _join(request, desk, offer)

    return [
        Route("/invite/{token}", invite, methods=["GET", "POST"]),
        Route("/sign-up", sign_up, methods=["GET", "POST"]),
    ]


async def _join(request: Request, desk: Desk, offer: Offer) -> Response:
    if request.method != "POST":
        return _form(request, desk, offer, {})
    fields = await desk.form(request)
    if fields is None:
        return _form(request, desk, offer, {}, status=403, error="old_page")
    domain = fields.get("domain", "")
    if domain not in offer.domains:
        domain = offer.domains[0] if offer.domains else ""
    login = offer.login or f"{fields.get('local', '').strip()}@{domain}"
    name = "".join(filter(str.isprintable, fields.get("name", "")))[:_MOST_NAME].strip()
    password = fields.get("password", "")[:_MOST_PASSWORD]
    if password != fields.get("again", ""):
        return _form(request, desk, offer, fields, status=422, error="not_equal")
    try:
        check_quality(Secret(password), login, name)
        await _make(desk, offer, login, name, Secret(password))
    except WeakPassword as error:
        return _form(request, desk, offer, fields, status=422, error=f"weak_{error.reason}")
    except AlreadyExists:
        return _form(request, desk, offer, fields, status=409, error="taken")
    except BadName:
        return _form(request, desk, offer, fields, status=422, error="bad_name")
    except NotFound:
        return desk.told(request, "link_gone_title", "invitation_gone", status=404)
    except _Closed:
        return _form(request, desk, offer, fields, status=429, error="too_many")
    log.event("web.joined", login=login, peer=request.scope["pillarbox.peer"])
    return desk.told(request, "joined_title", "joined", login=login)


class _Closed(Exception):
    """So many accounts were made today that more would be a robot's."""


async def _make(desk: Desk, offer: Offer, login: str, name: str, password: Secret) -> None:
    """The invitation is used up along. Raises AlreadyExists, BadName, NotFound, _Closed."""

    async def along(tx: Transaction) -> None:
        if offer.digest is not None:
            if await invitations.take(tx, offer.digest) is None:
                raise NotFound
        elif await recovery.count(tx, "sign-up", _DAY) > desk.settings.sign_ups_per_day:
            raise _Closed

    await desk.services.admin.create_account(
        login, password, name, quota_octets=offer.quota_octets, along=along
    )


def _form(
    request: Request,
    desk: Desk,
    offer: Offer,
    fields: dict[str, str],
    *,
    status: int = 200,
    error: str = "",
) -> Response:
    return desk.pages.render(
        request,
        "join.html",
        status=status,
        error=error,
        offer=offer,
        local=fields.get("local", ""),
        name=fields.get("name", ""),
        domain=fields.get("domain", ""),
        shortest=SHORTEST,
    )
