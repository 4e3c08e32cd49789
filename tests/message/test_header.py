"""Fields as written and the end of a header."""

from __future__ import annotations

import pytest

from pillarbox.message.header import fields, header_end, pick, unfold


def test_fields_keep_every_octet_of_theirs() -> None:
    raw = b"A: one\r\nBad line\r\nb :\r\n two\r\n\tthree\r\nC:\n\r\n"
    assert [(field.name, field.raw) for field in fields(raw)] == [
        (b"A", b"A: one\r\n"),
        (b"b", b"b :\r\n two\r\n\tthree\r\n"),
        (b"C", b"C:\n"),
    ]
    assert [field.value for field in fields(raw)] == [b"one", b"two\tthree", b""]


def test_the_last_field_may_lack_its_line_end() -> None:
    assert [field.raw for field in fields(b"A: b\r\nC: d")] == [b"A: b\r\n", b"C: d"]


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b" a b ", b"a b"),
        (b"a\r\n b", b"a b"),
        (b"a\n\tb", b"a\tb"),
        (b"\r\n a\r\n", b"a"),
        (b"", b""),
        (b"a\rb", b"a\rb"),
    ],
)
def test_unfold(raw: bytes, value: bytes) -> None:
    assert unfold(raw) == value


def test_pick_takes_wanted_fields_of_any_case_in_order() -> None:
    raw = b"to: a\r\nX-To: no\r\nTO : b\r\nFrom: c\r\n d\r\n\r\n"
    wanted = frozenset({b"to", b"from"})
    assert pick(raw, wanted) == {b"to": [b"a", b"b"], b"from": [b"c d"]}


@pytest.mark.parametrize(
    ("octets", "body"),
    [
        (b"A: b\r\n\r\nbody", b"body"),
        (b"A: b\n\nbody", b"body"),
        (b"A: b\r\n\nbody", b"body"),
        (b"A: b\n\r\nbody", b"body"),
        (b"\r\nbody", b"body"),
        (b"\nbody", b"body"),
        (b"A: b", b""),
        (b"A : b", b""),
        (b"words only", b"words only"),
        (b" A: b", b" A: b"),
        (b"\r", b"\r"),
    ],
)
def test_header_end(octets: bytes, body: bytes) -> None:
    assert octets[header_end(octets, 0, len(octets)) :] == body
    # The same inside other octets, which must not be looked at.
    around = b"X: y\r\n\r\n" + octets + b"\r\n\r\nmore\n\n"
    end = header_end(around, 8, 8 + len(octets))
    assert around[end : 8 + len(octets)] == body
