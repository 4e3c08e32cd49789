"""Why mail is not taken: a reason with a name, the same in log, metric and reply."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Reason(StrEnum):
    """Each door has a table from these to its codes."""

    UNKNOWN_RECIPIENT = "unknown-recipient"
    UNKNOWN_DOMAIN = "unknown-domain"
    RELAYING = "relaying"
    MAILBOX_FULL = "mailbox-full"
    LARGER_THAN_MAILBOX = "larger-than-mailbox"
    MESSAGE_TOO_LARGE = "message-too-large"
    LOOP = "loop"
    HEADER_TOO_LARGE = "header-too-large"
    SENDER_NOT_YOURS = "sender-not-yours"
    FROM_NOT_YOURS = "from-not-yours"
    BROKEN_FROM = "broken-from"
    BARE_NEWLINE = "bare-newline"
    UNAVAILABLE = "unavailable"
    DMARC_REJECT = "dmarc-reject"  # its author's domain asks for it
    SPF_FAIL = "spf-fail"
    NULL_MX = "null-mx"  # the sender's domain takes no mail
    DNS_LIST = "dns-list"
    GREYLISTED = "greylisted"
    ASKED_TEMPORARY = "asked-temporary"  # the magic recipients of `pillarbox localserve`
    ASKED_PERMANENT = "asked-permanent"
    ASKED_CLOSE = "asked-close"


class Refused(msgspec.Struct, frozen=True):
    """Not taken; `sentence` is for the person at the other end, "" takes the table's own."""

    reason: Reason
    sentence: str = ""
