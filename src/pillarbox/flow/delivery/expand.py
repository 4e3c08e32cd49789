"""A forward path → the accounts and far addresses behind it, and whether they have room."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from pillarbox.errors import BadName, LimitReached, NoSuchAccount, NoSuchDomain
from pillarbox.flow.delivery.verdict import Reason, Refused

if TYPE_CHECKING:
    from pillarbox.accounts.directory import Directory
    from pillarbox.flow.delivery.envelope import Targets
    from pillarbox.store.model import Account


class RecipientPolicy(Protocol):
    """Who is taken at RCPT; `pillarbox localserve` has another one than `pillarbox serve`."""

    async def check_recipient(
        self, address: str, size: int, *, is_report: bool = False
    ) -> Targets | Refused:
        """Where the address leads, if a message of `size` octets (0: not said) may come in.

        `is_report`: it has the null sender.
        """


async def expand(directory: Directory, address: str, size: int | None) -> Targets | Refused:
    """Where an address leads, if there is room for `size` octets (0: not known; None: any room).

    Refused when nobody is there, the domain is not ours, or an account behind it is full.
    """
    try:
        resolved = await directory.resolve(address)
    except NoSuchDomain as error:
        return Refused(Reason.UNKNOWN_DOMAIN, str(error))
    except (NoSuchAccount, BadName) as error:
        return Refused(Reason.UNKNOWN_RECIPIENT, str(error))
    except LimitReached:
        return Refused(Reason.UNAVAILABLE, "The aliases behind this address lead too far.")
    if size is not None:
        for account in resolved.accounts:
            refused = check_account(account, size)
            if refused is not None:
                return refused
    return resolved.targets


def check_account(account: Account, size: int) -> Refused | None:
    """Whether an account has room for `size` octets (0: not known) more."""
    octets, messages = account.quota_octets, account.quota_messages
    if octets and size > octets:
        return Refused(Reason.LARGER_THAN_MAILBOX)
    if octets and account.used_octets + max(size, 1) > octets:
        return Refused(Reason.MAILBOX_FULL)
    if messages and account.used_messages >= messages:
        return Refused(Reason.MAILBOX_FULL)
    return None
