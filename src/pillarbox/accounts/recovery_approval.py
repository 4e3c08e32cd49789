"""A way back into an account over another browser that is signed in: "is it you? which number?"

The browser that waits has 256 random bits in a cookie, kept as SHA-256, and shows two digits. Those
who are signed in are offered three numbers, so that nobody says yes to a question of somebody else
without noticing. A wrong one refuses.

Two digits prove only that both sit before the same person; that this is the owner, a session alone
does not prove. So only accounts whose sign-in takes codes of an authenticator program are asked,
and who answers yes must have given the password or a code shortly before, as for everything that
guards the account. (A passkey opens the mail by itself and needs none of this.) What comes of it is
a link for a new password and no session: the second step is asked for at the next sign-in as ever.

Anybody may ask for any address, so no limit may close this way: it would be a stranger's to close.
Limits decide what comes up by itself. So many questions an hour and a day do, and after so many
refusals none does; the others wait quietly until whoever is signed in looks for them, as an owner
does who has just asked. Those from a network where a browser of the account is signed in are
counted apart from the world's. One waits for each network, its newest, and so many in all; where
there are more, the oldest from a strange network makes room.

What bounds guessing is the owner's hand: only a number that was chosen wrongly counts as a guess,
and after so many in a day nothing is approved that day. A stranger cannot choose. A question that
is closed or ignored is no refusal; the history of sign-ins says that nobody answered.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Literal, NamedTuple

from pillarbox.accounts.browser_sessions import BrowserSession
from pillarbox.accounts.recovery import Recovering, network_of
from pillarbox.accounts.typed_names import login_typed
from pillarbox.clock import Clock, unix_seconds
from pillarbox.config.recovery import RecoverySettings
from pillarbox.errors import NotFound
from pillarbox.ids import AccountId
from pillarbox.net.secret import Secret
from pillarbox.store import Reader, Store, Transaction
from pillarbox.store.sql import (
    accounts,
    approvals,
    browser_sessions,
    recovery,
    second_factors,
)
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


class _Whom(NamedTuple):
    """Whom a question concerns."""

    account: AccountId | None = None  # None: nobody may be asked
    quiet: bool = False


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

        async def work(tx: Transaction) -> _Whom:
            await approvals.forget(tx, tx.now())
            whom = await self._whom_to_ask(tx, text, peer)
            if not await approvals.looked_up(tx, number, whom.account, quiet=whom.quiet):
                return _Whom()
            if whom.account is not None:
                # Wakes who listens for the account; a quiet one may have taken another's place.
                await next_modseq(tx, whom.account)
            return whom

        whom = await self._store.write(work)
        if whom.account is not None:
            log.event("accounts.approval_asked", account=whom.account, peer=peer)
        return True

    async def _whom_to_ask(self, tx: Transaction, text: str, peer: str) -> _Whom:
        login = await login_typed(tx, text, self._default_domain)
        account = await accounts.find(tx, login)
        if account is None or not account.enabled:
            return _Whom()
        codes = await second_factors.find(tx, account.id)
        if not (codes.has_totp and codes.required):
            return _Whom()
        if await self._guessed_enough(tx, account.id):
            return _Whom()
        near = await _near(tx, account.id)
        await self._make_room(tx, account.id, network_of(peer), near)
        side = _side(peer, near)
        return _Whom(account.id, quiet=not await self._may_come_up(tx, account.id, side))

    async def _guessed_enough(self, db: Reader, account: AccountId) -> bool:
        wrong = await recovery.times(db, _wrong(account), _DAY, self._now())
        return wrong >= self.settings.denials_per_day

    async def _make_room(
        self, tx: Transaction, account: AccountId, network: str, near: frozenset[str]
    ) -> None:
        """One more will wait: the newest of its network, and not more than so many."""
        waiting = []
        for ask in await approvals.open_asks(tx, account, tx.now(), quiet=True):
            if network_of(ask.peer) == network:
                await approvals.supersede(tx, ask.id)
            else:
                waiting.append(ask)
        waiting.sort(key=lambda ask: (network_of(ask.peer) in near, ask.id))
        for ask in waiting[: max(0, len(waiting) + 1 - self.settings.asks_waiting)]:
            await approvals.supersede(tx, ask.id)

    async def _may_come_up(self, tx: Transaction, account: AccountId, side: str) -> bool:
        """Whether one more may, which then counts. Counters of its own: else questions would use
        up the links that go to the address."""
        settings, now = self.settings, tx.now()
        if await recovery.times(tx, _refused(account, side), _DAY, now) >= settings.denials_per_day:
            return False
        asked = _asked(account, side)
        if await recovery.times(tx, asked, _DAY, now) >= settings.asks_per_day:
            return False
        if await recovery.count(tx, asked, _HOUR) > settings.per_account_and_hour:
            return False
        await recovery.count(tx, asked, _DAY)
        return True

    # The browser that is signed in

    async def look(self, session: BrowserSession) -> int:
        """What waits quietly comes up, too; how many there are to answer."""
        account = session.account

        async def work(tx: Transaction) -> int:
            if await approvals.show_quiet(tx, account):
                await next_modseq(tx, account)
            return len(await approvals.open_asks(tx, account, tx.now()))

        return await self._store.write(work)

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
            if chosen is None:
                side = _side(ask.peer, await _near(tx, account))
                await recovery.count(tx, _refused(account, side), _DAY)
                return "refused", ask
            await recovery.count(tx, _wrong(account), _DAY)
            if await self._guessed_enough(tx, account):
                await approvals.end_all(tx, account)
            return "wrong", ask

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


async def _near(db: Reader, account: AccountId) -> frozenset[str]:
    """The networks in which the account's browsers signed in."""
    sessions = await browser_sessions.all_sessions(db, account)
    return frozenset(network_of(one.peer) for one in sessions)


def _side(peer: str, near: frozenset[str]) -> str:
    return "near" if network_of(peer) in near else "far"


def _asked(account: AccountId, side: str) -> str:
    return f"asked {side} {account}"


def _refused(account: AccountId, side: str) -> str:
    return f"refused {side} {account}"


def _wrong(account: AccountId) -> str:
    return f"wrong {account}"
