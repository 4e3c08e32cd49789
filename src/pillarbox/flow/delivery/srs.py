"""Senders of forwarded mail, rewritten so that our server may speak for them, and found again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pillarbox.accounts.names import fold_domain
from pillarbox.errors import BadName
from pillarbox.store.sql import accounts, forwarding

if TYPE_CHECKING:
    from pillarbox.store.database import Reader, Transaction

_MARK = "srs0="  # what other servers know such addresses by


async def rewritten(tx: Transaction, reverse_path: str, domain: str) -> str:
    """The reverse path of what an alias in `domain` sends on.

    The null sender stays, and so does a sender of ours, whose SPF record names this server.
    """
    if not reverse_path or await is_served(tx, reverse_path.rpartition("@")[2]):
        return reverse_path
    token = await forwarding.token_for(tx, reverse_path)
    return f"{_MARK}{token}@{domain}"


async def find_sender(db: Reader, address: str) -> str | None:
    """Whom a report to such an address is for; None: it is none of ours."""
    local, _, domain = address.rpartition("@")
    if local[: len(_MARK)].lower() != _MARK or not await is_served(db, domain):
        return None
    return await forwarding.find_address(db, local[len(_MARK) :].lower())


async def is_served(db: Reader, domain: str) -> bool:
    """Whether a domain, however it is written, is one of ours."""
    try:
        return await accounts.has_domain(db, fold_domain(domain))
    except BadName:
        return False
