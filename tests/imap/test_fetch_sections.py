"""Body sections: numbering, headers, nested messages, partials, BINARY (RFC 9051 §6.4.5.1)."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import pytest

from pillarbox.errors import Damaged
from pillarbox.ids import BlobId
from pillarbox.imap.server.commands.sections import (
    Section,
    Stretch,
    find_stretch,
    parse_section,
    pick_fields,
)
from pillarbox.imap.server.context import Torn
from pillarbox.imap.wire.framing import Framed
from pillarbox.imap.wire.reader import Reader
from pillarbox.message.digest import digest
from pillarbox.store.blobs.content import Content
from pillarbox.store.model import MessageRow
from support.imap_desk import Desk, desk_test
from support.store_box import letter

TRACE = b"Return-Path: <bob@example.org>\r\n"
NESTED = b"""\
From: carol@example.org
Subject: inner
Content-Type: multipart/alternative; boundary=i

--i

inner plain
--i
Content-Type: text/html

<p>inner html</p>
--i--
"""
MIXED = b"""\
From: bob@example.org
Subject: outer
Content-Type: multipart/mixed; boundary=o

preamble
--o

first
--o
Content-Type: application/octet-stream
Content-Transfer-Encoding: base64

AAEC
/w==
--o
Content-Type: message/rfc822

"""
MIXED = (MIXED + NESTED + b"--o\nContent-Type: message/rfc822\n\n").replace(b"\n", b"\r\n")
PLAIN_NESTED = b"Subject: leaf\r\n\r\nleaf text\r\n"
MIXED += PLAIN_NESTED + b"--o--\r\n"
NESTED = NESTED.replace(b"\n", b"\r\n")
INNER_HEADER, _, INNER_BODY = NESTED.partition(b"\r\n\r\n")

SECTIONS = [
    ("", TRACE + MIXED),
    ("HEADER", TRACE + MIXED[: MIXED.index(b"\r\n\r\n") + 4]),
    ("TEXT", MIXED[MIXED.index(b"\r\n\r\n") + 4 :]),
    ("1", b"first"),
    ("1.MIME", b"\r\n"),
    ("1.1", None),
    ("1.HEADER", None),
    ("2", b"AAEC\r\n/w=="),
    ("2.MIME", b"Content-Type: application/octet-stream\r\n"
     b"Content-Transfer-Encoding: base64\r\n\r\n"),
    ("3", NESTED.removesuffix(b"\r\n")),
    ("3.MIME", b"Content-Type: message/rfc822\r\n\r\n"),
    ("3.HEADER", INNER_HEADER + b"\r\n\r\n"),
    ("3.TEXT", INNER_BODY.removesuffix(b"\r\n")),
    ("3.1", b"inner plain"),
    ("3.2", b"<p>inner html</p>"),
    ("3.2.MIME", b"Content-Type: text/html\r\n\r\n"),
    ("3.3", None),
    ("4.1", b"leaf text"),
    ("4.1.MIME", b"Subject: leaf\r\n\r\n"),
    ("4.HEADER", b"Subject: leaf\r\n\r\n"),
    ("4.2", None),
    ("5", None),
    ("HEADER.FIELDS (SUBJECT \"x\")", b"Subject: outer\r\n\r\n"),
    ("3.HEADER.FIELDS.NOT (content-type)", b"From: carol@example.org\r\nSubject: inner\r\n\r\n"),
    ("HEADER.FIELDS (RETURN-PATH)", TRACE + b"\r\n"),
    ("HEADER.FIELDS (NONE)", b"\r\n"),
]  # fmt: skip


def section_of(text: str) -> Section:
    reader = Reader(Framed((f"[{text}]".encode(),)))
    section = parse_section(reader)
    reader.end()
    return section


@pytest.mark.parametrize(("text", "wanted"), SECTIONS)
def test_a_section_is_its_octets(text: str, wanted: bytes | None) -> None:
    section = section_of(text)
    whole = TRACE + MIXED
    stretch = find_stretch(section, digest(MIXED).root, len(TRACE), len(whole))
    found = None if stretch is None else whole[stretch.start : stretch.end]
    if found is not None and section.picks_fields:
        found = pick_fields(found, section)
    assert found == wanted


def test_a_message_that_is_no_multipart_is_its_own_first_part() -> None:
    raw = b"Subject: x\r\n\r\ntext\r\n"
    root = digest(raw).root
    assert find_stretch(section_of("1"), root, 0, len(raw)) == Stretch(14, len(raw))
    assert find_stretch(section_of("1.MIME"), root, 0, len(raw)) == Stretch(0, 14)
    assert find_stretch(section_of("2"), root, 0, len(raw)) is None
    assert find_stretch(section_of("1.1"), root, 0, len(raw)) is None


def test_a_message_that_is_a_message() -> None:
    raw = b"Content-Type: message/rfc822\r\n\r\n" + PLAIN_NESTED
    root = digest(raw).root
    stretch = find_stretch(section_of("1.1"), root, 0, len(raw))
    assert stretch is not None
    assert raw[stretch.start : stretch.end] == b"leaf text\r\n"


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("[]", b"[]"),
        ("[1.2.mime]", b"[1.2.MIME]"),
        ("[header.fields.not (From {to})]", None),
        ('[HEADER.FIELDS (From "X Y")]', b'[HEADER.FIELDS (From "X Y")]'),
    ],
)
def test_the_response_repeats_the_section(asked: str, told: bytes | None) -> None:
    if told is not None:
        assert section_of(asked[1:-1]).encode() == told


@desk_test
async def test_all_sections_over_the_wire(desk: Desk) -> None:
    await desk.append(MIXED, trace=TRACE)
    await desk.select()
    for text, wanted in SECTIONS:
        answer = await desk.say(f"FETCH 1 BODY.PEEK[{text}]")
        assert answer.ok
        _, value = answer.untagged[0].values[2]
        assert value == wanted, text


@desk_test
async def test_partials(desk: Desk) -> None:
    await desk.append(letter(body="0123456789"))
    await desk.select()
    for partial, label, wanted in (
        ("0.4", "<0>", b"0123"),
        ("4.100", "<4>", b"456789\r\n"),
        ("12.1", "<12>", b""),
        ("99999999999.9223372036854775807", "<99999999999>", b""),
    ):
        got = (await desk.say(f"FETCH 1 BODY.PEEK[TEXT]<{partial}>")).fetched[1]
        assert got == {f"BODY[TEXT]{label}": wanted}
    got = (await desk.say("FETCH 1 BODY.PEEK[HEADER.FIELDS (To)]<4.5>")).fetched[1]
    assert list(got.values()) == [b"alice"]
    missing = await desk.say("FETCH 1 BODY.PEEK[7]<0.9>")
    assert missing.lines == ["* 1 FETCH (BODY[7]<0> NIL)"]


@desk_test
async def test_a_large_message_comes_in_pieces(desk: Desk) -> None:
    raw = letter(body="x" * 70 + "\r\n" + "".join(f"{n:070}\r\n" for n in range(20_000)))
    await desk.append(raw, trace=TRACE)
    await desk.select()
    answer = await desk.say("FETCH 1 (UID BODY.PEEK[] BODY.PEEK[]<1000.700000>)")
    assert answer.fetched[1]["BODY[]"] == TRACE + raw
    assert answer.fetched[1]["BODY[]<1000>"] == (TRACE + raw)[1000:701_000]
    assert desk.link.bursts > 20


@desk_test
async def test_binary_undoes_the_encoding(desk: Desk) -> None:
    await desk.append(MIXED)
    view = await desk.select()
    got = (await desk.say("FETCH 1 (BINARY.PEEK[2] BINARY.SIZE[2] BINARY.PEEK[2]<1.2>)")).fetched[1]
    assert got["BINARY[2]"] == b"\x00\x01\x02\xff"
    assert got["BINARY.SIZE[2]"] == b"4"
    assert got["BINARY[2]<1>"] == b"\x01\x02"
    lines = (await desk.say("FETCH 1 (BINARY.PEEK[2] BINARY.PEEK[2]<1.2> BINARY.PEEK[1])")).untagged
    assert b"BINARY[2] ~{4}\r\n" in lines[0].octets  # NUL wants literal8
    assert b"BINARY[2]<1> {2}\r\n" in lines[0].octets
    assert view.flags[0] == 0
    assert (await desk.say("FETCH 1 BINARY[]")).fetched[1]["BINARY[]"] == MIXED
    assert view.flags[0] != 0
    nothing = await desk.say("FETCH 1 (BINARY.PEEK[9] BINARY.SIZE[9])")
    assert nothing.lines == ["* 1 FETCH (BINARY[9] NIL BINARY.SIZE[9] 0)"]


@desk_test
async def test_an_unknown_encoding_is_refused_and_the_others_come(desk: Desk) -> None:
    await desk.append(letter(Content_Transfer_Encoding="rot13"))
    text = base64.encodebytes(b"words " * 20).replace(b"\n", b"\r\n").decode()
    await desk.append(letter(body=text, Content_Transfer_Encoding="Base64"))
    await desk.select()
    answer = await desk.say("FETCH 1:2 BINARY.PEEK[1]")
    assert (answer.kind, answer.code) == ("NO", "UNKNOWN-CTE")
    assert answer.fetched == {2: {"BINARY[1]": b"words " * 20}}


@desk_test
async def test_messages_that_are_gone_are_left_out(desk: Desk) -> None:
    uids = await desk.fill(2)
    view = await desk.select()
    view.picture.messages[0] = 99  # as if its retention had ended
    for items in ("ENVELOPE", "BODY.PEEK[]"):
        answer = await desk.say(f"FETCH 1:2 (UID {items})")
        assert (answer.kind, answer.code) == ("OK", "EXPUNGEISSUED")
        assert [int(got["UID"]) for got in answer.fetched.values()] == uids[1:]


@desk_test
async def test_a_damaged_message_does_not_keep_the_others_back(desk: Desk) -> None:
    await desk.fill(3)
    await desk.select()
    contents = desk.store.contents

    def broken(rows: Sequence[MessageRow]) -> list[Content]:
        found = contents(rows)
        found[1]._blob = BlobId(bytes(32))
        return found

    desk.store.contents = broken  # type: ignore[method-assign]
    answer = await desk.say("FETCH 1:3 (UID BODY.PEEK[])")
    assert answer.kind == "NO"
    assert sorted(answer.fetched) == [1, 3]


@desk_test
async def test_a_failure_amid_a_literal_cuts_the_line(desk: Desk) -> None:
    """What comes after half a literal would be read as its other half."""
    await desk.append(letter(body="".join(f"{n:070}\r\n" for n in range(10_000))))
    await desk.select()
    contents = desk.store.contents

    def broken(rows: Sequence[MessageRow]) -> list[Content]:
        [opened] = contents(rows)
        read = opened.read

        async def fails_later(start: int, end: int) -> bytes:
            if start:
                raise Damaged
            return await read(start, end)

        opened.read = fails_later  # type: ignore[method-assign]
        return [opened]

    desk.store.contents = broken  # type: ignore[method-assign]
    with pytest.raises(Torn):
        await desk.say("FETCH 1 BODY.PEEK[]")
