"""An account writes under its own addresses only (RFC 6409 §6.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pillarbox.flow.delivery.verdict import Reason, Refused
from pillarbox.message.address import mailboxes, parse_address_list
from pillarbox.message.header import pick

if TYPE_CHECKING:
    from pillarbox.accounts.directory import Directory
    from pillarbox.ids import AccountId

_FROM = frozenset((b"from",))


async def check_envelope_sender(
    directory: Directory, account: AccountId, reverse_path: str
) -> Refused | None:
    """The null sender is fine: read receipts come with it (RFC 8098 §3)."""
    if not reverse_path or await directory.may_send_as(account, reverse_path):
        return None
    return Refused(Reason.SENDER_NOT_YOURS)


async def check_from_field(
    directory: Directory, account: AccountId, raw_header: bytes, max_authors: int
) -> Refused | None:
    """Every address in From must be one of the account's; a missing From is added later.

    More than `max_authors` are refused: each costs a look into the directory.
    """
    values = pick(raw_header, _FROM).get(b"from", [])
    if not values:
        return None
    if len(values) > 1:
        return Refused(Reason.BROKEN_FROM, "The message has more than one From field.")
    authors = mailboxes(parse_address_list(values[0]))
    if not authors or len(authors) > max_authors:
        return Refused(Reason.BROKEN_FROM)
    for author in authors:
        if not await directory.may_send_as(account, author.addr_spec):
            return Refused(Reason.FROM_NOT_YOURS)
    return None
