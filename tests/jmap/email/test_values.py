"""Texts of parts: charsets, problems with them, and where they are cut (RFC 8621 §4.1.4, §4.2)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.jmap.email.octets import Held, Source
from pillarbox.jmap.email.parts import BodyPart
from pillarbox.jmap.email.values import body_value, cut, decode
from pillarbox.message.part import Part


def value(raw: bytes, most: int = 0, **more: Any) -> dict[str, Any]:
    charset = more.pop("charset", None)
    params = (("charset", charset),) if charset else ()
    part = Part(0, 0, len(raw), 0, params=params, **more)
    told: dict[str, Any] = asyncio.run(
        body_value(Source(Held(raw), part), BodyPart(part, "1"), most)
    )
    return told


@pytest.mark.parametrize(
    ("octets", "charset", "text", "is_problem"),
    [
        (b"plain", None, "plain", False),
        (b"plain", "us-ascii", "plain", False),
        ("é".encode(), "utf-8", "é", False),
        (b"\xe9", "iso-8859-1", "é", False),
        ("蛙".encode("iso-2022-jp"), "iso-2022-jp", "蛙", False),
        ("\ufffd".encode(), "utf-8", "\ufffd", False),  # as its writer wrote it
        (b"a\xe9b", "utf-8", "a\ufffdb", True),
        ("é".encode(), "us-ascii", "é", True),
        ("é".encode(), None, "é", True),
        (b"plain", "x-nobody-knows", "plain", True),
        ("é".encode(), "x-nobody-knows", "é", True),
        (b"a\0", "utf-16", None, False),
        (b"a\0b", "utf-16-le", None, True),
    ],
)
def test_charsets(octets: bytes, charset: str | None, text: str | None, is_problem: bool) -> None:
    found, problem = decode(octets, charset or "us-ascii")
    assert text is None or found == text
    assert problem is is_problem


@pytest.mark.parametrize(
    ("raw", "encoding", "text", "is_problem"),
    [
        (b"one\r\ntwo\nthree\rfour", "7bit", "one\ntwo\nthree\rfour", False),
        (b"caf=C3=A9=\r\n!", "quoted-printable", "café!", False),
        (b"Y2Fmw6k=", "base64", "café", False),
        (b"abc", "x-unheard-of", "abc", True),
    ],
)
def test_transfer_encodings(raw: bytes, encoding: str, text: str, is_problem: bool) -> None:
    told = value(raw, encoding=encoding, charset="utf-8")
    assert told == {"value": text, "isEncodingProblem": is_problem, "isTruncated": False}


@pytest.mark.parametrize(
    ("text", "most", "is_html", "shorter"),
    [
        ("abcdef", 3, False, "abc"),
        ("abcdef", 6, False, "abcdef"),
        ("äöü", 3, False, "ä"),
        ("a🐸", 4, False, "a"),
        ('<p>x<a href="y">z</a>', 3, True, "<p>"),
        ('<p>x<a href="y">z</a>', 9, True, "<p>x"),
        ('<p>x<a href="y">z</a>', 16, True, '<p>x<a href="y">'),
        ("<p>x</p>", 5, True, "<p>x"),
        ("1 < 2 and more", 6, True, "1 < 2 "),
        ('<p>x<a href="y">z</a>', 9, False, "<p>x<a hr"),
    ],
)
def test_cutting(text: str, most: int, is_html: bool, shorter: str) -> None:
    assert cut(text, most, is_html=is_html) == (shorter, shorter != text)


@given(st.text(), st.integers(1, 40), st.booleans())
def test_what_is_cut_is_a_beginning_and_short_enough(text: str, most: int, is_html: bool) -> None:
    shorter, is_cut = cut(text, most, is_html=is_html)
    assert text.startswith(shorter)
    assert len(shorter.encode()) <= most
    assert is_cut == (shorter != text)


@pytest.mark.parametrize(
    ("charset", "encoding"),
    [("utf-8", "8bit"), ("utf-16-be", "8bit"), ("iso-2022-jp", "7bit"), ("gb18030", "8bit")],
)
def test_only_the_beginning_of_a_long_text_is_read(charset: str, encoding: str) -> None:
    text = "蛙が池に飛び込む。" * 40_000
    told = value(text.encode(charset), 1000, encoding=encoding, charset=charset)
    assert told["isTruncated"] and not told["isEncodingProblem"]
    assert text.startswith(told["value"])
    assert 990 <= len(told["value"].encode()) <= 1000


def test_a_long_text_without_bound_is_whole() -> None:
    told = value(b"x" * 1_000_000)
    assert (len(told["value"]), told["isTruncated"]) == (1_000_000, False)
