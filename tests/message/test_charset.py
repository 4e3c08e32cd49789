"""Charsets by the names that mail uses, and octets that no charset explains."""

from __future__ import annotations

import pytest

from pillarbox.message.charset import decode, find_codec, guess


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("utf-8", "utf_8"),
        ("UTF8", "utf_8"),
        (" 'utf-8' ", "utf_8"),
        ("iso-8859-1", "cp1252"),
        ("latin1", "cp1252"),
        ("ISO_8859-15", "iso8859_15"),
        ("iso-8859-8-i", "iso8859_8"),
        ("iso-8859-6-e", "iso8859_6"),
        ("windows-1251", "cp1251"),
        ("cp-850", "cp850"),
        ("ibm850", "cp850"),
        ("x-cp1250", "cp1250"),
        ("ks_c_5601-1987", "cp949"),
        ("euc-kr", "cp949"),
        ("gb2312", "gb18030"),
        ("gbk", "gb18030"),
        ("big5", "big5hkscs"),
        ("x-sjis", "cp932"),
        ("Shift_JIS", "cp932"),
        ("unicode-1-1-utf-7", "utf_7"),
        ("koi8-r", "koi8_r"),
        ("macintosh", "mac_roman"),
        ("ansi_x3.4-1968", "ascii"),
        # Codecs of Python's that are no charsets, or too slow, or not text at all.
        ("idna", None),
        ("punycode", None),
        ("unicode_escape", None),
        ("rot13", None),
        ("zlib", None),
        ("hex", None),
        ("mbcs", None),
        ("undefined", None),
        ("x" * 1000, None),
        ("../../x", None),
        ("", None),
    ],
)
def test_find_codec(name: str, codec: str | None) -> None:
    assert find_codec(name) == codec


@pytest.mark.parametrize(
    ("octets", "charset", "text"),
    [
        (b"abc", None, "abc"),
        (b"\xc3\xa4", None, "ä"),
        (b"\xe4", None, "ä"),
        (b"\xc3\xa4", "us-ascii", "ä"),
        (b"\x80", "iso-8859-1", "€"),
        (b"\xc3\xa4", "x-unknown", "ä"),
        (b"\xe4", "x-unknown", "ä"),
        (b"\xe4", "utf-8", "\ufffd"),
        (b"\xff\xfeh\0i\0", "utf-16", "hi"),
        (b"\0", "utf-16", "\ufffd"),
        (b"+2AA-", "utf-7", "\ufffd"),
        (b"\xa4\xa4", "big5", "中"),
    ],
)
def test_decode(octets: bytes, charset: str | None, text: str) -> None:
    assert decode(octets, charset) == text


def test_statistics_are_asked_only_where_nothing_else_fits() -> None:
    octets = "これは日本語の文章です。秋の夜長に、ゆっくりと本を読みます。".encode("shift_jis") * 4
    assert "日本語" not in guess(octets)
    assert "日本語" in guess(octets, thorough=True)
    assert guess(b"\xe4\xf6 " * 10_000, thorough=True).startswith("äö")
