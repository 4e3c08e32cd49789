"""Addresses of remote accounts that mail may be sent from, each through the account's own server.

A recipient in the queue whose route is `route_to(remote)` is sent to that way, and no other.
"""

from __future__ import annotations

from collections.abc import Iterable

from pillarbox.errors import AlreadyExists
from pillarbox.ids import AccountId, RemoteId
from pillarbox.store.database import Reader, Transaction

_ROUTE = "remote:"  # no name of a configured route has a colon

_CLEAR = "DELETE FROM send_as WHERE account_id = ? AND remote_id = ?"
_ADD = """
    INSERT INTO send_as (account_id, address, remote_id) VALUES (?, ?, ?)
    ON CONFLICT DO NOTHING RETURNING 1
"""
_ADDRESSES = "SELECT address FROM send_as WHERE account_id = ? ORDER BY remote_id, address"
_FIND = "SELECT remote_id FROM send_as WHERE account_id = ? AND address = ?"


async def put(
    tx: Transaction, account: AccountId, remote: RemoteId, addresses: Iterable[str]
) -> None:
    """The addresses (folded) of a remote account, in place of those it had.

    Raises AlreadyExists where another one of the same account has such an address.
    """
    await tx.run(_CLEAR, (account, remote))
    for address in dict.fromkeys(addresses):
        if not await tx.run(_ADD, (account, address, remote)):
            raise AlreadyExists(f"Another remote account sends as {address}.")


async def find(db: Reader, account: AccountId, address: str) -> RemoteId | None:
    """Which remote account of that account has the address (folded)."""
    row = await db.row(_FIND, (account, address))
    return RemoteId(row[0]) if row is not None else None


async def addresses_of(db: Reader, account: AccountId) -> list[str]:
    """All such addresses (folded)."""
    return [address for (address,) in await db.rows(_ADDRESSES, (account,))]


def route_to(remote: RemoteId) -> str:
    """The route of a recipient in the queue."""
    return f"{_ROUTE}{remote}"


def remote_of(route: str) -> RemoteId | None:
    """The remote account that a route means; None: it is another route, or none."""
    digits = route.removeprefix(_ROUTE)
    if digits == route or not (digits.isascii() and digits.isdigit()) or len(digits) > 18:
        return None
    return RemoteId(int(digits))
