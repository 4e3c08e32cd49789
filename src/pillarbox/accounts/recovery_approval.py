"""A way back into an account over another browser that is signed in: "is it you? which number?"

The browser that waits has 256 random bits in a cookie, kept as SHA-256, and shows two digits. Those
who are signed in are offered three numbers, so that nobody says yes to a question of somebody else
without noticing. A wrong one refuses.

Two digits prove only that both sit before the same person; that this is the owner, a session alone
does not prove. So only accounts whose sign-in takes codes of an authenticator program are asked,
and who answers yes must have given the password or a code shortly before, as for everything that
guards the account. (A passkey opens the mail by itself and needs none of this.) What comes of it is
a link for a new password and no session: the second step is asked for at the next sign-in as ever.

A question that is closed or ignored is no refusal: it counts among those of the day, and the
history of sign-ins says that nobody answered.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Literal

from pillarbox.accounts.browser_sessions import BrowserSession
from pillarbox.accounts.recovery import Recovering
from pillarbox.accounts.typed_names import login_typed
from pillarbox.clock import Clock, unix_seconds
from pillarbox.config.recovery import RecoverySettings
from pillarbox.errors import NotFound
from pillarbox.ids import AccountId
from pillarbox.net.secret import Secret
from pillarbox.store import Store, Transaction
from pillarbox.store.sql import accounts, approvals, recovery, second_factors
from pillarbox.store.sql.approvals import Ask, NewAsk
from pillarbox.store.sql.modseq import next_modseq
from pillarbox.telemetry.log import get_logger

log = get_logger("accounts")
WAY = recovery.APPROVED
_LEAST, _MOST = 10, 99  # two digits, read aloud without a zero in front
_OFFERED = 3
_MOST_TEXT = 320  # characters of what was typed
_MOST_AGENT = 200  # characters of what a browser calls itself
_HOUR, _DAY = 3600, 86_400

Answer = Literal["approved", "refused", "wrong"]


class Approving:
    """One for a worker."""

    def __init__(
        self, store: Store, clock: Clock, recovering: Recovering, default_domain: str = ""
    ) -> None:
        """`default_domain`: of names that are typed without one."""
        self._store = store
        self._clock = clock
        self._recovering = recovering
        self._default_domain = default_domain

    @property
    def settings(self) -> RecoverySettings:
        """Which ways there are."""
        return self._recovering.settings

    # The browser that waits

    async def ask(self, text: str, peer: str, agent: str) -> Secret:
        """What the waiting browser keeps. Nobody has looked whose address it is.

        Beyond the limits nothing is written, and who waits is not told.
        """
        token = Secret(secrets.token_urlsafe(32))
        number = shown_number(token)
        new = NewAsk(
            digest=_digest(token),
            text=text.strip()[:_MOST_TEXT],
            number=number,
            offered=_offered(number),
            peer=peer,
            agent=shown_agent(agent),
        )

        async def work(tx: Transaction) -> None:
            if await self._recovering.may_wish(tx, peer):
                await approvals.add(tx, new, self.settings.approval_minutes * 60)

        await self._store.write(work)
        return token

    async def is_approved(self, token: Secret) -> bool:
        """False for everything else: refused, too old, of nobody. Looking uses nothing up."""
        now = self._now()
        digest = _digest(token)
        found = await self._store.read(lambda db: approvals.find_approved(db, digest, now))
        return found is not None

    async def finish(self, token: Secret) -> tuple[AccountId, Secret] | None:
        """Whose new password it is and a link's token, once; None: there is nothing that was
        approved."""
        digest = _digest(token)

        async def work(tx: Transaction) -> tuple[AccountId, Secret] | None:
            found = await approvals.find_approved(tx, digest, tx.now())
            if found is None:
                return None
            number, account = found
            await approvals.end(tx, number)
            seconds = self.settings.link_minutes * 60
            return account, await self._recovering.new_link(tx, account, WAY, seconds)

        return await self._store.write(work)

    # Behind the answer

    async def look_up_next(self) -> bool:
        """Whom the oldest new one concerns; False: there is none."""
        now = self._now()
        found = await self._store.read(lambda db: approvals.next_to_look_up(db, now))
        if found is None:
            return False
        number, text, peer = found

        async def work(tx: Transaction) -> AccountId | None:
            await approvals.forget(tx, tx.now())
            account = await self._whom_to_ask(tx, text)
            if not await approvals.looked_up(tx, number, account):
                return None
            if account is not None:
                await next_modseq(tx, account)  # wakes who listens for the account
            return account

        account = await self._store.write(work)
        if account is not None:
            log.event("accounts.approval_asked", account=account, peer=peer)
        return True

    async def _whom_to_ask(self, tx: Transaction, text: str) -> AccountId | None:
        login = await login_typed(tx, text, self._default_domain)
        account = await accounts.find(tx, login)
        if account is None or not account.enabled:
            return None
        codes = await second_factors.find(tx, account.id)
        if not (codes.has_totp and codes.required):
            return None
        refused = await recovery.times(tx, _refused(account.id), _DAY, tx.now())
        if refused >= self.settings.denials_per_day:
            return None
        # Counters of their own: else questions would use up the links that go to the address.
        asked = _asked(account.id)
        if await recovery.times(tx, asked, _DAY, tx.now()) >= self.settings.asks_per_day:
            return None
        if await recovery.count(tx, asked, _HOUR) > self.settings.per_account_and_hour:
            return None
        await recovery.count(tx, asked, _DAY)
        return account.id

    # The browser that is signed in

    async def answer(
        self, session: BrowserSession, number: int, chosen: int | None
    ) -> tuple[Answer, Ask]:
        """`chosen`: None: it was somebody else. Raises NotFound: there is nothing to answer."""
        account = session.account

        async def work(tx: Transaction) -> tuple[Answer, Ask] | None:
            asks = await approvals.open_asks(tx, account, tx.now())
            ask = next((one for one in asks if one.id == number), None)
            if ask is None:
                return None
            await next_modseq(tx, account)  # the question goes away everywhere
            if chosen == ask.number:
                await approvals.approve(tx, number, session.id)
                return "approved", ask
            await approvals.end(tx, number)
            await recovery.count(tx, _refused(account), _DAY)
            return ("refused" if chosen is None else "wrong"), ask

        done = await self._store.write(work)
        if done is None:
            raise NotFound("That question was answered already, or its time is over.")
        return done

    def _now(self) -> int:
        return unix_seconds(self._clock.now())


def shown_number(token: Secret) -> int:
    """The two digits of a waiting browser. They follow from its cookie, so that a page can show
    some, too, where nothing was written."""
    made = hashlib.sha256(b"pillarbox approval number\0" + token.reveal()).digest()
    return _LEAST + int.from_bytes(made[:8]) % (_MOST - _LEAST + 1)


def shown_agent(agent: str) -> str:
    """What a browser calls itself, as far as it is kept."""
    return "".join(filter(str.isprintable, agent))[:_MOST_AGENT]


def _offered(number: int) -> tuple[int, ...]:
    others = [one for one in range(_LEAST, _MOST + 1) if one != number]
    return tuple(sorted([number, *secrets.SystemRandom().sample(others, _OFFERED - 1)]))


def _digest(token: Secret) -> bytes:
    return hashlib.sha256(b"pillarbox approval\0" + token.reveal()).digest()


def _asked(account: AccountId) -> str:
    return f"asked {account}"


def _refused(account: AccountId) -> str:
    return f"refused {account}"
