"""ENVELOPE: the order, the defaults and NIL (RFC 9051 §7.5.2)."""

from __future__ import annotations

import pytest

from pillarbox.message.digest import digest
from support.imap_data import parse

ALICE = b'((NIL NIL "alice" "example.org"))'


def envelope(header: bytes) -> bytes:
    return digest(header + b"\r\n\r\nbody\r\n").envelope


def test_the_whole_of_it() -> None:
    assert envelope(
        b"Date: Mon, 23 Nov 2026 12:30:05 +0000\r\n"
        b"Subject: Hello\r\n there\r\n"
        b"From: Alice <alice@example.org>\r\n"
        b"Sender: s@example.org\r\n"
        b"Reply-To: r@example.org\r\n"
        b"To: t@example.org, u@example.org\r\n"
        b"Cc: c@example.org\r\n"
        b"Bcc: b@example.org\r\n"
        b"In-Reply-To: <1@example.org>\r\n"
        b"Message-ID: <2@example.org>"
    ) == (
        b'("Mon, 23 Nov 2026 12:30:05 +0000" "Hello there"'
        b' (("Alice" NIL "alice" "example.org"))'
        b' ((NIL NIL "s" "example.org"))'
        b' ((NIL NIL "r" "example.org"))'
        b' ((NIL NIL "t" "example.org")(NIL NIL "u" "example.org"))'
        b' ((NIL NIL "c" "example.org"))'
        b' ((NIL NIL "b" "example.org"))'
        b' "<1@example.org>" "<2@example.org>")'
    )


def test_nothing_at_all() -> None:
    assert envelope(b"X: y") == b"(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"


@pytest.mark.parametrize(
    "field", [b"", b"\r\nSender:\r\nReply-To: ", b"\r\nReply-To: ,\r\nSender: ()"]
)
def test_sender_and_reply_to_fall_back_to_from(field: bytes) -> None:
    found = envelope(b"From: alice@example.org" + field)
    assert found == b"(NIL NIL %b %b %b NIL NIL NIL NIL NIL)" % (ALICE, ALICE, ALICE)


@pytest.mark.parametrize(
    ("field", "place", "expected"),
    [
        (b"Subject:", 1, b'""'),  # there but empty
        (b'Subject: a "b" \\c', 1, b'"a \\"b\\" \\\\c"'),
        (b"Subject: a\tb", 1, b'"a b"'),
        (b"Subject: =?utf-8?Q?=C3=A4?=", 1, b'"=?utf-8?Q?=C3=A4?="'),  # the client decodes
        (b"Subject: \xc3\xa4", 1, b"{2}\r\n\xc3\xa4"),
        (b"Subject: a\rb", 1, b"{3}\r\na\rb"),
        (b"Subject: a\0b", 1, b'"a?b"'),
        (b"Subject: \x01", 1, b"{1}\r\n\x01"),
        (b"Subject: one\r\nSubject: two", 1, b'"one"'),
        (b"Message-ID:", 9, b'""'),
        (b"To:", 5, b"NIL"),
        (b"To: ()", 5, b"NIL"),
        (b"To: a@b\r\nTo: c@d", 5, b'((NIL NIL "a" "b")(NIL NIL "c" "d"))'),
        (b"To: hidden:;", 5, b'((NIL NIL "hidden" NIL)(NIL NIL NIL NIL))'),
        (
            b"To: G: a@b;, c@d",
            5,
            b'((NIL NIL "G" NIL)(NIL NIL "a" "b")(NIL NIL NIL NIL)(NIL NIL "c" "d"))',
        ),
        (b"To: :;", 5, b'((NIL NIL "" NIL)(NIL NIL NIL NIL))'),
        (b"To: postmaster", 5, b'((NIL NIL "postmaster" ""))'),  # NIL would begin a group
        (b"To: X <>", 5, b'(("X" NIL "" ""))'),
        (b"To: <@x,@y:a@b>", 5, b'((NIL "@x,@y" "a" "b"))'),
        (b"To: \xc3\xa4@b", 5, b'((NIL NIL {2}\r\n\xc3\xa4 "b"))'),
        (b'To: "A \\"B\\"" <a@b>', 5, b'(("A \\"B\\"" NIL "a" "b"))'),
        (b'To: "a b"@c', 5, b'((NIL NIL "a b" "c"))'),
    ],
)
def test_single_fields(field: bytes, place: int, expected: bytes) -> None:
    found = envelope(field)
    others = [b"NIL"] * 10
    others[place] = expected
    assert found == b"(" + b" ".join(others) + b")"
    parse(found)
