"""What became of each message: notes kept for some days, read by `pillarbox trace`.

They are for people who ask "where is my mail?" and live in a file of their own. Losing the last
half second of them in a power cut costs an answer, never mail; so no commit waits for them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

import msgspec

_NOTHING: Mapping[str, str] = MappingProxyType({})


class Step(StrEnum):
    """What happened; the facts that go with each stand beside it."""

    ACCEPTED = "accepted"  # into the store: helo, protocol, login, octets, accounts, mailbox, why
    REFUSED = "refused"  # by a reply of ours: at, reason, reply
    ATTEMPT = "attempt"  # to another server that did not end it: mx, reply, tls, next
    RELAYED = "relayed"  # the other server answered 250: mx, reply, tls
    FAILED = "failed"  # for good: mx, reply
    REPORTED = "reported"  # a report to the sender was written: action, queue_id
    STEERED = "steered"  # by an administrator or a hold: action


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """One step of one message."""

    step: Step
    journey: str  # the mail transaction's, the same from RCPT to the last attempt
    at: float = 0.0  # seconds since 1970; 0: now
    session: str = ""
    peer: str = ""
    sender: str = ""
    recipients: Sequence[str] = ()
    message_id: str = ""  # without <>
    queue_id: int = 0
    facts: Mapping[str, str] = _NOTHING


class Journeys(Protocol):
    """Where notes are kept."""

    def note(self, note: Note) -> None:
        """Keep it soon; returns at once and never fails the caller."""

    async def find(self, key: str, *, since: float, limit: int) -> list[list[Note]]:
        """Journeys that `key` belongs to, newest first, each in the order of time.

        `key` is a Message-ID, an address (of the sender or a recipient), a queue number or a
        journey. Notes before `since` (seconds since 1970) are not looked at.
        """
