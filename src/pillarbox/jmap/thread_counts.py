"""What takes a pass over an account's mail, remembered: counts of threads, messages twice there."""

from __future__ import annotations

from collections import OrderedDict

from pillarbox.ids import AccountId, MailboxId, ModSeq
from pillarbox.store.sql.doubles import Doubles
from pillarbox.store.sql.mailbox_counts import Threads

MOST_ACCOUNTS = 200  # remembered at once; some kilobytes each


class ThreadCounts:
    """Of the accounts that were asked for last."""

    def __init__(self) -> None:
        self._known: OrderedDict[AccountId, tuple[ModSeq, dict[MailboxId, Threads]]] = OrderedDict()

    def find(self, account: AccountId, modseq: ModSeq) -> dict[MailboxId, Threads] | None:
        """The counts as they are at that modseq, if they are known."""
        known = self._known.get(account)
        return known[1] if known is not None and known[0] == modseq else None

    def keep(self, account: AccountId, modseq: ModSeq, counts: dict[MailboxId, Threads]) -> None:
        """Remember them."""
        self._known[account] = (modseq, counts)
        self._known.move_to_end(account)
        while len(self._known) > MOST_ACCOUNTS:
            self._known.popitem(last=False)


class DoublesKnown:
    """Of the accounts that were asked for last; see `store.sql.doubles`."""

    def __init__(self) -> None:
        self._known: OrderedDict[AccountId, Doubles] = OrderedDict()

    def find(self, account: AccountId) -> Doubles | None:
        """As it was when it was last looked at."""
        return self._known.get(account)

    def keep(self, account: AccountId, found: Doubles) -> None:
        """For the next time."""
        self._known[account] = found
        self._known.move_to_end(account)
        while len(self._known) > MOST_ACCOUNTS:
            self._known.popitem(last=False)
