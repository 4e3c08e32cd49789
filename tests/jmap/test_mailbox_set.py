"""Mailbox/set (RFC 8621 §2.5): what is made, changed, destroyed, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from pillarbox.jmap import mailbox_writing
from pillarbox.jmap.ids import email_id, mailbox_id
from pillarbox.jmap.methods import mailbox_set
from pillarbox.store.model import Role
from pillarbox.store.sql import accounts, mailboxes
from support.jmap_bench import JmapBox
from support.store_box import letter


async def make(box: JmapBox, **given: Any) -> str:
    answer = await box.call("Mailbox/set", create={"new": given})
    assert answer["notCreated"] is None, answer
    made = answer["created"]["new"]["id"]
    assert isinstance(made, str)
    return made


async def paths(box: JmapBox) -> dict[str, str]:
    """As IMAP lists them: paths by id."""
    tree = await box.store.read(lambda db: mailboxes.tree(db, box.alice.id))
    return {mailbox_id(one.id): one.path for one in tree}


async def shown(box: JmapBox, one: str, *names: str) -> list[Any]:
    answer = await box.call("Mailbox/get", ids=[one], properties=names)
    return [answer["list"][0][name] for name in names]


async def test_what_a_creation_tells(box: JmapBox) -> None:
    answer = await box.call("Mailbox/set", create={"a": {"name": "Plans", "sortOrder": 7}})
    made = answer["created"]["a"]
    assert "name" not in made and "sortOrder" not in made
    assert made["isSubscribed"] is True and made["totalEmails"] == made["unreadThreads"] == 0
    assert made["myRights"]["mayAddItems"] and made["parentId"] is None
    assert (await paths(box))[made["id"]] == "Plans"
    assert await shown(box, made["id"], "name", "sortOrder", "isSubscribed") == ["Plans", 7, True]
    assert (
        answer["oldState"] != answer["newState"] == (await box.call("Mailbox/get", ids=[]))["state"]
    )


async def test_parents_are_made_first_whatever_the_order(box: JmapBox) -> None:
    answer = await box.call(
        "Mailbox/set",
        create={
            "c": {"name": "C", "parentId": "#b"},
            "b": {"name": "B", "parentId": "#a"},
            "a": {"name": "A"},
        },
    )
    made = {name: one["id"] for name, one in answer["created"].items()}
    assert {(await paths(box))[one] for one in made.values()} == {"A", "A/B", "A/B/C"}
    assert answer["created"]["c"]["parentId"] == made["b"]


async def test_later_calls_know_what_was_created(box: JmapBox) -> None:
    responses = await box.request(
        ("Mailbox/set", {"create": {"a": {"name": "A"}}}, "0"),
        ("Mailbox/set", {"create": {"b": {"name": "B", "parentId": "#a"}}}, "1"),
        ("Mailbox/set", {"update": {"#b": {"name": "C"}}}, "2"),
        ("Mailbox/get", {"ids": ["#b"], "properties": ["name"]}, "3"),
        ("Mailbox/set", {"destroy": ["#b"]}, "4"),
    )
    made = responses[1][1]["created"]["b"]["id"]
    assert responses[2][1]["updated"] == {made: None}
    assert responses[3][1]["list"] == [{"id": made, "name": "C"}]
    assert responses[4][1]["destroyed"] == [made]
    assert "A" in (await paths(box)).values() and "A/C" not in (await paths(box)).values()


@pytest.mark.parametrize(
    ("given", "kind", "properties"),
    [
        ({}, "invalidProperties", ["name"]),
        ({"name": ""}, "invalidProperties", ["name"]),
        ({"name": "a/b"}, "invalidProperties", ["name"]),
        ({"name": "a\tb"}, "invalidProperties", ["name"]),
        ({"name": "a" * 256}, "invalidProperties", ["name"]),
        ({"name": 5}, "invalidProperties", ["name"]),
        ({"name": "Sent"}, "invalidProperties", ["name"]),
        ({"name": "inbox"}, "invalidProperties", ["name"]),
        ({"name": "Inbox"}, "invalidProperties", ["name"]),
        ({"name": "X", "parentId": "F99"}, "invalidProperties", ["parentId"]),
        ({"name": "X", "parentId": "#x"}, "invalidProperties", ["parentId"]),
        ({"name": "X", "parentId": "#nothing"}, "invalidProperties", ["parentId"]),
        ({"name": "X", "parentId": 1}, "invalidProperties", ["parentId"]),
        ({"name": "X", "role": "trash"}, "invalidProperties", ["role"]),
        ({"name": "X", "role": "inbox"}, "invalidProperties", ["role"]),
        ({"name": "X", "role": "kitchen"}, "invalidProperties", ["role"]),
        ({"name": "X", "role": ["trash"]}, "invalidProperties", ["role"]),
        ({"name": "X", "sortOrder": -1}, "invalidProperties", ["sortOrder"]),
        ({"name": "X", "sortOrder": 1 << 31}, "invalidProperties", ["sortOrder"]),
        ({"name": "X", "sortOrder": True}, "invalidProperties", ["sortOrder"]),
        ({"name": "X", "isSubscribed": 1}, "invalidProperties", ["isSubscribed"]),
        ({"name": "X", "id": "F5"}, "invalidProperties", ["id"]),
        ({"name": "X", "totalEmails": 0}, "invalidProperties", ["totalEmails"]),
        ({"name": "X", "colour": "red"}, "invalidProperties", ["colour"]),
    ],
)
async def test_refused_creations(
    box: JmapBox, given: dict[str, Any], kind: str, properties: list[str]
) -> None:
    before = await paths(box)
    answer = await box.call("Mailbox/set", create={"x": given})
    refused = answer["notCreated"]["x"]
    assert (refused["type"], refused["properties"]) == (kind, properties)
    assert answer["created"] is None and answer["oldState"] == answer["newState"]
    assert await paths(box) == before


async def test_too_many_mailboxes(box: JmapBox) -> None:
    await box.store.close()
    box.change_settings(max_mailboxes=10)
    await box.open()
    answer = await box.call(
        "Mailbox/set", create={str(number): {"name": f"M{number}"} for number in range(6)}
    )
    assert len(answer["created"]) == 4
    assert {one["type"] for one in answer["notCreated"].values()} == {"overQuota"}


async def test_rename_and_move_with_children_and_subscriptions(box: JmapBox) -> None:
    work, home = await make(box, name="Work"), await make(box, name="Home")
    plans = await make(box, name="Plans", parentId=work)
    await box.append(letter(), (await box.mailbox("Work/Plans")).id)
    answer = await box.call(
        "Mailbox/set", update={work: {"name": "Job", "parentId": home}, plans: {"sortOrder": 3}}
    )
    assert answer["updated"] == {work: None, plans: None}
    there = await paths(box)
    assert (there[work], there[plans]) == ("Home/Job", "Home/Job/Plans")
    assert await shown(box, plans, "parentId", "totalEmails", "isSubscribed", "sortOrder") == [
        work,
        1,
        True,
        3,
    ]
    subscribed = await box.store.read(lambda db: mailboxes.subscriptions(db, box.alice.id))
    assert "Home/Job/Plans" in subscribed and not any(p.startswith("Work") for p in subscribed)
    await box.call("Mailbox/set", update={work: {"parentId": None}})
    assert (await paths(box))[plans] == "Job/Plans"


async def test_two_change_places(box: JmapBox) -> None:
    """Each update is in the way of the one before it."""
    first, second = await make(box, name="One"), await make(box, name="Two")
    answer = await box.call("Mailbox/set", update={first: {"name": "Two"}, second: {"name": "Six"}})
    assert answer["updated"] == {first: None, second: None}
    assert await shown(box, first, "name") == ["Two"]
    trash, junk = await box.mailbox("Trash"), await box.mailbox("Junk")
    answer = await box.call(
        "Mailbox/set",
        update={mailbox_id(junk.id): {"role": "trash"}, mailbox_id(trash.id): {"role": None}},
    )
    assert answer["notUpdated"] is None
    assert (await box.mailbox("Junk")).role is Role.TRASH


async def test_a_whole_record_may_be_sent_back(box: JmapBox) -> None:
    own = await make(box, name="Plans")
    (record,) = (await box.call("Mailbox/get", ids=[own]))["list"]
    answer = await box.call("Mailbox/set", update={own: {**record, "isSubscribed": False}})
    assert answer["updated"] == {own: None}
    assert await shown(box, own, "isSubscribed", "name") == [False, "Plans"]


@pytest.mark.parametrize(
    ("patch", "kind"),
    [
        ({"name": "Sent"}, "invalidProperties"),
        ({"name": None}, "invalidProperties"),
        ({"parentId": "OWN"}, "invalidProperties"),
        ({"parentId": "CHILD"}, "invalidProperties"),
        ({"parentId": "F99"}, "invalidProperties"),
        ({"role": "sent"}, "invalidProperties"),
        ({"totalEmails": 5}, "invalidProperties"),
        ({"id": "F1"}, "invalidProperties"),
        ({"myRights/mayDelete": False}, "invalidProperties"),
        ({"colour": "red"}, "invalidProperties"),
        ({"name/x": "red"}, "invalidPatch"),
    ],
)
async def test_refused_updates(box: JmapBox, patch: dict[str, Any], kind: str) -> None:
    own = await make(box, name="Own")
    child = await make(box, name="Child", parentId=own)
    patch = {name: {"OWN": own, "CHILD": child}.get(str(v), v) for name, v in patch.items()}
    before = await paths(box)
    answer = await box.call("Mailbox/set", update={own: patch})
    assert answer["notUpdated"][own]["type"] == kind
    assert answer["oldState"] == answer["newState"] and await paths(box) == before


async def test_the_inbox_stays(box: JmapBox) -> None:
    inbox = mailbox_id(box.inbox.id)
    for patch in ({"name": "Post"}, {"parentId": await make(box, name="X")}, {"role": None}):
        answer = await box.call("Mailbox/set", update={inbox: patch})
        assert answer["notUpdated"][inbox]["type"] == "forbidden"
    answer = await box.call("Mailbox/set", destroy=[inbox], onDestroyRemoveEmails=True)
    assert answer["notDestroyed"][inbox]["type"] == "forbidden"
    answer = await box.call("Mailbox/set", update={inbox: {"name": "Inbox", "sortOrder": 2}})
    assert answer["updated"] == {inbox: None}
    inside = await make(box, name="Inside", parentId=inbox)
    assert (await paths(box))[inside] == "INBOX/Inside"


async def test_destroying(box: JmapBox) -> None:
    parent = await make(box, name="Parent")
    child = await make(box, name="Child", parentId=parent)
    placed = await box.append(letter(), (await box.mailbox("Parent/Child")).id)
    answer = await box.call("Mailbox/set", destroy=[parent, child, "F99", "#none"])
    assert {one: told["type"] for one, told in answer["notDestroyed"].items()} == {
        parent: "mailboxHasChild",
        child: "mailboxHasEmail",
        "F99": "notFound",
        "#none": "notFound",
    }
    state = answer["newState"]
    answer = await box.call("Mailbox/set", destroy=[parent, child], onDestroyRemoveEmails=True)
    assert answer["destroyed"] == [child, parent]
    changes = await box.call("Email/changes", sinceState=state)
    assert changes["destroyed"] == [email_id(placed.message)]
    assert (await box.account()).used_messages == 0
    subscribed = await box.store.read(lambda db: mailboxes.subscriptions(db, box.alice.id))
    assert not any(path.startswith("Parent") for path in subscribed)


async def test_updated_and_destroyed_at_once(box: JmapBox) -> None:
    own = await make(box, name="Own")
    answer = await box.call("Mailbox/set", update={own: {"name": "X"}}, destroy=[own])
    assert answer["notUpdated"][own]["type"] == "willDestroy"
    assert answer["destroyed"] == [own]


async def test_only_in_the_state_that_was_named(box: JmapBox) -> None:
    state = (await box.call("Mailbox/get", ids=[]))["state"]
    await box.append()
    answer = await box.call("Mailbox/set", ifInState=state, create={"a": {"name": "A"}})
    assert answer == {"type": "stateMismatch"}
    state = (await box.call("Mailbox/get", ids=[]))["state"]
    given = {"a": {"name": "A"}, "b": {"name": "B", "parentId": "#a"}}
    answer = await box.call("Mailbox/set", ifInState=state, create=given)
    assert set(answer["created"]) == {"a", "b"}


async def test_what_others_do_in_between_is_not_skipped(
    box: JmapBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client goes on from the old state, and hears of it."""
    write = box.store.write
    done: list[None] = []

    async def late(function: Any, **more: Any) -> Any:
        value = await write(function, **more)
        if not done:
            done.append(None)
            await box.append()
        return value

    monkeypatch.setattr(box.store, "write", late)
    answer = await box.call("Mailbox/set", create={"a": {"name": "A"}, "b": {"name": "B"}})
    assert len(done) == 1 and answer["newState"] == answer["oldState"]
    changes = await box.call("Mailbox/changes", sinceState=answer["newState"])
    assert mailbox_id(box.inbox.id) in changes["updated"]


async def test_a_large_mailbox_goes_in_steps(box: JmapBox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deliveries come in between; what arrives there meanwhile goes along."""
    monkeypatch.setattr(mailbox_writing, "STEP", 10)
    monkeypatch.setattr(mailbox_set, "REST_SECONDS", 0)
    large = await make(box, name="Large")
    number = (await box.mailbox("Large")).id
    await box.fill(35, number)
    write, commits = box.store.write, 0

    async def between(function: Any, **more: Any) -> Any:
        nonlocal commits
        commits += 1
        if commits == 2:
            await box.append(mailbox=number)
        return await write(function, **more)

    monkeypatch.setattr(box.store, "write", between)
    state = (await box.call("Mailbox/get", ids=[]))["state"]
    answer = await box.call("Mailbox/set", destroy=[large], onDestroyRemoveEmails=True)
    assert answer["destroyed"] == [large]
    assert commits == 5  # 36 messages: three steps of ten and the rest, and the delivery
    changes = await box.call("Email/changes", sinceState=state)
    assert len(changes["destroyed"]) == 35
    row = await box.store.read(lambda db: accounts.get(db, box.alice.id))
    assert (row.used_messages, row.used_octets) == (0, 0)
