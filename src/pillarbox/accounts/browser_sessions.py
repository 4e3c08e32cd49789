"""Who is signed in at a browser: sessions behind cookies.

A cookie is 256 random bits, kept as SHA-256, so that a copy of the database opens nothing. It is
made anew at each sign-in (nobody can plant one), when the password is confirmed, and daily.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import secrets
from dataclasses import dataclass

from pillarbox.accounts.identity import Identity
from pillarbox.clock import Clock, unix_seconds
from pillarbox.config.browser import BrowserSettings
from pillarbox.errors import NotFound, Unavailable
from pillarbox.ids import AccountId
from pillarbox.net.secret import Secret
from pillarbox.store import Store, Transaction
from pillarbox.store.sql import approvals, ended, recovery
from pillarbox.store.sql import browser_sessions as rows
from pillarbox.store.sql.browser_sessions import SessionRow

_OCTETS = 32
_COOKIE = re.compile(r"[A-Za-z0-9_-]{43}")
_HOUR, _DAY = 3600, 86_400
_OLD_TOKEN_SECONDS = 60  # for requests that were sent before the browser had the new one
_MOST_AGENT = 200  # characters of what a browser calls itself


@dataclass(frozen=True, slots=True)
class BrowserSession:
    """One browser of one account; instants are Unix seconds."""

    id: int
    account: AccountId
    login: str
    csrf: str
    created_at: int
    last_seen_at: int
    confirmed_at: int
    stays: bool
    peer: str
    agent: str

    @property
    def identity(self) -> Identity:
        """As every door knows a person."""
        return Identity(self.account, self.login, f"session:{self.id}")


class BrowserSessions:
    """One for a worker."""

    def __init__(self, store: Store, clock: Clock, settings: BrowserSettings) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings

    @property
    def settings(self) -> BrowserSettings:
        """How long they last."""
        return self._settings

    async def begin(
        self, identity: Identity, *, peer: str, agent: str, stays: bool
    ) -> tuple[BrowserSession, Secret]:
        """Somebody has signed in; the session and its cookie."""
        cookie = _new_cookie()
        csrf = secrets.token_urlsafe(_OCTETS)
        agent = "".join(filter(str.isprintable, agent))[:_MOST_AGENT]
        most = self._settings.sessions_per_account

        async def add(tx: Transaction) -> int:
            number = await rows.add(
                tx,
                identity.account,
                digest=_digest(cookie),
                csrf=csrf,
                stays=stays,
                peer=peer,
                agent=agent,
            )
            for over in await rows.over_limit(tx, identity.account, most):
                await _end(tx, identity.account, over)
            return number

        number = await self._store.write(add)
        now = unix_seconds(self._clock.now())
        session = BrowserSession(
            id=number,
            account=identity.account,
            login=identity.login,
            csrf=csrf,
            created_at=now,
            last_seen_at=now,
            confirmed_at=now,
            stays=stays,
            peer=peer,
            agent=agent,
        )
        return session, cookie

    async def find(self, cookie: str) -> BrowserSession | None:
        """The session of a cookie's value; None where it has ended or there never was one."""
        row = await self._row(cookie)
        if row is None:
            return None
        await self._note_seen(row)
        return _session(row)

    async def renewed_cookie(self, cookie: str) -> Secret | None:
        """Another cookie where this one is due for it; None: keep it. Send it with the answer."""
        row = await self._row(cookie)
        due = self._now() - self._settings.token_hours * _HOUR
        if row is None or (row.token_at > due and not row.is_old_token):
            return None
        return await self._rotate(row)

    async def confirm(self, session: BrowserSession, cookie: str) -> Secret | None:
        """The password or a code was given again; another cookie. Raises NotFound: it has ended."""
        row = await self._row(cookie)
        if row is None or row.id != session.id:
            raise NotFound("That session has ended.")
        await self._store.write(lambda tx: rows.confirm(tx, row.id))
        return await self._rotate(row)

    def is_fresh(self, session: BrowserSession) -> bool:
        """Whether the password was given so lately that it need not be given again."""
        return self._now() - session.confirmed_at < self._settings.fresh_minutes * 60

    async def all(self, account: AccountId) -> list[BrowserSession]:
        """Of an account, those used last first."""
        found = await self._store.read(lambda db: rows.all_sessions(db, account))
        return [_session(row) for row in found if self._is_alive(row)]

    async def end(self, account: AccountId, number: int) -> None:
        """Sign a browser out, its event streams too. Raises NotFound."""

        async def work(tx: Transaction) -> None:
            if not await _end(tx, account, number):
                raise NotFound("That session has ended already.")

        await self._store.write(work)

    async def end_others(self, account: AccountId, but: int | None) -> int:
        """End all of an account but one; how many there were."""

        async def work(tx: Transaction) -> int:
            return await end_sessions(tx, account, but)

        return await self._store.write(work)

    async def forget(self) -> None:
        """One round of housekeeping: what has ended by its age."""
        now, settings = self._now(), self._settings
        seen = (now - settings.stay_idle_days * _DAY, now - settings.idle_hours * _HOUR)
        made = (now - settings.stay_most_days * _DAY, now - settings.most_days * _DAY)

        async def work(tx: Transaction) -> None:
            await rows.forget(tx, seen, made)
            await ended.forget(tx, now - _DAY)

        await self._store.write(work)

    async def _row(self, cookie: str) -> SessionRow | None:
        if not _COOKIE.fullmatch(cookie):
            return None
        digest = _digest(Secret(cookie))
        row = await self._store.read(lambda db: rows.find(db, digest))
        if row is None or not self._is_alive(row):
            return None
        if row.is_old_token and row.old_until is not None and row.old_until < self._now():
            return None  # the browser has a newer one; whoever sends this copied it
        return row

    def _is_alive(self, row: SessionRow) -> bool:
        settings, now = self._settings, self._now()
        if row.stays:
            idle, most = settings.stay_idle_days * _DAY, settings.stay_most_days * _DAY
        else:
            idle, most = settings.idle_hours * _HOUR, settings.most_days * _DAY
        return now - row.last_seen_at < idle and now - row.created_at < most

    async def _note_seen(self, row: SessionRow) -> None:
        """Seldom, and never a reason to refuse a person."""
        now = self._now()
        has_new = not row.is_old_token and row.old_until is None
        is_late = now - row.last_seen_at >= self._settings.seen_minutes * 60
        if not (has_new or is_late):
            return

        async def work(tx: Transaction) -> None:
            await rows.seen(tx, row.id, now)
            if has_new:
                await rows.end_old_token(tx, row.id, now + _OLD_TOKEN_SECONDS)

        with contextlib.suppress(Unavailable):
            await self._store.write(work, short=True)

    async def _rotate(self, row: SessionRow) -> Secret | None:
        cookie = _new_cookie()
        done = await self._store.write(lambda tx: rows.rotate(tx, row, _digest(cookie)))
        return cookie if done else None

    def _now(self) -> int:
        return unix_seconds(self._clock.now())


async def end_sessions(tx: Transaction, account: AccountId, but: int | None) -> int:
    """Within a write of others: end all of an account but one; how many there were.

    What one of them approved ends with them, by the one that stays, too: its owner is alarmed.
    """
    await approvals.end_all(tx, account)
    await recovery.end_approved_links(tx, account)
    numbers = await rows.end_others(tx, account, but or 0)
    for number in numbers:
        await ended.tell(tx, account, number)
    return len(numbers)


async def _end(tx: Transaction, account: AccountId, number: int) -> bool:
    """A link does not know which session approved it: those of all end, and are soon asked for
    again."""
    done = await rows.end(tx, account, number)
    if done:
        await recovery.end_approved_links(tx, account)
        await ended.tell(tx, account, number)
    return done


def _new_cookie() -> Secret:
    return Secret(secrets.token_urlsafe(_OCTETS))


def _digest(cookie: Secret) -> bytes:
    return hashlib.sha256(b"pillarbox session\0" + cookie.reveal()).digest()


def _session(row: SessionRow) -> BrowserSession:
    return BrowserSession(
        id=row.id,
        account=row.account,
        login=row.login,
        csrf=row.csrf,
        created_at=row.created_at,
        last_seen_at=row.last_seen_at,
        confirmed_at=row.confirmed_at,
        stays=row.stays,
        peer=row.peer,
        agent=row.agent,
    )
