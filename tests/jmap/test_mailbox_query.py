"""Mailbox/query and /queryChanges (RFC 8621 §2.3, §2.4)."""

from __future__ import annotations

from typing import Any

import pytest

from pillarbox.jmap.ids import mailbox_id
from pillarbox.store.sql import mailboxes
from support.jmap_bench import JmapBox

PLACES = ("Work", "Work/zebra", "Work/Äpfel", "Home", "Home/zebra")


async def fill(box: JmapBox) -> dict[str, str]:
    """Names by id."""
    for path in PLACES:
        await box.create(path)
    tree = await box.store.read(lambda db: mailboxes.tree(db, box.alice.id))
    return {mailbox_id(one.id): one.path for one in tree}


async def ask(box: JmapBox, **arguments: Any) -> list[str]:
    names = await fill(box)
    answer = await box.call("Mailbox/query", **arguments)
    assert "ids" in answer, answer
    return [names[one] for one in answer["ids"]]


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"hasAnyRole": False}, {*PLACES}),
        ({"role": "trash"}, {"Trash"}),
        ({"role": None, "isSubscribed": True}, set()),
        ({"isSubscribed": False, "name": "EBR"}, {"Work/zebra", "Home/zebra"}),
        ({"name": "inbox"}, {"INBOX"}),
        ({"name": "äPF"}, {"Work/Äpfel"}),
        ({"parentId": None, "hasAnyRole": False}, {"Work", "Home"}),
        ({"parentId": "F99"}, set()),
        (
            {"operator": "OR", "conditions": [{"role": "sent"}, {"name": "home"}]},
            {"Sent", "Home"},
        ),
        (
            {"operator": "NOT", "conditions": [{"hasAnyRole": True}, {"name": "e"}]},
            {"Work"},
        ),
        ({"operator": "AND", "conditions": [{"name": "z"}, {"name": "a"}]}, {PLACES[1], PLACES[4]}),
        (
            {"operator": "AND", "conditions": []},
            {*PLACES} | {"INBOX", "Sent", "Drafts", "Junk", "Trash", "Archive"},
        ),
    ],
)
async def test_filters(box: JmapBox, given: dict[str, Any], wanted: set[str]) -> None:
    assert set(await ask(box, filter=given)) == wanted


async def test_children(box: JmapBox) -> None:
    names = await fill(box)
    work = next(one for one, path in names.items() if path == "Work")
    given = {"operator": "AND", "conditions": [{"parentId": work}]}
    answer = await box.call("Mailbox/query", filter=given, calculateTotal=True)
    assert {names[one] for one in answer["ids"]} == {"Work/zebra", "Work/Äpfel"}
    assert (answer["total"], answer["position"], answer["canCalculateChanges"]) == (2, 0, True)


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ({"sort": [{"property": "name"}]}, ["Äpfel", "Home", "Work", "zebra", "zebra"]),
        (
            {"sort": [{"property": "name", "isAscending": False}]},
            ["zebra", "zebra", "Work", "Home", "Äpfel"],
        ),
        (
            {"sort": [{"property": "name"}], "sortAsTree": True},
            ["Home", "zebra", "Work", "Äpfel", "zebra"],
        ),
        (
            {"sort": [{"property": "name", "collation": "i;octet"}]},
            ["Home", "Work", "zebra", "zebra", "Äpfel"],
        ),
        ({"sort": [{"property": "name"}], "position": 1, "limit": 2}, ["Home", "Work"]),
        ({"sort": [{"property": "name"}], "position": -2}, ["zebra", "zebra"]),
        ({"sort": [{"property": "sortOrder"}, {"property": "name"}], "limit": 1}, ["Äpfel"]),
    ],
)
async def test_order(box: JmapBox, arguments: dict[str, Any], wanted: list[str]) -> None:
    found = await ask(box, filter={"hasAnyRole": False}, **arguments)
    assert [path.rpartition("/")[2] for path in found] == wanted


async def test_a_filter_as_a_tree(box: JmapBox) -> None:
    """The parent does not match, so its child does not."""
    either = {"operator": "OR", "conditions": [{"name": "zebra"}, {"name": "home"}]}
    assert set(await ask(box, filter=either, filterAsTree=True)) == {"Home", "Home/zebra"}


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        ({"filter": {"colour": "red"}}, "unsupportedFilter"),
        ({"filter": {"name": 5}}, "invalidArguments"),
        ({"filter": {"operator": "XOR", "conditions": []}}, "invalidArguments"),
        ({"filter": {"operator": "AND", "conditions": [5]}}, "invalidArguments"),
        ({"sort": [{"property": "size"}]}, "unsupportedSort"),
        ({"sort": [{"property": "name", "collation": "i;none"}]}, "unsupportedSort"),
        ({"sort": [{"property": "name", "collation": []}]}, "unsupportedSort"),
        ({"sort": [{"property": "name", "isAscending": 1}]}, "invalidArguments"),
        ({"anchor": "F99"}, "anchorNotFound"),
    ],
)
async def test_what_cannot_be_asked(box: JmapBox, arguments: dict[str, Any], kind: str) -> None:
    assert (await box.call("Mailbox/query", **arguments))["type"] == kind


async def test_a_filter_without_end(box: JmapBox) -> None:
    given: dict[str, Any] = {"name": "a"}
    for _ in range(30):
        given = {"operator": "NOT", "conditions": [given]}
    assert (await box.call("Mailbox/query", filter=given))["type"] == "unsupportedFilter"


def apply(ids: list[str], told: dict[str, Any]) -> list[str]:
    """As a client does (RFC 8620 §5.6)."""
    kept = [one for one in ids if one not in told["removed"]]
    for item in told["added"]:
        kept.insert(item["index"], item["id"])
    return kept


@pytest.mark.parametrize("as_tree", [False, True])
async def test_changes_lead_to_the_new_result(box: JmapBox, as_tree: bool) -> None:
    await fill(box)
    query = {
        "filter": {"operator": "NOT", "conditions": [{"name": "q"}]},
        "sort": [{"property": "name"}],
        "sortAsTree": as_tree,
        "filterAsTree": as_tree,
    }
    changes = [
        lambda tx: mailboxes.create(tx, box.alice.id, "Aaa/Bbb"),
        lambda tx: mailboxes.rename(tx, box.alice.id, "Work", "Quiet"),
        lambda tx: mailboxes.delete(tx, box.alice.id, "Home/zebra"),
        lambda tx: mailboxes.rename(tx, box.alice.id, "Quiet", "Home/Much"),
        lambda tx: mailboxes.unsubscribe(tx, box.alice.id, "Sent"),
    ]
    before = await box.call("Mailbox/query", **query)
    ids, state = before["ids"], before["queryState"]
    for change in changes:
        await box.store.write(change)
        await box.append()
        told = await box.call("Mailbox/queryChanges", sinceQueryState=state, **query)
        ids, state = apply(ids, told), told["newQueryState"]
        now = await box.call("Mailbox/query", **query)
        assert (ids, state) == (now["ids"], now["queryState"])


async def test_too_many_and_too_old(box: JmapBox) -> None:
    state = (await box.call("Mailbox/query"))["queryState"]
    await box.append()
    told = await box.call("Mailbox/queryChanges", sinceQueryState=state, calculateTotal=True)
    assert (told["removed"], told["added"], told["total"]) == ([], [], 6)
    await fill(box)
    told = await box.call("Mailbox/queryChanges", sinceQueryState=state, maxChanges=2)
    assert told["type"] == "tooManyChanges"
    told = await box.call("Mailbox/queryChanges", sinceQueryState="x")
    assert told["type"] == "cannotCalculateChanges"
