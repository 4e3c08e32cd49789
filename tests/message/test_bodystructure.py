"""BODY and BODYSTRUCTURE (RFC 9051 §7.5.2): every field in its place."""

from __future__ import annotations

import pytest

from pillarbox.message.digest import digest

EMPTY_ENVELOPE = b"(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"

TABLE: dict[str, tuple[bytes, bytes, bytes]] = {
    "text that says nothing of itself": (
        b"A: b\r\n\r\none\r\ntwo",
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 8 2)',
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 8 2 NIL NIL NIL NIL)',
    ),
    "a type without charset is not given one": (
        b"Content-Type: text/html\r\n\r\n",
        b'("text" "html" NIL NIL NIL "7bit" 0 0)',
        b'("text" "html" NIL NIL NIL "7bit" 0 0 NIL NIL NIL NIL)',
    ),
    "all fields": (
        b"Content-Type: Image/PNG; Name=x\r\nContent-ID: <1@b>\r\nContent-Description: it\r\n"
        b"Content-Transfer-Encoding: BASE64\r\nContent-MD5: abc\r\n"
        b'Content-Disposition: inline; filename="a b"; size=3\r\n'
        b"Content-Language: en\r\nContent-Location: http://b/\r\n\r\nAAAA",
        b'("image" "png" ("name" "x") "<1@b>" "it" "base64" 4)',
        b'("image" "png" ("name" "x") "<1@b>" "it" "base64" 4 "abc"'
        b' ("inline" ("filename" "a b" "size" "3")) "en" "http://b/")',
    ),
    "several languages, disposition without parameters": (
        b"Content-Type: text/plain; charset=utf-8\r\nContent-Disposition: attachment\r\n"
        b"Content-Language: en, de\r\n\r\n",
        b'("text" "plain" ("charset" "utf-8") NIL NIL "7bit" 0 0)',
        b'("text" "plain" ("charset" "utf-8") NIL NIL "7bit" 0 0 NIL'
        b' ("attachment" NIL) ("en" "de") NIL)',
    ),
    "parameters go out as they were written, but for joined pieces": (
        b'Content-Type: a/b; name*0*=utf-8\'\'%C3%A4; name*1=b; x="\xe4"; y="a\\""; z=\r\n\r\n',
        b'("a" "b" ("x" {1}\r\n\xe4 "y" "a\\"" "z" "" "name*" "utf-8\'\'%C3%A4b")'
        b' NIL NIL "7bit" 0)',
        b'("a" "b" ("x" {1}\r\n\xe4 "y" "a\\"" "z" "" "name*" "utf-8\'\'%C3%A4b")'
        b' NIL NIL "7bit" 0 NIL NIL NIL NIL)',
    ),
    "multipart": (
        b"Content-Type: multipart/mixed; boundary=b\r\nContent-Language: en\r\n\r\n"
        b"--b\r\n\r\none\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>\r\n--b--\r\n",
        b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 3 1)'
        b'("text" "html" NIL NIL NIL "7bit" 3 1) "mixed")',
        b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 3 1 NIL NIL NIL NIL)'
        b'("text" "html" NIL NIL NIL "7bit" 3 1 NIL NIL NIL NIL)'
        b' "mixed" ("boundary" "b") NIL "en" NIL)',
    ),
    "multipart without parts is one text": (
        b"Content-Type: multipart/mixed\r\n\r\none",
        b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 3 1) "mixed")',
        b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 3 1 NIL NIL NIL NIL)'
        b' "mixed" NIL NIL NIL NIL)',
    ),
    "nested message": (
        b"Content-Type: message/rfc822\r\n\r\nSubject: s\r\n\r\none\r\n",
        b'("message" "rfc822" NIL NIL NIL "7bit" 19'
        b' (NIL "s" NIL NIL NIL NIL NIL NIL NIL NIL)'
        b' ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 5 1) 3)',
        b'("message" "rfc822" NIL NIL NIL "7bit" 19'
        b' (NIL "s" NIL NIL NIL NIL NIL NIL NIL NIL)'
        b' ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 5 1 NIL NIL NIL NIL) 3'
        b" NIL NIL NIL NIL)",
    ),
    "a message that stays closed still has an envelope and a body": (
        b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nQQ==",
        b'("message" "rfc822" NIL NIL NIL "base64" 4 '
        + EMPTY_ENVELOPE
        + b' ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0) 1)',
        b'("message" "rfc822" NIL NIL NIL "base64" 4 '
        + EMPTY_ENVELOPE
        + b' ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0 NIL NIL NIL NIL) 1'
        b" NIL NIL NIL NIL)",
    ),
    "other messages are as any part": (
        b"Content-Type: message/delivery-status\r\n\r\nA: b\r\n",
        b'("message" "delivery-status" NIL NIL NIL "7bit" 6)',
        b'("message" "delivery-status" NIL NIL NIL "7bit" 6 NIL NIL NIL NIL)',
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_body_and_bodystructure(name: str) -> None:
    octets, body, bodystructure = TABLE[name]
    found = digest(octets)
    assert found.body == body
    assert found.bodystructure == bodystructure


@pytest.mark.parametrize("parameter", [b"*=", b"a*1=x", b"*0=x", b"=x"])
def test_pieces_that_make_no_parameter_leave_nil(parameter: bytes) -> None:
    """Found by fuzzing: an empty list is none of the grammar (RFC 9051 §9, body-fld-param)."""
    found = digest(b"Content-Type: a/b; " + parameter + b"\r\n\r\n")
    assert b"()" not in found.body + found.bodystructure
    assert b"(" in found.bodystructure
