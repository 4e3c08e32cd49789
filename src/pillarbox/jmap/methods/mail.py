"""What the session object says of mail (RFC 8621 §1.3.1)."""

from __future__ import annotations

from pillarbox.jmap.context import Services
from pillarbox.jmap.method import Answer
from pillarbox.jmap.sorting import SORT_OPTIONS


def server_part(_services: Services) -> Answer:
    """Nothing, says the RFC."""
    return {}


def account_part(services: Services) -> Answer:
    """The limits of an account."""
    limits = services.store.settings
    return {
        "maxMailboxesPerEmail": None,
        "maxMailboxDepth": limits.max_mailbox_depth,
        "maxSizeMailboxName": limits.max_mailbox_name_octets,
        "maxSizeAttachmentsPerEmail": services.settings.max_upload_octets,
        "emailQuerySortOptions": list(SORT_OPTIONS),
        "mayCreateTopLevelMailbox": True,
    }
