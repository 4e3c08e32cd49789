"""Email/changes (RFC 8621 §4.3) through the wire's form; what changed is tested with the store."""

from __future__ import annotations

from pillarbox.store.model import Flag, FlagChange
from pillarbox.store.sql import messages
from support.jmap_bench import JmapBox


async def test_created_updated_destroyed(box: JmapBox) -> None:
    first = await box.append()
    second = await box.append()
    before = (await box.call("Email/get", ids=[]))["state"]
    third = await box.append()
    await box.flag([first.uid], FlagChange.ADD, Flag.SEEN)
    await box.store.write(
        lambda tx: messages.expunge(tx, box.alice.id, box.inbox.id, [second.uid], force=True)
    )
    now = (await box.call("Email/get", ids=[]))["state"]
    answer = await box.call("Email/changes", sinceState=before)
    assert answer == {
        "accountId": "A1",
        "oldState": before,
        "newState": now,
        "hasMoreChanges": False,
        "created": [f"M{third.message}"],
        "updated": [f"M{first.message}"],
        "destroyed": [f"M{second.message}"],
    }
    assert (await box.call("Email/changes", sinceState=now))["created"] == []


async def test_step_by_step(box: JmapBox) -> None:
    before = (await box.call("Email/get", ids=[]))["state"]
    await box.fill(7)
    seen: list[str] = []
    state, more = before, True
    while more:
        answer = await box.call("Email/changes", sinceState=state, maxChanges=2)
        assert len(answer["created"]) <= 2
        seen += answer["created"]
        state, more = answer["newState"], answer["hasMoreChanges"]
    assert sorted(seen) == [f"M{number}" for number in range(1, 8)]


async def test_states_that_are_none(box: JmapBox) -> None:
    for state in ("", "x", "99999"):
        answer = await box.call("Email/changes", sinceState=state)
        assert answer["type"] == "cannotCalculateChanges"
    answer = await box.call("Email/changes", sinceState="1", maxChanges=0)
    assert answer["type"] == "invalidArguments"
