"""Ways back into an account: recovery addresses, codes on paper, links for a new password."""

from __future__ import annotations

import msgspec

from pillarbox.ids import AccountId
from pillarbox.store.database import Reader, Transaction
from pillarbox.store.sql import approvals


class Recovery(msgspec.Struct, frozen=True):
    """An account's recovery address, and the one that waits for its code."""

    address: str | None = None
    since: int = 0  # Unix seconds
    former: str = ""
    undo: bytes | None = None
    pending: str = ""
    code: bytes | None = None
    code_at: int = 0
    tries: int = 0


_GET = """
    SELECT address, since, former, undo, pending, code, code_at, tries FROM recovery_address
    WHERE account_id = ?
"""
_PUT = """
    INSERT INTO recovery_address
        (account_id, address, since, former, undo, pending, code, code_at, tries)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (account_id) DO UPDATE SET address = excluded.address, since = excluded.since,
        former = excluded.former, undo = excluded.undo, pending = excluded.pending,
        code = excluded.code, code_at = excluded.code_at, tries = excluded.tries
"""
_BY_UNDO = "SELECT account_id FROM recovery_address WHERE undo = ?"
_LOGINS = """
    SELECT a.login FROM recovery_address r JOIN account a ON a.account_id = r.account_id
    WHERE r.address = ? AND a.enabled = 1 ORDER BY a.login LIMIT 100
"""


async def get(db: Reader, account: AccountId) -> Recovery:
    """Empty where nothing was ever set."""
    row = await db.row(_GET, (account,))
    return Recovery(*row) if row else Recovery()


async def put(tx: Transaction, account: AccountId, given: Recovery) -> None:
    """Replace it."""
    await tx.run(_PUT, (account, *msgspec.structs.astuple(given)))


async def find_undo(db: Reader, digest: bytes) -> AccountId | None:
    """Whose change a token takes back."""
    row = await db.row(_BY_UNDO, (digest,))
    return AccountId(row[0]) if row else None


async def logins_of(db: Reader, address: str) -> list[str]:
    """The accounts that have this recovery address."""
    return [row[0] for row in await db.rows(_LOGINS, (address,))]


_CODES = "SELECT number, hash FROM recovery_code WHERE account_id = ? AND used_at IS NULL"
_NO_CODES = "DELETE FROM recovery_code WHERE account_id = ?"
_ADD_CODE = "INSERT INTO recovery_code (account_id, number, hash) VALUES (?, ?, ?)"
_USE_CODE = """
    UPDATE recovery_code SET used_at = ?
    WHERE account_id = ? AND number = ? AND hash = ? AND used_at IS NULL RETURNING 1
"""


async def codes(db: Reader, account: AccountId) -> dict[int, str]:
    """The hashes of those that were not used, by number."""
    rows = await db.rows(_CODES, (account,))
    return {int(row[0]): str(row[1]) for row in rows}


async def replace_codes(tx: Transaction, account: AccountId, hashes: list[str]) -> None:
    """The former ones are good no longer."""
    await tx.run(_NO_CODES, (account,))
    numbered = enumerate(hashes, 1)
    await tx.run_many(_ADD_CODE, [(account, number, hash_) for number, hash_ in numbered])


async def use_code(tx: Transaction, account: AccountId, number: int, hash_: str) -> bool:
    """Whether it was still good; it no longer is."""
    return bool(await tx.run(_USE_CODE, (tx.now(), account, number, hash_)))


APPROVED = "device"  # the way of links that a browser which was signed in has approved


class ResetLink(msgspec.Struct, frozen=True):
    """A link for a new password that is still good."""

    account: AccountId
    way: str


_ADD_LINK = "INSERT INTO reset_link (digest, account_id, way, ends_at) VALUES (?, ?, ?, ?)"
_END_LINKS = "DELETE FROM reset_link WHERE account_id = ?"
_END_APPROVED = "DELETE FROM reset_link WHERE account_id = ? AND way = ?"
_FIND_LINK = "SELECT account_id, way FROM reset_link WHERE digest = ? AND ends_at > ?"


async def add_link(
    tx: Transaction, digest: bytes, account: AccountId, way: str, ends_at: int
) -> None:
    """A new one ends those before it."""
    await tx.run(_END_LINKS, (account,))
    await tx.run(_ADD_LINK, (digest, account, way, ends_at))


async def find_link(db: Reader, digest: bytes, now: int) -> ResetLink | None:
    """None for one that was used, is too old, or never was."""
    row = await db.row(_FIND_LINK, (digest, now))
    return ResetLink(AccountId(row[0]), row[1]) if row else None


async def end_links(tx: Transaction, account: AccountId) -> None:
    """One was used, or the account is safe again."""
    await tx.run(_END_LINKS, (account,))


async def end_approved_links(tx: Transaction, account: AccountId) -> None:
    """A browser that may have approved one was signed out."""
    await tx.run(_END_APPROVED, (account, APPROVED))


class Wish(msgspec.Struct, frozen=True):
    """What somebody asked for at the sign-in page."""

    kind: str
    text: str
    peer: str
    language: str
    origin: str
    asked_at: int = 0


_ADD_WISH = """
    INSERT INTO recovery_wish (kind, text, peer, language, origin, asked_at)
    VALUES (?, ?, ?, ?, ?, ?)
"""
_TAKE_WISH = """
    DELETE FROM recovery_wish WHERE wish_id = (SELECT min(wish_id) FROM recovery_wish)
    RETURNING kind, text, peer, language, origin, asked_at
"""
_HAS_WISH = "SELECT EXISTS (SELECT 1 FROM recovery_wish)"


async def add_wish(tx: Transaction, wish: Wish) -> None:
    """The same for everybody, whoever they are."""
    given = (wish.kind, wish.text, wish.peer, wish.language, wish.origin, tx.now())
    await tx.run(_ADD_WISH, given)


async def has_wish(db: Reader) -> bool:
    """Whether somebody waits."""
    row = await db.row(_HAS_WISH)
    return bool(row and row[0])


async def take_wish(tx: Transaction) -> Wish | None:
    """The oldest; the transaction that fulfils it takes it."""
    rows = await tx.run(_TAKE_WISH)
    return Wish(*rows[0]) if rows else None


_COUNT = """
    INSERT INTO recovery_count (what, stretch, times) VALUES (?, ?, 1)
    ON CONFLICT (what, stretch) DO UPDATE SET times = times + 1 RETURNING times
"""
_TIMES = "SELECT times FROM recovery_count WHERE what = ? AND stretch = ?"
_FORGET_COUNTS = "DELETE FROM recovery_count WHERE stretch < ? AND what LIKE ?"
_FORGET_LINKS = "DELETE FROM reset_link WHERE ends_at < ?"
_FORGET_INVITATIONS = "DELETE FROM invitation WHERE ends_at < ?"
_HOUR, _DAY = 3600, 86_400


async def count(tx: Transaction, what: str, seconds: int) -> int:
    """One time more in this stretch of so many seconds; how many with it."""
    rows = await tx.run(_COUNT, (f"{seconds}:{what}", tx.now() // seconds))
    return int(rows[0][0])


async def times(db: Reader, what: str, seconds: int, now: int) -> int:
    """How often in this stretch so far."""
    row = await db.row(_TIMES, (f"{seconds}:{what}", now // seconds))
    return int(row[0]) if row else 0


async def forget(tx: Transaction) -> None:
    """What is too old to mean anything."""
    now = tx.now()
    for seconds in (_HOUR, _DAY):
        await tx.run(_FORGET_COUNTS, (now // seconds - 1, f"{seconds}:%"))
    await tx.run(_FORGET_LINKS, (now,))
    await tx.run(_FORGET_INVITATIONS, (now,))
    await approvals.forget(tx, now)


_ASK_HELP = """
    INSERT INTO help_request (account_id, peer, asked_at) VALUES (?, ?, ?)
    ON CONFLICT (account_id) DO UPDATE SET peer = excluded.peer, asked_at = excluded.asked_at
"""
_HELP = """
    SELECT a.login, h.peer, h.asked_at FROM help_request h
    JOIN account a ON a.account_id = h.account_id ORDER BY h.asked_at
"""
_HELPED = "DELETE FROM help_request WHERE account_id = ?"


class HelpRequest(msgspec.Struct, frozen=True):
    """Somebody waits for an administrator."""

    login: str
    peer: str
    asked_at: int


async def ask_help(tx: Transaction, account: AccountId, peer: str) -> None:
    """Once for an account."""
    await tx.run(_ASK_HELP, (account, peer, tx.now()))


async def help_requests(db: Reader) -> list[HelpRequest]:
    """The oldest first."""
    return [HelpRequest(*row) for row in await db.rows(_HELP)]


async def helped(tx: Transaction, account: AccountId) -> None:
    """Nobody waits any more."""
    await tx.run(_HELPED, (account,))
