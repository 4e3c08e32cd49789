"""Where parts begin and end, also in mail that breaks the rules."""

from __future__ import annotations

import pytest

from pillarbox.message.digest import digest
from pillarbox.message.part import Part

Shape = tuple[str, str | list["Shape"]]


def shape(octets: bytes, part: Part) -> Shape:
    """(type/subtype, text or shapes of the children)."""
    name = f"{part.type}/{part.subtype}"
    if part.children:
        return name, [shape(octets, child) for child in part.children]
    return name, octets[part.body_start : part.body_end].decode("latin-1")


def shape_of(octets: bytes) -> Shape:
    return shape(octets, digest(octets).root)


def mixed(body: bytes, boundary: bytes = b"b") -> bytes:
    return b"Content-Type: multipart/mixed; boundary=" + boundary + b"\r\n\r\n" + body


PLAIN = "text/plain"
TABLE: dict[str, tuple[bytes, Shape]] = {
    "nothing": (b"", (PLAIN, "")),
    "only a line end": (b"\r\n", (PLAIN, "")),
    "header and body": (b"A: b\r\n\r\nbody\r\n", (PLAIN, "body\r\n")),
    "bare LF": (b"A: b\n\nbody\n", (PLAIN, "body\n")),
    "CR only is one long header line": (b"A: b\r\rbody\r", (PLAIN, "")),
    "no header": (b"\r\nbody", (PLAIN, "body")),
    "no empty line": (b"A: b\r\nB: c\r\n", (PLAIN, "")),
    "no header and no empty line": (b"just words", (PLAIN, "just words")),
    "mbox line": (b"From alice Mon Nov 23\r\nA: b\r\n\r\nbody", (PLAIN, "body")),
    "mbox line alone": (b"From alice Mon Nov 23\r\nA: b\r\n", (PLAIN, "")),
    "NUL octets": (b"A: \0\r\n\r\n\0body", (PLAIN, "\0body")),
    "bare LF in the header, CRLF in the body": (
        b"A: b\n\nbody\r\n\r\nmore",
        (PLAIN, "body\r\n\r\nmore"),
    ),
    "CRLF in the header, bare LF in the body": (
        b"A: b\r\n\r\nbody\n\nmore",
        (PLAIN, "body\n\nmore"),
    ),
    "two parts": (
        mixed(b"preamble\r\n--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\nepilogue\r\n"),
        ("multipart/mixed", [(PLAIN, "one"), (PLAIN, "two")]),
    ),
    "two parts, bare LF": (
        mixed(b"--b\n\none\n--b\n\ntwo\n--b--\n").replace(b"\r\n", b"\n"),
        ("multipart/mixed", [(PLAIN, "one"), (PLAIN, "two")]),
    ),
    "the line end before a boundary is not the part's": (
        mixed(b"--b\r\n\r\none\r\n\r\n--b--"),
        ("multipart/mixed", [(PLAIN, "one\r\n")]),
    ),
    "no last boundary": (
        mixed(b"--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n"),
        ("multipart/mixed", [(PLAIN, "one"), (PLAIN, "two\r\n")]),
    ),
    "cut off in a boundary": (
        mixed(b"--b\r\n\r\none\r\n--b"),
        ("multipart/mixed", [(PLAIN, "one"), (PLAIN, "")]),
    ),
    "parts behind the last boundary are epilogue": (
        mixed(b"--b\r\n\r\none\r\n--b--\r\n--b\r\n\r\ntwo\r\n--b--"),
        ("multipart/mixed", [(PLAIN, "one")]),
    ),
    "no boundary in the body: all of it is one part": (
        mixed(b"just text\r\n"),
        ("multipart/mixed", [(PLAIN, "just text\r\n")]),
    ),
    "only the last boundary": (
        mixed(b"--b--\r\n"),
        ("multipart/mixed", [(PLAIN, "--b--\r\n")]),
    ),
    "no boundary parameter": (
        b"Content-Type: multipart/mixed\r\n\r\n--b\r\n\r\none\r\n--b--",
        ("multipart/mixed", [(PLAIN, "--b\r\n\r\none\r\n--b--")]),
    ),
    "empty boundary": (
        mixed(b"--\r\n\r\none\r\n----", b'""'),
        ("multipart/mixed", [(PLAIN, "--\r\n\r\none\r\n----")]),
    ),
    "quoted boundary": (
        mixed(b"--a b:c\r\n\r\none\r\n--a b:c--", b'"a b:c"'),
        ("multipart/mixed", [(PLAIN, "one")]),
    ),
    "escaped boundary": (
        mixed(b'--a"c\r\n\r\none\r\n--a"c--', b'"a\\"c"'),
        ("multipart/mixed", [(PLAIN, "one")]),
    ),
    "boundary with blanks at its end": (
        mixed(b"--b\r\n\r\none\r\n--b--", b'"b  "'),
        ("multipart/mixed", [(PLAIN, "one")]),
    ),
    "boundary lines padded with white space": (
        mixed(b"--b \t\r\n\r\none\r\n--b\t\r\n\r\ntwo\r\n--b-- \r\n"),
        ("multipart/mixed", [(PLAIN, "one"), (PLAIN, "two")]),
    ),
    "a longer word is no boundary": (
        mixed(b"--b\r\n\r\none\r\n--bc\r\n--b-\r\n--b--c\r\n--b--"),
        ("multipart/mixed", [(PLAIN, "one\r\n--bc\r\n--b-\r\n--b--c")]),
    ),
    "boundary inside a line": (
        mixed(b"--b\r\n\r\nx--b\r\n --b\r\n--b--"),
        ("multipart/mixed", [(PLAIN, "x--b\r\n --b")]),
    ),
    "empty parts": (
        mixed(b"--b\r\n--b\r\n\r\n--b\r\n\r\n\r\n--b--"),
        ("multipart/mixed", [(PLAIN, ""), (PLAIN, ""), (PLAIN, "")]),
    ),
    "part with header and no empty line": (
        mixed(b"--b\r\nContent-Type: text/html\r\n--b--"),
        ("multipart/mixed", [("text/html", "")]),
    ),
    "part with text and no empty line": (
        mixed(b"--b\r\njust words\r\n--b--"),
        ("multipart/mixed", [(PLAIN, "just words")]),
    ),
    "the inner boundary begins with the outer one": (
        mixed(
            b"--b\r\nContent-Type: multipart/alternative; boundary=bb\r\n\r\n"
            b"--bb\r\n\r\none\r\n--bb\r\n\r\ntwo\r\n--bb--\r\n--b\r\n\r\nthree\r\n--b--"
        ),
        (
            "multipart/mixed",
            [("multipart/alternative", [(PLAIN, "one"), (PLAIN, "two")]), (PLAIN, "three")],
        ),
    ),
    "the outer boundary begins with the inner one": (
        mixed(
            b"--bb\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n"
            b"--b\r\n\r\none\r\n--b--\r\n--bb\r\n\r\ntwo\r\n--bb--",
            b"bb",
        ),
        ("multipart/mixed", [("multipart/alternative", [(PLAIN, "one")]), (PLAIN, "two")]),
    ),
    "an outer boundary ends an open inner multipart": (
        mixed(
            b"--b\r\nContent-Type: multipart/alternative; boundary=i\r\n\r\n"
            b"--i\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--"
        ),
        ("multipart/mixed", [("multipart/alternative", [(PLAIN, "one")]), (PLAIN, "two")]),
    ),
    "the same boundary inside and outside: the outer one wins": (
        mixed(
            b"--b\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\none\r\n--b--"
        ),
        ("multipart/mixed", [("multipart/alternative", [(PLAIN, "")]), (PLAIN, "one")]),
    ),
    "nested message": (
        mixed(
            b"--b\r\nContent-Type: message/rfc822\r\n\r\n"
            b"Subject: x\r\nContent-Type: text/html\r\n\r\n<p>\r\n--b--"
        ),
        ("multipart/mixed", [("message/rfc822", [("text/html", "<p>")])]),
    ),
    "nested message in UTF-8 (RFC 6532)": (
        b"Content-Type: message/global\r\n\r\nSubject: x\r\n\r\nbody",
        ("message/global", [(PLAIN, "body")]),
    ),
    "an encoded message is not opened": (
        b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nQTogYg==",
        ("message/rfc822", "QTogYg=="),
    ),
    "parts of a digest are messages": (
        b"Content-Type: multipart/digest; boundary=b\r\n\r\n"
        b"--b\r\n\r\nA: b\r\n\r\none\r\n--b\r\nContent-Type: text/plain\r\n\r\ntwo\r\n--b--",
        ("multipart/digest", [("message/rfc822", [(PLAIN, "one")]), (PLAIN, "two")]),
    ),
    "a boundary in a nested message's body does not count there": (
        mixed(
            b"--b\r\nContent-Type: message/rfc822\r\n\r\n"
            b"Content-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n\r\none\r\n--i--\r\n--b--"
        ),
        ("multipart/mixed", [("message/rfc822", [("multipart/mixed", [(PLAIN, "one")])])]),
    ),
    "type in upper case": (b"CONTENT-TYPE: TEXT/HTML\r\n\r\n<p>", ("text/html", "<p>")),
    "no valid type": (b"Content-Type: nonsense\r\n\r\nbody", (PLAIN, "body")),
    "the first of two types counts": (
        b"Content-Type: text/html\r\nContent-Type: image/png\r\n\r\nbody",
        ("text/html", "body"),
    ),
    "folded type": (
        b"Content-Type: multipart/mixed;\r\n\tboundary=\r\n b\r\n\r\n--b\r\n\r\none\r\n--b--",
        ("multipart/mixed", [(PLAIN, "one")]),
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_shape(name: str) -> None:
    octets, expected = TABLE[name]
    assert shape_of(octets) == expected


def test_offsets_point_at_header_and_body() -> None:
    octets = mixed(b"--b\r\nA: b\r\n\r\none\r\n--b--\r\n")
    root = digest(octets).root
    (part,) = root.children
    assert octets[root.header_start : root.body_start].endswith(b"boundary=b\r\n\r\n")
    assert root.body_end == len(octets)
    assert octets[part.header_start : part.body_start] == b"A: b\r\n\r\n"
    assert octets[part.body_start : part.body_end] == b"one"


@pytest.mark.parametrize(
    ("body", "lines"),
    [(b"", 0), (b"one", 1), (b"one\r\n", 1), (b"one\r\ntwo", 2), (b"\r\n\r\n", 2), (b"\n", 1)],
)
def test_lines_count_an_unfinished_one(body: bytes, lines: int) -> None:
    assert digest(b"A: b\r\n\r\n" + body).root.body_lines == lines


def test_a_part_has_its_mime_fields() -> None:
    root = digest(
        b"Content-Type: Text/Plain; Charset=\"UTF-8\"; name*=utf-8''%C3%A4.txt\r\n"
        b"Content-Transfer-Encoding: Quoted-Printable\r\n"
        b"Content-ID: <1@example.org>\r\n"
        b"Content-Description: =?utf-8?Q?=C3=84?=\r\n"
        b"Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==\r\n"
        b'Content-Disposition: ATTACHMENT; filename="a b.txt"\r\n'
        b"Content-Language: de, en-GB (mostly)\r\n"
        b"Content-Location: http://example.org/a\r\n\r\n"
    ).root
    assert (root.type, root.subtype, root.encoding) == ("text", "plain", "quoted-printable")
    assert dict(root.params) == {"charset": "UTF-8", "name": "ä.txt"}
    assert root.content_id == "<1@example.org>"
    assert root.description == "Ä"
    assert root.md5 == "Q2hlY2sgSW50ZWdyaXR5IQ=="
    assert root.disposition == "attachment"
    assert root.disposition_params == (("filename", "a b.txt"),)
    assert root.language[:2] == ("de", "en-GB")
    assert root.location == "http://example.org/a"


def test_the_last_part_allowed_keeps_the_rest() -> None:
    octets = mixed(b"--b\r\n\r\nx\r\n" * 1500)
    children = digest(octets).root.children
    assert len(children) == 999
    assert children[-1].body_end == len(octets)


def test_only_the_beginning_of_a_huge_header_is_read() -> None:
    octets = b"Subject: first\r\n" + b"X: y\r\n" * 50_000 + b"From: alice@example.org\r\n\r\nbody"
    found = digest(octets)
    assert found.subject == "first"
    assert found.from_ == ""
    assert octets[found.root.body_start :] == b"body"
