"""What is asked for behind the password, and passkeys."""

from __future__ import annotations

import msgspec

from pillarbox.errors import NotFound
from pillarbox.ids import AccountId
from pillarbox.store.database import Reader, Row, Transaction


class SecondFactorRow(msgspec.Struct, frozen=True):
    """Of one account; instants are Unix seconds."""

    required: bool = False
    sealed: bytes | None = None  # the TOTP secret
    confirmed_at: int | None = None  # None: no code of it was given yet
    last_step: int = 0
    failures: int = 0
    next_at: int = 0  # no code is looked at before

    @property
    def has_totp(self) -> bool:
        """Whether codes are in use."""
        return self.sealed is not None and self.confirmed_at is not None


class PasskeyRow(msgspec.Struct, frozen=True):
    """One passkey."""

    account: AccountId
    number: int
    credential: bytes
    public_key: bytes
    sign_count: int
    transports: str
    name: str
    created_at: int
    last_used_at: int | None


_FIND = """
    SELECT required, sealed, confirmed_at, last_step, failures, next_at
    FROM second_factor WHERE account_id = ?
"""
_REQUIRED = "SELECT required FROM second_factor WHERE account_id = ?"


async def find(db: Reader, account: AccountId) -> SecondFactorRow:
    """Everything off for an account without."""
    row = await db.row(_FIND, (account,))
    return SecondFactorRow(bool(row[0]), *row[1:]) if row is not None else SecondFactorRow()


async def is_required(db: Reader, account: AccountId) -> bool:
    """Whether the password alone is not enough."""
    row = await db.row(_REQUIRED, (account,))
    return row is not None and bool(row[0])


_BEGIN_TOTP = """
    INSERT INTO second_factor (account_id, sealed) VALUES (?, ?)
    ON CONFLICT (account_id) DO UPDATE SET sealed = excluded.sealed, last_step = 0
    WHERE confirmed_at IS NULL RETURNING account_id
"""
_FINISH_TOTP = """
    UPDATE second_factor SET confirmed_at = ?, last_step = ?, required = 1, failures = 0
    WHERE account_id = ? AND confirmed_at IS NULL AND sealed = ? RETURNING account_id
"""
_REMOVE_TOTP = """
    UPDATE second_factor SET sealed = NULL, confirmed_at = NULL, last_step = 0, required = 0
    WHERE account_id = ?
"""
_REQUIRE = """
    INSERT INTO second_factor (account_id, required) VALUES (?, ?)
    ON CONFLICT (account_id) DO UPDATE SET required = excluded.required
"""
_USE_STEP = """
    UPDATE second_factor SET last_step = ?, failures = 0, next_at = 0
    WHERE account_id = ? AND last_step < ? RETURNING account_id
"""
_FAILED = """
    INSERT INTO second_factor (account_id, failures, next_at) VALUES (?, 1, 0)
    ON CONFLICT (account_id) DO UPDATE SET failures = failures + 1, next_at = ?
"""
_RIGHT = "UPDATE second_factor SET failures = 0, next_at = 0 WHERE account_id = ?"
_SEALED = "SELECT account_id, sealed FROM second_factor WHERE sealed IS NOT NULL"
_RESEAL = "UPDATE second_factor SET sealed = ? WHERE account_id = ? AND sealed = ?"


async def begin_totp(tx: Transaction, account: AccountId, sealed: bytes) -> bool:
    """A secret that is not in use yet. False: another one is in use."""
    return bool(await tx.run(_BEGIN_TOTP, (account, sealed)))


async def finish_totp(tx: Transaction, account: AccountId, sealed: bytes, step: int) -> bool:
    """A right code was given: from now on it is asked for. False: that secret is not the one."""
    return bool(await tx.run(_FINISH_TOTP, (tx.now(), step, account, sealed)))


async def remove_totp(tx: Transaction, account: AccountId) -> None:
    """No codes any more, and no second step."""
    await tx.run(_REMOVE_TOTP, (account,))


async def require(tx: Transaction, account: AccountId, required: bool) -> None:
    """Whether the password alone is enough."""
    await tx.run(_REQUIRE, (account, int(required)))


async def use_step(tx: Transaction, account: AccountId, step: int) -> bool:
    """Use a code up. False: it, or a later one, was used already."""
    return bool(await tx.run(_USE_STEP, (step, account, step)))


async def failed(tx: Transaction, account: AccountId, next_at: int) -> None:
    """A wrong code; the next is looked at then."""
    await tx.run(_FAILED, (account, next_at))


async def was_right(tx: Transaction, account: AccountId) -> None:
    """Failures are forgotten."""
    await tx.run(_RIGHT, (account,))


async def all_sealed(db: Reader) -> list[tuple[AccountId, bytes]]:
    """Every secret, for a change of keys."""
    return [(AccountId(account), sealed) for account, sealed in await db.rows(_SEALED)]


async def reseal(tx: Transaction, account: AccountId, old: bytes, new: bytes) -> None:
    """The same secret under another key."""
    await tx.run(_RESEAL, (new, account, old))


_PASSKEY = """
    account_id, number, credential, public_key, sign_count, transports, name,
    created_at, last_used_at FROM passkey
"""
_BY_CREDENTIAL = f"SELECT {_PASSKEY} WHERE credential = ?"
_PASSKEYS = f"SELECT {_PASSKEY} WHERE account_id = ? ORDER BY number"
_ADD_PASSKEY = """
    INSERT INTO passkey (account_id, number, credential, public_key, sign_count, transports,
        name, created_at)
    SELECT ?, coalesce(max(number), 0) + 1, ?, ?, ?, ?, ?, ? FROM passkey WHERE account_id = ?
    RETURNING number
"""
_USE_PASSKEY = """
    UPDATE passkey SET sign_count = ?, last_used_at = ? WHERE credential = ?
"""
_REMOVE_PASSKEY = "DELETE FROM passkey WHERE account_id = ? AND number = ? RETURNING number"
_COUNT_PASSKEYS = "SELECT count(*) FROM passkey WHERE account_id = ?"


def _passkey(row: Row) -> PasskeyRow:
    return PasskeyRow(*row)


async def find_passkey(db: Reader, credential: bytes) -> PasskeyRow | None:
    """Of whatever account."""
    row = await db.row(_BY_CREDENTIAL, (credential,))
    return _passkey(row) if row is not None else None


async def passkeys(db: Reader, account: AccountId) -> list[PasskeyRow]:
    """In the order of their making."""
    return [_passkey(row) for row in await db.rows(_PASSKEYS, (account,))]


async def count_passkeys(db: Reader, account: AccountId) -> int:
    """How many there are."""
    (count,) = await db.row(_COUNT_PASSKEYS, (account,)) or (0,)
    return int(count)


async def add_passkey(tx: Transaction, new: PasskeyRow) -> int:
    """Its number; that of `new` does not count."""
    rows = await tx.run(
        _ADD_PASSKEY,
        (
            *(new.account, new.credential, new.public_key, new.sign_count, new.transports),
            *(new.name, tx.now(), new.account),
        ),
    )
    return int(rows[0][0])


async def use_passkey(tx: Transaction, credential: bytes, sign_count: int) -> None:
    """It was used just now."""
    await tx.run(_USE_PASSKEY, (sign_count, tx.now(), credential))


async def remove_passkey(tx: Transaction, account: AccountId, number: int) -> None:
    """Raises NotFound. The last one takes the second step with it where there are no codes."""
    if not await tx.run(_REMOVE_PASSKEY, (account, number)):
        raise NotFound("There is no such passkey.")
    row = await find(tx, account)
    if row.required and not row.has_totp and not await count_passkeys(tx, account):
        await require(tx, account, False)
