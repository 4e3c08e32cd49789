"""All mail of an account as one archive, sent while it is made.

A browser saves what it gets by a plain GET, so a POST hands out a link for it: signed for this
session, good for a minute and for one time.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any, Literal

import msgspec
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute

from pillarbox.accounts.signer import Signer
from pillarbox.clock import unix_seconds
from pillarbox.errors import LimitReached, NotFound
from pillarbox.flow.collect.export.stream import stream
from pillarbox.flow.collect.progress import Progress
from pillarbox.jmap.http.files import disposition
from pillarbox.pop3.server.locks import MaildropLocks
from pillarbox.store.sql import accounts
from pillarbox.store.sql.spent import spend
from pillarbox.telemetry.log import get_logger
from pillarbox.web.account.asked import Asked, Endpoint, route, told
from pillarbox.web.services import WebServices

log = get_logger("accounts")
_LINK_SECONDS = 60  # from the click to the browser's request

Form = Literal["mbox", "maildir", "pillarbox"]


class _Wish(msgspec.Struct):
    form: Form = "mbox"


class _Link(msgspec.Struct, array_like=True):
    account: int
    session: int
    form: Form
    salt: str  # two links of one second are two


def routes(services: WebServices) -> list[BaseRoute]:
    """export."""
    signer = Signer(services.server_key, services.clock, "export")
    running = _Running(services)
    return [
        route(services, "export", "POST", _new_link(signer, running), fresh=True),
        route(services, "export/{word}", "GET", _download(signer, running)),
    ]


class _Running:
    """One export of an account at a time, at all workers together."""

    def __init__(self, services: WebServices) -> None:
        self._path = Path(services.settings.store.data_dir) / "run" / "export.lock"
        self._locks: MaildropLocks | None = None

    @property
    def locks(self) -> MaildropLocks:
        """Made when somebody first exports."""
        if self._locks is None:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._locks = MaildropLocks(self._path)
        return self._locks

    def take(self, asked: Asked) -> Callable[[], None]:
        """Until what is returned is called. Raises LimitReached."""
        if not self.locks.acquire(asked.account):
            raise LimitReached(
                "Your mail is being downloaded just now. Wait for its end, or cancel it."
            )
        return lambda: self.locks.release(asked.account)


def _new_link(signer: Signer, running: _Running) -> Endpoint:
    async def post(asked: Asked) -> Response:
        wish = await asked.body(_Wish)
        running.take(asked)()  # who would have to wait hears it where it can be shown
        link = _Link(asked.account, asked.session.id, wish.form, secrets.token_hex(8))
        word = signer.sign(msgspec.json.encode(link), _LINK_SECONDS)
        return told({"path": f"/account/export/{word}"})

    return post


def _download(signer: Signer, running: _Running) -> Endpoint:
    async def get(asked: Asked) -> Response:
        give_back = running.take(asked)
        try:
            return await _sent(asked, await _form_of(asked, signer), give_back)
        except BaseException:
            give_back()
            raise

    return get


async def _form_of(asked: Asked, signer: Signer) -> Form:
    """Raises NotFound for a link that is not for this session, has ended or was used."""
    word: str = asked.request.path_params["word"]
    octets = signer.read(word)
    if octets is not None:
        link = msgspec.json.decode(octets, type=_Link)
        until = unix_seconds(asked.services.clock.now()) + _LINK_SECONDS
        mine = (link.account, link.session) == (asked.account, asked.session.id)
        digest = hashlib.sha256(b"export\0" + octets).digest()
        if mine and await asked.services.store.write(lambda tx: spend(tx, digest, until)):
            return link.form
    raise NotFound("This download has ended. Begin it once more in the settings.")


async def _sent(asked: Asked, form: Form, give_back: Callable[[], None]) -> Response:
    services, progress = asked.services, Progress()
    account = await services.store.read(lambda db: accounts.get(db, asked.account))
    folder = Path(services.settings.store.data_dir)
    pieces = stream(services.store, account, form, folder=folder, progress=progress)
    try:
        first = await anext(pieces)  # what goes wrong at once is an answer and no broken file
    except BaseException:
        await pieces.aclose()
        raise
    day = services.clock.now().strftime("%Y-%m-%d")
    log.event("accounts.export_begun", account=asked.account, form=form)

    def ended() -> None:
        give_back()
        log.event(
            "accounts.export_ended",
            account=asked.account,
            messages=progress.brought,
            of=progress.messages,
            failed=progress.failed,
        )

    name = f"{account.login}-{day}.zip"
    return _Download(first, pieces, ended, headers={"Content-Disposition": disposition(name)})


class _Download(StreamingResponse):
    """Whatever becomes of it, the archive's parts are given back."""

    def __init__(
        self,
        first: bytes,
        pieces: AsyncGenerator[bytes, None],
        ended: Callable[[], None],
        **more: Any,
    ) -> None:
        async def whole() -> AsyncGenerator[bytes, None]:
            yield first
            async for piece in pieces:
                yield piece

        super().__init__(whole(), media_type="application/zip", **more)
        self._pieces, self._ended = pieces, ended

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._pieces.aclose()
            self._ended()
