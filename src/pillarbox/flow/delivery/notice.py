"""Success notices that a sender asked for with NOTIFY=SUCCESS (RFC 3461 §5.2). Pure."""

from __future__ import annotations

from pillarbox.accounts.directory import LocalTarget
from pillarbox.flow.delivery.envelope import Envelope, Recipient
from pillarbox.flow.delivery.report import original_recipient
from pillarbox.message.dsn import Action, RecipientReport


def find_action(recipient: Recipient) -> Action | None:
    """What to report; None where nothing was asked or the next server is asked in our place."""
    if "SUCCESS" not in recipient.notify:
        return None
    if all(isinstance(target, LocalTarget) for target in recipient.targets):
        return Action.DELIVERED
    return Action.EXPANDED if len(recipient.targets) > 1 else None


def wanted_notices(envelope: Envelope) -> list[tuple[int, RecipientReport]]:
    """Recipients by their number with what to report; never to the null sender."""
    if not envelope.sender.reverse_path:
        return []
    found = []
    for number, recipient in enumerate(envelope.recipients):
        action = find_action(recipient)
        if action is not None:
            report = RecipientReport(
                final_recipient=recipient.forward_path,
                action=action,
                status="2.0.0",
                original_recipient=original_recipient(recipient.orcpt),
            )
            found.append((number, report))
    return found
