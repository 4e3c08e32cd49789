"""What a method call may use: the person, the store, and what earlier calls created."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pillarbox.accounts.identity import Identity
from pillarbox.clock import Clock
from pillarbox.config.bulk import BulkSettings
from pillarbox.config.jmap import JmapSettings
from pillarbox.config.rules import RuleSettings
from pillarbox.flow.delivery.letters import Letters
from pillarbox.ids import AccountId, MessageId, ModSeq
from pillarbox.jmap.clean_ups import CleanUps
from pillarbox.jmap.email_lists import EmailLists
from pillarbox.jmap.errors import MethodRefused
from pillarbox.jmap.ids import account_id
from pillarbox.jmap.sending import Sending
from pillarbox.jmap.thread_counts import DoublesKnown, ThreadCounts
from pillarbox.store import Store


@dataclass(frozen=True, slots=True)
class Services:
    """Of the whole worker; the owners of methods add what theirs need."""

    store: Store
    clock: Clock
    settings: JmapSettings
    hostname: str
    sending: Sending
    letters: Letters | None = None  # None: this server sends no mail
    bulk: BulkSettings = field(default_factory=BulkSettings)
    rules: RuleSettings = field(default_factory=RuleSettings)
    thread_counts: ThreadCounts = field(default_factory=ThreadCounts)
    doubles: DoublesKnown = field(default_factory=DoublesKnown)
    email_lists: EmailLists = field(default_factory=EmailLists)
    clean_ups: CleanUps = field(default_factory=CleanUps)


@dataclass(frozen=True, slots=True)
class Told:
    """Records of messages that were told in this request, and at which state."""

    state: ModSeq
    records: dict[MessageId, dict[str, Any]]


@dataclass(slots=True)
class Context:
    """One request of one person."""

    services: Services
    identity: Identity
    using: frozenset[str]
    created_ids: dict[str, str] = field(default_factory=dict)
    peer: str = "local"  # its IP address; "local" where it has none
    # By the properties that were asked for: conversations hold messages that the list had already.
    told: dict[frozenset[str], Told] = field(default_factory=dict)

    @property
    def store(self) -> Store:
        """The one store."""
        return self.services.store

    @property
    def account(self) -> AccountId:
        """Whose mail it is."""
        return self.identity.account

    def check_account(self, given: Any) -> None:
        """Whether an accountId is that of who signed in. Raises MethodRefused."""
        if given != account_id(self.account):
            raise MethodRefused("accountNotFound")

    def real_id(self, given: str) -> str:
        """An id, or what "#name" was created as in this request; "" for an unknown name."""
        return self.created_ids.get(given[1:], "") if given.startswith("#") else given
