"""Email/parse (RFC 8621 §4.9): attached messages and uploads as records that are not kept."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from pillarbox.config.jmap import JmapSettings
from pillarbox.jmap.ids import upload_blob_id
from pillarbox.store.sql import uploads
from support.jmap_bench import JmapBox
from support.store_box import letter

INNER = letter("inside", "Words inside.", References="<a@example.org>")
INNER_MIXED = (
    b"Subject: mixed\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n"
    b"--i\r\n\r\ntext\r\n--i\r\nContent-Type: message/rfc822\r\n\r\n" + INNER + b"\r\n--i--\r\n"
)
OUTER = (
    b"Subject: outside\r\nContent-Type: multipart/mixed; boundary=o\r\n\r\n"
    b"--o\r\nContent-Type: text/plain\r\n\r\nno field here\r\n"
    b"--o\r\nContent-Type: message/rfc822\r\n\r\n" + INNER_MIXED + b"\r\n"
    b"--o\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    + base64.encodebytes(INNER)
    + b"\r\n--o\r\nContent-Type: message/rfc822\r\n\r\nno header, but said to be one\r\n"
    b"--o\r\nContent-Type: application/octet-stream\r\n\r\n" + INNER + b"\r\n"
    b"--o\r\nContent-Type: message/rfc822\r\n\r\n\r\n--o--\r\n"
)


async def upload(box: JmapBox, octets: bytes) -> str:
    with box.store.spool() as spool:
        spool.write(octets)
        sealed = await spool.seal()
        await box.store.write(
            lambda tx: uploads.add(
                tx, box.alice.id, sealed, "x/y", most_files=9, most_octets=100 << 20
            )
        )
    return upload_blob_id(sealed.id)


async def test_defaults_and_what_is_null(box: JmapBox) -> None:
    await box.append(OUTER, trace=b"Received: us\r\n")
    answer = await box.call("Email/parse", blobIds=["B1_3"], fetchTextBodyValues=True)
    assert (answer["notParsable"], answer["notFound"]) == (None, None)
    told: dict[str, Any] = answer["parsed"]["B1_3"]
    assert set(told) == {
        "messageId", "inReplyTo", "references", "sender", "from", "to", "cc", "bcc", "replyTo",
        "subject", "sentAt", "hasAttachment", "preview", "bodyValues", "textBody", "htmlBody",
        "attachments",
    }  # fmt: skip
    assert (told["subject"], told["references"]) == ("inside", ["a@example.org"])
    assert told["preview"] == "Words inside."
    assert told["bodyValues"]["1"]["value"] == "Words inside.\n"
    assert told["textBody"][0]["blobId"] == "B1_3_1"
    names = ["id", "blobId", "threadId", "mailboxIds", "keywords", "receivedAt", "size"]
    answer = await box.call("Email/parse", blobIds=["B1_3"], properties=names)
    assert answer["parsed"]["B1_3"] == dict.fromkeys(names) | {"blobId": "B1_3", "size": len(INNER)}


async def test_messages_within_messages(box: JmapBox) -> None:
    await box.append(OUTER)
    answer = await box.call("Email/parse", blobIds=["B1_2"])
    told = answer["parsed"]["B1_2"]
    assert (told["subject"], told["hasAttachment"]) == ("mixed", True)
    (inside,) = told["attachments"]
    assert (inside["blobId"], inside["type"]) == ("B1_2_2", "message/rfc822")
    answer = await box.call("Email/parse", blobIds=[inside["blobId"]], properties=["subject"])
    assert answer["parsed"] == {"B1_2_2": {"subject": "inside"}}


@pytest.mark.parametrize(
    ("blob_id", "where", "subject"),
    [
        ("B1", "parsed", "outside"),
        ("B1_1", "notParsable", None),
        ("B1_4", "parsed", None),  # its sender says that it is a message
        ("B1_5", "parsed", "inside"),
        ("B1_6", "parsed", None),
        ("B1_7", "notFound", None),
        ("B9", "notFound", None),
        ("nonsense", "notFound", None),
    ],
)
async def test_what_can_be_parsed(
    box: JmapBox, blob_id: str, where: str, subject: str | None
) -> None:
    await box.append(OUTER)
    answer = await box.call("Email/parse", blobIds=[blob_id, blob_id], properties=["subject"])
    expected: dict[str, Any] = {"parsed": None, "notParsable": None, "notFound": None}
    expected[where] = {blob_id: {"subject": subject}} if where == "parsed" else [blob_id]
    assert {name: answer[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("octets", "subject"),
    [
        (INNER, "inside"),
        ("Subject: grüße\r\nFrom: ö@exämple.org\r\n\r\n".encode(), "grüße"),
        (b"Subject: no end of header", "no end of header"),
        (b"From bob@example.org Mon Nov 23 08:00:00 2026\nSubject: x\n\nmbox", "x"),
        (b"Subject: large\r\n\r\n" + b"words and words\r\n" * 300_000, "large"),
    ],
)
async def test_uploads(box: JmapBox, octets: bytes, subject: str) -> None:
    blob_id = await upload(box, octets)
    answer = await box.call("Email/parse", blobIds=[blob_id], properties=["subject"])
    assert answer["parsed"] == {blob_id: {"subject": subject}}


@pytest.mark.parametrize(
    "octets", [b"", b"\r\n\r\n", b"\x89PNG\r\n\x1a\n", b"just text\r\n\r\nX: y\r\n", b"\0" * 5000]
)
async def test_uploads_that_are_no_messages(box: JmapBox, octets: bytes) -> None:
    blob_id = await upload(box, octets)
    answer = await box.call("Email/parse", blobIds=[blob_id])
    assert (answer["parsed"], answer["notParsable"]) == (None, [blob_id])


async def test_refused(box: JmapBox) -> None:
    box.limits = JmapSettings(max_objects_in_get=500, max_text_octets=1 << 20)
    many = [f"B{number}" for number in range(501)]
    assert (await box.call("Email/parse", blobIds=many))["type"] == "requestTooLarge"
    wrongs: tuple[dict[str, Any], ...] = (
        {"blobIds": None},
        {"blobIds": [], "properties": ["header:From:asDate"]},
        {"blobIds": [], "properties": ["nonsense"]},
        {"blobIds": [], "ids": []},
    )
    for wrong in wrongs:
        assert (await box.call("Email/parse", **wrong))["type"] == "invalidArguments"
    blob_id = await upload(box, b"Subject: large\r\n\r\n" + b"x" * (2 << 20))
    answer = await box.call("Email/parse", blobIds=[blob_id], fetchAllBodyValues=True)
    assert answer["type"] == "requestTooLarge"
