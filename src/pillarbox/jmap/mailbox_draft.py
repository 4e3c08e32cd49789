"""What a client wants a mailbox to be: properties checked, none of them applied (RFC 8621 §2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from pillarbox.jmap.errors import RecordRefused, invalid_properties
from pillarbox.jmap.method import Answer
from pillarbox.jmap.standard import apply_patch
from pillarbox.store.model import DELIMITER, Role

SETTABLE = ("name", "parentId", "role", "sortOrder", "isSubscribed")
MOST_SORT_ORDER = (1 << 31) - 1
RealId = Callable[[str], str]


class Draft(msgspec.Struct, frozen=True):
    """The settable properties."""

    name: str
    parent: str | None  # an id; "" for one that there is not
    role: Role | None
    sort_order: int | None  # None: by its use
    is_subscribed: bool


def read_new(given: dict[str, Any], real_id: RealId) -> Draft:
    """Raises RecordRefused."""
    wrong = [name for name in given if name not in SETTABLE]
    if wrong:
        raise invalid_properties("Only the server sets these.", *wrong)
    return _read({"isSubscribed": True, **given}, real_id)


def read_update(record: Answer, patch: dict[str, Any], real_id: RealId) -> Draft:
    """`record`: all properties as they are. Raises RecordRefused."""
    patched = apply_patch(record, patch)
    wrong = sorted(
        name
        for name in patched.keys() | record.keys()
        if name not in SETTABLE and patched.get(name) != record.get(name)
    )
    if wrong:
        raise invalid_properties("Only the server sets these.", *wrong)
    return _read(patched, real_id)


def _read(given: dict[str, Any], real_id: RealId) -> Draft:
    parent = given.get("parentId")
    if parent is not None and not isinstance(parent, str):
        raise invalid_properties("The parent is an id.", "parentId")
    order = given.get("sortOrder")
    if order is not None and not (type(order) is int and 0 <= order <= MOST_SORT_ORDER):
        raise invalid_properties("That is no number for an order.", "sortOrder")
    is_subscribed = given.get("isSubscribed", False)
    if not isinstance(is_subscribed, bool):
        raise invalid_properties("It is subscribed or not.", "isSubscribed")
    name = given.get("name")
    if not isinstance(name, str) or not name:
        raise invalid_properties("A mailbox has a name.", "name")
    if DELIMITER in name:
        raise invalid_properties(f"A name cannot hold {DELIMITER!r}.", "name")
    return Draft(
        name, None if parent is None else real_id(parent), _role(given), order, is_subscribed
    )


def _role(given: dict[str, Any]) -> Role | None:
    role = given.get("role")
    if role is None:
        return None
    try:
        return Role(role)
    except ValueError:
        raise invalid_properties(f"There is no role {role!r}.", "role") from None


def awaited_creation(given: Any) -> str | None:
    """The creation id of a parent that this very call may create."""
    parent = given.get("parentId") if isinstance(given, dict) else None
    return parent[1:] if isinstance(parent, str) and parent.startswith("#") else None


def refuse_unknown_parent() -> RecordRefused:
    """The parent is not there."""
    return invalid_properties("There is no such mailbox to put it into.", "parentId")
