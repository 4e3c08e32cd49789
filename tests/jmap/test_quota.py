"""Quota (RFC 9425): limits, use, and changes of either."""

from __future__ import annotations

import pytest

from pillarbox.store.sql import accounts
from support.jmap_bench import JmapBox
from support.store_box import letter


async def limit(box: JmapBox, octets: int, count: int = 0) -> None:
    await box.store.write(lambda tx: accounts.set_quota(tx, box.alice.id, octets, count))


async def test_no_limit_is_no_quota(box: JmapBox) -> None:
    answer = await box.call("Quota/get", ids=None)
    assert answer["list"] == []
    assert (await box.call("Quota/get", ids=["octets"]))["notFound"] == ["octets"]


async def test_limits_and_use(box: JmapBox) -> None:
    await limit(box, 1_000_000, 500)
    await box.append(letter())
    octets, count = (await box.call("Quota/get", ids=None))["list"]
    assert octets == {
        "id": "octets",
        "resourceType": "octets",
        "used": len(letter()),
        "hardLimit": 1_000_000,
        "warnLimit": 900_000,
        "softLimit": None,
        "scope": "account",
        "name": "Storage",
        "types": ["Email"],
        "description": None,
    }
    assert (count["resourceType"], count["used"], count["hardLimit"]) == ("count", 1, 500)


async def test_changes(box: JmapBox) -> None:
    await limit(box, 1_000_000)
    state = (await box.call("Quota/get", ids=None))["state"]
    assert (await box.call("Quota/changes", sinceState=state))["updated"] == []
    await box.append()
    answer = await box.call("Quota/changes", sinceState=state)
    assert (answer["updated"], answer["updatedProperties"]) == (["octets"], ["used"])
    await limit(box, 0, 5)  # one limit goes, another comes
    answer = await box.call("Quota/changes", sinceState=state)
    assert answer["type"] == "cannotCalculateChanges"
    state = (await box.call("Quota/get", ids=None))["state"]
    assert (await box.call("Quota/changes", sinceState=state))["newState"] == state


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (None, ["messages", "octets"]),
        ({"name": "stor"}, ["octets"]),
        ({"resourceType": "count"}, ["messages"]),
        ({"scope": "domain"}, []),
        ({"type": "Email", "scope": "account"}, ["messages", "octets"]),
        ({"type": "Calendar"}, []),
    ],
)
async def test_query(box: JmapBox, given: dict[str, str] | None, wanted: list[str]) -> None:
    await limit(box, 1_000_000, 500)
    answer = await box.call("Quota/query", filter=given, sort=[{"property": "name"}])
    assert answer["ids"] == wanted


async def test_query_changes(box: JmapBox) -> None:
    await limit(box, 1_000_000, 500)
    sort = [{"property": "used", "isAscending": False}]
    before = await box.call("Quota/query", sort=sort)
    await box.append()
    told = await box.call("Quota/queryChanges", sort=sort, sinceQueryState=before["queryState"])
    assert [one["id"] for one in told["added"]] == ["octets", "messages"]
    assert set(told["removed"]) == set(before["ids"])


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        ({"filter": {"colour": "red"}}, "unsupportedFilter"),
        ({"filter": {"name": 1}}, "invalidArguments"),
        ({"sort": [{"property": "hardLimit"}]}, "unsupportedSort"),
    ],
)
async def test_refused_queries(box: JmapBox, arguments: dict[str, object], kind: str) -> None:
    await limit(box, 1_000_000)
    assert (await box.call("Quota/query", **arguments))["type"] == kind
