"""Mail that leaves through another provider's server, where its author has an account.

The destination names our account, too: a message of one account never takes another's way.
"""

from __future__ import annotations

from typing import Protocol

from pillarbox.flow.outbound.outcome import Kind
from pillarbox.flow.outbound.route import Host, NoWay
from pillarbox.ids import AccountId, RemoteId
from pillarbox.smtp.client.connection import Caller, SmtpConnection
from pillarbox.store.model import LeasedMessage
from pillarbox.store.sql.send_as import remote_of, route_to

_NOT_THEIRS = "5.7.1"  # RFC 3463 §3.8: delivery not authorized


class RemoteLines(Protocol):
    """Who knows remote accounts and their passwords."""

    async def connect(
        self, account: AccountId, remote: RemoteId, caller: Caller
    ) -> tuple[Host, SmtpConnection]:
        """A connection to the server of that account's remote account, signed in. Raises NoWay."""


def remote_key(message: LeasedMessage, route: str) -> str:
    """The destination of a recipient with that route; "": it is no remote account's."""
    remote = remote_of(route)
    return f"{route_to(remote)}:{message.account or 0}" if remote is not None else ""


def parse_remote_key(key: str) -> tuple[AccountId, RemoteId] | None:
    """Whose way it is, and which; None for all other destinations."""
    route, _, account = key.rpartition(":")
    remote = remote_of(route)
    return (AccountId(int(account)), remote) if remote is not None else None


async def connect(
    lines: RemoteLines | None, key: tuple[AccountId, RemoteId], caller: Caller
) -> tuple[Host, SmtpConnection]:
    """Raises NoWay."""
    account, remote = key
    if lines is None or not account:
        raise no_such_way()
    return await lines.connect(account, remote, caller)


def no_such_way() -> NoWay:
    """The remote account is gone, or is not the sender's."""
    return NoWay(
        Kind.FAILED, _NOT_THEIRS, "The remote account that this was to leave through is gone."
    )
