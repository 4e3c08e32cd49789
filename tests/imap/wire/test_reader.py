"""Tokens of a command: tables of what is read and what is refused (RFC 9051 §9)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from pillarbox.imap.wire.errors import BadSyntax
from pillarbox.imap.wire.framing import Framed, Literal, Segment
from pillarbox.imap.wire.reader import Reader
from pillarbox.imap.wire.sequence_set import STAR, SequenceSet


def reader_of(*segments: Segment, utf8: bool = False) -> Reader:
    return Reader(Framed(segments), utf8)


LIT = Literal(b"a b", 3)
READ: list[tuple[str, tuple[Segment, ...], Any]] = [
    ("tag", (b"a1.b]",), b"a1.b]"),
    ("word", (b"fetch",), "FETCH"),
    ("name", (b"Uid",), "UID"),
    ("atom", (b"x{y",), "LEFT"),
    ("atom", (b"body[",), b"body["),
    ("label", (b"body.peek",), "BODY.PEEK"),
    ("astring", (b"a]b",), b"a]b"),
    ("astring", (b'"a \\"b\\\\ c"',), b'a "b\\ c'),
    ("astring", (b'""',), b""),
    ("astring", (b"", LIT, b""), b"a b"),
    ("astring", ('"ü"'.encode(),), "ü".encode()),
    ("string", (b"atom",), None),
    ("string", (b'"a\rb"',), None),
    ("string", (b'"a\\b"',), None),
    ("string", (b'"a',), None),
    ("string", (b'"a\x00"',), None),
    ("string", (b"", Literal(b"a\0", 2), b""), None),
    ("string", (b"", Literal(b"ab", 2, binary=True), b""), None),
    ("nstring", (b"nil",), "NIL"),
    ("nstring", (b'"NIL"',), b"NIL"),
    ("literal", (b"", Literal(b"a\0", 2, binary=True), b""), Literal(b"a\0", 2, binary=True)),
    ("literal", (b"x", LIT, b""), None),
    ("mailbox", (b"inbox",), "inbox"),
    ("mailbox", (b"&AOQ-",), "ä"),
    ("mailbox", (b'"a & b"',), None),
    ("mailbox", (b'"a &- b"',), "a & b"),
    ("mailbox", ('"Entwürfe"'.encode(),), "Entwürfe"),
    ("mailbox", (b'"\xe4"',), None),
    ("mailbox", (b"a%",), "LEFT"),
    ("list_mailbox", (b"a%b*",), "a%b*"),
    ("list_mailbox", (b'"a %"',), "a %"),
    ("flag", (b"\\Seen",), "\\Seen"),
    ("flag", (b"$Forwarded",), "$Forwarded"),
    ("flag", (b"\\*",), None),
    ("flag", (b"\\\\x",), None),
    ("flag_list", (b"()",), []),
    ("flag_list", (b"(\\Seen blue)",), ["\\Seen", "blue"]),
    ("flag_list", (b"(\\Seen  blue)",), None),
    ("flag_list", (b"(\\Seen",), None),
    ("number", (b"0",), 0),
    ("number", (b"4294967295",), 2**32 - 1),
    ("number", (b"4294967296",), None),
    ("number", (b"-1",), None),
    ("nz_number", (b"0",), None),
    ("number64", (b"9223372036854775807",), 2**63 - 1),
    ("number64", (b"9223372036854775808",), None),
    ("number64", (b"9" * 5000,), None),
    ("sequence_set", (b"1,3:5,*",), SequenceSet(((1, 1), (3, 5), (STAR, STAR)))),
    ("sequence_set", (b"$",), SequenceSet((), saved=True)),
    ("sequence_set", (b"",), None),
    ("sequence_set", (b"0",), None),
    ("sequence_set", (b"1,",), None),
    ("sequence_set", (b"1:",), None),
    ("sequence_set", (b"4294967296",), None),
    ("date", (b"1-Feb-1994",), date(1994, 2, 1)),
    ("date", (b'"01-feb-1994"',), date(1994, 2, 1)),
    ("date", (b'"1-Feb-1994',), None),
    ("date", (b"30-Feb-1994",), None),
    ("date", (b"1-Foo-1994",), None),
    ("date", (b"1-Feb-0000",), None),
    ("date_time", (b'"17-Jul-1996 02:44:25 -0700"',), 837596665),
    ("date_time", (b'" 7-Jul-1996 02:44:25 +0000"',), 836707465),
    ("date_time", (b'"17-Jul-1996 24:44:25 -0700"',), None),
    ("date_time", (b'"17-Jul-1996 02:44:25 -0799"',), None),
    ("date_time", (b"17-Jul-1996",), None),
]


@pytest.mark.parametrize(("method", "segments", "wanted"), READ)
def test_tokens(method: str, segments: tuple[Segment, ...], wanted: Any) -> None:
    reader = reader_of(*segments)
    read: Callable[[], Any] = getattr(reader, method)
    if wanted is None:
        with pytest.raises(BadSyntax):
            read()
    elif wanted == "NIL":
        assert read() is None
    elif wanted == "LEFT":
        read()
        assert not reader.at_end
    else:
        assert read() == wanted
        assert reader.at_end


def test_a_command_from_end_to_end() -> None:
    reader = reader_of(b"a1 STORE 1 (", Literal(b"x", 1), b" y)")
    assert (reader.tag(), reader.space(), reader.name()) == (b"a1", None, "STORE")
    reader.space()
    assert reader.sequence_set().ranges == ((1, 1),)
    reader.space()
    reader.expect(b"(")
    assert not reader.at_end
    assert reader.astring() == b"x"
    assert reader.peek(b" y")
    reader.space()
    assert reader.peek_word() == "Y"
    assert reader.rest() == b"y)"
    reader.end()


def test_phrases_in_any_case() -> None:
    reader = reader_of(b"Return (x")
    assert not reader.take_any_case(b"RETURN ()")
    assert reader.take_any_case(b"RETURN (")
    assert reader.take(b"x")
    assert reader.at_end


def test_utf8_mode_has_no_shifts() -> None:
    assert reader_of(b'"a & b"', utf8=True).mailbox() == "a & b"
    assert reader_of(b"&AOQ-", utf8=True).mailbox() == "&AOQ-"


def test_sentences_show_where_without_echoing_octets() -> None:
    with pytest.raises(BadSyntax, match=r"before \?\?x\."):
        reader_of(b"\r\nx").atom()
    with pytest.raises(BadSyntax, match="at the end"):
        reader_of(b"").space()
    with pytest.raises(BadSyntax, match="more than the command takes"):
        reader_of(b" ").end()
