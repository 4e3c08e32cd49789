"""Keys that mail of our domains is signed with."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from pillarbox.net.secret import Secret
from pillarbox.store.database import Reader, Row, Transaction


class KeyState(StrEnum):
    """A key's life: its record is published, then it signs, then the record outlives it."""

    WAITING = "waiting"
    SIGNING = "signing"
    RETIRED = "retired"


class DkimKeyRow(msgspec.Struct, frozen=True):
    """One key."""

    domain: str  # A-labels
    selector: str
    algorithm: str  # "rsa-sha256" or "ed25519-sha256"
    secret: Secret  # PEM, PKCS #8
    state: KeyState
    created_at: int
    changed_at: int


_COLUMNS = "domain, selector, algorithm, secret, state, created_at, changed_at"
_SIGNING = f"""
    SELECT {_COLUMNS} FROM dkim_key WHERE domain = ? AND state = 'signing' ORDER BY selector
"""  # noqa: S608 - only _COLUMNS is put in
_OF_DOMAIN = f"SELECT {_COLUMNS} FROM dkim_key WHERE domain = ? ORDER BY selector"  # noqa: S608 - only names of columns are put in
_ALL = f"SELECT {_COLUMNS} FROM dkim_key ORDER BY domain, selector"  # noqa: S608 - only names of columns are put in
_ADD = f"INSERT INTO dkim_key ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - only names of columns are put in
_SET_STATE = """
    UPDATE dkim_key SET state = ?, changed_at = ? WHERE domain = ? AND selector = ? RETURNING 1
"""
_REMOVE = "DELETE FROM dkim_key WHERE domain = ? AND selector = ? RETURNING 1"


async def signing(db: Reader, domain: str) -> list[DkimKeyRow]:
    """The keys that sign a domain's mail now."""
    return [_row(row) for row in await db.rows(_SIGNING, (domain,))]


async def list_keys(db: Reader, domain: str = "") -> list[DkimKeyRow]:
    """All keys, or a domain's."""
    rows = await db.rows(_OF_DOMAIN, (domain,)) if domain else await db.rows(_ALL)
    return [_row(row) for row in rows]


async def add(tx: Transaction, key: DkimKeyRow) -> None:
    """Keep a new key; the selector must not be in use."""
    now = tx.now()
    await tx.run(
        _ADD,
        (
            key.domain,
            key.selector,
            key.algorithm,
            key.secret.reveal(),
            key.state.value,
            now,
            now,
        ),
    )


async def set_state(tx: Transaction, domain: str, selector: str, state: KeyState) -> bool:
    """False: there is no such key."""
    return bool(await tx.run(_SET_STATE, (state.value, tx.now(), domain, selector)))


async def remove(tx: Transaction, domain: str, selector: str) -> bool:
    """For ever. False: there is no such key."""
    return bool(await tx.run(_REMOVE, (domain, selector)))


def _row(row: Row) -> DkimKeyRow:
    domain, selector, algorithm, secret, state, created_at, changed_at = row
    return DkimKeyRow(
        domain, selector, algorithm, Secret(secret), KeyState(state), created_at, changed_at
    )
