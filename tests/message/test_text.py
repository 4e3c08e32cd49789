"""Decoded parts, searchable text, HTML as text, previews."""

from __future__ import annotations

import base64
import quopri

import pytest

from pillarbox.message.digest import digest
from pillarbox.message.html_text import to_text
from pillarbox.message.part import Part
from pillarbox.message.text import decoded_part, searchable_text
from pillarbox.message.transfer import decode, decoded_chunks


@pytest.mark.parametrize(
    ("raw", "encoding", "expected"),
    [
        (b"abc", "7bit", b"abc"),
        (b"abc", "x-strange", b"abc"),
        (b"=C3=A4=\r\nb=20\r\n", "quoted-printable", b"\xc3\xa4b \r\n"),
        (b"a=zz=", "quoted-printable", b"a=zz"),
        (b"a=\rb=\r\nc=\nd", "quoted-printable", b"abcd"),
        (b"YWJj", "base64", b"abc"),
        (b"YW\r\nJj\r\n", "base64", b"abc"),
        (b"YWI=", "base64", b"ab"),
        (b"YWI", "base64", b"ab"),
        (b"YWI=YWI=", "base64", b"abab"),
        (b"Y!W-J*j", "base64", b"abc"),
        (b"Y", "base64", b""),
        (b"", "base64", b""),
        (b"begin 644 x\r\n#86)C\r\n`\r\nend\r\n", "x-uuencode", b"abc"),
        (b"not uu", "x-uuencode", b"not uu"),
    ],
)
def test_decode(raw: bytes, encoding: str, expected: bytes) -> None:
    assert decode(raw, encoding) == expected


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable", "8bit"])
def test_a_long_part_is_decoded_piece_by_piece(encoding: str) -> None:
    content = bytes(range(256)) * 4000
    if encoding == "base64":
        raw = base64.encodebytes(content).replace(b"\n", b"\r\n")
    elif encoding == "quoted-printable":
        content = content.replace(b"\r", b"").replace(b"\n", b"")
        raw = quopri.encodestring(content).replace(b"\n", b"\r\n")
    else:
        raw = content
    part = Part(0, 0, len(raw), 0, encoding=encoding)
    chunks = list(decoded_chunks(raw, part, 10_000))
    assert b"".join(chunks) == content
    assert max(map(len, chunks)) <= 10_100
    assert decoded_part(raw, part) == content


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("", ""),
        ("plain", "plain"),
        ("a<b>b</b>c", "abc"),
        ("<p>one</p><p>two</p>", "\none\n\ntwo\n"),
        ("one<br>two", "one\ntwo"),
        ("<td>a</td><td>b</td>", "\na\n\nb\n"),
        ("a<script>var x = '<p>';</script>b", "a\nb"),
        ("<head><title>t</title><style>p {}</style></head>b", "\nb"),
        ("a<STYLE type=x>p{}</STYLE >b", "a\nb"),
        ("a<script>open", "a\n"),
        ("a<!-- c <b> -->d", "ad"),
        ("a<!-- open", "a"),
        ("a<!DOCTYPE html>b<?x y?>c", "abc"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("a <b", "a "),
        ("&amp;&lt;&auml;&#228;&#xE4;&nbsp;&bogus;&", "&<äää\xa0&bogus;&"),
        ("&#99999999;&#xD800;", "&#99999999;\ufffd".replace("&#99999999;", "\ufffd9;")),
        ('<a href="x">link</a>', "link"),
    ],
)
def test_html_to_text(markup: str, text: str) -> None:
    assert to_text(markup) == text


MIXED = (
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\r\nf\xfcr\r\n"
    b"--b\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    + base64.b64encode("<p>Grüße</p>".encode())
    + b"\r\n--b\r\nContent-Type: image/png\r\n\r\nnot text\r\n"
    b"--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nnested words\r\n--b--\r\n"
)


def test_all_text_parts_are_searched() -> None:
    text = searchable_text(MIXED, digest(MIXED).root, max_octets=10_000)
    assert text == "für\n\nGrüße\n\nnested words"


def test_search_stops_at_its_limit() -> None:
    octets = b"A: b\r\n\r\n" + b"word " * 1000
    assert searchable_text(octets, digest(octets).root, max_octets=12) == "word word wo"
    encoded = b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(b"word " * 9000)
    assert searchable_text(encoded, digest(encoded).root, max_octets=12) == "word word wo"
    assert searchable_text(MIXED, digest(MIXED).root, max_octets=3) == "für"


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"", ""),
        (b"A: b\r\n\r\n one\r\n\r\n two\t three \r\n", "one two three"),
        (b"A: b\r\n\r\n" + b"word " * 100, ("word " * 40).strip()),
        (b"A: b\r\n\r\na\x00\x1b[31mb", "a [31mb"),
        (b"Content-Type: text/html\r\n\r\n<style>p{}</style><p>Hi <b>all</b></p>", "Hi all"),
        (b"A: b\r\n\r\n> a question\r\n>> older\r\nAn answer\r\n", "An answer"),
        (b"A: b\r\n\r\n> only\r\n> quoted", "> only > quoted"),
        (b"Content-Type: image/png\r\n\r\nxyz", ""),
        (
            b"Content-Transfer-Encoding: quoted-printable\r\n\r\na=C3=A4",
            "aä",
        ),
        (MIXED, "für"),
        (
            b"Content-Type: multipart/alternative; boundary=b\r\n\r\n"
            b"--b\r\n\r\n \r\n--b\r\nContent-Type: text/html\r\n\r\n<p>second\r\n--b--",
            "second",
        ),
        (
            b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
            b"--b\r\nContent-Disposition: attachment\r\n\r\nfile\r\n--b\r\n\r\nbody\r\n--b--",
            "body",
        ),
    ],
)
def test_preview(octets: bytes, expected: str) -> None:
    assert digest(octets).preview == expected


def test_a_preview_counts_characters_and_ends_within_one() -> None:
    octets = b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + ("ä" * 900).encode()
    assert digest(octets).preview == "ä" * 200
