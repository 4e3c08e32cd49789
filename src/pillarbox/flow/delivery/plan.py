"""Envelope → local copies and the part that goes to the queue. Pure."""

from __future__ import annotations

import msgspec

from pillarbox.accounts.directory import LocalTarget
from pillarbox.flow.delivery.envelope import Envelope, Recipient
from pillarbox.ids import AccountId
from pillarbox.store.model import QueuedRecipient


class LocalCopy(msgspec.Struct, frozen=True):
    """One account gets one copy, however many of its addresses were named."""

    account: AccountId
    address: str  # the first forward path that led here
    junk: bool = False  # its owner blocks the sender


class Plan(msgspec.Struct, frozen=True):
    copies: tuple[LocalCopy, ...]
    remote: tuple[QueuedRecipient, ...]
    accounts_of: tuple[tuple[AccountId, ...], ...]  # by recipient, in the envelope's order
    # By the number in `remote`: the domain of our address that leads there, "" where it was named.
    via: tuple[str, ...] = ()


def plan_delivery(envelope: Envelope) -> Plan:
    """Who gets the message. A remote target that was named twice is sent to once."""
    copies: dict[AccountId, LocalCopy] = {}
    remote: dict[str, QueuedRecipient] = {}
    via: list[str] = []
    accounts_of: list[tuple[AccountId, ...]] = []
    for recipient in envelope.recipients:
        accounts: list[AccountId] = []
        for target in recipient.targets:
            if isinstance(target, LocalTarget):
                accounts.append(target.account)
                if target.account not in copies:
                    copies[target.account] = LocalCopy(target.account, recipient.forward_path)
            elif target.address not in remote:
                remote[target.address] = _onward(recipient, target.address)
                is_alias = target.address != recipient.forward_path
                via.append(recipient.forward_path.rpartition("@")[2] if is_alias else "")
        accounts_of.append(tuple(accounts))
    return Plan(tuple(copies.values()), tuple(remote.values()), tuple(accounts_of), tuple(via))


def _onward(recipient: Recipient, address: str) -> QueuedRecipient:
    """The sender's wishes go on; success is ours to tell where an address was expanded."""
    notify = recipient.notify
    if len(recipient.targets) > 1 and "SUCCESS" in notify:
        notify = ",".join(word for word in notify.split(",") if word != "SUCCESS") or "NEVER"
    return QueuedRecipient(forward_path=address, notify=notify, orcpt=recipient.orcpt)
