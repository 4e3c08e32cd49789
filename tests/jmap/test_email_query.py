"""Email/query and Email/queryChanges against a plain Python oracle (RFC 8621 §4.4, §4.5)."""

from __future__ import annotations

from typing import Any

import pytest

from pillarbox.jmap.email_lists import EmailLists
from pillarbox.jmap.ids import email_id, mailbox_id
from pillarbox.store.engine.sqlite import columns
from pillarbox.store.model import Flag, FlagChange
from pillarbox.store.search import account_wide, email_list, evaluate
from pillarbox.store.sql import messages
from support.email_oracle import WORDS, Mail, Post, is_sorted, matches
from support.jmap_bench import JmapBox
from support.store_box import letter


async def listed(box: JmapBox, **asked: Any) -> list[str]:
    answer = await box.call("Email/query", **asked)
    assert "ids" in answer, answer
    ids: list[str] = answer["ids"]
    return ids


def first_of_threads(mails: list[Mail]) -> list[Mail]:
    seen: set[int] = set()
    return [mail for mail in mails if not (mail.thread in seen or seen.add(mail.thread))]  # type: ignore[func-returns-value]


@pytest.mark.parametrize("seed", range(6))
async def test_filters_and_sorts_as_the_oracle_has_them(
    box: JmapBox, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if seed % 2:  # longer lists are looked for in the order of all
        monkeypatch.setattr(email_list, "_FEW", 4)
    post = Post(box, seed)
    await post.begin()
    for step in range(120):
        await (post.receive() if step < 50 else post.change())
        if step == 60:
            await box.store.index_now()  # the rest is looked through where it lies
    every = await post.mails()
    by_id = {mail.id: mail for mail in every}
    for _ in range(150):
        wanted, sort = post.filter(), post.sort()
        ids = await listed(box, filter=wanted, sort=sort)
        expected = {mail.id for mail in every if matches(mail, wanted, every)}
        assert set(ids) == expected, wanted
        assert len(ids) == len(expected)
        found = [by_id[one] for one in ids]
        assert is_sorted(found, sort, every), sort
        collapsed = await listed(box, filter=wanted, sort=sort, collapseThreads=True)
        assert collapsed == [mail.id for mail in first_of_threads(found)]


@pytest.mark.parametrize("few", [1, 4])
@pytest.mark.parametrize("seed", [20, 21])
async def test_what_is_done_for_many_messages_finds_the_same(
    box: JmapBox, seed: int, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ways for accounts of thousands, in one of dozens; filters with several words each."""
    for module in (evaluate, account_wide):
        monkeypatch.setattr(module, "_FEW", few)
    monkeypatch.setattr(account_wide, "_ASIDE", 3 * few)
    monkeypatch.setattr(columns, "MESSAGES", 8)
    post = Post(box, seed)
    await post.begin()
    for step in range(90):
        await (post.receive() if step < 50 else post.change())
        if step == 70:
            await box.store.index_now()
    every = await post.mails()
    for _ in range(80):
        words = " ".join(
            post.random.choices([*WORDS, "ed", "re", "o"], k=post.random.randint(1, 3))
        )
        texts = [{name: words} for name in ("text", "body", "subject")]
        conditions = [post.filter(), *post.random.sample(texts, post.random.randint(1, 2))]
        conditions.append({"inMailboxOtherThan": [mailbox_id(post.random.choice(post.boxes))]})
        wanted = {"operator": "AND", "conditions": conditions[post.random.randint(0, 1) :]}
        expected = {mail.id for mail in every if matches(mail, wanted, every)}
        assert set(await listed(box, filter=wanted)) == expected, wanted


def spliced(old: list[str], answer: dict[str, Any]) -> list[str]:
    """The new list as a client makes it (RFC 8620 §5.6)."""
    removed = set(answer["removed"])
    new = [one for one in old if one not in removed]
    for item in answer["added"]:
        new.insert(item["index"], item["id"])
    return new


@pytest.mark.parametrize("seed", range(10, 16))
async def test_changes_make_the_new_list_of_the_old(box: JmapBox, seed: int) -> None:
    post = Post(box, seed)
    await post.begin()
    for _ in range(40):
        await post.receive()
    await box.store.index_now()
    queries: list[dict[str, Any]] = [
        {"filter": post.filter(), "sort": post.sort(), "collapseThreads": collapse}
        for _ in range(12)
        for collapse in (False, True)
    ]
    for _ in range(12):
        before = [await box.call("Email/query", **query) for query in queries]
        for _ in range(post.random.randint(1, 6)):
            await post.change()
        for query, old in zip(queries, before, strict=True):
            fresh = await listed(box, **query)
            answer = await box.call(
                "Email/queryChanges",
                sinceQueryState=old["queryState"],
                calculateTotal=True,
                **query,
            )
            assert spliced(old["ids"], answer) == fresh, query
            assert answer["total"] == len(fresh)
            added = [item["id"] for item in answer["added"]]
            assert set(answer["removed"]) & set(fresh) <= set(added)
            assert len(set(answer["removed"])) == len(answer["removed"])


async def test_what_a_list_does_not_depend_on_changes_nothing(box: JmapBox) -> None:
    uids = await box.fill(3)
    query = {"filter": {"inMailbox": mailbox_id(box.inbox.id)}, "collapseThreads": True}
    state = (await box.call("Email/query", **query))["queryState"]
    await box.flag(uids[:2], FlagChange.ADD, int(Flag.SEEN))
    other = await box.create("Other")
    await box.append(mailbox=other.id)
    answer = await box.call("Email/queryChanges", sinceQueryState=state, **query)
    assert (answer["removed"], answer["added"]) == ([], [])
    unseen = {"filter": {"notKeyword": "$seen"}}
    answer = await box.call("Email/queryChanges", sinceQueryState=state, **unseen)
    assert len(answer["removed"]) == 2
    assert [item["index"] for item in answer["added"]] == [0]


async def test_up_to_an_id_where_nothing_mutable_is_asked_for(box: JmapBox) -> None:
    first = await box.append(received_at=100)
    await box.append(received_at=300)
    sort = [{"property": "receivedAt"}]
    state = (await box.call("Email/query", sort=sort))["queryState"]
    early, late = await box.append(received_at=50), await box.append(received_at=400)
    asked = {"sort": sort, "sinceQueryState": state, "upToId": email_id(first.message)}
    answer = await box.call("Email/queryChanges", **asked)
    assert answer["added"] == [{"id": email_id(early.message), "index": 0}]
    in_inbox = {"filter": {"inMailbox": mailbox_id(box.inbox.id)}}
    answer = await box.call("Email/queryChanges", **asked, **in_inbox)
    assert [item["id"] for item in answer["added"]] == [
        email_id(early.message),
        email_id(late.message),
    ]


async def test_changes_that_cannot_be_told_or_are_too_many(box: JmapBox) -> None:
    uids = await box.fill(3)
    state = (await box.call("Email/query"))["queryState"]
    await box.store.write(
        lambda tx: messages.expunge(tx, box.alice.id, box.inbox.id, uids[:2], force=True)
    )
    answer = await box.call("Email/queryChanges", sinceQueryState=state, maxChanges=1)
    assert answer["type"] == "tooManyChanges"
    answer = await box.call("Email/queryChanges", sinceQueryState=state, maxChanges=2)
    assert len(answer["removed"]) == 2
    for bad in ("", "x", "99999", "3-1", "-1"):
        answer = await box.call("Email/queryChanges", sinceQueryState=bad)
        assert answer["type"] == "cannotCalculateChanges", bad
    await box.clock.advance(40 * 86_400)
    await box.store.maintain()
    answer = await box.call("Email/queryChanges", sinceQueryState=state)
    assert answer["type"] == "cannotCalculateChanges"


async def test_the_parts_of_a_list_and_its_anchor(box: JmapBox) -> None:
    for _ in range(5):
        await box.append()
    every = (await box.call("Email/query", calculateTotal=True))["ids"]
    assert every == sorted(every, reverse=True)  # equal seconds: the newest first
    answer = await box.call("Email/query", anchor=every[2], anchorOffset=-1, limit=2)
    assert (answer["ids"], answer["position"]) == (every[1:3], 1)
    answer = await box.call("Email/query", position=-2, calculateTotal=True)
    assert (answer["ids"], answer["total"]) == (every[3:], 5)
    assert (await box.call("Email/query", anchor="M999"))["type"] == "anchorNotFound"
    assert (await box.call("Email/query", anchor="F1"))["type"] == "anchorNotFound"


async def test_a_message_in_two_mailboxes_is_one_and_its_keywords_are_all(box: JmapBox) -> None:
    one = await box.append()
    other = await box.create("Other")
    for _ in range(2):  # twice into the same mailbox, too
        await box.store.write(
            lambda tx: messages.copy(tx, box.alice.id, box.inbox.id, [one.uid], other.id)
        )
    await box.flag([one.uid], FlagChange.ADD, int(Flag.SEEN))
    answer = await box.call(
        "Email/query", filter={"inMailbox": mailbox_id(other.id)}, calculateTotal=True
    )
    assert (answer["ids"], answer["total"]) == ([email_id(one.message)], 1)
    assert await listed(box, filter={"notKeyword": "$seen"}) == []
    assert await listed(box, filter={"hasKeyword": "$seen"}) == [email_id(one.message)]
    assert await listed(box, filter={"hasKeyword": "\\Seen"}) == []
    assert await listed(box, filter={"hasKeyword": "$deleted"}) == []  # no keyword of JMAP's


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("tea cup", True),
        ("cup tea", True),
        ('"tea cup"', False),
        ("'tea in a cup'", True),
        ('"in a" tea', True),
        (r'"a \"good\" cup"', False),
        (r'"say \"when\""', True),
        ("isn't", True),
        ("'tis isn't", False),
        ('"', True),
        ("''", False),
        (" ", True),
        ("received", False),  # a trace field's name is no text
    ],
)
async def test_words_and_phrases(box: JmapBox, text: str, found: bool) -> None:
    body = 'tea in a cup isn\'t coffee; say "when" to stop'
    await box.append(letter(body=body, Received="by mx.example.org"))
    await box.store.index_now()
    assert bool(await listed(box, filter={"text": text})) is found


def nested(levels: int) -> dict[str, Any]:
    inner: dict[str, Any] = {}
    for _ in range(levels):
        inner = {"operator": "NOT", "conditions": [inner]}
    return inner


@pytest.mark.parametrize(
    ("asked", "kind"),
    [
        ({"filter": {"isFunny": True}}, "unsupportedFilter"),
        ({"filter": nested(40)}, "unsupportedFilter"),
        ({"filter": {"operator": "OR", "conditions": [{}] * 600}}, "unsupportedFilter"),
        ({"filter": {"text": "x " * 100}}, "unsupportedFilter"),
        ({"filter": {"operator": "XOR", "conditions": []}}, "invalidArguments"),
        ({"filter": {"operator": "AND"}}, "invalidArguments"),
        ({"filter": {"operator": "AND", "conditions": [], "text": "x"}}, "invalidArguments"),
        ({"filter": {"operator": "AND", "conditions": ["x"]}}, "invalidArguments"),
        ({"filter": {"minSize": -1}}, "invalidArguments"),
        ({"filter": {"minSize": True}}, "invalidArguments"),
        ({"filter": {"before": "yesterday"}}, "invalidArguments"),
        ({"filter": {"before": "2026-02-30T00:00:00Z"}}, "invalidArguments"),
        ({"filter": {"after": "2026-02-03T00:00:00+01:00"}}, "invalidArguments"),
        ({"filter": {"hasAttachment": 1}}, "invalidArguments"),
        ({"filter": {"header": []}}, "invalidArguments"),
        ({"filter": {"header": ["a", "b", "c"]}}, "invalidArguments"),
        ({"filter": {"inMailbox": 1}}, "invalidArguments"),
        ({"filter": {"inMailboxOtherThan": "F1"}}, "invalidArguments"),
        ({"sort": [{"property": "colour"}]}, "unsupportedSort"),
        ({"sort": [{"property": "size"}] * 17}, "unsupportedSort"),
        ({"sort": [{"property": "from", "collation": "i;octet"}]}, "unsupportedSort"),
        ({"sort": [{"property": "hasKeyword"}]}, "invalidArguments"),
        ({"sort": [{}]}, "invalidArguments"),
        ({"sort": [{"property": "size", "isAscending": "no"}]}, "invalidArguments"),
        ({"limit": -1}, "invalidArguments"),
    ],
)
async def test_what_is_refused(box: JmapBox, asked: dict[str, Any], kind: str) -> None:
    assert (await box.call("Email/query", **asked))["type"] == kind
    if "filter" in asked:
        answer = await box.call("SearchSnippet/get", emailIds=["M1"], **asked)
        assert answer["type"] == kind


async def test_dates_with_fractions_and_unknown_mailboxes(box: JmapBox) -> None:
    await box.append(received_at=1_700_000_000)  # 2023-11-14T22:13:20Z
    for condition, count in [
        ({"before": "2023-11-14T22:13:20Z"}, 0),
        ({"before": "2023-11-14T22:13:20.500Z"}, 1),
        ({"after": "2023-11-14T22:13:20.0Z"}, 1),
        ({"after": "2023-11-14T22:13:20.500Z"}, 0),
        ({"inMailbox": "F99"}, 0),
        ({"inMailbox": "nonsense"}, 0),
        ({"inMailboxOtherThan": []}, 1),
    ]:
        assert len(await listed(box, filter=condition)) == count, condition


async def test_arrivals_of_all_ages_are_in_order(box: JmapBox) -> None:
    seconds = [-62_135_596_800, -5_000_000_000, -1, 0, 1, 4_000_000_000, 5_000_000_000, 2**37]
    for count in (range(2, 6), range(8), range(3, 8), range(5)):
        for at in count:
            await box.append(received_at=seconds[at])
        every = await box.placed()
        rows = await box.store.read(
            lambda db: messages.get_many(db, box.alice.id, [one.message for one in every])  # noqa: B023
        )
        expected = sorted(rows, key=lambda one: (rows[one].received_at, one))
        sort = [{"property": "receivedAt"}]
        assert await listed(box, sort=sort) == [email_id(one) for one in expected]
        latest = await listed(box, collapseThreads=True)
        assert latest == [email_id(one) for one in reversed(expected)]


async def test_a_list_is_made_once_for_its_changes_and_its_rows(
    box: JmapBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who was told of a change scrolls on; and another window asks for the same changes."""
    ctx = box.context()
    monkeypatch.setattr(box, "context", lambda **_: ctx)
    first = await box.append(letter("One"))
    query = {"filter": {"inMailbox": mailbox_id(box.inbox.id)}, "collapseThreads": True}
    before = await box.call("Email/query", **query)
    second = await box.append(letter("Two"))
    since = {"sinceQueryState": before["queryState"], "calculateTotal": True}
    told = await box.call("Email/queryChanges", **query, **since)
    assert [one["id"] for one in told["added"]] == [f"M{second.message}"]

    def made_again(*_: object) -> None:
        raise AssertionError("the list was made again")

    monkeypatch.setattr("pillarbox.store.search.email_list_changes.email_list", made_again)
    after = await box.call("Email/query", **query)
    assert set(after["ids"]) == {f"M{first.message}", f"M{second.message}"}
    assert after["queryState"] == told["newQueryState"]
    assert await box.call("Email/queryChanges", **query, **since) == told
    await box.call("Email/set", update={f"M{first.message}": {"keywords/$seen": True}})
    read = await box.call("Email/queryChanges", **query, **since)
    assert (read["added"], read["total"]) == (told["added"], 2)
    assert (await box.call("Email/query", **query))["queryState"] == read["newQueryState"]


@pytest.mark.parametrize("seed", range(4))
async def test_a_kept_list_is_as_one_that_is_made_now(box: JmapBox, seed: int) -> None:
    """Whatever happens between two questions; and one that nothing touched is not made again."""
    post = Post(box, seed)
    await post.begin()
    for _ in range(30):
        await post.receive()
    asked = [
        {"filter": post.filter(), "sort": post.sort(), "collapseThreads": bool(number % 2)}
        for number in range(10)
    ]
    asked.append({"filter": {"inMailbox": mailbox_id(box.inbox.id)}, "collapseThreads": True})
    lists, same = box.lists, 0
    for step in range(50):
        before = [one.messages for one in lists._kept.values()]
        await (post.receive() if step % 7 == 6 else post.change())
        kept = [await box.call("Email/query", **one) for one in asked]
        same += sum(any(one.messages is old for old in before) for one in lists._kept.values())
        box.lists = EmailLists()
        assert kept == [await box.call("Email/query", **one) for one in asked], step
        box.lists = lists
    assert same > 50
