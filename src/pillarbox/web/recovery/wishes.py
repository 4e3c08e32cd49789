"""What was asked for at the sign-in page, fulfilled behind the answer.

A wish is a row, the same for everybody. Only here is looked whose name it is; so neither the answer
nor its time tells a stranger anything, and a restart forgets nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pillarbox.accounts.names import fold_address
from pillarbox.accounts.recovery import Recovering
from pillarbox.accounts.typed_names import login_typed
from pillarbox.errors import BadName
from pillarbox.flow.delivery.letters import Letter
from pillarbox.message.builder import Address
from pillarbox.store.model import Account
from pillarbox.store.sql import accounts, recovery
from pillarbox.store.sql.recovery import Wish
from pillarbox.telemetry.log import get_logger
from pillarbox.web.pages.languages import LANGUAGES, texts_of
from pillarbox.web.recovery.behind import Behind
from pillarbox.web.services import WebServices

if TYPE_CHECKING:
    from pillarbox.store import Reader, Transaction

log = get_logger("web")
_MOST_TEXT = 320  # characters of what was typed
_AREA = "recovery"


class Wishes:
    """Takes them, and fulfils them one after the other."""

    def __init__(self, services: WebServices, recovering: Recovering) -> None:
        self._services = services
        self._recovering = recovering
        self._behind = Behind(self._next, "recovery-wishes")

    async def take(self, wish: Wish) -> None:
        """Write it down, unless there are too many; the asker is not told."""
        text = wish.text.strip()[:_MOST_TEXT]

        async def work(tx: Transaction) -> None:
            if await self._recovering.may_wish(tx, wish.peer):
                kept = Wish(wish.kind, text, wish.peer, wish.language, wish.origin)
                await recovery.add_wish(tx, kept)

        await self._services.store.write(work)
        self.begin()

    def begin(self) -> None:
        """Fulfil what waits, from before a restart, too."""
        self._behind.begin()

    async def end(self) -> None:
        """Wait for what is under way; what is left is done after the next start."""
        await self._behind.end()

    async def _next(self) -> bool:
        store = self._services.store
        if not await store.read(recovery.has_wish):
            return False
        wish = await store.write(recovery.take_wish)
        if wish is None:
            return False
        if wish.kind == "addresses":
            await self._tell_addresses(wish)
        else:
            account = await self._account_of(wish.text)
            if account is not None and account.enabled:
                await self._open(wish, account)
        return True

    async def _account_of(self, text: str) -> Account | None:
        """By login or alias, as the sign-in page takes it."""
        services = self._services

        async def look(db: Reader) -> Account | None:
            login = await login_typed(db, text, services.settings.auth.default_domain)
            return await accounts.find(db, login)

        return await services.store.read(look)

    async def _open(self, wish: Wish, account: Account) -> None:
        services = self._services
        if wish.kind == "administrator":
            await services.store.write(lambda tx: recovery.ask_help(tx, account.id, wish.peer))
            log.event("web.help_asked", account=account.id, peer=wish.peer)
            return
        made = await services.store.write(lambda tx: self._recovering.link_for(tx, account.id))
        if made is None:
            return
        address, token = made
        letter = await self.letter(
            wish.language,
            address,
            "reset",
            login=account.login,
            link=f"{wish.origin}/reset/{token.reveal().decode()}",
            minutes=self._recovering.settings.link_minutes,
        )
        await services.letters.send(letter)
        log.event("web.reset_link_sent", account=account.id, peer=wish.peer)

    async def _tell_addresses(self, wish: Wish) -> None:
        try:
            address = fold_address(wish.text)
        except BadName:
            return
        logins = await self._services.store.read(lambda db: recovery.logins_of(db, address))
        if not logins:
            return
        letter = await self.letter(
            wish.language,
            address,
            "addresses",
            logins="\n".join(f"    {login}" for login in logins),
            link=f"{wish.origin}/sign-in",
        )
        await self._services.letters.send(letter)

    async def letter(
        self, language: str, to: str, key: str, *, name: str = "", **values: object
    ) -> Letter | None:
        """A letter by the keys `mail_KEY_subject` and `mail_KEY` of the texts."""
        texts = texts_of(_AREA, language if language in LANGUAGES else "en")
        values = {"host": self._services.hostname, **values}
        return await self._services.letters.write(
            Address(to, name),
            texts[f"mail_{key}_subject"].format(**values),
            texts[f"mail_{key}"].format(**values),
            domain=_domain_of(values, self._services.hostname),
        )


def _domain_of(values: dict[str, object], hostname: str) -> str:
    """The letter is from the account's own domain, whose mail is signed."""
    login = str(values.get("login", ""))
    return login.rpartition("@")[2] or hostname
