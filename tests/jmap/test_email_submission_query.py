"""EmailSubmission/query, queryChanges and what the session says of sending."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pillarbox.jmap.capabilities import SUBMISSION
from pillarbox.jmap.push import push_types
from pillarbox.jmap.session import session_object
from support.submission_bench import FAR, SendingBox


@pytest.fixture
def box(tmp_path: Path) -> SendingBox:
    """Alice, who sends; bob, who is here too."""
    return SendingBox(tmp_path)


async def three(box: SendingBox) -> list[dict[str, Any]]:
    """One that went, one that waits for an hour, one that was taken back."""
    found = []
    for wait in ("", "3600", "60"):
        parameters = {"HOLDFOR": wait} if wait else None
        envelope = {
            "mailFrom": {"email": "alice@example.org", "parameters": parameters},
            "rcptTo": [{"email": FAR if wait else "bob@example.org"}],
        }
        email = await box.draft()
        found.append(await box.sent(email, envelope=envelope) | {"emailId": email})
        await box.clock.advance(10)
    await box.cancel(found[2]["id"])
    return found


async def test_filters_and_orders(box: SendingBox) -> None:
    went, waits, canceled = await three(box)
    name = {one["id"]: letter for one, letter in zip((went, waits, canceled), "abc", strict=True)}

    async def ask(wanted: Any = None, **more: Any) -> str:
        answer = await box.call("EmailSubmission/query", filter=wanted, **more)
        return "".join(name[one] for one in answer["ids"]) if "ids" in answer else answer["type"]

    assert await ask() == "abc"
    assert await ask({"undoStatus": "final"}) == "a"
    assert await ask({"undoStatus": "pending"}) == "b"
    assert await ask({"undoStatus": "canceled"}) == "c"
    assert await ask({"emailIds": [waits["emailId"], "M999", "x"]}) == "b"
    assert await ask({"emailIds": []}) == ""
    threads = [(await box.submission(one["id"]))["threadId"] for one in (went, canceled)]
    assert await ask({"threadIds": threads[:1]}) in ("a", "abc")
    assert await ask({"identityIds": [box.identity]}) == "abc"
    assert await ask({"identityIds": ["I999"]}) == ""
    assert await ask({"before": waits["sendAt"]}) == "ac"
    assert await ask({"after": waits["sendAt"]}) == "b"
    either = [{"undoStatus": "final"}, {"undoStatus": "canceled"}]
    assert await ask({"operator": "OR", "conditions": either}) == "ac"
    assert await ask({"operator": "NOT", "conditions": either}) == "b"
    assert await ask({"operator": "AND", "conditions": either}) == ""
    assert await ask(sort=[{"property": "sentAt", "isAscending": False}]) == "bca"
    assert await ask(sort=[{"property": "emailId", "isAscending": False}]) == "cba"
    assert await ask(sort=[{"property": "threadId"}, {"property": "emailId"}]) == "abc"
    assert await ask(position=1, limit=1) == "b"
    assert await ask({"undoStatus": "gone"}) == "invalidArguments"
    assert await ask({"subject": "x"}) == "unsupportedFilter"
    assert await ask({"before": "yesterday"}) == "invalidArguments"
    assert await ask({"emailIds": "M1"}) == "invalidArguments"
    assert await ask(sort=[{"property": "size"}]) == "unsupportedSort"
    answer = await box.call("EmailSubmission/query", calculateTotal=True, limit=1)
    assert (answer["total"], answer["canCalculateChanges"]) == (3, True)


async def test_a_list_of_what_waits_is_kept_up_to_date(box: SendingBox) -> None:
    _, waits, _ = await three(box)
    pending = {"undoStatus": "pending"}
    listed = await box.call("EmailSubmission/query", filter=pending)
    assert listed["ids"] == [waits["id"]]
    state = listed["queryState"]
    more = await box.sent(await box.draft(FAR))
    await box.cancel(waits["id"])
    answer = await box.call(
        "EmailSubmission/queryChanges",
        filter=pending,
        sinceQueryState=state,
        calculateTotal=True,
    )
    assert answer["removed"] == [waits["id"]]
    assert answer["added"] == [{"id": more["id"], "index": 0}]
    assert answer["total"] == 1
    few = await box.call(
        "EmailSubmission/queryChanges", filter=pending, sinceQueryState=state, maxChanges=1
    )
    assert few["type"] == "tooManyChanges"


async def test_the_session_says_how_long_mail_may_wait(box: SendingBox) -> None:
    context = box.context()
    told = session_object(context.services, context.identity, "http://x")
    (account,) = told["accounts"].values()
    mine = account["accountCapabilities"][SUBMISSION]
    assert mine["maxDelayedSend"] == 30 * 86_400
    assert mine["submissionExtensions"]["FUTURERELEASE"] == [str(30 * 86_400)]
    assert told["capabilities"][SUBMISSION] == {}


def test_changes_are_pushed() -> None:
    assert {"Identity", "EmailSubmission"} <= push_types()
