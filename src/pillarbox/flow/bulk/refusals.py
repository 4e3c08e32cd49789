"""Why one message of an operation could not be done, by name; doors have the sentences."""

from __future__ import annotations

from pillarbox.errors import PillarboxError

GONE = "notFound"
CHANGED = "changedSince"
LAST = "lastMailbox"
FULL = "overQuota"
KEYWORDS = "tooManyKeywords"
FAULT = "serverFail"

SENTENCES = {
    GONE: "It is no longer here.",
    CHANGED: "It was moved elsewhere meanwhile, and stays there.",
    LAST: "It is in no other mailbox; delete it, or move it.",
    FULL: "There is no room for it.",
    KEYWORDS: "It has too many keywords already.",
    FAULT: "This server met a fault; its log tells which.",
}


class Refused(PillarboxError):
    """Of one message; the others go on."""

    def __init__(self, reason: str) -> None:
        super().__init__(SENTENCES[reason])
        self.reason = reason
