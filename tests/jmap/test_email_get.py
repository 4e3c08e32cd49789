"""Email/get against a real store (RFC 8621 §4.1, §4.2)."""

from __future__ import annotations

from typing import Any

import pytest

from pillarbox.config.jmap import JmapSettings
from pillarbox.jmap.ids import mailbox_id
from pillarbox.store.model import Flag, FlagChange
from pillarbox.store.sql import changes, messages
from support.jmap_bench import JmapBox
from support.store_box import letter


async def get(box: JmapBox, message: int, *properties: str, **more: Any) -> dict[str, Any]:
    answer = await box.call("Email/get", ids=[f"M{message}"], properties=properties, **more)
    assert answer.get("notFound") == [], answer
    (told,) = answer["list"]
    assert told.pop("id") == f"M{message}"
    record: dict[str, Any] = told
    return record


async def test_metadata_is_that_of_the_store(box: JmapBox) -> None:
    other = await box.create("Other")
    raw = letter()
    done = await box.append(raw, trace=b"Received: by us\r\n", received_at=1_800_000_000)
    await box.store.write(
        lambda tx: messages.copy(tx, box.alice.id, box.inbox.id, [done.uid], other.id)
    )
    flags = Flag.SEEN | Flag.FORWARDED
    await box.flag([done.uid], FlagChange.ADD, flags, "Work zoo")
    answer = await box.call("Email/get", ids=[f"M{done.message}"])
    (told,) = answer["list"]
    assert {name: told[name] for name in ("id", "blobId", "threadId", "mailboxIds")} == {
        "id": f"M{done.message}",
        "blobId": f"B{done.message}",
        "threadId": f"T{done.thread}",
        "mailboxIds": {mailbox_id(box.inbox.id): True, mailbox_id(other.id): True},
    }
    assert told["keywords"] == {"$seen": True, "$forwarded": True, "work": True, "zoo": True}
    assert told["size"] == len(raw) + len(b"Received: by us\r\n")
    assert told["receivedAt"] == "2027-01-15T08:00:00Z"
    modseq = await box.store.read(lambda db: changes.account_modseq(db, box.alice.id))
    assert answer["state"] == str(modseq)


async def test_convenient_properties(box: JmapBox) -> None:
    done = await box.append(
        letter(
            "=?utf-8?q?Gr=C3=BC=C3=9Fe?=",
            Message_ID="<1@example.org>",
            In_Reply_To="<0@example.org>",
            References="<a@example.org> <0@example.org>",
            Sender="List <list@example.org>",
            Reply_To="there@example.org",
            Cc="c@example.org, G: d@example.org;",
            Date="Mon, 23 Nov 2026 08:00:00 +0100",
        )
    )
    answer = await box.call("Email/get", ids=[f"M{done.message}"])
    (told,) = answer["list"]
    expected = {
        "messageId": ["1@example.org"],
        "inReplyTo": ["0@example.org"],
        "references": ["a@example.org", "0@example.org"],
        "sender": [{"name": "List", "email": "list@example.org"}],
        "from": [{"name": "Bob", "email": "bob@example.org"}],
        "to": [{"name": None, "email": "alice@example.org"}],
        "cc": [
            {"name": None, "email": "c@example.org"},
            {"name": None, "email": "d@example.org"},
        ],
        "bcc": None,
        "replyTo": [{"name": None, "email": "there@example.org"}],
        "subject": "Grüße",
        "sentAt": "2026-11-23T08:00:00+01:00",
        "hasAttachment": False,
        "preview": "A few words.",
        "bodyValues": {},
        "attachments": [],
    }
    assert {name: told[name] for name in expected} == expected
    assert [part["partId"] for part in told["textBody"]] == ["1"]
    assert "headers" not in told and "bodyStructure" not in told
    # The same by the names of the fields.
    again = await get(
        box, done.message, "header:From:asAddresses", "header:date:asDate", "header:Bcc:asAddresses"
    )
    assert again == {
        "header:From:asAddresses": expected["from"],
        "header:date:asDate": expected["sentAt"],
        "header:Bcc:asAddresses": None,
    }


async def test_fields_in_the_order_of_the_message_our_trace_first(box: JmapBox) -> None:
    done = await box.append(
        b"X-One: 1\r\nSubject: a\r\n b\r\nx-one: \xff2\r\nno field\r\n\r\nX-Body: no\r\n",
        trace=b"Received: us\r\n",
    )
    told = await get(
        box, done.message, "headers", "header:X-ONE", "header:x-one:asText:all", "header:received"
    )
    assert told == {
        "headers": [
            {"name": "Received", "value": " us"},
            {"name": "X-One", "value": " 1"},
            {"name": "Subject", "value": " a\r\n b"},
            {"name": "x-one", "value": " \ufffd2"},
        ],
        "header:X-ONE": " \ufffd2",
        "header:x-one:asText:all": ["1", "ÿ2"],
        "header:received": " us",
    }


@pytest.mark.parametrize(
    "more",
    [
        {"properties": ["nonsense"]},
        {"properties": ["header:From:asDate"]},
        {"properties": ["header:Subject:asAddresses:all"]},
        {"properties": ["header:"]},
        {"bodyProperties": ["subject"]},
        {"bodyProperties": ["header:To:asText"]},
        {"maxBodyValueBytes": -1},
        {"fetchAllBodyValues": "yes"},
        {"nonsense": 1},
        {"ids": "M1"},
    ],
)
async def test_arguments_that_make_no_sense(box: JmapBox, more: dict[str, Any]) -> None:
    answer = await box.call("Email/get", **({"ids": []} | more))
    assert answer["type"] == "invalidArguments"


async def test_ids_that_there_are_not(box: JmapBox) -> None:
    done = await box.append()
    answer = await box.call(
        "Email/get", ids=["M99", f"M{done.message}", "x", "M0", "F1", "M01"], properties=["size"]
    )
    assert answer["notFound"] == ["M99", "x", "M0", "F1", "M01"]
    assert [one["id"] for one in answer["list"]] == [f"M{done.message}"]


async def test_what_was_expunged_is_not_found(box: JmapBox) -> None:
    done = await box.append()
    assert (await get(box, done.message, "keywords")) == {"keywords": {}}
    await box.flag([done.uid], FlagChange.ADD, Flag.DELETED)
    answer = await box.call("Email/get", ids=[f"M{done.message}"])
    assert answer["notFound"] == [f"M{done.message}"]
    await box.store.write(lambda tx: messages.expunge(tx, box.alice.id, box.inbox.id))
    answer = await box.call("Email/get", ids=[f"M{done.message}"])
    assert answer["notFound"] == [f"M{done.message}"]


async def test_other_peoples_mail_is_not_found(box: JmapBox) -> None:
    bob = await box.new_account("bob@example.org")
    inbox = await box.mailbox("INBOX", bob.id)
    await box.append(mailbox=inbox.id, account=bob.id)
    assert (await box.call("Email/get", ids=["M1"]))["notFound"] == ["M1"]


async def test_limits(box: JmapBox) -> None:
    box.limits = JmapSettings(max_objects_in_get=500)
    assert (await box.call("Email/get", ids=None))["list"] == []
    await box.fill(501)
    many = [f"M{number}" for number in range(501)]
    assert (await box.call("Email/get", ids=many))["type"] == "requestTooLarge"
    assert (await box.call("Email/get", ids=None))["type"] == "requestTooLarge"
    answer = await box.call("Email/get", ids=many[1:], properties=["subject"])
    assert len(answer["list"]) == 500
    answer = await box.call("Email/get", ids=["M1", "M1"], properties=["subject"])
    assert len(answer["list"]) == 1


async def test_all_messages_where_there_are_few(box: JmapBox) -> None:
    await box.fill(3)
    answer = await box.call("Email/get", ids=None, properties=[])
    assert answer["list"] == [{"id": "M1"}, {"id": "M2"}, {"id": "M3"}]


MIXED = letter(
    body="\r\n".join(
        [
            "--x",
            "Content-Type: multipart/alternative; boundary=y",
            "",
            "--y",
            "Content-Type: text/plain; charset=utf-8",
            "Content-Transfer-Encoding: quoted-printable",
            "",
            "Sch=C3=B6n=20",
            "--y",
            "Content-Type: text/html",
            "",
            '<p>x<img src="cid:one">',
            "--y--",
            "--x",
            "Content-Type: image/png; name=a.png",
            "Content-Disposition: attachment; filename*=utf-8''%C3%A4.png",
            "Content-Transfer-Encoding: base64",
            "Content-ID: <one>",
            "Content-Language: de, en",
            "Content-Location: https://example.org/",
            "  a.png",
            "",
            "AAEC",
            "--x--",
        ]
    ),
    MIME_Version="1.0",
    Content_Type="multipart/mixed; boundary=x",
)
PLAIN = {
    "partId": "1.1", "blobId": "B1_1-1", "size": 7, "name": None, "type": "text/plain",
    "charset": "utf-8", "disposition": None, "cid": None, "language": None, "location": None,
}  # fmt: skip
HTML = PLAIN | {
    "partId": "1.2", "blobId": "B1_1-2", "size": 23, "type": "text/html", "charset": "us-ascii",
}  # fmt: skip
IMAGE = {
    "partId": "2", "blobId": "B1_2", "size": 3, "name": "ä.png", "type": "image/png",
    "charset": None, "disposition": "attachment", "cid": "one", "language": ["de", "en"],
    "location": "https://example.org/a.png",
}  # fmt: skip


async def test_parts_with_all_that_is_said_of_them(box: JmapBox) -> None:
    await box.append(MIXED, trace=b"Received: us\r\n")
    told = await get(
        box, 1, "textBody", "htmlBody", "attachments", "bodyValues", fetchAllBodyValues=True
    )
    assert told == {
        "textBody": [PLAIN],
        "htmlBody": [HTML],
        "attachments": [IMAGE],
        "bodyValues": {
            "1.1": {"value": "Schön ", "isEncodingProblem": False, "isTruncated": False},
            "1.2": {
                "value": '<p>x<img src="cid:one">',
                "isEncodingProblem": False,
                "isTruncated": False,
            },
        },
    }


async def test_the_tree(box: JmapBox) -> None:
    await box.append(MIXED, trace=b"Received: us\r\n")
    asked = ["partId", "blobId", "type", "header:Content-Type:asText", "subParts"]
    told = await get(box, 1, "bodyStructure", bodyProperties=asked)
    root = told["bodyStructure"]
    alternative, image = root["subParts"]
    assert (root["partId"], root["blobId"], root["type"]) == (None, None, "multipart/mixed")
    assert root["header:Content-Type:asText"] == "multipart/mixed; boundary=x"
    assert [one["partId"] for one in alternative["subParts"]] == ["1.1", "1.2"]
    assert image["subParts"] is None
    headers = (await get(box, 1, "bodyStructure", bodyProperties=["headers"]))["bodyStructure"]
    assert headers["headers"][0] == {"name": "Received", "value": " us"}
    assert headers["subParts"][1]["headers"][3] == {"name": "Content-ID", "value": " <one>"}
    assert headers["subParts"][1].keys() == {"headers"}


@pytest.mark.parametrize(
    ("flags", "parts"),
    [
        ({}, set()),
        ({"fetchTextBodyValues": True}, {"1.1"}),
        ({"fetchHTMLBodyValues": True}, {"1.2"}),
        ({"fetchTextBodyValues": True, "fetchHTMLBodyValues": True}, {"1.1", "1.2"}),
        ({"fetchAllBodyValues": True}, {"1.1", "1.2"}),
    ],
)
async def test_which_texts_are_told(box: JmapBox, flags: dict[str, bool], parts: set[str]) -> None:
    await box.append(MIXED)
    assert (await get(box, 1, "bodyValues", **flags))["bodyValues"].keys() == parts


async def test_texts_are_cut(box: JmapBox) -> None:
    await box.append(MIXED)
    values = await get(box, 1, "bodyValues", fetchAllBodyValues=True, maxBodyValueBytes=5)
    assert values["bodyValues"] == {
        "1.1": {"value": "Sch", "isEncodingProblem": False, "isTruncated": True}
        | {"value": "Schö"},
        "1.2": {"value": "<p>x", "isEncodingProblem": False, "isTruncated": True},
    }


async def test_an_answer_holds_so_much_text_and_no_more(box: JmapBox) -> None:
    box.limits = JmapSettings(max_text_octets=1 << 20)
    await box.append(letter(body="x" * 700_000))
    await box.append(letter(body="y" * 700_000))
    asked = {"properties": ["bodyValues"], "fetchTextBodyValues": True}
    assert (await box.call("Email/get", ids=["M1", "M2"], **asked))["type"] == "requestTooLarge"
    assert len((await box.call("Email/get", ids=["M1"], **asked))["list"]) == 1
    answer = await box.call("Email/get", ids=["M1", "M2"], maxBodyValueBytes=1000, **asked)
    assert [one["bodyValues"]["1"]["isTruncated"] for one in answer["list"]] == [True, True]


async def test_raw_letters_in_the_charset_of_the_message(box: JmapBox) -> None:
    raw = "Subject: Пруд\r\nFrom: Иван <i@example.org>\r\n".encode("koi8-r")
    await box.append(raw + b"Content-Type: text/plain; charset=koi8-r\r\n\r\n\xf0\r\n")
    told = await get(box, 1, "subject", "from", "header:Subject:asText")
    assert told == {
        "subject": "Пруд",
        "from": [{"name": "Иван", "email": "i@example.org"}],
        "header:Subject:asText": "Пруд",
    }
    assert await get(box, 1, "subject") == {"subject": "Пруд"}  # from columns alone


async def test_a_damaged_message_does_not_take_others_with_it(box: JmapBox) -> None:
    await box.append(letter("first", "x" * 1000))
    await box.append(letter("second"))
    (segment,) = (box.folder / "data").rglob("*.seg*")
    octets = bytearray(segment.read_bytes())
    second = octets.index(b"PBR1", octets.index(b"PBR1") + 1)
    octets[second - 10 : second] = bytes(10)
    segment.write_bytes(octets)
    answer = await box.call("Email/get", ids=["M1", "M2"], fetchTextBodyValues=True)
    first, other = answer["list"]
    assert (first["subject"], other["subject"]) == ("first", "second")
    assert first["bodyValues"]["1"] == {
        "value": "",
        "isEncodingProblem": False,
        "isTruncated": True,
    }
    assert other["bodyValues"]["1"]["value"] == "A few words.\n"


async def test_what_changed_within_a_request_is_told_anew(box: JmapBox) -> None:
    """A list and the conversations behind it share records, as long as nothing changed."""
    done = await box.append(letter("Once"))
    email, wanted = f"M{done.message}", ["keywords", "subject"]
    responses = await box.request(
        ("Email/get", {"ids": [email], "properties": wanted}, "a"),
        ("Email/get", {"ids": [email], "properties": wanted}, "b"),
        ("Email/get", {"ids": [email], "properties": ["size"]}, "c"),
        ("Email/set", {"update": {email: {"keywords/$flagged": True}}}, "d"),
        ("Email/get", {"ids": [email], "properties": wanted}, "e"),
        ("Email/set", {"destroy": [email]}, "f"),
        ("Email/get", {"ids": [email], "properties": wanted}, "g"),
    )
    by_call = {call: answer for _, answer, call in responses}
    assert by_call["a"]["list"] == [{"id": email, "keywords": {}, "subject": "Once"}]
    assert by_call["b"] == by_call["a"]
    assert set(by_call["c"]["list"][0]) == {"id", "size"}
    assert by_call["e"]["list"] == [
        {"id": email, "keywords": {"$flagged": True}, "subject": "Once"}
    ]
    assert by_call["e"]["state"] != by_call["a"]["state"]
    assert (by_call["g"]["list"], by_call["g"]["notFound"]) == ([], [email])
