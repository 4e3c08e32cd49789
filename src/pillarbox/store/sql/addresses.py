"""Addresses: of accounts, aliases and catch-alls."""

from __future__ import annotations

import json

from pillarbox.errors import AlreadyExists, NotFound
from pillarbox.ids import AccountId
from pillarbox.store.database import Reader, Row, Transaction
from pillarbox.store.model import AddressKind, AddressRow

_FIND = "SELECT address, kind, account_id, targets FROM address WHERE address = ?"
_OF_ACCOUNT = "SELECT address FROM address WHERE account_id = ? ORDER BY address"
_ALIASES = """
    SELECT address, kind, account_id, targets FROM address WHERE kind = 'alias' ORDER BY address
"""
_ADD = """
    INSERT INTO address (address, kind, targets) VALUES (?, 'alias', ?)
    ON CONFLICT DO NOTHING RETURNING address
"""
_REMOVE = "DELETE FROM address WHERE address = ? AND kind = 'alias' RETURNING address"


async def find_address(db: Reader, address: str) -> AddressRow | None:
    """What a folded address stands for; no alias is followed."""
    row = await db.row(_FIND, (address,))
    return _address(row) if row else None


async def of_account(db: Reader, account: AccountId) -> list[str]:
    """The addresses that are the account's itself."""
    return [address for (address,) in await db.rows(_OF_ACCOUNT, (account,))]


async def list_aliases(db: Reader) -> list[AddressRow]:
    """All aliases and catch-alls, by address."""
    return [_address(row) for row in await db.rows(_ALIASES)]


async def add_alias(tx: Transaction, address: str, targets: list[str]) -> None:
    """`address` ("@domain" for a catch-all) stands for `targets`; raises AlreadyExists."""
    wanted = json.dumps(list(dict.fromkeys(targets)))
    if not await tx.run(_ADD, (address, wanted)):
        raise AlreadyExists("That address is in use already.")


async def remove_alias(tx: Transaction, address: str) -> None:
    """Raises NotFound."""
    if not await tx.run(_REMOVE, (address,)):
        raise NotFound("There is no such alias.")


def _address(row: Row) -> AddressRow:
    address, kind, account, targets = row
    what = AddressKind.CATCHALL if address.startswith("@") else AddressKind(kind)
    return AddressRow(address, what, account, tuple(json.loads(targets)))
