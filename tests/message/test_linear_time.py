"""Hostile input costs time in proportion to its size: eight times the octets, about eight times
the CPU time. The factor is generous, since other programs share the caches; quadratic cost would
show as sixty-four.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from pillarbox.message import address, date, encoded_word, header, mime, thread
from pillarbox.message.digest import digest
from pillarbox.message.html_text import to_text
from pillarbox.message.text import searchable_text

SMALL = 25_000
FACTOR = 8
HEAD = b"From: alice@example.org\r\n"


def field(name: bytes, piece: bytes) -> Callable[[int], bytes]:
    return lambda size: HEAD + name + b": " + piece * (size // len(piece)) + b"\r\n\r\nbody\r\n"


def body(content_type: bytes, piece: bytes) -> Callable[[int], bytes]:
    head = HEAD + b"Content-Type: " + content_type + b"\r\n\r\n"
    return lambda size: head + piece * (size // len(piece))


def nested(size: int) -> bytes:
    part = b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n"
    return part * (size // len(part))


def nested_names(size: int) -> bytes:
    """Each level's boundary is the start of the next one's."""
    levels = [
        b"Content-Type: multipart/mixed; boundary=%b\r\n\r\n--%b\r\n" % (b"a" * n, b"a" * n)
        for n in range(1, 60)
    ]
    return b"".join(levels) + b"--" + b"a\r\n" * (size // 3)


HOSTILE: dict[str, Callable[[int], bytes]] = {
    "quotes": field(b"To", b'"'),
    "quoted pairs": field(b"To", b'"\\'),
    "open comments": field(b"To", b"("),
    "nested comments": field(b"To", b"(a"),
    "comments": field(b"To", b"()"),
    "angles": field(b"To", b"<"),
    "angle pairs": field(b"To", b"<>"),
    "at signs": field(b"To", b"@"),
    "routes": field(b"To", b"<@a,"),
    "colons": field(b"To", b"a:"),
    "groups": field(b"To", b"a:;"),
    "commas": field(b"To", b","),
    "words": field(b"To", b"a "),
    "dots": field(b"To", b". "),
    "addresses": field(b"To", b"a@b.example, "),
    "brackets": field(b"To", b"["),
    "blanks": field(b"To", b" "),
    "blanks in subject": field(b"Subject", b" "),
    "blanks and a letter": field(b"Subject", b"        x"),
    "encoded words": field(b"Subject", b"=?utf-8?Q?=C3=A4?= "),
    "encoded words of many charsets": field(b"Subject", b"=?a?Q?a?= =?b?Q?b?= "),
    "open encoded words": field(b"Subject", b"=?utf-8?Q?"),
    "question marks": field(b"Subject", b"=?"),
    "list names": field(b"Subject", b"[a]"),
    "open list names": field(b"Subject", b"["),
    "replies": field(b"Subject", b"Re: "),
    "replies to lists": field(b"Subject", b"Re: [a] "),
    "forward brackets": lambda size: (
        b"Subject: " + b"[fwd:" * (size // 6) + b"]" * (size // 6) + b"\r\n\r\n"
    ),
    "forward tails": field(b"Subject", b"(fwd) "),
    "message-ids": field(b"References", b"<a@b> "),
    "open message-ids": field(b"References", b"<"),
    "date comments": field(b"Date", b"("),
    "date words": field(b"Date", b"Jan 1 "),
    "semicolons": field(b"Content-Type", b";"),
    "semicolons behind a type": field(b"Content-Type", b"text/plain;;;;;;"),
    "parameters": field(b"Content-Type", b"text/plain; a=b"),
    "pieces of a parameter": lambda size: (
        b"Content-Type: text/plain" + b"".join(b"; a*%d=b" % n for n in range(size // 8)) + b"\r\n"
    ),
    "blanks in parameters": field(b"Content-Type", b"text/plain;      a      "),
    "open quotes in parameters": field(b"Content-Type", b'text/plain; a="\\'),
    "slashes": field(b"Content-Type", b"/"),
    "languages": field(b"Content-Language", b"en,"),
    "continuation lines": field(b"Subject", b"a\r\n "),
    "continuation lines of a strange field": field(b"X", b"a\r\n\t"),
    "fields": lambda size: b"To: a@b\r\n" * (size // 9) + b"\r\n",
    "lines without colon": lambda size: b"To\r\n" * (size // 4),
    "one line": lambda size: b"a" * size,
    "line feeds": lambda size: b"\n" * size,
    "returns": lambda size: b"\r" * size,
    "nested": nested,
    "prefixed boundaries": nested_names,
    "boundaries": body(b"multipart/mixed; boundary=a", b"--a\r\n"),
    "bare boundaries": body(b"multipart/mixed; boundary=a", b"--a\n\n"),
    "near boundaries": body(b"multipart/mixed; boundary=a", b"--ab\r\n"),
    "padded boundaries": body(b"multipart/mixed; boundary=a", b"--a" + b" " * 500),
    "long padding": body(b"multipart/mixed; boundary=a", b"\r\n--a "),
    "dashes": body(b"multipart/mixed; boundary=a", b"\r\n--"),
    "dash boundary": body(b'multipart/mixed; boundary="-"', b"\n---"),
    "digests": body(b"multipart/digest; boundary=a", b"--a\r\n\r\n"),
    "messages": lambda size: b"Content-Type: message/rfc822\r\n\r\n" * (size // 32),
    "html tags": body(b"text/html", b"<a>"),
    "html open tags": body(b"text/html", b"<a "),
    "html less-than": body(b"text/html", b"<"),
    "html comments": body(b"text/html", b"<!--"),
    "html scripts": body(b"text/html", b"<script></script "),
    "html script ends": lambda size: (
        b"Content-Type: text/html\r\n\r\n<script>" + b"</script" * (size // 8)
    ),
    "html references": body(b"text/html", b"&amp"),
    "html long references": body(b"text/html", b"&" + b"a" * 40),
    "html numbers": body(b"text/html", b"&#11111111111"),
    "text blanks": body(b"text/plain", b" "),
    "text controls": body(b"text/plain", b"\x01"),
}


def seconds(work: Callable[[bytes], object], octets: bytes) -> float:
    """The least of three runs."""
    taken = []
    for _ in range(3):
        start = time.thread_time()
        work(octets)
        taken.append(time.thread_time() - start)
    return min(taken)


def everything(octets: bytes) -> None:
    found = digest(octets)
    searchable_text(octets, found.root, max_octets=10**9)


def assert_linear(work: Callable[[bytes], object], make: Callable[[int], bytes]) -> None:
    for _ in range(3):  # a busy machine may spoil one
        small = seconds(work, make(SMALL))
        large = seconds(work, make(SMALL * FACTOR))
        if large <= max(small, 0.0005) * FACTOR * 2.5:
            return
    raise AssertionError(f"{small:.4f} s became {large:.4f} s")


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_message_takes_linear_time(name: str) -> None:
    assert_linear(everything, HOSTILE[name])


PARSERS: dict[str, Callable[[bytes], object]] = {
    "address": address.parse_address_list,
    "date": date.parse_date,
    "encoded word": encoded_word.decode,
    "fields": header.fields,
    "header end": lambda raw: header.header_end(raw, 0, len(raw)),
    "content type": mime.parse_content_type,
    "params": lambda raw: mime.decode_params(mime.raw_params(raw, 0)),
    "disposition": mime.parse_disposition,
    "base subject": lambda raw: thread.base_subject(raw.decode("latin-1")),
    "message id": thread.message_id,
    "message ids": thread.message_ids,
    "html": lambda raw: to_text(raw.decode("latin-1")),
}
PIECES = [
    b'"', b"\\", b"(", b")", b"()", b"<", b">", b"@", b"[", b"]", b"[a]", b":", b";", b",", b" ",
    b"\t", b"\r\n", b"\r\n ", b"=", b"=?", b"?=", b"a", b".", b"&", b"&#1", b"a=b;", b"; a",
    b";a*0=", b"\xff", b"0", b"1 ", b"a:\r\n", b"</", b"<a", b'"\\"', b"'", b"a b", b"(fwd)",
    b"Re:", b"[fwd:",
]  # fmt: skip


@pytest.mark.timed
@pytest.mark.parametrize("parser", PARSERS)
def test_a_parser_takes_linear_time(parser: str) -> None:
    """Every repeated piece, behind every short beginning that may set a trap."""
    for start in (b"", b'a;b="', b"a/b;c=", b"<a", b"(", b'"', b"=?a?Q?", b"Jan 1 ("):
        for piece in PIECES:
            whole = start + piece * (100_000 // len(piece))
            taken = time.thread_time()
            PARSERS[parser](whole)
            taken = time.thread_time() - taken
            # Quadratic work over 100,000 octets takes many seconds; linear some milliseconds.
            assert taken < 1.5, (parser, start, piece, taken)


def nested_multiparts(levels: int) -> bytes:
    return b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n)
        for n in range(levels)
    )


def depth_of(octets: bytes) -> int:
    part = digest(octets).root
    depth = 0
    while part.children:
        part = part.children[0]
        depth += 1
    return depth


def test_nesting_is_opened_to_the_limit_and_no_deeper() -> None:
    """Below the limit's last level stands what was not opened, as one text."""
    assert depth_of(nested_multiparts(50)) == 50
    assert depth_of(nested_multiparts(500)) == 101


@pytest.mark.timed
def test_ten_thousand_nested_parts_are_soon_read() -> None:
    whole = nested_multiparts(10_000)
    start = time.thread_time()
    assert 16 <= depth_of(whole) <= 101
    assert time.thread_time() - start < 2.0


@pytest.mark.timed
def test_a_large_deep_message_is_searched_a_limited_number_of_times() -> None:
    whole = nested_multiparts(100) + b"\r\n--b0x" * 2_500_000
    start = time.thread_time()
    assert depth_of(whole) >= 16
    assert time.thread_time() - start < 3.0
