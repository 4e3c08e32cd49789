"""Signing in at another provider in its own pages: there, and back here with a permission.

Nothing is stored on the way: the state that goes along says, signed, whose sign-in it is and for
which server (RFC 6749 §10.12); the code verifier is made of it with a key of ours (RFC 7636 §4.1),
so who sees the state knows nothing of it.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from contextlib import suppress
from pathlib import Path
from typing import Literal
from urllib.parse import urlencode

import msgspec
from msgspec import Struct
from starlette.responses import RedirectResponse, Response

from pillarbox.accounts.signer import Signer
from pillarbox.accounts.vault import VaultClosed
from pillarbox.clock import unix_seconds
from pillarbox.errors import AlreadyExists, PillarboxError
from pillarbox.flow.collect.oauth import OAuth
from pillarbox.flow.collect.oauth_messages import Asked as Request
from pillarbox.flow.collect.oauth_messages import Registration
from pillarbox.flow.collect.oauth_offered import Offers
from pillarbox.flow.collect.remotes import Remotes
from pillarbox.flow.collect.settings import (
    MAX_LABEL,
    BadRemote,
    RemoteSettings,
    ServerSpec,
    ServerTls,
    SignIn,
)
from pillarbox.flow.collect.source import SourceFailure
from pillarbox.ids import RemoteId
from pillarbox.net.secret import Secret
from pillarbox.store.sql.spent import spend
from pillarbox.telemetry.log import get_logger
from pillarbox.web.account.asked import Asked, told
from pillarbox.web.account.remote_labels import labels
from pillarbox.web.account.remote_look import Looking
from pillarbox.web.services import WebServices

log = get_logger("collect")
_HERE = "/account/remotes/oauth"
_PAGE = "/mail/settings/import"
_LONGEST = 255  # characters of a login here: all of it goes along in an address


class OAuthWish(Struct, rename="camel", kw_only=True):
    """Whose mail, and where."""

    kind: Literal["imap", "pop3"]
    host: str
    port: int
    tls: ServerTls = "implicit"
    login: str

    def settings(self) -> RemoteSettings:
        """Of a new remote account that is not begun. Raises BadRemote."""
        host, login = self.host.strip().lower(), self.login.strip()
        if self.tls == "none":
            raise BadRemote("A permission is not sent in the clear. Choose TLS.")
        if len(login) > _LONGEST:
            raise BadRemote(f"A user name has at most {_LONGEST} characters here.")
        return RemoteSettings(
            kind=self.kind,
            server=ServerSpec(host, self.port, self.tls),
            login=login,
            label=(login or host)[:MAX_LABEL],
            once=True,
        )


class _State(Struct, array_like=True):
    account: int
    session: int
    wish: OAuthWish
    salt: str


class Permissions:
    """Asked for and brought back."""

    def __init__(
        self, services: WebServices, remotes: Remotes, oauth: OAuth, looking: Looking
    ) -> None:
        self._remotes = remotes
        self._oauth = oauth
        self._looking = looking
        self._seconds = round(services.settings.collect.oauth_limits.sign_in_seconds)
        self._signer = Signer(services.server_key, services.clock, "oauth")
        key = services.server_key.reveal()
        self._key = hmac.digest(key, b"oauth verifier", "sha256")
        collect = services.settings.collect
        self.offers = Offers(collect.oauth, Path(services.settings.store.data_dir))

    async def begin(self, asked: Asked) -> Response:
        """Where the browser goes. Raises BadRemote, NotAllowed."""
        wish = await asked.body(OAuthWish)
        settings = wish.settings()
        self._looking.count(asked)
        registration = await self._registration(settings)
        if registration is None:
            raise BadRemote(
                "This server is not known to that provider (no client id is set): whoever runs it "
                "can change that. Mail can be brought from files meanwhile."
            )
        value = _State(asked.account, asked.session.id, wish, secrets.token_hex(8))
        state = self._signer.sign(msgspec.json.encode(value), self._seconds)
        return told({"url": self._request(asked, registration, state, settings.login).url})

    async def back(self, asked: Asked) -> Response:
        """The browser returns: on to the page, which goes on with it or says what went wrong."""
        try:
            number = await self._redeemed(asked)
        except (SourceFailure, BadRemote) as failure:
            reason = failure.trouble if isinstance(failure, SourceFailure) else "consent"
            log.event("collect.oauth_refused", account=asked.account, why=str(failure))
            return _to_page(refused=reason)
        except TimeoutError:
            return _to_page(refused="unreachable")
        except (VaultClosed, PillarboxError) as error:
            log.warning_event("collect.oauth_failed", account=asked.account, why=str(error))
            return _to_page(refused="here")
        log.event("collect.oauth_granted", account=asked.account, remote=number)
        return _to_page(connected=str(number))

    async def check_sending(self, remote: RemoteId, settings: RemoteSettings) -> None:
        """Where a permission is kept, no other provider's server is shown it. Raises BadRemote."""
        if settings.send_as is None:
            return
        with suppress(VaultClosed):  # what cannot be opened is shown to nobody
            if (await self._remotes.sign_in(remote)).grant is not None:
                self.offers.check_sending(settings)

    async def _redeemed(self, asked: Asked) -> RemoteId:
        state = asked.request.query_params.get("state", "")
        wish = await self._known(asked, state)
        settings = wish.settings()
        registration = await self._registration(settings)
        if registration is None:
            raise SourceFailure("consent", "This server is not known to that provider any more.")
        request = self._request(asked, registration, state, settings.login)
        grant = await self._oauth.redeem(request, str(asked.request.url))
        return await self._kept(asked, settings, SignIn(settings.login, grant))

    async def _known(self, asked: Asked, state: str) -> OAuthWish:
        """Raises SourceFailure for a state that is not this session's, has ended or was used."""
        octets = self._signer.read(state)
        if octets is not None:
            value = msgspec.json.decode(octets, type=_State)
            until = unix_seconds(asked.services.clock.now()) + self._seconds
            digest = hashlib.sha256(b"oauth\0" + octets).digest()
            mine = (value.account, value.session) == (asked.account, asked.session.id)
            if mine and await asked.services.store.write(lambda tx: spend(tx, digest, until)):
                return value.wish
        raise SourceFailure("consent", "That sign-in has ended, or was begun elsewhere.")

    async def _registration(self, settings: RemoteSettings) -> Registration | None:
        host = settings.server.host if settings.server is not None else ""
        return await asyncio.to_thread(self.offers.find, host)

    def _request(self, asked: Asked, registration: Registration, state: str, login: str) -> Request:
        digest = hmac.digest(self._key, state.encode(), "sha256")
        verifier = Secret(urlsafe_b64encode(digest).rstrip(b"="))
        request = asked.request
        here = f"{request.url.scheme}://{request.url.netloc}{_HERE}"
        return self._oauth.begin(registration, here, login, state=state, verifier=verifier)

    async def _kept(self, asked: Asked, settings: RemoteSettings, sign_in: SignIn) -> RemoteId:
        """With a place that is known goes the new permission; a new one waits for its choices."""
        known = await self._remotes.find_place(asked.account, settings)
        if known is not None:
            self.offers.check_sending(known.settings)
            await self._remotes.set_sign_in(known.id, sign_in)
            return known.id
        for label in labels(settings.label):
            named = msgspec.structs.replace(settings, label=label)
            try:
                return await self._remotes.add(asked.account, named, sign_in, by_itself=False)
            except AlreadyExists:
                continue
        raise AlreadyExists("There are many of that name.")


def _to_page(**fields: str) -> Response:
    return RedirectResponse(f"{_PAGE}?{urlencode(fields)}", status_code=303)
