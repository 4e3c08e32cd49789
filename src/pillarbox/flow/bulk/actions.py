"""What can be done to many messages at once; kept as JSON in the operation's row."""

from __future__ import annotations

from typing import Any

import msgspec

from pillarbox.ids import MailboxId


class _Action(msgspec.Struct, frozen=True, tag_field="type", omit_defaults=True):
    """Its tag is its name in JMAP, too."""


class Doomed(msgspec.Struct, frozen=True, array_like=True):
    """A folder that goes when its messages went."""

    mailbox: MailboxId
    path: str = ""  # known when the operation is queued
    is_subscribed: bool = False


class Move(_Action, frozen=True, tag="move"):
    """Out of all mailboxes, or out of one, into another. Needs no quota.

    With `then`: out of those; what is elsewhere, too, is not put into `to`.
    """

    to: MailboxId
    source: MailboxId | None = None
    then: tuple[Doomed, ...] = ()


class Destroy(_Action, frozen=True, tag="destroy"):
    """Out of all mailboxes, out of one, or of those of `then`; in none, it is kept for a while."""

    source: MailboxId | None = None
    then: tuple[Doomed, ...] = ()


class _Keywords(_Action, frozen=True):
    flags: int = 0  # bits
    names: tuple[str, ...] = ()  # others, in lower case


class SetKeywords(_Keywords, frozen=True, tag="setKeywords"):
    """In all places of a message."""


class UnsetKeywords(_Keywords, frozen=True, tag="unsetKeywords"):
    """From all places of a message."""


class AddMailbox(_Action, frozen=True, tag="addMailbox"):
    """One more place."""

    mailbox: MailboxId


class RemoveMailbox(_Action, frozen=True, tag="removeMailbox"):
    """One place less; the last one stays."""

    mailbox: MailboxId


class RemoveAttachments(_Action, frozen=True, tag="removeAttachments"):
    """Each message becomes one without its files."""


class Restore(_Action, frozen=True, tag="restore"):
    """Of messages that were destroyed: back to where they were last, or to the inbox."""


Action = (
    Move
    | Destroy
    | SetKeywords
    | UnsetKeywords
    | AddMailbox
    | RemoveMailbox
    | RemoveAttachments
    | Restore
)
_decoder = msgspec.json.Decoder(Action)


def parse_action(text: str) -> Action:
    """As it was stored."""
    action: Action = _decoder.decode(text)
    return action


def encode_action(action: Action) -> str:
    """For the store."""
    return msgspec.json.encode(action).decode()


def needed_mailboxes(action: Action) -> list[MailboxId]:
    """Those that must be there and hold mail for it to make sense."""
    match action:
        case Move(to):
            return [to]
        case AddMailbox(mailbox):
            return [mailbox]
    return []


def shown(action: Action) -> dict[str, Any]:
    """Its fields as plain values."""
    fields: dict[str, Any] = msgspec.to_builtins(action)
    return fields
