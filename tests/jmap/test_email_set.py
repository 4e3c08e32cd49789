"""Email/set against a real store, and what IMAP sees of it there (RFC 8621 §4.6)."""

from __future__ import annotations

import random
from typing import Any

import pytest

from pillarbox.ids import MailboxId, MessageId
from pillarbox.jmap.email import batches
from pillarbox.store.model import Flag, FlagChange
from pillarbox.store.sql import accounts, messages, uploads
from pillarbox.store.sql.email_places import places_of
from support.jmap_bench import JmapBox
from support.store_box import letter

SEEN, FLAGGED, DRAFT = Flag.SEEN, Flag.FLAGGED, Flag.DRAFT


class Desk:
    """Short ways to use a box."""

    def __init__(self, box: JmapBox) -> None:
        self.box = box
        self.inbox = f"F{box.inbox.id}"

    async def message(self, **more: Any) -> str:
        return f"M{(await self.box.append(**more)).message}"

    async def folder(self, path: str) -> str:
        return f"F{(await self.box.create(path)).id}"

    async def update(self, message: str, patch: dict[str, Any]) -> Any:
        """None: done; else what refused it."""
        answer = await self.box.call("Email/set", update={message: patch})
        if answer["updated"] == {message: None}:
            return None
        return answer["notUpdated"][message]

    async def create(self, **email: Any) -> dict[str, Any]:
        email = {"mailboxIds": {self.inbox: True}} | email
        return await self.box.call("Email/set", create={"c": email})

    async def places(self, message: str) -> list[tuple[str, int, str]]:
        """Mailbox, flags and keywords of each place."""
        number = MessageId(int(message[1:]))
        found = await self.box.store.read(lambda db: places_of(db, self.box.alice.id, [number]))
        places = next(iter(found.values()), [])
        return sorted((f"F{one.mailbox}", one.flags, one.keywords) for one in places)

    async def octets(self, message: str) -> bytes:
        account, number = self.box.alice.id, MessageId(int(message[1:]))
        row = await self.box.store.read(lambda db: messages.get(db, account, number))
        return await self.box.store.content(row).read(0, row.size)

    async def upload(self, octets: bytes) -> str:
        account = self.box.alice.id
        with self.box.store.spool() as spool:
            spool.write(octets)
            sealed = await spool.seal()
            await self.box.store.write(
                lambda tx: uploads.add(
                    tx, account, sealed, "text/plain", most_files=9, most_octets=1 << 20
                )
            )
        return f"U{sealed.id.hex()}"

    async def check(self) -> None:
        report = await self.box.store.verify()
        assert not report.problems


# Created


async def test_a_draft_is_made_in_all_its_mailboxes(box: JmapBox) -> None:
    desk = Desk(box)
    drafts = await desk.folder("Plans")
    answer = await desk.create(
        mailboxIds={drafts: True, desk.inbox: True},
        keywords={"$draft": True, "$SEEN": True, "Work": True},
        subject="Grüße",
        receivedAt="2026-01-02T03:04:05Z",
    )
    made = answer["created"]["c"]
    octets = await desk.octets(made["id"])
    assert made == {
        "id": made["id"],
        "blobId": "B" + made["id"][1:],
        "threadId": made["threadId"],
        "size": len(octets),
    }
    assert await desk.places(made["id"]) == sorted(
        [(desk.inbox, DRAFT | SEEN, "work"), (drafts, DRAFT | SEEN, "work")]
    )
    assert int(answer["newState"]) > int(answer["oldState"])
    got = await box.call("Email/get", ids=[made["id"]], properties=["subject", "receivedAt"])
    assert got["list"] == [
        {"id": made["id"], "subject": "Grüße", "receivedAt": "2026-01-02T03:04:05Z"}
    ]
    await desk.check()


async def test_what_came_in_the_same_call_is_changed_and_destroyed_by_its_name(
    box: JmapBox,
) -> None:
    desk = Desk(box)
    new = {"mailboxIds": {desk.inbox: True}}
    answer = await box.call(
        "Email/set",
        create={"a": new, "b": new},
        update={"#a": {"keywords/$seen": True}, "#b": {"keywords/$seen": True}, "#c": {}},
        destroy=["#b", "#d"],
    )
    first, second = answer["created"]["a"]["id"], answer["created"]["b"]["id"]
    assert answer["updated"] == {first: None}
    assert answer["destroyed"] == [second]
    assert answer["notUpdated"] == {
        second: {"type": "willDestroy"},
        "#c": {"type": "notFound"},
    }
    assert answer["notDestroyed"] == {"#d": {"type": "notFound"}}
    assert await desk.places(first) == [(desk.inbox, SEEN, "")]
    assert await desk.places(second) == []


async def test_a_later_call_knows_what_an_earlier_one_made(box: JmapBox) -> None:
    desk = Desk(box)
    (_, made, _), (_, got, _) = await box.request(
        ("Email/set", {"create": {"a": {"mailboxIds": {desk.inbox: True}}}}, "0"),
        ("Email/set", {"update": {"#a": {"keywords/$flagged": True}}}, "1"),
    )
    assert list(got["updated"]) == [made["created"]["a"]["id"]]


async def test_files_are_uploads_and_messages(box: JmapBox) -> None:
    desk = Desk(box)
    blob = await desk.upload(b"\x00octets\xff")
    other = await desk.message(raw=letter("Inside"))
    answer = await desk.create(
        attachments=[
            {"blobId": blob, "type": "image/png", "name": "Bild ä.png"},
            {"blobId": "B" + other[1:], "type": "message/rfc822"},
        ]
    )
    octets = await desk.octets(answer["created"]["c"]["id"])
    assert b"Subject: Inside\r\n" in octets
    assert b"AG9jdGV0c/8=" in octets


async def test_a_part_of_a_message_is_attached_to_another(box: JmapBox) -> None:
    desk = Desk(box)
    files = [{"blobId": await desk.upload(b"\x00octets\xff"), "type": "image/png"}]
    first = (await desk.create(attachments=files))["created"]["c"]["id"]
    got = await box.call("Email/get", ids=[first], properties=["attachments"])
    (part,) = got["list"][0]["attachments"]
    second = await desk.create(attachments=[{"blobId": part["blobId"], "type": "image/gif"}])
    octets = await desk.octets(second["created"]["c"]["id"])
    assert b"Content-Type: image/gif\r\n" in octets
    assert b"AG9jdGV0c/8=" in octets


async def test_what_was_made_is_what_is_got(box: JmapBox) -> None:
    email = {
        "subject": "Größe  =?x?= 漢字",
        "from": [{"name": "Ä, B", "email": "alice@example.org"}],
        "to": [{"name": None, "email": "bob@example.org"}, {"name": "C", "email": "half"}],
        "messageId": ["m@example.org"],
        "references": ["a@example.org", "b@example.org"],
        "sentAt": "2026-01-02T03:04:05+02:00",
        "header:X-Links:asURLs": ["https://example.org/"],
        "keywords": {"$draft": True},
    }
    texts = {"1": {"value": "Grüße\n\nund  mehr \n"}, "2": {"value": "<p>é</p>"}}
    made = await Desk(box).create(
        **email,
        textBody=[{"partId": "1"}],
        htmlBody=[{"partId": "2"}],
        bodyValues=texts,
    )
    (got,) = (
        await box.call(
            "Email/get",
            ids=[made["created"]["c"]["id"]],
            properties=[*email, "textBody", "htmlBody", "bodyValues"],
            fetchAllBodyValues=True,
        )
    )["list"]
    assert {name: got[name] for name in email} == email
    parts = [got["textBody"][0]["partId"], got["htmlBody"][0]["partId"]]
    assert [got["bodyValues"][part]["value"] for part in parts] == [
        one["value"] for one in texts.values()
    ]


async def test_each_blob_that_is_not_there_is_named(box: JmapBox) -> None:
    parts = [{"blobId": blob} for blob in ("U" + "0" * 64, "B99", "x")]
    answer = await Desk(box).create(attachments=parts)
    assert answer["notCreated"]["c"] == {
        "type": "blobNotFound",
        "notFound": ["U" + "0" * 64, "B99", "x"],
    }


async def test_nobody_attaches_what_is_another_persons(box: JmapBox) -> None:
    carol = await box.new_account("carol@example.org")
    await box.append(account=carol.id, mailbox=MailboxId(1))
    answer = await Desk(box).create(attachments=[{"blobId": "B1"}])
    assert answer["notCreated"]["c"]["type"] == "blobNotFound"


async def test_one_that_cannot_be_made_leaves_the_others(box: JmapBox) -> None:
    desk = Desk(box)
    good = {"mailboxIds": {desk.inbox: True}}
    answer = await box.call(
        "Email/set",
        create={
            "good": good,
            "nowhere": {"mailboxIds": {"F99": True}},
            "bad": good | {"preview": "x"},
            "keywords": good | {"keywords": {f"k{n}": True for n in range(1000)}},
            "last": good,
        },
    )
    assert list(answer["created"]) == ["good", "last"]
    kinds = {name: refused["type"] for name, refused in answer["notCreated"].items()}
    assert kinds == {
        "nowhere": "invalidProperties",
        "bad": "invalidProperties",
        "keywords": "tooManyKeywords",
    }
    await desk.check()


async def test_a_message_that_is_too_large(box: JmapBox) -> None:
    desk = Desk(box)
    box.change_settings(max_message_octets=65536)
    await box.reopen()
    values = {"t": {"value": "x" * 70_000}}
    answer = await desk.create(textBody=[{"partId": "t"}], bodyValues=values)
    assert answer["notCreated"]["c"] == {"type": "tooLarge", "maxSize": 65536}
    blob = await desk.upload(b"x" * 40_000)
    answer = await desk.create(attachments=[{"blobId": blob}, {"blobId": blob}])
    assert answer["notCreated"]["c"] == {"type": "tooLarge", "maxSize": 65536}


async def test_a_full_account_takes_nothing_more_but_moves_and_destroys(box: JmapBox) -> None:
    desk = Desk(box)
    archive = await desk.folder("Old")
    message = await desk.message()
    await box.store.write(lambda tx: accounts.set_quota(tx, box.alice.id, 0, 2))
    new = {"mailboxIds": {desk.inbox: True}}
    answer = await box.call("Email/set", create={"a": new, "b": new})
    assert list(answer["created"]) == ["a"]
    assert answer["notCreated"]["b"]["type"] == "overQuota"
    refused = await desk.update(message, {f"mailboxIds/{archive}": True})
    assert refused["type"] == "overQuota"
    assert await desk.update(message, {"mailboxIds": {archive: True}}) is None
    assert (await box.call("Email/set", destroy=[message]))["destroyed"] == [message]
    await desk.check()


async def test_much_at_once_is_written_in_pieces_and_told_as_one(
    box: JmapBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "_WAITING_OCTETS", 1000)
    desk = Desk(box)
    new = {"mailboxIds": {desk.inbox: True}, "subject": "x" * 300}
    state = (await box.call("Email/set"))["newState"]
    answer = await box.call(
        "Email/set",
        ifInState=state,
        create={str(n): new for n in range(9)},
        update={"#0": {"keywords/$seen": True}, "#8": {"keywords/$seen": True}},
    )
    assert answer["oldState"] == state
    assert answer["newState"] == (await box.call("Email/set"))["newState"]
    assert len(answer["created"]) == 9
    assert len(answer["updated"]) == 2
    assert [place.flags for place in await box.placed()] == [SEEN, *[0] * 7, SEEN]


# Changed


@pytest.mark.parametrize(
    ("patch", "flags", "keywords"),
    [
        ({"keywords/$seen": True}, SEEN | FLAGGED, "Blue"),
        ({"keywords/$Flagged": None}, 0, "Blue"),
        ({"keywords/red": True, "keywords/BLUE": None}, FLAGGED, "red"),
        ({"keywords": {"$seen": True, "green": True}}, SEEN, "green"),
        ({"keywords": {}}, 0, ""),
        ({"keywords": None}, 0, ""),
        ({"keywords/blue": True}, FLAGGED, "Blue"),
        ({}, FLAGGED, "Blue"),
    ],
)
async def test_keywords_change_at_all_places(
    box: JmapBox, patch: dict[str, Any], flags: int, keywords: str
) -> None:
    desk = Desk(box)
    other = await desk.folder("Other")
    message = await desk.message(flags=int(FLAGGED), keywords="Blue")
    await desk.update(message, {f"mailboxIds/{other}": True})
    assert await desk.update(message, patch) is None
    assert await desk.places(message) == [
        (desk.inbox, flags, keywords),
        (other, flags, keywords),
    ]
    await desk.check()


async def test_one_keyword_does_not_carry_others_to_other_places(box: JmapBox) -> None:
    desk = Desk(box)
    other = await desk.folder("Other")
    appended = await box.append()
    message = f"M{appended.message}"
    await desk.update(message, {f"mailboxIds/{other}": True})
    await box.flag([appended.uid], FlagChange.ADD, int(SEEN))  # by IMAP, in the inbox
    await desk.update(message, {"keywords/$flagged": True})
    assert await desk.places(message) == [
        (desk.inbox, SEEN | FLAGGED, ""),
        (other, FLAGGED, ""),
    ]


async def test_mailboxes_by_patch_and_whole(box: JmapBox) -> None:
    desk = Desk(box)
    one, two = await desk.folder("One"), await desk.folder("Two")
    message = await desk.message(flags=int(SEEN))
    assert await desk.update(message, {f"mailboxIds/{one}": True}) is None
    assert await desk.places(message) == [(desk.inbox, SEEN, ""), (one, SEEN, "")]
    patch = {f"mailboxIds/{desk.inbox}": None, f"mailboxIds/{two}": True}
    assert await desk.update(message, patch) is None
    assert await desk.places(message) == [(one, SEEN, ""), (two, SEEN, "")]
    whole = {"mailboxIds": {two: True, desk.inbox: True}, "keywords": {"$flagged": True}}
    assert await desk.update(message, whole) is None
    assert await desk.places(message) == [(desk.inbox, FLAGGED, ""), (two, FLAGGED, "")]
    await desk.check()


async def test_a_message_that_is_twice_in_a_mailbox_leaves_it_whole(box: JmapBox) -> None:
    desk = Desk(box)
    other = await desk.folder("Other")
    appended = await box.append()
    inbox, alice = box.inbox.id, box.alice.id
    await box.store.write(lambda tx: messages.copy(tx, alice, inbox, [appended.uid], inbox))
    message = f"M{appended.message}"
    assert await desk.update(message, {"mailboxIds": {other: True}}) is None
    assert await desk.places(message) == [(other, 0, "")]
    await desk.check()


@pytest.mark.parametrize(
    ("patch", "kind"),
    [
        ({"mailboxIds": {}}, "invalidProperties"),
        ({"mailboxIds": None}, "invalidProperties"),
        ({"mailboxIds/F1": None}, "invalidProperties"),  # its last one
        ({"mailboxIds/F99": True}, "invalidProperties"),
        ({"mailboxIds/F1": False}, "invalidProperties"),
        ({"mailboxIds/#gone": True}, "invalidProperties"),
        ({"keywords/a b": True}, "invalidProperties"),
        ({"keywords/x": 1}, "invalidProperties"),
        ({"keywords": {"x": 1}}, "invalidProperties"),
        ({"subject": "new"}, "invalidProperties"),
        ({"size": 1}, "invalidProperties"),
        ({"keywords/x/y": True}, "invalidPatch"),
        ({"keywords": {}, "keywords/x": True}, "invalidPatch"),
        ({"from/0/name": "x"}, "invalidPatch"),
    ],
)
async def test_what_cannot_be_changed(box: JmapBox, patch: dict[str, Any], kind: str) -> None:
    desk = Desk(box)
    assert desk.inbox == "F1"
    message = await desk.message()
    refused = await desk.update(message, {"keywords/$seen": True} | patch)
    if "keywords" not in patch:
        assert refused["type"] == kind
    else:
        assert refused["type"] in (kind, "invalidPatch")
    assert await desk.places(message) == [(desk.inbox, 0, "")]


async def test_what_the_server_sets_may_come_back_as_it_is(box: JmapBox) -> None:
    desk = Desk(box)
    message = await desk.message()
    names = ["blobId", "threadId", "size", "receivedAt", "keywords", "mailboxIds"]
    (record,) = (await box.call("Email/get", ids=[message], properties=names))["list"]
    assert await desk.update(message, record) is None
    assert (await desk.update(message, record | {"threadId": "T99"}))["properties"] == ["threadId"]


async def test_a_message_has_no_more_keywords_than_it_may(box: JmapBox) -> None:
    box.change_settings(max_keywords_of_message=10)
    await box.reopen()
    desk = Desk(box)
    message = await desk.message(keywords=" ".join(f"a{n}" for n in range(8)))
    assert (await desk.update(message, {f"keywords/b{n}": True for n in range(3)}))["type"] == (
        "tooManyKeywords"
    )
    assert await desk.update(message, {f"keywords/b{n}": True for n in range(2)}) is None


async def test_states_guard_a_call(box: JmapBox) -> None:
    desk = Desk(box)
    message = await desk.message()
    state = (await box.call("Email/set"))["newState"]
    patch = {message: {"keywords/$seen": True}}
    answer = await box.call("Email/set", ifInState=state, update=patch)
    assert answer["oldState"] == state
    assert (await box.call("Email/set", ifInState=state, destroy=[message])) == {
        "type": "stateMismatch"
    }
    assert await desk.places(message) == [(desk.inbox, SEEN, "")]
    again = await box.call("Email/set", update=patch)
    assert again["oldState"] == again["newState"]  # as it was already


async def test_a_call_has_a_largest_size(box: JmapBox) -> None:
    answer = await box.call("Email/set", destroy=[f"M{n}" for n in range(501)])
    assert answer["type"] == "requestTooLarge"


async def test_five_hundred_alike_are_one_change_that_imap_sees(box: JmapBox) -> None:
    desk = Desk(box)
    archive = await desk.folder("Old")
    await box.fill(500)
    ids = [f"M{one.message}" for one in await box.placed()]
    before = (await box.account()).modseq
    answer = await box.call("Email/set", update={one: {"keywords/$seen": True} for one in ids})
    assert int(answer["newState"]) == before + 1
    assert len((await box.since(before)).placed) == 500
    moved = {f"mailboxIds/{desk.inbox}": None, f"mailboxIds/{archive}": True}
    answer = await box.call("Email/set", update=dict.fromkeys(ids, moved))
    assert int(answer["newState"]) == before + 2
    assert len((await box.since(before)).expunged) == 500
    assert len(await box.placed(MailboxId(int(archive[1:])))) == 500
    answer = await box.call("Email/set", destroy=ids)
    assert answer["destroyed"] == ids
    assert int(answer["newState"]) == before + 3
    await desk.check()


async def test_whoever_watches_the_account_is_told_what_changed(box: JmapBox) -> None:
    desk = Desk(box)
    one, two = await desk.message(), await desk.message()
    state = (await box.call("Email/set"))["newState"]
    heard: list[int] = []
    watch = box.store.feed.subscribe(box.alice.id, heard.append)
    answer = await box.call(
        "Email/set",
        create={"a": {"mailboxIds": {desk.inbox: True}}},
        update={one: {"keywords/$seen": True}},
        destroy=[two],
    )
    watch.cancel()
    assert heard == [int(answer["newState"])]  # once, of all: it is one transaction
    changes = await box.call("Email/changes", sinceState=state)
    assert changes["created"] == [answer["created"]["a"]["id"]]
    assert changes["updated"] == [one]
    assert changes["destroyed"] == [two]
    assert changes["newState"] == answer["newState"]


# Against a model


class Model:
    """Each message's places, as flags and keywords in mailboxes."""

    def __init__(self) -> None:
        self.places: dict[str, list[tuple[str, frozenset[str]]]] = {}

    def update(self, message: str, add: set[str], drop: set[str], boxes: set[str]) -> None:
        there = [(box, (words | add) - drop) for box, words in self.places[message]]
        union = frozenset(word for _, words in there for word in words)
        kept = [place for place in there if place[0] in boxes]
        new = [(box, union) for box in boxes - {box for box, _ in there}]
        self.places[message] = [*kept, *new]


WORDS = {"$seen": SEEN, "$flagged": FLAGGED}


def words_of(flags: int, keywords: str) -> frozenset[str]:
    return frozenset([w for w, flag in WORDS.items() if flags & flag] + keywords.split())


@pytest.mark.parametrize("seed", range(12))
async def test_random_changes_by_jmap_and_imap_agree_with_a_model(box: JmapBox, seed: int) -> None:
    chance = random.Random(seed)
    desk, model = Desk(box), Model()
    boxes = [desk.inbox, await desk.folder("A"), await desk.folder("B"), await desk.folder("C")]
    for _ in range(25):
        made = [set(chance.sample(boxes, chance.randint(1, 3))) for _ in range(2)]
        words = [set(chance.sample(["$seen", "$flagged", "x", "y"], 2)) for _ in range(2)]
        create = {
            str(n): {
                "mailboxIds": dict.fromkeys(made[n], True),
                "keywords": dict.fromkeys(words[n], True),
            }
            for n in range(2)
        }
        update: dict[str, Any] = {}
        destroy = []
        for message in chance.sample(sorted(model.places), min(6, len(model.places))):
            if chance.random() < 0.15:
                destroy.append(message)
                del model.places[message]
                continue
            update[message] = plan(chance, model, message, boxes)
        answer = await box.call("Email/set", create=create, update=update, destroy=destroy)
        assert not answer["notUpdated"]
        assert not answer["notDestroyed"]
        for n in range(2):
            message = answer["created"][str(n)]["id"]
            model.places[message] = [(one, frozenset(words[n])) for one in made[n]]
        await by_imap(chance, box, model)
        for message, places in model.places.items():
            seen = [(one, words_of(f, k)) for one, f, k in await desk.places(message)]
            assert sorted(seen, key=repr) == sorted(places, key=repr)
        for message in destroy:
            assert await desk.places(message) == []
    await desk.check()


def plan(chance: random.Random, model: Model, message: str, boxes: list[str]) -> dict[str, Any]:
    """A patch, done to the model."""
    here = {one for one, _ in model.places[message]}
    words = ["$seen", "$flagged", "x", "y", "z"]
    target = set(chance.sample(boxes, chance.randint(1, 3))) if chance.random() < 0.6 else here
    add, drop = {chance.choice(words)}, set()
    patch: dict[str, Any] = {}
    if chance.random() < 0.5:
        drop = {chance.choice(words)} - add
        patch |= {f"keywords/{one}": True for one in add} | {
            f"keywords/{one}": None for one in drop
        }
    else:
        patch["keywords"] = dict.fromkeys(add, True)
        drop = set(words) - add
    if chance.random() < 0.5:
        patch["mailboxIds"] = dict.fromkeys(target, True)
    else:
        patch |= {f"mailboxIds/{one}": True for one in target - here}
        patch |= {f"mailboxIds/{one}": None for one in here - target}
    model.update(message, add, drop, target)
    return patch


async def by_imap(chance: random.Random, box: JmapBox, model: Model) -> None:
    """STORE at one place."""
    message = chance.choice(sorted(model.places))
    number, account = MessageId(int(message[1:])), box.alice.id
    found = await box.store.read(lambda db: places_of(db, account, [number]))
    place = chance.choice(next(iter(found.values())))
    word, flag = chance.choice(sorted(WORDS.items()))
    await box.store.write(
        lambda tx: messages.store_flags(
            tx, account, place.mailbox, [place.uid], FlagChange.ADD, int(flag)
        )
    )
    old = (f"F{place.mailbox}", words_of(place.flags, place.keywords))
    places = model.places[message]
    places[places.index(old)] = (old[0], old[1] | {word})
