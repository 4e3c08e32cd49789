"""All that a sign-in needs to know of an account, in one read."""

from __future__ import annotations

from dataclasses import dataclass

from pillarbox.store.database import Reader
from pillarbox.store.model import Account, AppPasswordRow
from pillarbox.store.sql import accounts, credentials, second_factors


@dataclass(frozen=True, slots=True)
class Known:
    """An account that may sign in, with its credentials."""

    account: Account
    argon2: str  # "" where no password was set
    scram: bytes
    app_passwords: list[AppPasswordRow]  # empty where they were not asked for
    second_factor: bool  # the password alone is not enough


async def look_up(db: Reader, login: str, *, apps: bool) -> Known | None:
    """None for a login that nobody has and for one that was disabled."""
    account = await accounts.find(db, login)
    if account is None or not account.enabled:
        return None
    row = await credentials.password(db, account.id)
    return Known(
        account=account,
        argon2=row.argon2 if row is not None else "",
        scram=row.scram if row is not None else b"",
        app_passwords=await credentials.app_passwords(db, account.id) if apps else [],
        second_factor=await second_factors.is_required(db, account.id),
    )
