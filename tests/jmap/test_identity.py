"""Identity/get, changes and set."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from pillarbox.ids import RemoteId
from pillarbox.store.sql import accounts, addresses, send_as
from support.jmap_bench import JmapBox


async def by_address(box: JmapBox) -> dict[str, dict[str, Any]]:
    """All identities."""
    answer = await box.call("Identity/get", ids=None)
    return {one["email"]: one for one in answer["list"]}


async def prepare(box: JmapBox) -> None:
    """A domain, an alias of an alias, a list, a catch-all, and a remote account."""
    await box.store.write(lambda tx: accounts.add_domain(tx, "example.org"))
    await box.new_account("bob@example.org")
    for address, targets in (
        ("info@example.org", ["alice+info@example.org"]),
        ("hello@example.org", ["info@example.org"]),
        ("team@example.org", ["bob@example.org", "alice@example.org"]),
        ("sales@example.org", ["bob@example.org"]),
        ("loop@example.org", ["pool@example.org"]),
        ("pool@example.org", ["loop@example.org"]),
        ("@example.com", ["alice@example.org"]),
    ):
        add = partial(addresses.add_alias, address=address, targets=targets)
        await box.store.write(add)
    named = ["alice@example.net", "mine@example.org"]  # the second is in a domain of ours
    await box.store.write(lambda tx: send_as.put(tx, box.alice.id, RemoteId(1), named))


async def test_the_account_s_address_and_name_make_the_first(box: JmapBox) -> None:
    answer = await box.call("Identity/get", ids=None)
    assert answer["list"] == [
        {
            "id": answer["list"][0]["id"],
            "name": box.alice.name,
            "email": "alice@example.org",
            "replyTo": None,
            "bcc": None,
            "textSignature": "",
            "htmlSignature": "",
            "mayDelete": False,
        }
    ]
    again = await box.call("Identity/get", ids=[answer["list"][0]["id"], "I9"])
    assert (again["list"], again["notFound"]) == (answer["list"], ["I9"])
    assert again["state"] == answer["state"]


async def test_there_is_one_for_each_address_that_is_hers(box: JmapBox) -> None:
    await prepare(box)
    found = await by_address(box)
    assert set(found) == {
        "alice@example.org",
        "info@example.org",
        "team@example.org",
        "hello@example.org",
        "*@example.com",
        "alice@example.net",
    }
    directory = box.context().services.sending.directory
    for address in found:
        asked = address.replace("*", "any")
        may = await directory.may_send_as(box.alice.id, asked)
        assert may or await directory.find_send_as(box.alice.id, asked) is not None


async def test_they_come_and_go_with_the_addresses(box: JmapBox) -> None:
    await prepare(box)
    before = await by_address(box)
    state = (await box.call("Identity/get", ids=[]))["state"]
    await box.store.write(partial(addresses.remove_alias, address="info@example.org"))
    added = partial(addresses.add_alias, address="new@example.org", targets=["alice@example.org"])
    await box.store.write(added)
    changes = await box.call("Identity/changes", sinceState=state)
    after = await by_address(box)
    assert after.keys() - before.keys() == {"new@example.org"}
    assert changes["created"] == [after["new@example.org"]["id"]]
    gone = {before[one]["id"] for one in ("info@example.org", "hello@example.org")}
    assert set(changes["destroyed"]) == gone
    assert changes["updated"] == []


async def test_what_is_written_into_one_stays(box: JmapBox) -> None:
    (own,) = (await by_address(box)).values()
    texts = {
        "name": "Alice A.",
        "replyTo": [{"name": None, "email": "team@example.org"}],
        "bcc": [{"name": "Archive", "email": "archive@example.org"}],
        "textSignature": "-- \nAlice",
        "htmlSignature": "<b>Alice</b>",
    }
    answer = await box.call("Identity/set", update={own["id"]: texts})
    assert answer["updated"] == {own["id"]: None}
    await box.reopen()
    (now,) = (await by_address(box)).values()
    assert now == own | texts
    changes = await box.call("Identity/changes", sinceState=answer["oldState"])
    assert (changes["created"], changes["updated"]) == ([], [own["id"]])
    answer = await box.call("Identity/set", update={own["id"]: {"replyTo": None, "name": None}})
    (now,) = (await by_address(box)).values()
    assert (now["replyTo"], now["name"]) == (None, "")


async def test_one_s_own_are_made_and_destroyed(box: JmapBox) -> None:
    await prepare(box)
    answer = await box.call(
        "Identity/set",
        create={
            "a": {"email": "alice@example.org", "name": "The boss"},
            "b": {"email": "any@example.com", "name": "Any"},
            "c": {"email": "*@example.com"},
            "d": {"email": "alice+lists@example.org", "textSignature": "L"},
            "e": {"email": "bob@example.org"},
            "f": {"email": "*@example.org"},
            "g": {"email": "carol@example.net"},
        },
    )
    assert set(answer["created"]) == {"a", "b", "c", "d"}
    assert {name: one["type"] for name, one in answer["notCreated"].items()} == dict.fromkeys(
        "efg", "forbiddenFrom"
    )
    made = answer["created"]["a"]
    assert made["mayDelete"] is True
    assert made["name"] == "The boss"
    default = (await box.call("Identity/get", ids=None))["list"][0]["id"]
    gone = await box.call("Identity/set", destroy=[made["id"], default, "I8"])
    assert gone["destroyed"] == [made["id"]]
    assert gone["notDestroyed"][default]["type"] == "forbidden"
    assert gone["notDestroyed"]["I8"]["type"] == "notFound"


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({}, "email"),
        ({"email": 7}, "email"),
        ({"email": "alice"}, "email"),
        ({"email": "alice@example.org", "mayDelete": True}, "mayDelete"),
        ({"email": "alice@example.org", "name": 7}, "name"),
        ({"email": "alice@example.org", "name": "A\r\nBcc: x@example.org"}, "name"),
        ({"email": "alice@example.org", "name": "n" * 501}, "name"),
        ({"email": "alice@example.org", "replyTo": "x@example.org"}, "replyTo"),
        ({"email": "alice@example.org", "replyTo": [{"name": "x"}]}, "replyTo"),
        ({"email": "alice@example.org", "bcc": [{"email": "no address"}]}, "bcc"),
        ({"email": "alice@example.org", "bcc": [{"email": "x@y.org", "name": "\n"}]}, "bcc"),
        ({"email": "alice@example.org", "bcc": [{"email": "x@y.org"}] * 51}, "bcc"),
        ({"email": "alice@example.org", "htmlSignature": "x" * 70_000}, "htmlSignature"),
        ({"email": "alice@example.org", "textSignature": []}, "textSignature"),
    ],
)
async def test_what_is_no_identity(box: JmapBox, given: dict[str, Any], wrong: str) -> None:
    answer = await box.call("Identity/set", create={"x": given})
    refused = answer["notCreated"]["x"]
    assert (refused["type"], refused["properties"]) == ("invalidProperties", [wrong])


async def test_the_address_of_one_never_changes(box: JmapBox) -> None:
    (own,) = (await by_address(box)).values()
    patch = {own["id"]: {"email": "alice+x@example.org"}}
    answer = await box.call("Identity/set", update=patch)
    assert answer["notUpdated"][own["id"]]["properties"] == ["email"]
    answer = await box.call("Identity/set", update={"I77": {"name": "x"}})
    assert answer["notUpdated"]["I77"]["type"] == "notFound"
    answer = await box.call("Identity/set", update={own["id"]: {"name": "x"}}, destroy=[own["id"]])
    assert answer["notUpdated"][own["id"]]["type"] == "willDestroy"


async def test_removing_an_account_removes_them(box: JmapBox) -> None:
    await by_address(box)
    await box.store.write(lambda tx: accounts.remove(tx, box.alice.id))
    left = await box.store.read(lambda db: db.rows("SELECT 1 FROM identity"))
    assert left == []
