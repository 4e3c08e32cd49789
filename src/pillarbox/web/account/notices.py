"""Who has an account hears by mail what was changed of its sign-in: it may not have been they."""

from __future__ import annotations

from starlette.requests import Request

from pillarbox.accounts.browser_sessions import BrowserSession
from pillarbox.errors import PillarboxError
from pillarbox.message.builder import Address
from pillarbox.store.sql import recovery
from pillarbox.telemetry.log import get_logger
from pillarbox.web.pages.languages import language_of, texts_of
from pillarbox.web.services import WebServices
from pillarbox.web.sites import site_of

log = get_logger("accounts")


async def tell_owner(
    request: Request,
    services: WebServices,
    session: BrowserSession,
    what: str,
    *,
    name: str = "",
    here_only: bool = False,
) -> None:
    """A letter to the mailbox, full or not, and unless `here_only` one to the recovery address.

    `what` is a key of the texts, `name` of what was made.
    """
    texts = texts_of("account", language_of(request))
    values = {
        "login": session.login,
        "what": texts[what].format(name=name),
        "peer": request.scope["pillarbox.peer"],
        "link": f"{site_of(request).origin}/sign-in",
        "host": services.hostname,
    }
    given = await services.store.read(lambda db: recovery.get(db, session.account))
    elsewhere = "" if here_only else given.address
    for to in filter(None, (session.login, elsewhere)):
        try:
            letter = await services.letters.write(
                Address(to, ""),
                texts["notice_subject"].format(**values),
                texts["notice"].format(**values),
                domain=session.login.rpartition("@")[2],
                despite_quota=True,
            )
            await services.letters.send(letter)
        except PillarboxError as error:  # it was changed all the same
            log.warning_event("accounts.notice_failed", account=session.account, why=str(error))
