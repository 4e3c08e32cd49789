"""Any octets whatever give a digest: bounds, order, valid IMAP data, no exception."""

from __future__ import annotations

import mmap
import tempfile

from hypothesis import example, given, settings
from hypothesis import strategies as st

from pillarbox.message import address, date, encoded_word, header, mime, structure, thread
from pillarbox.message.digest import digest
from pillarbox.message.html_text import to_text
from pillarbox.message.part import Digest, Part
from pillarbox.message.text import decoded_part, searchable_text
from pillarbox.message.transfer import decoded_chunks
from support.fuzzing import LONGER
from support.imap_data import Value, parse

# Pieces that mean something to the parsers, so that random mail has structure.
PIECES = [
    b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b";", b",", b"<", b">", b"(", b")", b'"',
    b"\\", b"=", b"@", b"[", b"]", b"--", b"--a", b"--a--", b"--ab", b"\r\n--a\r\n", b"\n--a\n",
    b"\r\n--a--\r\n", b"\r\n--b\r\n", b"\r\n\r\n", b"From: ", b"\r\nTo: ", b"\r\nSubject: ",
    b"\r\nDate: ", b"\r\nReferences: ", b"\r\nContent-Type: ", b"Content-Type: multipart/mixed; ",
    b"Content-Type: message/rfc822\r\n\r\n", b"Content-Type: multipart/digest; boundary=b\r\n\r\n",
    b"boundary=a", b'boundary="a"', b"\r\nContent-Transfer-Encoding: base64",
    b"\r\nContent-Transfer-Encoding: quoted-printable", b"text/html", b"; charset=utf-16",
    b"; name*0*=utf-8''%41", b"; name*1=b", b"=?utf-8?Q?=C3=A4?=", b"=?iso-2022-jp?B?GyRC?=",
    b"=?x?B?/?=", b"a@b.example", b"Alice <a@b>", b"group: a@b;", b"<@x,@y:a@b>", b"\xff", b"\xc3",
    b"\xc3\xa4", b"Mon, 23 Nov 2026 00:02:23 +0100", b"99", b"Feb", b"=3D", b"=\r\n", b"YWJj",
    b"<script>", b"</script>", b"<p>", b"<!--", b"&amp;", b"&#99999999;", b"Re: ", b"[x]", b"(fwd)",
    b"Content-Disposition: attachment; filename=x\r\n", b"Content-Language: en, de\r\n",
]  # fmt: skip

octets = st.one_of(
    st.binary(max_size=300),
    st.lists(st.sampled_from(PIECES), max_size=60).map(b"".join),
    st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=8)), max_size=60).map(b"".join),
)


def check_part(part: Part, low: int, high: int) -> None:
    """Offsets inside those of the parent and in order; lines as in a plain count."""
    assert low <= part.header_start <= part.body_start <= part.body_end <= high
    assert part.type == part.type.lower() and part.type and part.subtype and part.encoding
    assert part.children or part.type != "multipart"
    at = part.body_start
    for child in part.children:
        check_part(child, at, part.body_end)
        at = child.body_end


def check_lines(whole: bytes, part: Part) -> None:
    body = whole[part.body_start : part.body_end]
    unfinished = bool(body) and not body.endswith(b"\n")
    assert part.body_lines == body.count(b"\n") + unfinished
    for child in part.children:
        check_lines(whole, child)


def check_envelope(value: Value) -> None:
    assert isinstance(value, list) and len(value) == 10
    for text in (value[0], value[1], value[8], value[9]):
        assert text is None or isinstance(text, bytes)
    for addresses in value[2:8]:
        assert addresses is None or isinstance(addresses, list)
        for one in addresses or []:
            assert isinstance(one, list) and len(one) == 4
            assert all(item is None or isinstance(item, bytes) for item in one)


def check_body(value: Value, part: Part, *, extended: bool) -> None:
    """The places that RFC 9051 §9 gives `body`, and the same tree as the parts."""
    assert isinstance(value, list)
    if part.type == "multipart":
        count = len(part.children)
        for item, child in zip(value[:count], part.children, strict=True):
            check_body(item, child, extended=extended)
        assert value[count] == part.subtype.encode("ascii", "replace") or "\ufffd" in part.subtype
        assert len(value) == count + (5 if extended else 1)
        return
    assert isinstance(value[0], bytes) and isinstance(value[1], bytes)
    assert isinstance(value[5], bytes)
    assert value[6] == part.body_end - part.body_start
    places = 7
    if part.type == "text":
        assert value[7] == part.body_lines
        places = 8
    elif (part.type, part.subtype) in (("message", "rfc822"), ("message", "global")):
        check_envelope(value[7])
        if part.children:
            assert parse(part.children[0].envelope) == value[7]
            check_body(value[8], part.children[0], extended=extended)
        assert value[9] == part.body_lines
        places = 10
    assert len(value) == places + (4 if extended else 0)


def check_digest(whole: bytes, found: Digest) -> None:
    assert found.size == len(whole)
    assert found.root.header_start == 0 and found.root.body_end == len(whole)
    check_part(found.root, 0, len(whole))
    check_lines(whole, found.root)
    check_envelope(parse(found.envelope))
    check_body(parse(found.body), found.root, extended=False)
    check_body(parse(found.bodystructure), found.root, extended=True)
    assert len(found.preview) <= 200 and "\n" not in found.preview and "\r" not in found.preview
    assert len(found.references) <= 100
    for text in (found.subject, found.from_, found.to, found.preview, found.sort.base_subject):
        text.encode("utf-8")  # no lone surrogates: the store could not keep them


@settings(max_examples=400 * LONGER, deadline=None)
@given(octets)
@example(b"")
@example(b"\r\n")
@example(b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a")
@example(b"Content-Type: multipart/mixed; boundary=a\n\n--a\n--a--")
@example(b'Content-Type: multipart/mixed; boundary=""\n\n--\n--')
@example(b"Content-Type: message/rfc822\r\n\r\nContent-Type: message/rfc822\r\n\r\n")
def test_any_octets_have_a_digest(whole: bytes) -> None:
    found = digest(whole)
    check_digest(whole, found)
    assert isinstance(searchable_text(whole, found.root, max_octets=100), str)
    leaf = found.root
    while leaf.children:
        leaf = leaf.children[-1]
    # uuencode decodes only whole; the steps then agree as well
    assert b"".join(decoded_chunks(whole, leaf, 7)) == decoded_part(whole, leaf)


@settings(max_examples=60 * LONGER, deadline=None)
@given(octets)
def test_a_mapped_file_gives_the_same_digest(whole: bytes) -> None:
    if not whole:
        return
    with tempfile.TemporaryFile() as file:
        file.write(whole)
        file.flush()
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            assert digest(mapped) == digest(whole)


@settings(max_examples=300 * LONGER, deadline=None)
@given(octets)
def test_single_values_never_raise(raw: bytes) -> None:
    text = encoded_word.decode(raw)
    text.encode("utf-8")
    for one in address.mailboxes(address.parse_address_list(raw)):
        assert one.local or one.domain or one.name
        one.display_name.encode("utf-8")
    date.parse_date(raw)
    mime.parse_content_type(raw)
    mime.decode_params(mime.raw_params(raw, 0))
    thread.base_subject(text)
    thread.message_ids(raw)
    thread.message_id(raw)
    to_text(text)
    end = header.header_end(raw, 0, len(raw))
    assert 0 <= end <= len(raw)
    for field in header.fields(raw):
        assert field.raw in raw and field.raw.startswith(field.name)


@settings(max_examples=200 * LONGER, deadline=None)
@given(
    st.binary(max_size=200), st.sampled_from(["base64", "quoted-printable", "8bit", "x-uuencode"])
)
def test_decoding_in_steps_is_decoding_whole(body: bytes, encoding: str) -> None:
    part = Part(0, 0, len(body), 0, encoding=encoding)
    whole = decoded_part(body, part)
    for step in (5, 64, 1000):
        assert b"".join(decoded_chunks(body, part, step)) == whole


@settings(max_examples=100 * LONGER, deadline=None)
@given(octets)
def test_the_scanner_opens_parents_first(whole: bytes) -> None:
    nodes = structure.scan(whole)
    seen: set[int] = {id(nodes[0])}
    for node in nodes:
        assert id(node) in seen
        seen |= {id(child) for child in node.children}
