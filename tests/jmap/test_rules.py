"""VacationResponse and MailRules: what may be set, and the code that forwarding asks for."""

from __future__ import annotations

import re
from typing import Any

import pytest

from pillarbox.accounts.directory import Directory
from pillarbox.config.rules import RuleSettings
from pillarbox.flow.delivery.letters import Letters
from pillarbox.jmap.context import Context
from pillarbox.store.sql import accounts, queue
from support.jmap_bench import JmapBox

AWAY = {"isEnabled": True, "textBody": "Away.", "fromDate": "2026-12-01T00:00:00Z"}


@pytest.fixture
def box(tmp_path: Any) -> JmapBox:
    return _Posting(tmp_path)


class _Posting(JmapBox):
    """Its server sends letters."""

    def context(self, **more: Any) -> Context:
        directory = Directory(self.store)
        letters = Letters(self.store, directory, hostname="mx.example.org", clock=self.clock)
        return super().context(letters=letters, **more)

    async def codes(self) -> list[tuple[str, str]]:
        """Addresses that a code was sent to, with it."""
        found = []
        for row in await self.store.read(queue.list_queued):
            content = self.store.content(row)
            text = (await content.read(0, content.size)).decode()
            code = re.search(r"^    (\d{8})\r$", text, re.MULTILINE)
            assert code is not None
            found.append((row.recipients[0][0].forward_path, code[1]))
        return found


async def change(box: JmapBox, kind: str, **patch: Any) -> dict[str, Any]:
    return await box.call(f"{kind}/set", update={"singleton": patch})


async def test_vacation_is_one_record(box: JmapBox) -> None:
    (before,) = (await box.call("VacationResponse/get", ids=None))["list"]
    assert (before["id"], before["isEnabled"], before["textBody"]) == ("singleton", False, None)
    answer = await change(box, "VacationResponse", **AWAY)
    assert answer["updated"] == {"singleton": None}
    assert answer["newState"] != answer["oldState"]
    (after,) = (await box.call("VacationResponse/get", ids=["singleton"]))["list"]
    assert after == before | AWAY
    found = await box.store.read(lambda db: accounts.get(db, box.alice.id))
    assert found.has_rules
    await change(box, "VacationResponse", isEnabled=False)
    assert not (await box.store.read(lambda db: accounts.get(db, box.alice.id))).has_rules
    made = await box.call("VacationResponse/set", create={"a": AWAY}, destroy=["singleton"])
    assert made["notCreated"]["a"]["type"] == "singleton"
    assert made["notDestroyed"]["singleton"]["type"] == "singleton"


@pytest.mark.parametrize(
    "patch",
    [
        {"isEnabled": "yes"},
        {"isEnabled": True, "textBody": None},
        {"fromDate": "tomorrow"},
        {"fromDate": "2026-12-02T00:00:00Z", "toDate": "2026-12-01T00:00:00Z"},
        {"subject": "two\nlines"},
        {"name": "x"},
    ],
)
async def test_a_vacation_that_makes_no_sense(box: JmapBox, patch: dict[str, Any]) -> None:
    answer = await change(box, "VacationResponse", **patch)
    assert answer["notUpdated"]["singleton"]["type"] == "invalidProperties"


async def test_a_forward_begins_when_its_owner_showed_the_code(box: _Posting) -> None:
    answer = await change(box, "MailRules", forward=[{"address": "a@example.net"}])
    (entry,) = answer["updated"]["singleton"]["forward"]
    assert entry == {"address": "a@example.net", "keepCopy": True, "verified": False}
    ((to, code),) = await box.codes()
    assert to == "a@example.net"
    wrong = [{"address": "a@example.net", "code": "00000000"}]
    refused = await change(box, "MailRules", forward=wrong)
    assert "not the code" in refused["notUpdated"]["singleton"]["description"]
    lying = [{"address": "a@example.net", "verified": True}]
    answer = await change(box, "MailRules", forward=lying)
    assert answer["updated"]["singleton"]["forward"][0]["verified"] is False
    right = [{"address": "a@example.net", "keepCopy": False, "code": f"{code[:4]} {code[4:]}"}]
    answer = await change(box, "MailRules", forward=right)
    assert answer["updated"]["singleton"]["forward"] == [
        entry | {"verified": True, "keepCopy": False}
    ]
    assert len(await box.codes()) == 1


async def test_a_code_wears_out_and_so_do_the_days_of_one(box: _Posting) -> None:
    await change(box, "MailRules", forward=[{"address": "a@example.net"}])
    ((_, code),) = await box.codes()
    for _ in range(10):
        await change(box, "MailRules", forward=[{"address": "a@example.net", "code": "1"}])
    late = await change(box, "MailRules", forward=[{"address": "a@example.net", "code": code}])
    assert "no longer be used" in late["notUpdated"]["singleton"]["description"]
    for number in range(4):
        await change(box, "MailRules", forward=[{"address": f"{number}@example.net"}])
    sixth = await change(box, "MailRules", forward=[{"address": "z@example.net"}])
    assert sixth["notUpdated"]["singleton"]["type"] == "rateLimit"
    assert len(await box.codes()) == 5


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"blocked": ["Bob@Example.ORG ", "@Example.net"]}, ["bob@example.org", "@example.net"]),
        ({"blocked": ["nobody"]}, None),
        ({"blocked": ["@not a domain"]}, None),
        ({"blocked": [1]}, None),
        ({"deleteAfter": [{"days": 3}]}, None),
        ({"deleteAfter": [{"days": 0, "from": "a@example.net"}]}, None),
        ({"forward": [{"address": "alice@example.org"}]}, None),
        ({"forward": [{"address": f"{n}@example.net"} for n in range(6)]}, None),
    ],
)
async def test_what_rules_may_say(box: JmapBox, given: Any, kept: list[str] | None) -> None:
    answer = await change(box, "MailRules", **given)
    if kept is None:
        assert answer["updated"] is None
        assert answer["notUpdated"]["singleton"]["description"]
    else:
        assert answer["updated"]["singleton"]["blocked"] == kept


async def test_there_are_so_many_rules_and_no_more(box: JmapBox) -> None:
    limits = RuleSettings()
    lists: dict[str, tuple[int, Any]] = {
        "forward": (limits.most_forwards, lambda n: {"address": f"{n}@example.net"}),
        "blocked": (limits.most_blocked, lambda n: f"{n}@example.net"),
        "deleteAfter": (limits.most_delete_after, lambda n: {"days": 9, "from": f"@s{n}.example"}),
    }
    for name, (most, made) in lists.items():
        given = [made(number) for number in range(most + 1)]
        refused = await change(box, "MailRules", **{name: given})
        assert refused["notUpdated"]["singleton"]["type"] == "limit", refused
        if name != "forward":  # whose codes of a day are fewer than that
            taken = await change(box, "MailRules", **{name: given[:-1]})
            assert taken["notUpdated"] is None
    text = "x" * (limits.longest_vacation + 1)
    refused = await change(box, "VacationResponse", textBody=text)
    assert refused["notUpdated"]["singleton"]["type"] == "tooLarge"
    assert (await change(box, "VacationResponse", textBody=text[1:]))["notUpdated"] is None


async def test_rules_of_age_get_names(box: JmapBox) -> None:
    answer = await change(box, "MailRules", deleteAfter=[{"days": 90, "from": "@shop.example"}])
    (rule,) = answer["updated"]["singleton"]["deleteAfter"]
    assert rule["days"] == 90
    assert rule["inMailbox"] is None
    again = await change(box, "MailRules", deleteAfter=[rule])
    assert again["updated"] == {"singleton": None}
