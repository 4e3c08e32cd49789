"""New messages as JMAP describes them, read back by the standard library's email package."""

from __future__ import annotations

import contextlib
import email
import email.policy
import email.utils
from collections import defaultdict
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.message import EmailMessage
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.jmap.email.draft import parse_draft
from pillarbox.jmap.errors import RecordRefused
from pillarbox.message.body_parts import encode_message
from pillarbox.message.digest import digest
from pillarbox.message.part import Part

NOW = datetime(2026, 11, 23, 8, 0, 0, tzinfo=UTC)
BLOBS = defaultdict(
    bytes,
    {"U1": b"\x00\xff binary", "U2": b"Subject: in\r\n\r\nBody\r\n", "U3": "äöü".encode()},
)
NAMES = st.text(st.characters(exclude_categories=["C", "Z"]) | st.just(" "), max_size=40)
LETTERS = st.characters(exclude_categories=("Cc", "Cs"))


def octets_of(**properties: Any) -> bytes:
    draft = parse_draft(
        {"mailboxIds": {"F1": True}} | properties, now=NOW, message_id="id@example.org", max_depth=9
    )
    return encode_message(draft.fields, draft.root.build(BLOBS))


def made(**properties: Any) -> EmailMessage:
    octets = octets_of(**properties)
    assert octets.count(b"\n") == octets.count(b"\r\n") == octets.count(b"\r")
    assert max(map(len, octets.split(b"\r\n"))) <= 998
    return email.message_from_bytes(octets, policy=email.policy.default)


def refused(**properties: Any) -> list[str]:
    with pytest.raises(RecordRefused) as caught:
        octets_of(**properties)
    assert caught.value.kind == "invalidProperties"
    return cast(list[str], caught.value.answer["properties"])


def text(value: str) -> dict[str, Any]:
    return {"textBody": [{"partId": "t"}], "bodyValues": {"t": {"value": value}}}


def outline(part: Part) -> Any:
    kind = f"{part.type}/{part.subtype}"
    return (kind, [outline(child) for child in part.children]) if part.type == "multipart" else kind


def shape(**properties: Any) -> Any:
    return outline(digest(octets_of(**properties)).root)


def test_a_message_with_nothing_said_has_what_each_needs() -> None:
    message = made()
    assert message.items() == [
        ("Date", "Mon, 23 Nov 2026 08:00:00 +0000"),
        ("Message-ID", "<id@example.org>"),
        ("MIME-Version", "1.0"),
        ("Content-Type", 'text/plain; charset="us-ascii"'),
        ("Content-Transfer-Encoding", "7bit"),
    ]
    assert message.get_content() == ""


def test_the_convenient_properties() -> None:
    message = made(
        messageId=["1@example.org"],
        inReplyTo=["2@example.org"],
        references=["2@example.org", "3@example.org"],
        sender=[{"email": "alice@example.org"}],
        **{"from": [{"name": "Alice, A.", "email": "alice@example.org"}]},
        to=[{"name": "Bøb", "email": "bob@example.org"}, {"email": "half-written"}],
        cc=[],
        bcc=[{"name": None, "email": "carol@example.org"}],
        replyTo=None,
        subject="Grüße =?x?=",
        sentAt="2026-01-02T03:04:05+02:00",
    )
    assert message["Message-ID"] == "<1@example.org>"
    assert message["In-Reply-To"] == "<2@example.org>"
    assert message["References"] == "<2@example.org> <3@example.org>"
    assert message["From"].addresses[0].display_name == "Alice, A."
    assert [str(one) for one in message["To"].addresses] == [
        "Bøb <bob@example.org>",
        "half-written",
    ]
    assert message["Bcc"] == "carol@example.org"
    assert message["Reply-To"] is None
    assert message["Cc"] is None
    assert message["Subject"] == "Grüße =?x?="
    assert message["Date"] == "Fri, 02 Jan 2026 03:04:05 +0200"


def test_header_forms() -> None:
    message = made(
        **{
            "header:X-Raw": " as it is",
            "header:X-Folded": " one\r\n two",
            "header:X-Text:asText": "Grüße",
            "header:X-Who:asAddresses": [{"name": "Ä", "email": "a@example.org"}],
            "header:To:asGroupedAddresses": [
                {"name": "Team", "addresses": [{"email": "a@example.org"}]},
                {"name": None, "addresses": [{"email": "b@example.org"}]},
            ],
            "header:Resent-Message-ID:asMessageIds": ["a@example.org"],
            "header:X-When:asDate": "2026-01-02T03:04:05Z",
            "header:List-Unsubscribe:asURLs": ["https://example.org/?a", "mailto:u@example.org"],
            "header:X-Many:asText:all": ["one", "zwölf"],
            "header:List-Id:asText": "Größe <list.example.org>",
            "header:X-None": None,
        }
    )
    assert message["X-Raw"] == "as it is"
    assert message["X-Folded"] == "one two"
    assert message["X-Text"] == "Grüße"
    assert email.utils.parseaddr(message["X-Who"])[1] == "a@example.org"
    assert message["To"] == "Team: a@example.org;, b@example.org"
    assert message["X-When"] == "Fri, 2 Jan 2026 03:04:05 +0000"
    assert message["List-Unsubscribe"] == "<https://example.org/?a>, <mailto:u@example.org>"
    assert message.get_all("X-Many") == ["one", "zwölf"]
    assert message["List-Id"] == "Größe <list.example.org>"
    assert message["X-None"] is None


INJECTIONS = ["x\r\nBcc: eve@example.org", "x\nBcc: eve@example.org", "x\rBcc: e", "x\r\n\r\nbody"]


@pytest.mark.parametrize("evil", [*INJECTIONS, "nul \0", "bell \a", "x\r\n y\r\nBcc: z"])
@pytest.mark.parametrize(
    "place",
    [
        lambda evil: {"subject": evil},
        lambda evil: {"from": [{"name": evil, "email": "a@example.org"}]},
        lambda evil: {"to": [{"email": evil}]},
        lambda evil: {"messageId": [evil]},
        lambda evil: {"header:X-A": evil},
        lambda evil: {"header:X-A:asText": evil},
        lambda evil: {"header:X-A:asText:all": ["fine", evil]},
        lambda evil: {"header:X-A:asURLs": [evil]},
        lambda evil: {"header:X-A:asGroupedAddresses": [{"name": evil, "addresses": []}]},
        lambda evil: {f"header:{evil}": "x"},
        lambda evil: {"attachments": [{"blobId": "U1", "name": evil}]},
        lambda evil: {"attachments": [{"blobId": "U1", "type": evil}]},
        lambda evil: {"attachments": [{"blobId": "U1", "cid": evil}]},
        lambda evil: {"attachments": [{"blobId": "U1", "charset": evil}]},
        lambda evil: {"attachments": [{"blobId": "U1", "disposition": evil}]},
        lambda evil: {"attachments": [{"blobId": "U1", "language": [evil]}]},
        lambda evil: {"attachments": [{"blobId": "U1", "location": evil}]},
        lambda evil: {"attachments": [{"blobId": "U1", "header:Content-Foo": evil}]},
        lambda evil: {"bodyStructure": {"type": "multipart/mixed", "subParts": [
            {"blobId": "U1", "header:Content-Type": f"text/plain; a=\"{evil}\""}]}},
    ],
)  # fmt: skip
def test_no_value_begins_another_field(place: Any, evil: str) -> None:
    assert refused(**place(evil))


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=80))
def test_whatever_a_value_is_the_names_of_the_fields_are_ours(value: str) -> None:
    try:
        octets = octets_of(subject=value, **{"header:X-Raw": value, "from": [{"email": value}]})
    except RecordRefused:
        return
    head = octets.split(b"\r\n\r\n", 1)[0]
    names = [line.split(b":")[0] for line in head.split(b"\r\n") if not line.startswith(b" ")]
    assert set(names) <= {
        b"Date", b"Subject", b"From", b"X-Raw", b"Message-ID", b"MIME-Version", b"Content-Type",
        b"Content-Transfer-Encoding",
    }  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(
    st.text(LETTERS, max_size=200),
    st.lists(NAMES, max_size=3),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=300),
    st.text(LETTERS, min_size=1, max_size=100),
)
def test_what_was_asked_for_is_what_is_read(
    subject: str, names: list[str], body: str, file: str
) -> None:
    message = made(
        subject=subject,
        to=[{"name": name, "email": f"{n}@example.org"} for n, name in enumerate(names)],
        attachments=[{"blobId": "U1", "name": file, "type": "image/png"}],
        **text(body),
    )
    assert str(message["Subject"]) == subject
    assert names_of(message, "To") == [name.strip() for name in names]
    written, attached = cast(list[EmailMessage], message.get_payload())
    payload = cast(bytes, written.get_payload(decode=True))
    assert payload.decode().replace("\r\n", "\n") == body
    if file[0] not in '<"':  # which Python takes for quotes
        assert attached.get_filename() == file.strip()
    assert attached.get_content() == BLOBS["U1"]


def names_of(message: EmailMessage, field: str) -> list[str]:
    """By Python's older parser: the newer one puts a space between encoded words of a name."""
    raw = [value.replace("\r\n", "") for name, value in message.raw_items() if name == field]
    found = email.utils.getaddresses(raw)
    return [str(make_header(decode_header(name))) for name, _ in found]


HTML = {"htmlBody": [{"partId": "h", "type": "text/html"}]}
VALUES = {"bodyValues": {"t": {"value": "text"}, "h": {"value": "<p>html"}}}
TEXT = {"textBody": [{"partId": "t"}]}
PICTURE = {"blobId": "U1", "type": "image/png", "cid": "p@x", "disposition": "inline"}
LETTER = {"blobId": "U2", "type": "message/rfc822"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (TEXT, "text/plain"),
        (HTML, "text/html"),
        (TEXT | HTML, ("multipart/alternative", ["text/plain", "text/html"])),
        (
            TEXT | HTML | {"attachments": [PICTURE]},
            (
                "multipart/alternative",
                ["text/plain", ("multipart/related", ["text/html", "image/png"])],
            ),
        ),
        (
            TEXT | {"attachments": [PICTURE, LETTER]},
            ("multipart/mixed", ["text/plain", "image/png", "message/rfc822"]),
        ),
        ({"attachments": [LETTER]}, ("multipart/mixed", ["message/rfc822"])),
        (
            {
                "bodyStructure": {
                    "type": "multipart/mixed",
                    "subParts": [
                        {"subParts": [{"partId": "t"}], "type": "multipart/digest"},
                        {"blobId": "U1", "type": "Image/GIF"},
                    ],
                }
            },
            ("multipart/mixed", [("multipart/digest", ["text/plain"]), "image/gif"]),
        ),
        ({"bodyStructure": {"partId": "h", "type": "text/html"}}, "text/html"),
    ],
)
def test_the_structure_is_what_was_asked_for(given: dict[str, Any], expected: Any) -> None:
    assert shape(**given, **VALUES) == expected


def test_a_files_own_fields() -> None:
    message = made(
        attachments=[
            {"blobId": "U1", "name": "Übersicht.pdf", "type": "application/pdf"},
            {
                "blobId": "U3",
                "type": "text/csv",
                "disposition": "inline",
                "cid": "c@x",
                "language": ["de", "en"],
                "location": "http://example.org/a",
                "header:X-Note:asText": "Ä",
            },
        ]
    )
    first, second = cast(list[EmailMessage], message.get_payload())
    assert (first.get_filename(), first.get_content_disposition()) == (
        "Übersicht.pdf",
        "attachment",
    )
    assert second["Content-ID"] == "<c@x>"
    assert second["Content-Language"] == "de, en"
    assert second["Content-Location"] == "http://example.org/a"
    assert second["X-Note"] == "Ä"
    assert second.get_content_charset() == "utf-8"
    assert second.get_content_disposition() == "inline"


def test_a_type_with_parameters_of_its_own() -> None:
    signed = made(
        bodyStructure={
            "header:Content-Type": ' multipart/signed; micalg=pgp-sha256;\r\n protocol="a/b"',
            "header:X-Outer": "here",
            "subParts": [
                {
                    "partId": "t",
                    "header:Content-Type": "text/calendar; method=REPLY; charset=utf-16",
                },
                {"blobId": "U1"},
            ],
        },
        **VALUES,
    )
    assert signed.get_content_type() == "multipart/signed"
    assert (signed.get_param("micalg"), signed.get_param("protocol")) == ("pgp-sha256", "a/b")
    assert signed["X-Outer"] == "here"
    calendar, _ = cast(list[EmailMessage], signed.get_payload())
    assert (calendar.get_param("method"), calendar.get_content_type()) == ("REPLY", "text/calendar")
    assert calendar.get_content_charset() == "us-ascii"  # which is the server's to choose


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.sampled_from(["t", "U1"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["t", "name", "email", "partId", "type", "x"]), inner)
    ),
    max_leaves=6,
)
OF_EMAIL = [
    "mailboxIds", "keywords", "receivedAt", "sentAt", "subject", "from", "messageId", "header:X",
    "header:X:asAddresses:all", "header:X:asGroupedAddresses", "header:X:asURLs", "bodyStructure",
    "bodyValues", "textBody", "htmlBody", "attachments",
]  # fmt: skip
OF_PART = [
    "partId", "blobId", "type", "name", "charset", "disposition", "cid", "language", "location",
    "size", "subParts", "header:Content-Type", "header:X",
]  # fmt: skip


@settings(deadline=None, max_examples=300)
@given(
    st.dictionaries(st.sampled_from(OF_EMAIL), ANYTHING, max_size=3),
    st.dictionaries(st.sampled_from(OF_PART), ANYTHING, max_size=3),
)
def test_whatever_is_given_is_made_or_refused(email: dict[str, Any], part: dict[str, Any]) -> None:
    for asked in (email, VALUES | {"attachments": [{"blobId": "U1"} | part]}):
        with contextlib.suppress(RecordRefused):
            digest(octets_of(**asked))


PART = {"partId": "t"}


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"mailboxIds": {}}, "mailboxIds"),
        ({"mailboxIds": None}, "mailboxIds"),
        ({"mailboxIds": {"F1": False}}, "mailboxIds"),
        ({"keywords": {"a b": True}}, "keywords"),
        ({"keywords": {"a": False}}, "keywords"),
        ({"keywords": {"\\Seen": True}}, "keywords"),
        ({"receivedAt": "2026-01-02T03:04:05+01:00"}, "receivedAt"),
        ({"receivedAt": 5}, "receivedAt"),
        ({"sentAt": "2026-02-30T03:04:05Z"}, "sentAt"),
        ({"id": "M1"}, "id"),
        ({"size": 1}, "size"),
        ({"preview": "x"}, "preview"),
        ({"headers": []}, "headers"),
        ({"unknown": 1}, "unknown"),
        ({"subject": 5}, "subject"),
        ({"from": "a@example.org"}, "from"),
        ({"from": [{"mail": "a"}]}, "from"),
        ({"subject": "a", "header:subject": "b"}, "header:subject"),
        ({"header:x": "a", "header:X:asText": "b"}, "header:X:asText"),
        ({"header:From:asText": "a"}, "header:From:asText"),
        ({"header:Subject:asAddresses": []}, "header:Subject:asAddresses"),
        ({"header:Date:asText": "a"}, "header:Date:asText"),
        ({"header:Content-Type": "text/plain"}, "header:Content-Type"),
        ({"header:X:all": "no list"}, "header:X:all"),
        ({"header:X": "a" * 2000}, "header:X"),
        ({"bodyStructure": PART, "textBody": [PART]}, "textBody"),
        ({"subject": "x", "bodyStructure": PART | {"header:Subject": "y"}}, "bodyStructure"),
        ({"textBody": [PART, PART]}, "textBody"),
        ({"textBody": [PART | {"type": "text/html"}]}, "textBody"),
        ({"htmlBody": [PART | {"type": "text/plain"}]}, "htmlBody"),
        ({"bodyStructure": {"partId": "gone"}}, "bodyStructure/partId"),
        ({"bodyStructure": {}}, "bodyStructure/partId"),
        ({"bodyStructure": {"type": "text/plain"}}, "bodyStructure/partId"),
        ({"bodyStructure": PART | {"blobId": "U1"}}, "bodyStructure/blobId"),
        ({"bodyStructure": PART | {"charset": "utf-8"}}, "bodyStructure/charset"),
        ({"bodyStructure": PART | {"size": 4}}, "bodyStructure/size"),
        ({"bodyStructure": PART | {"type": "image/png"}}, "bodyStructure/partId"),
        ({"bodyStructure": PART | {"headers": []}}, "bodyStructure/headers"),
        (
            {"bodyStructure": PART | {"header:Content-Transfer-Encoding": "8bit"}},
            "bodyStructure/header:Content-Transfer-Encoding",
        ),
        (
            {"bodyStructure": PART | {"type": "text/html", "header:Content-Type": "text/html"}},
            "bodyStructure/header:Content-Type",
        ),
        ({"bodyStructure": {"type": "multipart/mixed", "subParts": []}}, "bodyStructure/subParts"),
        ({"bodyStructure": {"type": "text/plain", "subParts": [PART]}}, "bodyStructure/subParts"),
        ({"bodyStructure": {"type": "multipart/mixed", "partId": "t"}}, "bodyStructure/partId"),
        ({"bodyValues": {"t": {"value": "x", "isTruncated": True}}}, "bodyValues/t"),
        ({"bodyValues": {"t": {"value": "x", "isEncodingProblem": True}}}, "bodyValues/t"),
        ({"bodyValues": {"t": "x"}}, "bodyValues/t"),
    ],
)
def test_what_cannot_be_made_is_named(given: dict[str, Any], named: str) -> None:
    assert named in refused(**VALUES | given)


def test_parts_have_a_last_level() -> None:
    part: dict[str, Any] = PART
    for _ in range(9):
        part = {"type": "multipart/mixed", "subParts": [part]}
    assert refused(bodyStructure=part, **VALUES) == ["bodyStructure"]
