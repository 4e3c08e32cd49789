"""What a sender wants to be told about a recipient (RFC 3461 §4.1, §6). Pure."""

from __future__ import annotations

from enum import StrEnum

from pillarbox.store.model import RecipientState


class Tell(StrEnum):
    """What stands in a row's `report` until the sender has been told."""

    NOTHING = ""
    FAILED = "failed"
    EXPIRED = "expired"
    DELAYED = "delayed"
    RELAYED = "relayed"  # to a server that does not report by itself
    DELIVERED = "delivered"
    EXPANDED = "expanded"


_SUCCESSES = {
    RecipientState.RELAYED: Tell.RELAYED,
    RecipientState.DELIVERED: Tell.DELIVERED,
    RecipientState.EXPANDED: Tell.EXPANDED,
}
_FAILURES = {RecipientState.FAILED: Tell.FAILED, RecipientState.EXPIRED: Tell.EXPIRED}


def tell_end(
    state: RecipientState, notify: str, reverse_path: str, *, sent_dsn: bool = False
) -> Tell:
    """After a recipient has ended. Nobody answers for the null sender (RFC 5321 §6.1).

    Success is reported where it was asked for and the next server did not take that over
    (RFC 3461 §5.2.2); failure is unless it was asked not to be.
    """
    words = _words(notify)
    if not reverse_path or "NEVER" in words:
        return Tell.NOTHING
    if state in _FAILURES:
        return _FAILURES[state] if not words or "FAILURE" in words else Tell.NOTHING
    if state in _SUCCESSES and "SUCCESS" in words and not sent_dsn:
        return _SUCCESSES[state]
    return Tell.NOTHING


def tell_delay(notify: str, reverse_path: str) -> Tell:
    """After a recipient has waited for long: told by default, and where it was asked for."""
    words = _words(notify)
    wanted = bool(reverse_path) and (not words or "DELAY" in words)
    return Tell.DELAYED if wanted else Tell.NOTHING


def _words(notify: str) -> set[str]:
    return {word.strip() for word in notify.upper().split(",") if word.strip()}
