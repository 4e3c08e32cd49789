"""What a JMAP client knows against the model's mailboxes: emails, threads, counts, lists."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from support.email_places import TRASH, UNREAD, Emails, keywords
from support.jmap_client import JmapDesk
from support.jmap_mirror import COUNTS, JmapMirror, Wish


def compare(desk: JmapDesk, mirror: JmapMirror, emails: Emails) -> None:
    """All of it; the client has asked what changed just now."""
    _compare_emails(mirror, emails)
    _compare_threads(mirror, emails)
    _compare_counts(mirror, emails)
    for wish, ids in mirror.lists:
        _compare_list(desk, mirror, emails, wish, ids)


def _compare_emails(mirror: JmapMirror, emails: Emails) -> None:
    names = {box.mailbox_id: name for name, box in emails.oracle.boxes.items()}
    told = {
        emails.numbers[email]: (
            frozenset(names[mailbox] for mailbox in record["mailboxIds"]),
            frozenset(record["keywords"]),
            record["size"],
            record["messageId"],
        )
        for email, record in mirror.emails.items()
    }
    wanted = {
        number: (
            email.mailboxes,
            email.keywords,
            emails.sizes[number],
            [f"sample-{emails.letter(number)}@example.net"],
        )
        for number, email in emails.shown().items()
    }
    assert told == wanted, _difference(told, wanted)


def _compare_threads(mirror: JmapMirror, emails: Emails) -> None:
    """Emails of one plan are one thread, and no others are in it."""
    told = {one["id"]: one["emailIds"] for one in mirror.known["Thread"].values()}
    wanted: dict[str, list[str]] = defaultdict(list)
    plans: dict[str, str] = {}
    for record in mirror.emails.values():
        thread = record["threadId"]
        wanted[thread].append(record["id"])
        number = emails.numbers[record["id"]]
        assert thread == emails.threads[number]
        plan = emails.plan(number) or f"letter {emails.letter(number)}"
        assert plans.setdefault(thread, plan) == plan
    assert len(set(plans.values())) == len(plans), "a plan is in two threads"
    members = [{one: sorted(ids) for one, ids in every.items()} for every in (told, wanted)]
    assert members[0] == members[1], _difference(*members)
    for ids in told.values():
        received = [mirror.emails[email]["receivedAt"] for email in ids]
        assert received == sorted(received)


def _compare_counts(mirror: JmapMirror, emails: Emails) -> None:
    """RFC 8621 §2; what is in the trash alone counts only there.

    An email that is in a mailbox twice, by IMAP, counts once, and as read if one of the two is.
    """
    unread_at: dict[tuple[str, int], list[bool]] = defaultdict(list)
    for number, every in emails.places().items():
        for one in every:
            if one.is_shown:
                is_unread = keywords(one.kept.flags).isdisjoint(UNREAD)
                unread_at[one.box, number].append(is_unread)
    shown = {one["id"]: one for one in mirror.known["Mailbox"].values()}
    for name, box in emails.oracle.boxes.items():
        own = {
            number: all(unread) for (where, number), unread in unread_at.items() if where == name
        }
        unread_threads = {
            emails.threads[number]
            for (where, number), unread in unread_at.items()
            if any(unread) and (where == TRASH) == (name == TRASH)
        }
        threads = {emails.threads[number] for number in own}
        wanted = [len(own), sum(own.values()), len(threads), len(threads & unread_threads)]
        assert [shown[box.mailbox_id][count] for count in COUNTS] == wanted, name
        path, above = shown[box.mailbox_id]["name"], shown[box.mailbox_id]["parentId"]
        while above is not None:
            path, above = f"{shown[above]['name']}/{path}", shown[above]["parentId"]
        assert path == ("Inbox" if name == "INBOX" else name)


def _compare_list(
    desk: JmapDesk, mirror: JmapMirror, emails: Emails, wish: Wish, ids: list[str]
) -> None:
    """What the client made of the changes is what a new question finds, and is right."""
    answer = mirror.fresh(wish, calculateTotal=True)
    assert ids == answer["ids"], (wish.filter, ids, answer["ids"])
    assert answer["total"] == len(ids)
    found = ids
    if wish.collapse:
        found = desk.one("Email/query", **(wish.asked | {"collapseThreads": False}))["ids"]
        first: dict[str, str] = {}
        for email in found:
            first.setdefault(mirror.emails[email]["threadId"], email)
        assert ids == list(first.values())
    wanted = {emails.ids[number] for number, email in emails.shown().items() if wish.holds(email)}
    assert len(found) == len(set(found))
    assert set(found) == wanted, wish.filter
    ranks = [wish.rank(mirror.emails[email]) for email in found]
    assert ranks == sorted(ranks), wish


def _difference(told: dict[Any, Any], wanted: dict[Any, Any]) -> str:
    keys = sorted(told.keys() | wanted.keys())
    return "\n".join(
        f"{key}: told {told.get(key)}, wanted {wanted.get(key)}"
        for key in keys
        if told.get(key) != wanted.get(key)
    )
