"""An account writes under its own addresses only (RFC 6409 §6.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from pillarbox.flow.delivery.verdict import Reason, Refused
from pillarbox.message.address import is_ambiguous, mailboxes, parse_address_list
from pillarbox.message.header import pick

if TYPE_CHECKING:
    from pillarbox.accounts.directory import Directory
    from pillarbox.ids import AccountId, RemoteId

_FIELDS = frozenset((b"from", b"sender"))
_MAX_OCTETS = 16_384  # of such a field: some hundred addresses; reading 1 MiB would take seconds


async def check_envelope_sender(
    directory: Directory, account: AccountId, reverse_path: str
) -> Refused | None:
    """The null sender is fine: read receipts come with it (RFC 8098 §3)."""
    if not reverse_path or await directory.may_send_as(account, reverse_path):
        return None
    if await directory.find_send_as(account, reverse_path) is not None:
        return None  # what From says is looked at later
    return Refused(Reason.SENDER_NOT_YOURS)


class Authors(msgspec.Struct, frozen=True):
    """What From and Sender say (RFC 5322 §3.6.2)."""

    domain: str = ""  # of the first author; "" where From is missing, and will be the sender's
    are_own: bool = True  # all of them are addresses of the account
    wants_sender: bool = False  # a Sender field is due and missing
    address: str = ""  # of the first author
    remote: RemoteId | None = None  # whose addresses they are, and through which it must leave


async def look_at_authors(
    directory: Directory,
    account: AccountId,
    raw_header: bytes,
    max_authors: int,
    *,
    known: str = "",
) -> Authors | Refused:
    """Who the message says that it is from; Refused when that cannot be understood.

    `known` is an own address of the account's that was looked up already: its login. More
    than `max_authors` are refused: each other one costs a look into the directory.
    """
    found = pick(raw_header, _FIELDS)
    values = found.get(b"from", [])
    if not values:
        return Authors()
    if len(values) > 1:
        return Refused(Reason.BROKEN_FROM, "The message has more than one From field.")
    if len(values[0]) > _MAX_OCTETS:
        return Refused(Reason.BROKEN_FROM)
    authors = mailboxes(parse_address_list(values[0]))
    if not authors or len(authors) > max_authors or is_ambiguous(values[0]):
        return Refused(Reason.BROKEN_FROM)
    are_own, remote = await _whose(directory, account, [one.addr_spec for one in authors], known)
    return Authors(
        domain=authors[0].addr_spec.rpartition("@")[2],
        are_own=are_own,
        wants_sender=b"sender" not in found and (len(authors) > 1 or not are_own),
        address=authors[0].addr_spec,
        remote=remote,
    )


async def _whose(
    directory: Directory, account: AccountId, authors: list[str], known: str
) -> tuple[bool, RemoteId | None]:
    """Whether all are addresses of the account: its own, or all of one remote account of it."""
    remote: RemoteId | None = None
    for number, address in enumerate(authors):
        if address == known or await directory.may_send_as(account, address):
            found = None
        else:
            found = await directory.find_send_as(account, address)
            if found is None:
                return False, None
        if number and found != remote:
            return False, None
        remote = found
    return True, remote


async def check_sender_field(
    directory: Directory, account: AccountId, raw_header: bytes, remote: RemoteId | None = None
) -> Refused | None:
    """A Sender field names one address of the account's, if there is one.

    `remote`: the remote account through which the message leaves; an address of it will do.
    """
    values = pick(raw_header, _FIELDS).get(b"sender", [])
    if not values:
        return None
    broken = Refused(Reason.BROKEN_FROM, "The Sender field is not understood.")
    if len(values) > 1 or len(values[0]) > _MAX_OCTETS:
        return broken
    senders = mailboxes(parse_address_list(values[0]))
    if len(senders) != 1 or is_ambiguous(values[0]):
        return broken
    address = senders[0].addr_spec
    if await directory.may_send_as(account, address):
        return None
    if remote is not None and await directory.find_send_as(account, address) == remote:
        return None
    return Refused(
        Reason.FROM_NOT_YOURS, "The address in the Sender field is not one of your addresses."
    )
