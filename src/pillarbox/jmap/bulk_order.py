"""A BulkOperation as a client asks for it: filter, snapshot, action."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from pillarbox.flow.bulk.actions import (
    Action,
    AddMailbox,
    Destroy,
    Doomed,
    Move,
    RemoveAttachments,
    RemoveMailbox,
    Restore,
    SetKeywords,
    UnsetKeywords,
)
from pillarbox.flow.bulk.orders import FOREVER, Deleted, Order, Selection
from pillarbox.ids import MailboxId, MessageId, ModSeq
from pillarbox.jmap.context import Context
from pillarbox.jmap.email.given import fold_keywords
from pillarbox.jmap.errors import RecordRefused, invalid_properties
from pillarbox.jmap.filters import seconds_of, store_query
from pillarbox.jmap.ids import number_of
from pillarbox.jmap.states import point_of
from pillarbox.message.casefold import fold
from pillarbox.store.query import Query

MOST_IDS = 100_000  # in one order; who wants more has a filter
MOST_FOLDERS = 200  # that one operation deletes
_KINDS = (
    "move, destroy, setKeywords, unsetKeywords, addMailbox, removeMailbox, removeAttachments or "
    "restore"
)


class _Given(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    action: dict[str, Any]
    filter: dict[str, Any] | None = None
    email_ids: list[str] | None = None
    except_ids: list[str] | None = None
    up_to_state: str | None = None
    idempotency_key: str | None = None
    initiated_by: dict[str, Any] | None = None


def read_order(ctx: Context, given: dict[str, Any]) -> Order:
    """Raises RecordRefused, and MethodRefused for a filter."""
    try:
        asked = msgspec.convert(given, _Given)
    except msgspec.ValidationError as error:
        raise invalid_properties(f"{error}.") from error
    if asked.idempotency_key is not None and not 1 <= len(asked.idempotency_key) <= 100:
        raise invalid_properties("A key has 100 characters at most.", "idempotencyKey")
    action = _action(asked.action, ctx.real_id)
    client = (asked.initiated_by or {}).get("client")
    initiated = {
        "client": client[:100] if isinstance(client, str) else None,
        "sessionId": ctx.identity.credential,
    }
    return Order(
        account=ctx.account,
        selection=_selection(ctx, asked, action),
        action=action,
        key=asked.idempotency_key,
        initiated_by=msgspec.json.encode(initiated).decode(),
    )


def _selection(ctx: Context, asked: _Given, action: Action) -> Selection:
    if (asked.filter is None) == (asked.email_ids is None):
        raise invalid_properties("It has either a filter or emailIds.", "filter", "emailIds")
    listed = asked.email_ids if asked.email_ids is not None else []
    if max(len(listed), len(asked.except_ids or ())) > MOST_IDS:
        raise RecordRefused("tooLarge", f"Name {MOST_IDS} ids at most, or give a filter.")
    but = frozenset(_message(one) for one in asked.except_ids or ())
    if asked.email_ids is not None:
        named = [message for one in listed if (message := _message(ctx.real_id(one)))]
        return Selection(messages=named, but=but)
    if isinstance(action, Restore):
        return Selection(deleted=read_deleted(asked.filter or {}), but=but)
    return Selection(
        query=_query(ctx, asked.filter or {}),
        but=but,
        up_to=_up_to(asked),
        hidden=isinstance(action, Destroy),
    )


def read_deleted(given: dict[str, Any]) -> Deleted:
    """Of which time. Raises RecordRefused."""
    after, before, folded = 0, FOREVER, ""
    for name, value in given.items():
        match name:
            case "deletedAfter" | "after":
                after = seconds_of(name, value)
            case "deletedBefore" | "before":
                before = seconds_of(name, value)
            case "text" if isinstance(value, str):
                folded = fold(value)
            case _:
                raise invalid_properties(f"There is no condition {name[:40]!r}.", "filter")
    return Deleted(after, before, folded)


def _query(ctx: Context, given: dict[str, Any]) -> Query:
    return store_query(given, ctx.real_id, own=True, hidden=True)


def _up_to(asked: _Given) -> ModSeq | None:
    return None if asked.up_to_state is None else ModSeq(point_of(asked.up_to_state).floor)


def _message(given: str) -> MessageId:
    return MessageId(number_of("M", given))


def _action(given: dict[str, Any], real_id: Callable[[str], str]) -> Action:
    def mailbox(name: str) -> MailboxId:
        return _mailbox(name, given.get(name), real_id)

    def source() -> MailboxId | None:
        return mailbox("fromMailboxId") if given.get("fromMailboxId") is not None else None

    def doomed() -> tuple[Doomed, ...]:
        return _doomed(given, real_id)

    kind = given.get("type")
    makers: dict[object, tuple[set[str], Callable[[], Action]]] = {
        "move": (
            {"toMailboxId", "fromMailboxId", "thenDestroyMailboxIds"},
            lambda: Move(mailbox("toMailboxId"), source(), doomed()),
        ),
        "destroy": (
            {"fromMailboxId", "thenDestroyMailboxIds"},
            lambda: Destroy(source(), doomed()),
        ),
        "setKeywords": ({"keywords"}, lambda: SetKeywords(*_keywords(given))),
        "unsetKeywords": ({"keywords"}, lambda: UnsetKeywords(*_keywords(given))),
        "addMailbox": ({"mailboxId"}, lambda: AddMailbox(mailbox("mailboxId"))),
        "removeMailbox": ({"mailboxId"}, lambda: RemoveMailbox(mailbox("mailboxId"))),
        "removeAttachments": (set(), RemoveAttachments),
        "restore": (set(), Restore),
    }
    if kind not in makers:
        raise invalid_properties(f"An action's type is {_KINDS}.", "action")
    names, make = makers[kind]
    unknown = given.keys() - names - {"type"}
    if unknown:
        raise invalid_properties(f"{kind} has no {min(unknown)[:40]!r}.", "action")
    return make()


def _mailbox(name: str, value: object, real_id: Callable[[str], str]) -> MailboxId:
    number = number_of("F", real_id(value)) if isinstance(value, str) else 0
    if not number:
        raise invalid_properties(f"{name} is the id of a mailbox.", "action")
    return MailboxId(number)


def _doomed(given: dict[str, Any], real_id: Callable[[str], str]) -> tuple[Doomed, ...]:
    """Folders that go at the end, those inside others before these."""
    name = "thenDestroyMailboxIds"
    ids = given.get(name)
    if ids is None:
        return ()
    if not isinstance(ids, list) or not 1 <= len(ids) <= MOST_FOLDERS:
        raise invalid_properties(f"{name} is a list of up to {MOST_FOLDERS} mailboxes.", "action")
    if given.get("fromMailboxId") is not None:
        raise invalid_properties(f"With {name} the messages leave those mailboxes.", "action")
    return tuple([Doomed(_mailbox(name, one, real_id)) for one in ids])


def _keywords(given: dict[str, Any]) -> tuple[int, tuple[str, ...]]:
    value = given.get("keywords")
    named = isinstance(value, dict) and all(one is True for one in value.values())
    if not named and not (isinstance(value, list) and all(isinstance(one, str) for one in value)):
        raise invalid_properties("keywords is a map of names to true.", "action")
    if not value:
        raise invalid_properties("Say which keywords.", "action")
    folded = fold_keywords(value)
    return folded.flags, folded.names
