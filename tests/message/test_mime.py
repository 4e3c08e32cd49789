"""Types, dispositions and parameters."""

from __future__ import annotations

import pytest

from pillarbox.message.mime import (
    decode_params,
    join_params,
    parse_content_type,
    parse_disposition,
    raw_params,
    token,
)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"text/plain", (b"text", b"plain", ())),
        (b" Text / HTML ;charset=utf-8", (b"text", b"html", ((b"charset", b"utf-8"),))),
        (
            b"text/plain; charset=us-ascii (plain)",
            (b"text", b"plain", ((b"charset", b"us-ascii"),)),
        ),
        (b"text/plain charset=utf-8", (b"text", b"plain", ())),
        (b"text/plain;", (b"text", b"plain", ())),
        (b"text/plain;;; a=b;", (b"text", b"plain", ((b"a", b"b"),))),
        (b"text", None),
        (b"/plain", None),
        (b"text/", None),
        (b"", None),
        (b"(text)/plain", None),
    ],
)
def test_parse_content_type(raw: bytes, expected: object) -> None:
    assert parse_content_type(raw) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b";a=b", [(b"a", b"b")]),
        (b'; A = "b;c" ;d=e', [(b"a", b"b;c"), (b"d", b"e")]),
        (b'; a="b\\"c\\\\"', [(b"a", b'b"c\\')]),
        (b'; a="open; b=c', [(b"a", b"open; b=c")]),
        (b"; name=two words.txt; b=c", [(b"name", b"two words.txt"), (b"b", b"c")]),
        (b"; a=; b=c", [(b"a", b""), (b"b", b"c")]),
        (b'; a=""', [(b"a", b"")]),
        (b"; a; b=c", [(b"b", b"c")]),
        (b"; a=b; a=c", [(b"a", b"b"), (b"a", b"c")]),
        (b"", []),
    ],
)
def test_raw_params(raw: bytes, expected: list[tuple[bytes, bytes]]) -> None:
    assert list(raw_params(raw, 0)) == expected


def test_there_is_a_limit_to_params() -> None:
    assert len(raw_params(b";a=b" * 1000, 0)) == 100


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"; a=b; A=c", {"a": "b"}),
        (b"; name*=utf-8''%C3%A4%20b", {"name": "ä b"}),
        (b"; name*=utf-8'de'%C3%A4", {"name": "ä"}),
        (b"; name*=''abc", {"name": "abc"}),
        (b"; name*=%41", {"name": "A"}),
        (b"; name*=iso-8859-1''%E4%zz%", {"name": "ä%zz%"}),
        (b"; name*0=a; name*1=b", {"name": "ab"}),
        (b"; name*1=b; name*0=a", {"name": "ab"}),
        (b"; name*0*=utf-8''%C3; name*1*=%A4; name*2=%41", {"name": "ä%41"}),
        (b"; name*0=a; name*2=c", {"name": "a"}),
        (b"; name*1=b", {}),
        (b"; name*01=b; name*x=c; *=d", {}),
        (b"; name=plain; name*=utf-8''%C3%A4", {"name": "ä"}),
        (b"; name*=utf-8''%C3%A4; name=plain", {"name": "ä"}),
        (b'; name="=?utf-8?Q?=C3=A4?="', {"name": "ä"}),
        (b'; name="\xe4"', {"name": "ä"}),
        (b"; name*=nonsense''%C3%A4", {"name": "ä"}),
    ],
)
def test_decode_params(raw: bytes, expected: dict[str, str]) -> None:
    assert dict(decode_params(raw_params(raw, 0))) == expected


def test_disposition() -> None:
    assert parse_disposition(b"Attachment; filename=x") == (b"attachment", ((b"filename", b"x"),))
    assert parse_disposition(b"; filename=x") is None
    assert parse_disposition(b"") is None


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"Base64", b"base64"),
        (b" 8bit (x)", b"8bit"),
        (b"7bit;", b"7bit"),
        (b"(x) y", b""),
        (b"", b""),
    ],
)
def test_token(raw: bytes, expected: bytes) -> None:
    assert token(raw) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"; a=b; c=d", [(b"a", b"b"), (b"c", b"d")]),
        (b"; n*0=a; n*1=b; x=y", [(b"x", b"y"), (b"n", b"ab")]),
        (b"; n*=utf-8''%41", [(b"n*", b"utf-8''%41")]),
        (b"; n*1*=%42; n*0*=utf-8''%41; n*2=\"'%\"", [(b"n*", b"utf-8''%41%42%27%25")]),
        (b"; n*0=a; n*1*=%42", [(b"n*", b"''a%42")]),
        (b"; n*1=b", []),
    ],
)
def test_join_params(raw: bytes, expected: list[tuple[bytes, bytes]]) -> None:
    assert list(join_params(raw_params(raw, 0))) == expected
