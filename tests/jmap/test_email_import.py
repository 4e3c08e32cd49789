"""Email/import and Email/copy (RFC 8621 §4.7, §4.8)."""

from __future__ import annotations

from typing import Any

import pytest

from pillarbox.ids import MessageId
from pillarbox.store.model import Flag
from pillarbox.store.sql import messages, uploads
from support.jmap_bench import JmapBox
from support.store_box import letter

MAIL = letter("Hello", Message_ID="<1@example.org>")


async def upload(box: JmapBox, octets: bytes) -> str:
    account = box.alice.id
    with box.store.spool() as spool:
        spool.write(octets)
        sealed = await spool.seal()
        await box.store.write(
            lambda tx: uploads.add(
                tx, account, sealed, "message/rfc822", most_files=9, most_octets=1 << 20
            )
        )
    return f"U{sealed.id.hex()}"


async def bring(box: JmapBox, octets: bytes, **more: Any) -> dict[str, Any]:
    email = {"blobId": await upload(box, octets), "mailboxIds": {f"F{box.inbox.id}": True}} | more
    return await box.call("Email/import", emails={"i": email})


async def test_an_upload_becomes_a_message_octet_for_octet(box: JmapBox) -> None:
    answer = await bring(
        box, MAIL, keywords={"$seen": True, "x": True}, receivedAt="2026-01-02T03:04:05Z"
    )
    made = answer["created"]["i"]
    (place,) = await box.placed()
    assert made == {"id": "M1", "blobId": "B1", "threadId": "T1", "size": len(MAIL)}
    assert (place.message, place.flags, place.keywords) == (1, Flag.SEEN, "x")
    row = await box.store.read(lambda db: messages.get(db, box.alice.id, MessageId(1)))
    assert await box.store.content(row).read(0, row.size) == MAIL
    assert row.received_at == 1767323045
    assert answer["notCreated"] is None
    assert not (await box.store.verify()).problems


async def test_when_it_was_received_is_what_the_last_server_says(box: JmapBox) -> None:
    received = "by b.example.org; Fri, 2 Jan 2026 03:04:05 +0000"
    await bring(box, b"Received: " + received.encode() + b"\r\n" + MAIL)
    row = await box.store.read(lambda db: messages.get(db, box.alice.id, MessageId(1)))
    assert row.received_at == 1767323045


async def test_the_same_message_twice_is_told(box: JmapBox) -> None:
    first = (await bring(box, MAIL))["created"]["i"]["id"]
    answer = await bring(box, MAIL)
    assert answer["notCreated"]["i"] == {"type": "alreadyExists", "existingId": first}
    assert answer["oldState"] == answer["newState"]
    await box.call("Email/set", destroy=[first])
    assert (await bring(box, MAIL))["created"]["i"]["id"] != first
    other = (await bring(box, MAIL + b"another line\r\n"))["created"]["i"]
    assert other["size"] == len(MAIL) + 14


async def test_two_alike_in_one_call(box: JmapBox) -> None:
    email = {"blobId": await upload(box, MAIL), "mailboxIds": {f"F{box.inbox.id}": True}}
    answer = await box.call("Email/import", emails={"a": email, "b": email})
    assert list(answer["created"]) == ["a"]
    assert answer["notCreated"]["b"]["existingId"] == answer["created"]["a"]["id"]


@pytest.mark.parametrize(
    ("change", "kind", "named"),
    [
        ({"blobId": "U" + "0" * 64}, "invalidProperties", ["blobId"]),
        ({"blobId": 5}, "invalidProperties", ["blobId"]),
        ({"blobId": None}, "invalidProperties", ["blobId"]),
        ({"mailboxIds": {}}, "invalidProperties", ["mailboxIds"]),
        ({"mailboxIds": {"F99": True}}, "invalidProperties", ["mailboxIds"]),
        ({"keywords": {"a b": True}}, "invalidProperties", ["keywords"]),
        ({"receivedAt": "yesterday"}, "invalidProperties", ["receivedAt"]),
        ({"subject": "x"}, "invalidProperties", ["subject"]),
    ],
)
async def test_what_cannot_be_imported(
    box: JmapBox, change: dict[str, Any], kind: str, named: list[str]
) -> None:
    refused = (await bring(box, MAIL, **change))["notCreated"]["i"]
    assert (refused["type"], refused["properties"]) == (kind, named)
    assert await box.placed() == []


@pytest.mark.parametrize("octets", [b"no header at all", b"\r\nonly a body\r\n", b"\x00\x01\x02"])
async def test_what_is_no_message(box: JmapBox, octets: bytes) -> None:
    assert (await bring(box, octets))["notCreated"]["i"]["type"] == "invalidEmail"


async def test_a_state_that_is_over(box: JmapBox) -> None:
    email = {"blobId": await upload(box, MAIL), "mailboxIds": {f"F{box.inbox.id}": True}}
    answer = await box.call("Email/import", ifInState="1", emails={"i": email})
    assert answer == {"type": "stateMismatch"}


async def test_there_is_nowhere_to_copy_from(box: JmapBox) -> None:
    own = f"A{box.alice.id}"
    create = {"c": {"id": "M1", "mailboxIds": {"F1": True}}}
    answer = await box.call("Email/copy", fromAccountId=own, create=create)
    assert answer["type"] == "invalidArguments"
    answer = await box.call("Email/copy", fromAccountId="A99", create=create)
    assert answer["type"] == "fromAccountNotFound"
