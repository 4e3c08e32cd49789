"""A JMAP client that follows /changes and /queryChanges alone, and believes what they say."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from support.email_places import Email
from support.jmap_client import JmapDesk

PROPERTIES = ["id", "mailboxIds", "keywords", "threadId", "size", "receivedAt", "messageId"]
COUNTS = ("totalEmails", "unreadEmails", "totalThreads", "unreadThreads")
PAGES = (None, 1, 3, 50)  # maxChanges
Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wish:
    """A list that the client keeps: what is asked, and what should be in it."""

    filter: dict[str, Any] | None
    holds: Callable[[Email], bool]
    sort: tuple[tuple[str, bool], ...] = (("receivedAt", False),)
    collapse: bool = False

    @property
    def asked(self) -> dict[str, Any]:
        """The arguments of Email/query and Email/queryChanges."""
        sort = [_criterion(name, ascending) for name, ascending in self.sort]
        return {"filter": self.filter, "sort": sort, "collapseThreads": self.collapse}

    def rank(self, record: Record) -> tuple[Any, ...]:
        """What the list is sorted by."""
        return tuple(
            _Up(_value(record, name)) if ascending else _Down(_value(record, name))
            for name, ascending in self.sort
        )


def wishes(ids: dict[str, str]) -> list[Wish]:
    """Some lists; `ids`: of mailboxes that stay, by name."""
    inbox, one = ids["INBOX"], ids["One"]
    either = {"operator": "OR", "conditions": [{"inMailbox": one}, {"hasKeyword": "$flagged"}]}
    return [
        Wish(None, lambda _email: True),
        Wish({"inMailbox": inbox}, lambda email: "INBOX" in email.mailboxes, collapse=True),
        Wish({"inMailbox": inbox}, lambda email: "INBOX" in email.mailboxes),
        Wish({"notKeyword": "$seen"}, lambda email: "$seen" not in email.keywords),
        Wish(
            either,
            lambda email: "One" in email.mailboxes or "$flagged" in email.keywords,
            sort=(("hasKeyword blue", True), ("size", False), ("receivedAt", True)),
        ),
        Wish(
            {"inMailboxOtherThan": [inbox, ids["Trash"]], "hasKeyword": "green"},
            lambda email: bool(email.mailboxes - {"INBOX", "Trash"}) and "green" in email.keywords,
            sort=(("size", True),),
        ),
    ]


class JmapMirror:
    """Emails, threads, mailboxes and lists as the client knows them."""

    def __init__(self, desk: JmapDesk, rng: random.Random, wanted: list[Wish]) -> None:
        self._desk = desk
        self._rng = rng
        self.known: dict[str, dict[str, Record]] = {"Email": {}, "Thread": {}, "Mailbox": {}}
        self._states: dict[str, str] = {}
        self.lists: list[tuple[Wish, list[str]]] = [(wish, []) for wish in wanted]
        self._list_states: list[str] = []

    @property
    def emails(self) -> dict[str, Record]:
        """By id."""
        return self.known["Email"]

    def begin(self) -> None:
        """All that is there."""
        for kind, known in self.known.items():
            ids = list({one["threadId"] for one in self.emails.values()})
            answer = self._get(kind, ids if kind == "Thread" else None)
            known.update({one["id"]: one for one in answer["list"]})
            self._states[kind] = answer["state"]
        for wish, ids in self.lists:
            answer = self._desk.one("Email/query", **wish.asked)
            ids[:] = answer["ids"]
            self._list_states.append(answer["queryState"])

    def sync(self) -> None:
        """What changed since the last time."""
        for kind in self.known:
            while self._page(kind):
                pass
        for number, (wish, ids) in enumerate(self.lists):
            self._list_states[number] = self._follow(wish, ids, self._list_states[number])

    def fresh(self, wish: Wish, **more: Any) -> Record:
        """The same list, asked for anew."""
        return self._desk.one("Email/query", **(wish.asked | more))

    def _get(self, kind: str, ids: list[str] | None, names: list[str] | None = None) -> Record:
        wanted = {"properties": PROPERTIES} if kind == "Email" else {}
        if names is not None:
            wanted = {"properties": ["id", *names]}
        return self._desk.one(f"{kind}/get", ids=ids, **wanted)

    def _page(self, kind: str) -> bool:
        known, limit = self.known[kind], self._rng.choice(PAGES)
        told = self._desk.one(f"{kind}/changes", sinceState=self._states[kind], maxChanges=limit)
        ids = [*told["created"], *told["updated"], *told["destroyed"]]
        assert len(ids) == len(set(ids)) <= (limit or len(ids)), told
        assert set(told["updated"]) <= known.keys(), f"{kind}: updated, but never heard of"
        names = told.get("updatedProperties")
        for asked, properties in ((told["created"], None), (told["updated"], names)):
            answer = self._get(kind, asked, properties)
            # What is gone meanwhile: a later page says so.
            assert told["hasMoreChanges"] or not answer["notFound"], (kind, told, answer)
            for one in answer["list"]:
                known[one["id"]] = (known[one["id"]] if properties else {}) | one
        for one in told["destroyed"]:
            known.pop(one, None)
        self._states[kind] = told["newState"]
        return bool(told["hasMoreChanges"])

    def _follow(self, wish: Wish, ids: list[str], state: str) -> str:
        """RFC 8620 §5.6: take out, then put in from the lowest index up."""
        told = self._desk.one("Email/queryChanges", sinceQueryState=state, **wish.asked)
        gone = set(told["removed"])
        ids[:] = [one for one in ids if one not in gone]
        indexes = [one["index"] for one in told["added"]]
        assert indexes == sorted(indexes)
        for one in told["added"]:
            assert one["id"] not in ids and one["index"] <= len(ids), (wish.filter, told)
            ids.insert(one["index"], one["id"])
        return str(told["newQueryState"])


class _Up:
    """Compares like its value."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __lt__(self, other: _Up) -> bool:
        return bool(self.value < other.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Up) and self.value == other.value

    __hash__ = None  # type: ignore[assignment]


class _Down(_Up):
    """The other way round."""

    def __lt__(self, other: _Up) -> bool:
        return bool(self.value > other.value)


def _criterion(name: str, ascending: bool) -> dict[str, Any]:
    prop, _, keyword = name.partition(" ")
    return {"property": prop, "isAscending": ascending} | ({"keyword": keyword} if keyword else {})


def _value(record: Record, name: str) -> Any:
    prop, _, keyword = name.partition(" ")
    return keyword in record["keywords"] if keyword else record[prop]
