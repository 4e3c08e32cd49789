"""What was ended by hand, told to every process: a number that grows, and rows behind it."""

from __future__ import annotations

import msgspec

from pillarbox.ids import AccountId, ModSeq
from pillarbox.store.database import Reader, Transaction

ENDED = AccountId((1 << 63) - 1)  # no account: who watches it in the feed hears of new rows


class Ended(msgspec.Struct, frozen=True):
    """One row."""

    number: int
    account: AccountId
    session: int | None  # None: everything that the account has open; see `credential`

    @property
    def credential(self) -> str | None:
        """What was withdrawn, as `Identity.credential` has it; None: everything."""
        if self.session is None:
            return None
        return f"session:{self.session}" if self.session > 0 else f"app:{-self.session}"


_ADD = "INSERT INTO ended (account_id, session_id, at) VALUES (?, ?, ?) RETURNING ended_id"
_SINCE = "SELECT ended_id, account_id, session_id FROM ended WHERE ended_id > ? ORDER BY ended_id"
_LAST = "SELECT coalesce(max(ended_id), 0) FROM ended"
_FORGET = "DELETE FROM ended WHERE at < ?"


async def tell(tx: Transaction, account: AccountId, session: int | None = None) -> None:
    """Every process lets go of the session, or of all that the account has open."""
    rows = await tx.run(_ADD, (account, session, tx.now()))
    tx.changed(ENDED, ModSeq(int(rows[0][0])))


async def tell_of_app_password(tx: Transaction, account: AccountId, number: int) -> None:
    """Every process lets go of what it opened; it stands there below the sessions, negative."""
    await tell(tx, account, -number)


async def since(db: Reader, number: int) -> list[Ended]:
    """Rows behind a number, in their order."""
    return [Ended(*row) for row in await db.rows(_SINCE, (number,))]


async def last(db: Reader) -> int:
    """The newest row's number; 0 where all were forgotten, which numbers to come are above, too."""
    (number,) = await db.row(_LAST) or (0,)
    return int(number)


async def forget(tx: Transaction, before: int) -> None:
    """Older rows: everyone has long let go."""
    await tx.run(_FORGET, (before,))
