"""EmailSubmission/set: messages sent, held, taken back; what became of them."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import pytest

from pillarbox.config.smtp import SmtpSettings
from pillarbox.config.submission import SubmissionSettings
from pillarbox.errors import Unavailable
from pillarbox.flow.outbound.outcome import Kind, Outcome
from pillarbox.flow.submission.reception import Rules
from pillarbox.jmap.ids import mailbox_id
from pillarbox.node.forgetting import forget_submissions
from pillarbox.store.model import LeasedRecipient
from pillarbox.store.sql import queue_lease, queue_steer, submissions
from pillarbox.store.sql.queue_lease import Ask, Turn
from support.queue_bench import FakeSender, outcome, rows
from support.submission_bench import FAR, SendingBox, comes


@pytest.fixture
def box(tmp_path: Path) -> SendingBox:
    """Alice, who sends; bob, who is here too."""
    return SendingBox(tmp_path)


async def test_a_message_to_somebody_here_is_there_at_once(box: SendingBox) -> None:
    email = await box.draft(bcc=[{"name": None, "email": "alice@example.org"}])
    made = await box.sent(email)
    assert made["undoStatus"] == "final"
    assert made["envelope"] == {
        "mailFrom": {"email": "alice@example.org", "parameters": None},
        "rcptTo": [
            {"email": "bob@example.org", "parameters": None},
            {"email": "alice@example.org", "parameters": None},
        ],
    }
    assert made["sendAt"] == f"{box.clock.now():%Y-%m-%dT%H:%M:%SZ}"
    (text,) = await box.texts(box.bob.id)
    assert text.startswith(b"Return-Path: <alice@example.org>\r\nDelivered-To: bob@")
    assert b"Received: by mail.example.org with HTTP id " in text
    assert b"Bcc" not in text
    there = await box.submission(made["id"])
    assert there == made | {"identityId": box.identity, "emailId": email}
    assert there["deliveryStatus"]["bob@example.org"] == {
        "smtpReply": "250 2.0.0 Delivered",
        "delivered": "yes",
        "displayed": "unknown",
    }


async def test_a_message_that_waits_is_with_nobody(box: SendingBox) -> None:
    envelope = {
        "mailFrom": {"email": "alice@example.org", "parameters": {"holdfor": "20"}},
        "rcptTo": [{"email": "bob@example.org"}, {"email": FAR}],
    }
    made = await box.sent(await box.draft(), envelope=envelope)
    assert made["undoStatus"] == "pending"
    assert await box.texts(box.bob.id) == []
    await box.clock.advance(21)
    await box.work_off(comes(box, made["id"], "final", bob="yes", carol="unknown"))
    assert len(await box.texts(box.bob.id)) == 1
    told = (await box.submission(made["id"]))["deliveryStatus"]
    assert told[FAR]["smtpReply"] == "250 2.0.0 OK"


HELD = {"mailFrom": {"email": "alice@example.org", "parameters": {"HOLDFOR": "20"}}}


def held(*recipients: str) -> dict:
    """An envelope that waits for twenty seconds."""
    return HELD | {"rcptTo": [{"email": one} for one in recipients]}


async def test_what_is_taken_back_was_sent_to_nobody(box: SendingBox) -> None:
    made = await box.sent(await box.draft(), envelope=held("bob@example.org", FAR))
    answer = await box.cancel(made["id"])
    assert answer["updated"] == {made["id"]: None}
    assert (await box.cancel(made["id"]))["updated"] == {made["id"]: None}  # it is so already
    await box.clock.advance(60)
    other = await box.sent(await box.draft(), envelope=held("dora@example.net"))
    await box.clock.advance(60)
    sender = box.sender()
    await box.work_off(comes(box, other["id"], "final", dora="unknown"), sender)
    assert sum(sender.accepted.values()) == 1  # dora's
    assert await box.texts(box.bob.id) == []
    now = await box.submission(made["id"])
    assert now["undoStatus"] == "canceled"
    assert {one["delivered"] for one in now["deliveryStatus"].values()} == {"no"}


async def test_taking_back_survives_a_restart(box: SendingBox) -> None:
    made = await box.sent(await box.draft(), envelope=held("bob@example.org"))
    await box.reopen()
    assert (await box.submission(made["id"]))["undoStatus"] == "pending"
    await box.cancel(made["id"])
    await box.reopen()
    await box.clock.advance(60)
    running = box.sender()
    await box.work_off(comes(box, made["id"], "canceled"), running)
    assert await box.texts(box.bob.id) == []
    assert (await box.store.verify()).problems == []


async def test_it_is_final_when_the_first_octet_may_have_left(box: SendingBox) -> None:
    """Leased it can still be taken back; marked it cannot."""
    made = await box.sent(await box.draft(), envelope=held(FAR, "dora@example.com"))
    other = await box.sent(await box.draft(), envelope=held("erin@example.com"))
    await box.clock.advance(20)
    until = int(box.clock.now().timestamp()) + 90
    ask = [Ask("example.net", 10), Ask("example.com", 10)]
    turned = await box.store.write(
        partial(queue_lease.turn, wanted=Turn(worker="w", until=until, ask=ask))
    )
    leased = {one.recipient.forward_path: one.recipient for one in turned.leased}
    assert len(leased) == 3
    assert (await box.submission(made["id"]))["undoStatus"] == "pending"
    state = (await box.call("EmailSubmission/get", ids=[]))["state"]
    start = [(leased[FAR].queued, leased[FAR].number)]
    await box.store.write(
        partial(queue_lease.turn, wanted=Turn(worker="w", until=until, start=start))
    )
    assert (await box.submission(made["id"]))["undoStatus"] == "final"
    changes = await box.call("EmailSubmission/changes", sinceState=state)
    assert changes["updated"] == [made["id"]]
    refused = (await box.cancel(made["id"]))["notUpdated"][made["id"]]
    assert refused["type"] == "cannotUnsend"
    # The other one was leased, too; its worker may no longer begin.
    assert (await box.cancel(other["id"]))["updated"] == {other["id"]: None}
    erin = leased["erin@example.com"]
    begun = Turn(worker="w", until=until, start=[(erin.queued, erin.number)])
    turned = await box.store.write(partial(queue_lease.turn, wanted=begun))
    assert turned.started == frozenset()


@pytest.mark.parametrize(
    ("reply", "kind", "told"),
    [
        ("250 2.0.0 OK", Kind.RELAYED, "unknown"),
        ("550-5.7.1 Our system\n550 5.7.1 likes it not", Kind.FAILED, "no"),
        ("451 4.2.1 Later", Kind.LATER, "queued"),
        ("The connection broke.", Kind.LATER, "queued"),
    ],
)
async def test_what_the_next_server_said(
    box: SendingBox, reply: str, kind: Kind, told: str
) -> None:
    made = await box.sent(await box.draft(FAR))
    assert made["undoStatus"] == "pending"  # nobody here has it, and no worker began

    async def answer(_message: object, recipient: LeasedRecipient) -> Outcome:
        return outcome(recipient, kind, reply)

    expected = {
        "no": "550 5.7.1 Our system likes it not",
        "unknown": "250 2.0.0 OK",
    }.get(told, "451 4.2.1 Later" if reply[0] == "4" else f"250 2.0.0 {reply}")

    async def is_told() -> bool:
        """It is final when a worker begins, and what came of it stands there a moment later."""
        now = await box.submission(made["id"])
        return bool(now["deliveryStatus"][FAR]["smtpReply"] == expected)

    await box.work_off(is_told, FakeSender(answer))
    status = (await box.submission(made["id"]))["deliveryStatus"][FAR]
    assert status["delivered"] == told
    assert status["smtpReply"] == expected


async def test_send_pressed_twice_sends_once(box: SendingBox) -> None:
    email = await box.draft()
    answers = await asyncio.gather(box.send(email), box.send(email))
    (refused,) = [one["notCreated"]["s"] for one in answers if one["notCreated"]]
    (made,) = [one["created"]["s"] for one in answers if one["created"]]
    assert (refused["type"], refused["existingId"]) == ("alreadyExists", made["id"])
    assert len(await box.texts(box.bob.id)) == 1
    # To others it may go, and to the same when a day has passed.
    await box.sent(email, envelope=held("dora@example.com"))
    await box.clock.advance(25 * 3600)
    await box.sent(email)
    assert len(await box.texts(box.bob.id)) == 2


async def test_what_was_taken_back_may_be_sent_again(box: SendingBox) -> None:
    email = await box.draft()
    made = await box.sent(email, envelope=held("bob@example.org"))
    assert (await box.send(email))["notCreated"]["s"]["existingId"] == made["id"]
    await box.cancel(made["id"])
    await box.sent(email)
    assert len(await box.texts(box.bob.id)) == 1


async def test_success_moves_the_draft(box: SendingBox) -> None:
    """The example of RFC 8621 §7.5.1, with the draft made in the same request."""
    sent = await box.mailbox("Sent")
    inbox, folder = mailbox_id(box.inbox.id), mailbox_id(sent.id)
    email = {
        "mailboxIds": {inbox: True},
        "keywords": {"$draft": True},
        "from": [{"name": None, "email": "alice@example.org"}],
        "to": [{"name": None, "email": "bob@example.org"}],
        "bodyStructure": {"partId": "1"},
        "bodyValues": {"1": {"value": "A few words."}},
    }
    patch = {f"mailboxIds/{inbox}": None, f"mailboxIds/{folder}": True, "keywords/$draft": None}
    responses = await box.request(
        ("Email/set", {"create": {"draft": email}}, "0"),
        (
            "EmailSubmission/set",
            {
                "create": {
                    "k1490": {"identityId": box.identity, "emailId": "#draft"},
                    "wrong": {"identityId": box.identity, "emailId": "M999"},
                },
                "onSuccessUpdateEmail": {"#k1490": patch, "#wrong": {"keywords/$seen": True}},
            },
            "1",
        ),
    )
    assert [(name, call) for name, _, call in responses] == [
        ("Email/set", "0"),
        ("EmailSubmission/set", "1"),
        ("Email/set", "1"),
    ]
    made = responses[0][1]["created"]["draft"]["id"]
    assert responses[1][1]["notCreated"]["wrong"]["properties"] == ["emailId"]
    assert responses[2][1]["updated"] == {made: None}
    found = await box.call("Email/get", ids=[made], properties=["mailboxIds", "keywords"])
    assert found["list"][0] == {"id": made, "mailboxIds": {folder: True}, "keywords": {}}


async def test_taking_back_brings_the_draft_back(box: SendingBox) -> None:
    email = await box.draft()
    made = await box.sent(email, envelope=held("bob@example.org"))
    responses = await box.request(
        (
            "EmailSubmission/set",
            {
                "update": {made["id"]: {"undoStatus": "canceled"}, "S99": {"undoStatus": "x"}},
                "onSuccessUpdateEmail": {made["id"]: {"keywords/$again": True}},
                "onSuccessDestroyEmail": ["S99"],
            },
            "0",
        )
    )
    assert responses[0][1]["notUpdated"] == {"S99": {"type": "notFound"}}
    assert responses[1][1]["updated"] == {email: None}
    assert responses[1][1]["destroyed"] is None


async def test_the_email_may_go_and_the_submission_stays(box: SendingBox) -> None:
    email = await box.draft()
    responses = await box.request(
        (
            "EmailSubmission/set",
            {
                "create": {
                    "s": {
                        "identityId": box.identity,
                        "emailId": email,
                        "envelope": held("bob@example.org"),
                    }
                },
                "onSuccessDestroyEmail": ["#s"],
            },
            "0",
        )
    )
    assert responses[1][1]["destroyed"] == [email]
    made = responses[0][1]["created"]["s"]["id"]
    await box.clock.advance(21)
    await box.work_off(comes(box, made, "final", bob="yes"))
    (text,) = await box.texts(box.bob.id)
    assert text.endswith(b"A few words.\r\n") or b"A few words." in text


REFUSED = [
    ({"identityId": "I999"}, "invalidProperties", {"properties": ["identityId"]}),
    ({"emailId": "M999"}, "invalidProperties", {"properties": ["emailId"]}),
    ({"emailId": None}, "invalidProperties", {"properties": ["emailId"]}),
    ({"undoStatus": "final"}, "invalidProperties", {"properties": ["undoStatus"]}),
    ({"envelope": {}}, "invalidProperties", {"properties": ["envelope"]}),
    ({"envelope": held()}, "noRecipients", {}),
    (
        {"envelope": held("nobody@example.org", "no address", "bob@example.org")},
        "invalidRecipients",
        {"invalidRecipients": ["no address"]},
    ),
    (
        {"envelope": held("nobody@example.org", "bob@example.org")},
        "invalidRecipients",
        {"invalidRecipients": ["nobody@example.org"]},
    ),
    (
        {"envelope": held(*(f"u{n}@example.com" for n in range(1001)))},
        "tooManyRecipients",
        {"maxRecipients": 1000},
    ),
    (
        {"envelope": held(FAR) | {"mailFrom": {"email": "bob@example.org"}}},
        "forbiddenMailFrom",
        {},
    ),
    *[
        (
            {
                "envelope": held(FAR)
                | {"mailFrom": {"email": "alice@example.org", "parameters": parameters}}
            },
            "invalidProperties",
            {"properties": ["envelope"]},
        )
        for parameters in (
            {"HOLDFOR": "99999999"},
            {"HOLDUNTIL": "tomorrow"},
            {"HOLDFOR": "20", "HOLDUNTIL": "2026-11-02T12:00:00Z"},
            {"MT-PRIORITY": "3"},
            {"REQUIRETLS": "yes"},
            {"RET": 7},
        )
    ],
]


@pytest.mark.parametrize(("more", "kind", "facts"), REFUSED)
async def test_each_refusal_has_its_name(
    box: SendingBox, more: dict, kind: str, facts: dict
) -> None:
    email = await box.draft()
    answer = await box.send(email, **more)
    refused = answer["notCreated"]["s"]
    assert refused["type"] == kind
    assert {name: refused[name] for name in facts} == facts
    assert answer["oldState"] == answer["newState"]
    assert await rows(box.store) == []
    assert await box.texts(box.bob.id) == []


@pytest.mark.parametrize(
    ("fields", "kind", "properties"),
    [
        ({"from": [{"name": None, "email": "bob@example.org"}]}, "forbiddenFrom", None),
        (
            {"sender": [{"name": None, "email": "bob@example.org"}]},
            "forbiddenFrom",
            None,
        ),
        (
            {
                "from": [
                    {"name": None, "email": "alice@example.org"},
                    {"name": None, "email": "bob@example.org"},
                ]
            },
            "invalidEmail",
            ["from"],
        ),
        ({"to": ""}, "noRecipients", None),
    ],
)
async def test_a_message_that_cannot_go_out(
    box: SendingBox, fields: dict, kind: str, properties: list[str] | None
) -> None:
    refused = (await box.send(await box.draft(**fields)))["notCreated"]["s"]
    assert (refused["type"], refused.get("properties")) == (kind, properties)


async def test_a_bare_newline_does_not_go_out(box: SendingBox) -> None:
    found = await box.append(b"From: alice@example.org\nTo: bob@example.org\n\nHello\n")
    refused = (await box.send(f"M{found.message}"))["notCreated"]["s"]
    assert refused["type"] == "invalidEmail"


async def test_limits_of_a_day_hold_here_as_well(tmp_path: Path) -> None:
    box = SendingBox(tmp_path)
    box.rules = Rules(SmtpSettings(), SubmissionSettings(max_messages_a_day=1))
    async with box:
        await box.sent(await box.draft())
        refused = (await box.send(await box.draft()))["notCreated"]["s"]
        assert refused["type"] == "rateLimit"
        assert "tomorrow" in refused["description"]


async def test_a_message_too_large_to_send(tmp_path: Path) -> None:
    box = SendingBox(tmp_path)
    box.rules = Rules(SmtpSettings(max_message_octets=65_536), SubmissionSettings())
    async with box:
        email = await box.draft(bodyValues={"1": {"value": "word " * 20_000}})
        refused = (await box.send(email))["notCreated"]["s"]
        assert (refused["type"], refused["maxSize"]) == ("tooLarge", 65_536)


async def test_only_undoing_changes_one(box: SendingBox) -> None:
    made = await box.sent(await box.draft(), envelope=held(FAR))
    for patch, kind in (
        ({"sendAt": "2026-11-01T12:00:00Z"}, "invalidProperties"),
        ({"emailId": "M7"}, "invalidProperties"),
        ({"undoStatus": "final"}, "invalidProperties"),
        ({"undoStatus": None}, "invalidProperties"),
        ({"envelope/rcptTo/x/y": 1}, "invalidPatch"),
    ):
        answer = await box.call("EmailSubmission/set", update={made["id"]: patch})
        assert answer["notUpdated"][made["id"]]["type"] == kind, patch
    now = await box.submission(made["id"])
    same = {"undoStatus": "pending", "emailId": now["emailId"]}
    answer = await box.call("EmailSubmission/set", update={made["id"]: same})
    assert answer["updated"] == {made["id"]: None}


async def test_destroying_forgets_and_sends_all_the_same(box: SendingBox) -> None:
    made = await box.sent(await box.draft(), envelope=held("bob@example.org"))
    answer = await box.call("EmailSubmission/set", destroy=[made["id"], "S77"])
    assert answer["destroyed"] == [made["id"]]
    assert answer["notDestroyed"] == {"S77": {"type": "notFound"}}
    changes = await box.call("EmailSubmission/changes", sinceState=answer["oldState"])
    assert changes["destroyed"] == [made["id"]]

    async def arrived() -> bool:
        return bool(await box.texts(box.bob.id))

    await box.clock.advance(21)
    await box.work_off(arrived)


async def test_the_administrator_drops_what_waits(box: SendingBox) -> None:
    made = await box.sent(await box.draft(), envelope=held(FAR))
    found = await rows(box.store)
    keys = [(one.queued, one.number) for one in found]
    await box.store.write(lambda tx: queue_steer.steer(tx, keys, queue_steer.Steer.DROP))
    now = await box.submission(made["id"])
    assert now["undoStatus"] == "final"
    assert now["deliveryStatus"][FAR]["delivered"] == "no"
    assert "cannotUnsend" in str(await box.cancel(made["id"]))


async def test_states_tell_of_others_changes(box: SendingBox) -> None:
    answer = await box.send(await box.draft(), envelope=held("bob@example.org"))
    assert answer["newState"] != answer["oldState"]
    changes = await box.call("EmailSubmission/changes", sinceState=answer["newState"])
    assert (changes["created"], changes["updated"], changes["destroyed"]) == ([], [], [])
    changes = await box.call("EmailSubmission/changes", sinceState=answer["oldState"])
    assert changes["created"] == [answer["created"]["s"]["id"]]


async def test_what_ended_long_ago_is_forgotten(box: SendingBox) -> None:
    old = await box.sent(await box.draft())
    state = (await box.call("EmailSubmission/get", ids=[]))["state"]
    await box.clock.advance(31 * 86_400)
    email = await box.draft()
    waits = await box.sent(email, envelope=held(FAR))
    await forget_submissions(box.store, 30)
    answer = await box.call("EmailSubmission/get", ids=None)
    assert [one["id"] for one in answer["list"]] == [waits["id"]]
    changes = await box.call("EmailSubmission/changes", sinceState=state)
    assert changes["destroyed"] == [old["id"]]
    await box.clock.advance(100 * 86_400)
    await forget_submissions(box.store, 30)
    changes = await box.call("EmailSubmission/changes", sinceState=state)
    assert changes["type"] == "cannotCalculateChanges"


async def test_a_crash_leaves_both_or_none(
    box: SendingBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The submission's row and the queue's are one transaction."""
    email = await box.draft()

    async def fail(*_: object, **__: object) -> None:
        raise Unavailable("The disk is gone.")

    with monkeypatch.context() as patched:
        patched.setattr(submissions, "add", fail)
        answer = await box.call(
            "EmailSubmission/set",
            create={"s": {"identityId": box.identity, "emailId": email}},
        )
        assert answer["type"] == "serverUnavailable"
    assert await rows(box.store) == []
    assert await box.texts(box.bob.id) == []
    await box.sent(email)
    assert (await box.store.verify()).problems == []
