"""What the session object says of sending (RFC 8621 §1.3.2)."""

from __future__ import annotations

from pillarbox.jmap.context import Services
from pillarbox.jmap.method import Answer

_DAY = 86_400


def server_part(_services: Services) -> Answer:
    """Nothing, says the RFC."""
    return {}


def account_part(services: Services) -> Answer:
    """For how long mail may wait, and which parameters an envelope may have."""
    rules = services.sending.rules
    days = rules.submission.max_hold_days
    extensions: dict[str, list[str]] = {
        "SIZE": [str(rules.smtp.max_message_octets)],
        "DSN": [],
        "REQUIRETLS": [],
    }
    if days:
        extensions["FUTURERELEASE"] = [str(days * _DAY)]
    return {"maxDelayedSend": days * _DAY, "submissionExtensions": extensions}
