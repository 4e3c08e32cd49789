"""Paths and parameters, row by row."""

from __future__ import annotations

import pytest

from pillarbox.smtp.wire.errors import BadMailbox, BadParameter, BadSyntax
from pillarbox.smtp.wire.params import decode_xtext, encode_xtext, parse_parameters
from pillarbox.smtp.wire.paths import (
    NULL_PATH,
    Path,
    parse_forward_path,
    parse_helo_name,
    parse_mailbox,
    parse_reverse_path,
)


@pytest.mark.parametrize(
    ("arguments", "path", "rest"),
    [
        (b"FROM:<>", NULL_PATH, ""),
        (b"FROM:<> SIZE=10", NULL_PATH, "SIZE=10"),
        (b"from:<a@b.example>", Path("a", "b.example"), ""),
        (b"FROM: <a@b.example>  SIZE=1 X", Path("a", "b.example"), "SIZE=1 X"),
        (b"FROM:<a.b+c@B.Example>", Path("a.b+c", "B.Example"), ""),
        (b"FROM:<@one.example,@two.example:a@b.example>", Path("a", "b.example"), ""),
        (b'FROM:<"a b"@b.example>', Path("a b", "b.example"), ""),
        (b'FROM:<"a\\"b"@b.example>', Path('a"b', "b.example"), ""),
        (b"FROM:<a@[192.0.2.1]>", Path("a", "[192.0.2.1]"), ""),
        (b"FROM:<a@[IPv6:2001:db8::1]>", Path("a", "[IPv6:2001:db8::1]"), ""),
        ("FROM:<café@例え.example>".encode(), Path("café", "例え.example"), ""),
    ],
)
def test_reverse_paths(arguments: bytes, path: Path, rest: str) -> None:
    assert parse_reverse_path(arguments) == (path, rest)


@pytest.mark.parametrize(
    "arguments",
    [
        b"",
        b"FROM",
        b"TO:<a@b.example>",
        b"FROM:a@b.example",
        b"FROM:<a@b.example",
        b"FROM:<a@b.example>SIZE=1",
        b"FROM:<a b@c.example>",
        b"FROM:<.a@b.example>",
        b"FROM:<a..b@c.example>",
        b"FROM:<a@b..example>",
        b"FROM:<a@>",
        b"FROM:<@b.example>",
        b"FROM:<a>",
        b"FROM:<a@[300.0.2.1]>",
        b"FROM:<a@[IPv6:zz]>",
        b"FROM:<" + b"x" * 65 + b"@b.example>",
        b"FROM:<a@" + b"x" * 64 + b".example>",
        b"FROM:<a@" + b"x." * 130 + b"example>",
        b"FROM:<a\xff@b.example>",
        b"FROM:<a\x00@b.example>",
        b'FROM:<"a@b.example>',
    ],
)
def test_what_is_no_reverse_path(arguments: bytes) -> None:
    with pytest.raises(BadSyntax):
        parse_reverse_path(arguments)


def test_postmaster_needs_no_domain() -> None:
    assert parse_forward_path(b"TO:<Postmaster>") == (Path("Postmaster", ""), "")
    with pytest.raises(BadMailbox):
        parse_forward_path(b"TO:<alice>")
    with pytest.raises(BadMailbox):
        parse_forward_path(b"TO:<>")


@pytest.mark.parametrize(
    ("path", "address"),
    [
        (Path("a.b", "c.example"), "a.b@c.example"),
        (Path("a b", "c.example"), '"a b"@c.example'),
        (Path('a"\\', "c.example"), '"a\\"\\\\"@c.example'),
        (Path("postmaster", ""), "postmaster"),
        (NULL_PATH, ""),
    ],
)
def test_an_address_reads_back(path: Path, address: str) -> None:
    assert path.address == address
    if path.domain:
        assert parse_mailbox(address) == path


@pytest.mark.parametrize("name", [b"mx.example.org", b"localhost", b"[192.0.2.1]", b"a_b", b"x."])
def test_helo_names(name: bytes) -> None:
    assert parse_helo_name(name) == name.decode()


@pytest.mark.parametrize("name", [b"", b"a b", b"a\x07", b"(x)", b"a\xff", b"x" * 256, b"a;b"])
def test_what_is_no_helo_name(name: bytes) -> None:
    with pytest.raises(BadSyntax):
        parse_helo_name(name)


def test_parameters() -> None:
    assert parse_parameters("size=10 BODY=8BITMIME SMTPUTF8") == {
        "SIZE": "10",
        "BODY": "8BITMIME",
        "SMTPUTF8": None,
    }
    assert parse_parameters("") == {}


@pytest.mark.parametrize("text", ["=1", "SIZE=", "A=b=c", "-A", "A=\x01", "A=1 a=2"])
def test_bad_parameters(text: str) -> None:
    with pytest.raises(BadSyntax):
        parse_parameters(text)


def test_too_many_parameters() -> None:
    with pytest.raises(BadSyntax):
        parse_parameters(" ".join(f"P{n}" for n in range(50)))


def test_xtext() -> None:
    assert decode_xtext("a+2Bb+3Dc") == "a+b=c"
    assert encode_xtext("a+b=c d") == "a+2Bb+3Dc+20d"
    for bad in ("a+b", "a=b", "a+2b", "a b"):
        with pytest.raises(BadParameter):
            decode_xtext(bad)
