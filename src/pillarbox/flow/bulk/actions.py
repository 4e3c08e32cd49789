"""What can be done to many messages at once; kept as JSON in the operation's row."""

from __future__ import annotations

from typing import Any

import msgspec

from pillarbox.ids import MailboxId


class _Action(msgspec.Struct, frozen=True, tag_field="type", omit_defaults=True):
    """Its tag is its name in JMAP, too."""


class Move(_Action, frozen=True, tag="move"):
    """Out of all mailboxes, or out of one, into another. Needs no quota."""

    to: MailboxId
    source: MailboxId | None = None


class Destroy(_Action, frozen=True, tag="destroy"):
    """Out of all mailboxes, or out of one; what is in none is kept for a while."""

    source: MailboxId | None = None


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


class Restore(_Action, frozen=True, tag="restore"):
    """Of messages that were destroyed: back to where they were last, or to the inbox."""


Action = Move | Destroy | SetKeywords | UnsetKeywords | AddMailbox | RemoveMailbox | Restore
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
        case Move(to, _):
            return [to]
        case AddMailbox(mailbox):
            return [mailbox]
    return []


def shown(action: Action) -> dict[str, Any]:
    """Its fields as plain values."""
    fields: dict[str, Any] = msgspec.to_builtins(action)
    return fields
