"""/account/recovery: what somebody prepares while they can still sign in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from pillarbox.accounts.browser_sessions import BrowserSession
from pillarbox.accounts.names import fold_address
from pillarbox.accounts.recovery import AddressChange, masked
from pillarbox.errors import BadName, NotFound
from pillarbox.net.problem import problem
from pillarbox.store import Reader, Transaction
from pillarbox.store.sql import accounts, recovery
from pillarbox.telemetry.log import get_logger
from pillarbox.web.account.notices import tell_owner
from pillarbox.web.pages import language_of
from pillarbox.web.recovery.desk import Desk
from pillarbox.web.session import check_csrf, signed_in, signed_in_fresh

log = get_logger("web")
_MOST_BODY = 4096  # octets
_MOST_PROOFS = 10  # codes that may be sent for an account in an hour
_HOUR = 3600


class _Address(msgspec.Struct, forbid_unknown_fields=True):
    address: str


class _Code(msgspec.Struct, forbid_unknown_fields=True):
    code: str


def routes(desk: Desk) -> list[BaseRoute]:
    """Below /account/recovery."""
    own = _SelfService(desk)
    base = "/account/recovery"
    return [
        Route(base, own.show, methods=["GET"]),
        Route(f"{base}/address", own.ask, methods=["POST"]),
        Route(f"{base}/address", own.remove, methods=["DELETE"]),
        Route(f"{base}/address/verify", own.prove, methods=["POST"]),
        Route(f"{base}/codes", own.make_codes, methods=["POST"]),
    ]


class _SelfService:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._services = desk.services

    async def show(self, request: Request) -> Response:
        """What there is; the address only as its owner would know it again."""
        session = await signed_in(request, self._services)
        state = await self._desk.recovering.state(session.account)
        since = datetime.fromtimestamp(state.since, UTC) if state.address else None
        return _json(
            {
                "address": masked(state.address) if state.address else None,
                "verified": state.address is not None,
                "since": since.strftime("%Y-%m-%dT%H:%M:%SZ") if since else None,
                "pending": state.pending or None,
                "codesLeft": state.codes_left,
            }
        )

    async def ask(self, request: Request) -> Response:
        """Send a code to a new address; the one in use stays until it is proved."""
        session = await self._fresh(request)
        given = await _body(request, _Address)
        if given is None:
            return problem(400, "The request names no address.")
        try:
            address = fold_address(given.address.strip())
        except BadName as error:
            return problem(422, f"That is no address. {error}")
        if await self._is_ours(address):
            return problem(
                422,
                "That address is on this server: when you cannot get in here, you could not read "
                "what is sent there. Take one at another provider.",
            )
        recovering = self._desk.recovering
        code = recovering.new_proof()
        letter = await self._desk.wishes.letter(
            language_of(request),
            address,
            "proof",
            login=session.login,
            code=code,
            minutes=recovering.settings.code_minutes,
        )

        async def count(tx: Transaction) -> int:
            return await recovery.count(tx, f"proof {session.account}", _HOUR)

        if await self._services.store.write(count) > _MOST_PROOFS:
            return problem(429, "Too many codes were sent. Try again in an hour.")

        async def remember(tx: Transaction) -> None:
            await recovering.remember_proof(tx, session.account, address, code)

        await self._services.letters.send(letter, along=remember)
        return _json({"pending": address})

    async def prove(self, request: Request) -> Response:
        """The code was read; the address is in use from now on."""
        session = await self._signed_in(request)
        given = await _body(request, _Code)
        if given is None:
            return problem(400, "The request has no code.")
        try:
            change = await self._desk.recovering.prove(session.account, given.code)
        except NotFound as error:
            return problem(422, str(error))
        await self._tell_former(request, session, change, "moved")
        log.event("web.recovery_address_proved", account=session.account)
        address = masked(change.address)
        await self._tell_owner(request, session, "recovery_address", address)
        return _json({"address": masked(change.address)})

    async def remove(self, request: Request) -> Response:
        """No address any more; the one that was is told."""
        session = await self._fresh(request)
        change = await self._desk.recovering.remove_address(session.account)
        if change is not None:
            await self._tell_former(request, session, change, "removed")
            await self._tell_owner(request, session, "recovery_removed")
        return Response(status_code=204)

    async def make_codes(self, request: Request) -> Response:
        """Ten codes to print, shown this once."""
        session = await self._fresh(request)
        codes = await self._desk.recovering.new_codes(session.account)
        log.event("web.recovery_codes_made", account=session.account)
        await tell_owner(request, self._services, session, "recovery_codes")
        return _json({"codes": [code.reveal().decode() for code in codes]})

    async def _tell_owner(
        self, request: Request, session: BrowserSession, what: str, name: str = ""
    ) -> None:
        """The addresses themselves have letters of their own."""
        await tell_owner(request, self._services, session, what, name=name, here_only=True)

    async def _signed_in(self, request: Request) -> BrowserSession:
        session = await signed_in(request, self._services)
        check_csrf(request, session)
        return session

    async def _fresh(self, request: Request) -> BrowserSession:
        session = await signed_in_fresh(request, self._services)
        check_csrf(request, session)
        return session

    async def _is_ours(self, address: str) -> bool:
        domain = address.rpartition("@")[2]

        async def look(db: Reader) -> bool:
            return await accounts.has_domain(db, domain)

        return await self._services.store.read(look)

    async def _tell_former(
        self, request: Request, session: BrowserSession, change: AddressChange, what: str
    ) -> None:
        if change.undo is None:
            return
        letter = await self._desk.wishes.letter(
            language_of(request),
            change.former,
            what,
            login=session.login,
            address=masked(change.address),
            link=f"{self._desk.origin_of(request)}/recovery/undo/{change.undo.reveal().decode()}",
            hours=self._desk.settings.wait_hours,
        )
        await self._services.letters.send(letter)


T = TypeVar("T", bound=msgspec.Struct)


async def _body(request: Request, kind: type[T]) -> T | None:
    octets = bytearray()
    async for piece in request.stream():
        octets += piece
        if len(octets) > _MOST_BODY:
            return None
    try:
        return msgspec.json.decode(bytes(octets), type=kind)
    except msgspec.DecodeError:
        return None


def _json(told: object) -> Response:
    return Response(msgspec.json.encode(told), media_type="application/json")
