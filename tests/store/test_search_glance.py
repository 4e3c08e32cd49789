"""What a glance tells is what the document holds: whatever markup, encoding or charset."""

from __future__ import annotations

import base64
import quopri

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pillarbox.errors import Damaged
from pillarbox.ids import BlobId
from pillarbox.message.casefold import fold
from pillarbox.message.digest import digest
from pillarbox.store.search.document import Content, add_columns
from pillarbox.store.search.glance import is_glanced_for
from pillarbox.store.search.reading import DocumentReader
from pillarbox.store.search.text_index import Where
from support.store_box import letter

_WORDS = ["a", "b", "ab", "Ab", "s", "ß", "ſ", "K", "e", "\u0301", "ﬁ", "1", ".", ";", "\u0345"]
_SPACES = [" ", "\n", "\t", "\x1c", "\u00a0", "\u3000", "\0"]
_TAGS = ["<b>", "</b>", "<p>", "<P a='b'>", "<br/>", "<script>", "</script>", "<style", "<", ">"]
_ODD = ["<!--", "-->", "<!d>", "<?x", "&", "#97;", "&#98", "&nbsp;", "&amp;", "&lt;", "&szlig;"]
_ENCODED = ["=?utf-8?q?a=62?=", "=?", "?=", "=", "=\r\n", "=61", "\r\n ", "\r"]
_TEXT = st.lists(st.sampled_from([*_WORDS, *_WORDS, *_SPACES, *_TAGS, *_ODD, *_ENCODED]))
_NEEDLE = st.lists(st.sampled_from(_WORDS), min_size=1, max_size=4).map("".join).map(fold)
_CHARSETS = st.sampled_from(["utf-8", "us-ascii", "iso-8859-1", "utf-7", "utf-16", "shift_jis"])


def _encoded(octets: bytes, encoding: str) -> bytes:
    if encoding == "base64":
        return base64.encodebytes(octets)
    return quopri.encodestring(octets) if encoding == "quoted-printable" else octets


def _part(text: str, subtype: str, encoding: str, charset: str) -> bytes:
    head = f"Content-Type: text/{subtype}; charset={charset}\r\nContent-Transfer-Encoding: "
    return f"{head}{encoding}\r\n\r\n".encode() + _encoded(text.encode(charset, "ignore"), encoding)


_PART = st.builds(
    _part,
    _TEXT.map("".join),
    st.sampled_from(["plain", "html"]),
    st.sampled_from(["8bit", "base64", "quoted-printable"]),
    _CHARSETS,
)


def _message(subject: str, parts: list[bytes]) -> bytes:
    head = f"Subject: {subject}\r\nContent-Type: multipart/mixed; boundary=xyz\r\n\r\n".encode()
    return head + b"".join([b"\r\n--xyz\r\n" + part for part in parts]) + b"\r\n--xyz--\r\n"


def _html(text: str) -> list[bytes]:
    return [_part(text, "html", "8bit", "utf-8")]


@given(_TEXT.map("".join), st.lists(_PART, min_size=1, max_size=3), _NEEDLE)
@example("", _html("a<b></b>b"), "ab")
@example("", _html("a<!-- > -->b"), "ab")
@example("", _html("a<b <b>b"), "ab")
@example("", _html("&<b></b>#97;b"), "ab")
@example("", _html("a&szlig;b"), "ass")
@example("", _html("ae<p>\u0301"), "ae")
@example("", _html("ae\u0301"), "\u00e9")
@example("", _html("a<script>x<b</script>b"), "b")
@example("a=?utf-8?q?=62?=", _html(""), "ab")
def test_what_a_glance_tells_is_so(subject: str, parts: list[bytes], needle: str) -> None:
    raw = _message(subject, parts)
    taken = digest(raw)
    content = Content(raw, taken.root, 4096)
    trace = b"Return-Path: <ab@example.org>\r\n"
    words, octets = content.document(trace), needle.encode()
    assert is_glanced_for(needle)
    assert content.body_holds(needle) in (None, octets in words.body)
    assert content.head_holds(trace, octets) is (octets in words.head)
    head, body = add_columns(words, [fold(subject)])
    structure = msgspec.msgpack.encode(taken.root)
    reader = DocumentReader(lambda _: raw, 4096)
    row = (BlobId(b"1" * 32), structure, trace, fold(subject))
    for where, there in [
        (Where.HEAD, octets in head),
        (Where.BODY, octets in body),
        (Where.ANY, octets in head or octets in body),
    ]:
        assert reader.holds(row, where, needle, octets) in (None, there)


@pytest.mark.parametrize("needle", ["", "two words", "a<b", "x&y", "subject:", "a\u00a0b", " a"])
def test_what_is_not_glanced_for(needle: str) -> None:
    assert not is_glanced_for(needle)


def test_a_glance_tells_of_most_of_what_mail_holds() -> None:
    """Else it would bring nothing: tags, attributes, references of blanks and other text."""
    row = '<p style="margin: 0">caf\u00e9&nbsp;Z\u00fcrich <b>bold</b>er &amp; more</p>\r\n'
    raw = _message("Budget", [_part(row * 9, "html", "quoted-printable", "utf-8")])
    content = Content(raw, digest(raw).root, 4096)
    for word in ("margin", "zurich", "xbold"):
        assert content.body_holds(word) is False
    for word in ("bolder", "z\u00fcrich", "caf\u00e9", "nbsp"):
        assert content.body_holds(word) is None
    plain = _message("Budget", [_part(row, "plain", "quoted-printable", "utf-8")])
    content = Content(plain, digest(plain).root, 4096)
    assert content.body_holds("margin") is True
    assert not content.head_holds(b"", b"margin")
    assert content.head_holds(b"", b"budget")


def test_of_a_message_that_cannot_be_read_its_document_tells() -> None:
    def damaged(_: BlobId) -> bytes:
        raise Damaged

    row = (BlobId(b"1" * 32), msgspec.msgpack.encode(digest(letter()).root), b"", "hello")
    assert DocumentReader(damaged, 4096).holds(row, Where.ANY, "absent", b"absent") is None
