"""What the steps of signing in share: who may go on to the next one, and the session at the end."""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from pillarbox.accounts.identity import Identity
from pillarbox.accounts.signer import Signer
from pillarbox.errors import NotAllowed, NotFound, PillarboxError, Throttled, TooLarge
from pillarbox.ids import AccountId
from pillarbox.net.cookie import drop_cookie, read_cookie, set_cookie
from pillarbox.net.problem import problem
from pillarbox.net.secret import Secret
from pillarbox.store.database import Reader
from pillarbox.store.sql import accounts, credentials
from pillarbox.telemetry.log import get_logger
from pillarbox.telemetry.metrics import SIGN_INS
from pillarbox.web.pages import Pages
from pillarbox.web.services import WebServices
from pillarbox.web.session import hand_cookie, local_path

log = get_logger("accounts")
_STEP_COOKIE = "step"
_STEP_SECONDS = 600  # between the password and the second step
_MOST_JSON = 65_536  # octets; a passkey's answer has some thousand
_MOST_AGENT = 200


class Step(msgspec.Struct, frozen=True, array_like=True):
    """Somebody gave the right password, and the second step is to come."""

    account: AccountId
    login: str
    changed_at: int  # of the password: with another one the step is void
    stay: bool
    next: str


@dataclass(frozen=True, slots=True)
class Wish:
    """What goes along through the steps."""

    stay: bool
    next: str

    @classmethod
    def of(cls, given: dict[str, Any]) -> Wish:
        """From a form or from JSON."""
        return cls(bool(given.get("stay")), local_path(str(given.get("next", ""))))


class Desk:
    """One for a worker."""

    def __init__(self, services: WebServices) -> None:
        self.services = services
        self.pages = Pages(services, "sign_in")
        self._steps = Signer(services.server_key, services.clock, "second step")

    # The second step

    async def begin_second(self, request: Request, identity: Identity, wish: Wish) -> None:
        """The answer carries who may go on."""
        changed_at = await self.services.store.read(lambda db: _changed_at(db, identity.account))
        step = Step(identity.account, identity.login, changed_at, wish.stay, wish.next)
        word = self._steps.sign(msgspec.json.encode(step), _STEP_SECONDS)
        set_cookie(request.scope, Secret(word), seconds=_STEP_SECONDS, name=_STEP_COOKIE)

    async def find_step(self, request: Request) -> Step | None:
        """Who may go on; None: begin with the password."""
        octets = self._steps.read(read_cookie(request, _STEP_COOKIE))
        if octets is None:
            return None
        step = msgspec.json.decode(octets, type=Step)
        changed_at = await self.services.store.read(lambda db: _changed_at(db, step.account))
        return step if changed_at == step.changed_at else None

    # The end

    async def enter(self, request: Request, identity: Identity, wish: Wish) -> Response:
        """Everything was right: a new session, whatever cookie the browser had before."""
        sessions = self.services.sessions
        former = read_cookie(request)
        old = await sessions.find(former) if former else None
        if old is not None:
            with contextlib.suppress(NotFound):
                await sessions.end(old.account, old.id)
        session, cookie = await sessions.begin(
            identity, peer=peer_of(request), agent=agent_of(request), stays=wish.stay
        )
        hand_cookie(request, self.services, session, cookie)
        if read_cookie(request, _STEP_COOKIE):
            drop_cookie(request.scope, _STEP_COOKIE)
        mechanism = identity.credential.partition(":")[0]
        SIGN_INS.labels("web", mechanism, "ok").inc()
        log.event(
            "accounts.signed_in",
            door="web",
            peer=session.peer,
            mechanism=mechanism,
            account=identity.account,
            login=identity.login,
            credential=identity.credential,
        )
        if is_json(request):
            told = {"csrf": session.csrf, "login": session.login, "next": wish.next}
            return JSONResponse(told)
        return RedirectResponse(wish.next, 303)

    def failed(self, request: Request, mechanism: str, outcome: str) -> None:
        """Count and log; the name is not told, it may be a password."""
        SIGN_INS.labels("web", mechanism, outcome).inc()
        log.warning_event(
            "accounts.sign_in_failed", door="web", peer=peer_of(request), outcome=outcome
        )


async def _changed_at(db: Reader, account: AccountId) -> int:
    """0 for an account that may not sign in."""
    row = await credentials.password(db, account)
    if row is None or not (await accounts.get(db, account)).enabled:
        return 0
    return row.changed_at


def peer_of(request: Request) -> str:
    """Its address."""
    peer: str = request.scope["pillarbox.peer"]
    return peer


def agent_of(request: Request) -> str:
    """What the browser calls itself, as far as it can be shown."""
    given = request.headers.get("user-agent", "")
    return "".join(filter(str.isprintable, given))[:_MOST_AGENT]


def check_line(request: Request) -> None:
    """Passwords are for TLS, or for this computer. Raises NotAllowed."""
    if not request.scope["pillarbox.secure"]:
        raise NotAllowed("Passwords are taken over TLS only: use https.")


def is_json(request: Request) -> bool:
    """Whether a program of ours asks. Other sites' forms cannot say so."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == "application/json"


async def read_json(request: Request) -> dict[str, Any]:
    """The object that was sent; an empty one for anything else. Raises TooLarge."""
    octets = bytearray()
    async for piece in request.stream():
        octets += piece
        if len(octets) > _MOST_JSON:
            raise TooLarge("That is more than is taken here.")
    try:
        found = msgspec.json.decode(bytes(octets))
    except (msgspec.DecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def text_of(given: dict[str, Any], name: str) -> str:
    """A field as text."""
    found = given.get(name, "")
    return found if isinstance(found, str) else ""


def seconds_of(error: Throttled) -> int:
    """How long to wait, in whole seconds."""
    return max(1, math.ceil(error.seconds))


def refused(status: int, error: PillarboxError) -> Response:
    """For programs."""
    if isinstance(error, Throttled):
        seconds = seconds_of(error)
        return problem(
            status, str(error), headers={"Retry-After": str(seconds)}, retryAfter=seconds
        )
    return problem(status, str(error))
