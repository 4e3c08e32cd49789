"""The folders of an account, in the order in which people look for them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

_ROLES = ("inbox", "drafts", "sent", "archive", "junk", "trash")
_MOST_DEPTH = 20  # of folders in folders, as shown


@dataclass(frozen=True, slots=True)
class Folder:
    """One mailbox as it is shown."""

    id: str
    name: str
    role: str  # "" for none
    depth: int
    total: int
    unread: int

    @property
    def is_known(self) -> bool:
        """Whether its name is ours, in every language."""
        return self.role in _ROLES


def arranged(mailboxes: Iterable[dict[str, Any]]) -> list[Folder]:
    """Those with roles first, then by name; folders within folders behind their parents."""
    below: dict[str | None, list[dict[str, Any]]] = {}
    for one in mailboxes:
        below.setdefault(one["parentId"], []).append(one)
    found: list[Folder] = []
    waiting = [(one, 0) for one in sorted(below.get(None, ()), key=_place, reverse=True)]
    while waiting:
        one, depth = waiting.pop()
        found.append(
            Folder(
                id=one["id"],
                name=one["name"],
                role=one["role"] or "",
                depth=min(depth, _MOST_DEPTH),
                total=one["totalEmails"],
                unread=one["unreadEmails"],
            )
        )
        children = sorted(below.get(one["id"], ()), key=_place, reverse=True)
        waiting += [(child, depth + 1) for child in children]
    return found


def _place(mailbox: dict[str, Any]) -> tuple[int, int, str]:
    role = mailbox["role"]
    rank = _ROLES.index(role) if role in _ROLES else len(_ROLES)
    return rank, mailbox["sortOrder"], mailbox["name"].casefold()
