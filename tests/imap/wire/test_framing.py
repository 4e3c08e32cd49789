"""Lines and literals, cut without grammar; any chunking gives the same events."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from pillarbox.imap.wire.framing import (
    Event,
    Framed,
    Framer,
    FramingLimits,
    Hopeless,
    Literal,
    LiteralChunk,
    LiteralEnd,
    TooLong,
    WantLiteral,
    tag_of,
)

SMALL = FramingLimits(line=40, literal=10, command=60, literals=3, unsolicited=5, skipped=100)


def events(
    chunks: Iterable[bytes], choice: str = "accept", limits: FramingLimits = SMALL
) -> list[Event]:
    """All events, with `choice` for each literal; chunks of one literal are joined."""
    framer = Framer(SMALL)
    found: list[Event] = []
    for chunk in chunks:
        framer.feed(chunk)
        while (event := framer.next_event()) is not None:
            if isinstance(event, WantLiteral):
                getattr(framer, choice)()
            if isinstance(event, LiteralChunk) and isinstance(found[-1], LiteralChunk):
                event = LiteralChunk(found.pop().octets + event.octets)  # type: ignore[union-attr]
            found.append(event)
    return found


def want(size: int, *before: bytes | Literal, sync: bool = True, binary: bool = False) -> Event:
    return WantLiteral(size, sync, binary, before)


TOO_LONG = "The command is too long."
TABLE: list[tuple[bytes, list[Event]]] = [
    (b"a NOOP\r\n", [Framed((b"a NOOP",))]),
    (b"a NOOP\n", [Framed((b"a NOOP",))]),
    (b"\r\n", [Framed((b"",))]),
    (b"a\rb\r\r\n", [Framed((b"a\rb\r",))]),
    (b"a X\r\nb Y\r\nc", [Framed((b"a X",)), Framed((b"b Y",))]),
    (
        b"a L {3}\r\nabc {2+}\r\n\r\n\r\n",
        [
            want(3, b"a L "),
            want(2, b"a L ", Literal(b"abc", 3), b" ", sync=False),
            Framed((b"a L ", Literal(b"abc", 3), b" ", Literal(b"\r\n", 2), b"")),
        ],
    ),
    (
        b"a {0}\r\n\r\n",
        [want(0, b"a "), Framed((b"a ", Literal(b"", 0), b""))],
    ),
    (
        b"a ~{4+}\r\n\x00\x01{}\r\n",
        [
            want(4, b"a ", sync=False, binary=True),
            Framed((b"a ", Literal(b"\x00\x01{}", 4, binary=True), b"")),
        ],
    ),
    # Braces that announce nothing
    (b"a {x}\r\n", [Framed((b"a {x}",))]),
    (b"a {3} \r\n", [Framed((b"a {3} ",))]),
    (b"a {}\r\n", [Framed((b"a {}",))]),
    # Limits
    (b"a " + b"x" * 39 + b"\r\nb N\r\n", [TooLong(b"a", TOO_LONG), Framed((b"b N",))]),
    (b"\x01" + b"x" * 45 + b"\r\nb N\r\n", [TooLong(None, TOO_LONG), Framed((b"b N",))]),
    # An overlong line with a literal that comes unasked: its octets are no command
    (
        b"a " + b"x" * 40 + b"{7+}\r\nb EVIL\n tail\r\nc N\r\n",
        [TooLong(b"a", TOO_LONG), Framed((b"c N",))],
    ),
    # … and one that the client sends only when it is asked
    (b"a " + b"x" * 40 + b"{7}\r\nc N\r\n", [TooLong(b"a", TOO_LONG), Framed((b"c N",))]),
    (
        b"a {11}\r\nb N\r\n",
        [want(11, b"a "), TooLong(b"a", "A literal of 11 octets is too large."), Framed((b"b N",))],
    ),
    (
        b"a {6+}\r\nb EVIL x {3+}\r\nyy\n\r\nb N\r\n",
        [
            want(6, b"a ", sync=False),
            TooLong(b"a", "A literal of 6 octets is too large."),
            Framed((b"b N",)),
        ],
    ),
    (
        b"a {1}\r\n1{1}\r\n2{1}\r\n3{1}\r\nb N\r\n",
        [
            want(1, b"a "),
            want(1, b"a ", Literal(b"1", 1), b""),
            want(1, b"a ", Literal(b"1", 1), b"", Literal(b"2", 1), b""),
            TooLong(b"a", "There are too many literals in one command."),
            Framed((b"b N",)),
        ],
    ),
]


@pytest.mark.parametrize(("octets", "wanted"), TABLE)
def test_events(octets: bytes, wanted: list[Event]) -> None:
    assert events([octets]) == wanted
    assert events(octets[n : n + 1] for n in range(len(octets))) == wanted
    assert events([octets + b"z NOOP\r\n"])[: len(wanted)] == wanted


def test_the_command_as_a_whole_has_a_limit() -> None:
    octets = b"a {9}\r\n123456789 " + b"x" * 30 + b"{9}\r\n123456789 " + b"y" * 20 + b"\r\nb N\r\n"
    found = events([octets])
    assert found[-2:] == [TooLong(b"a", TOO_LONG), Framed((b"b N",))]


@pytest.mark.parametrize(
    "octets",
    [
        b"a {999+}\r\n",
        b"a {99999999999999999999+}\r\n",
        b"a " + b"x" * 50 + b"{99999999999999999999999+}\r\n",
        b"a " + b"x" * 500,
    ],
)
def test_what_cannot_be_skipped_ends_the_connection(octets: bytes) -> None:
    framer = Framer(SMALL)
    framer.feed(octets)
    found = []
    while (event := framer.next_event()) is not None:
        found.append(event)
    assert isinstance(found[-1], Hopeless)
    framer.feed(b"b NOOP\r\n")
    assert framer.next_event() is None


def test_a_diverted_literal_is_handed_out_and_not_kept() -> None:
    octets = b"a APPEND x {200+}\r\n" + b"m" * 200 + b" {2}\r\nhi\r\nb N\r\n"
    wanted = [
        want(200, b"a APPEND x ", sync=False),
        LiteralChunk(b"m" * 200),
        LiteralEnd(),
        want(2, b"a APPEND x ", Literal(b"", 200, diverted=True), b" "),
        LiteralChunk(b"hi"),
        LiteralEnd(),
        Framed(
            (
                b"a APPEND x ",
                Literal(b"", 200, diverted=True),
                b" ",
                Literal(b"", 2, diverted=True),
                b"",
            )
        ),
        Framed((b"b N",)),
    ]
    assert events([octets], "divert") == wanted
    assert events((octets[n : n + 1] for n in range(len(octets))), "divert") == wanted
    empty = events([b"a {0}\r\n\r\n"], "divert")
    assert empty[1:] == [LiteralEnd(), Framed((b"a ", Literal(b"", 0, diverted=True), b""))]


def test_a_refused_literal() -> None:
    assert events([b"a {3}\r\nb N\r\n"], "refuse")[1:] == [Framed((b"b N",))]
    octets = b"a {3+}\r\nb N rest\r\nc N\r\n"
    for chunks in ([octets], [octets[n : n + 1] for n in range(len(octets))]):
        assert events(chunks, "refuse")[1:] == [Framed((b"c N",))]


def test_a_literal_refused_midway() -> None:
    framer = Framer(SMALL)
    framer.feed(b"a APPEND x {10}\r\n")
    assert isinstance(framer.next_event(), WantLiteral)
    framer.divert()
    framer.feed(b"1234")
    assert framer.next_event() == LiteralChunk(b"1234")
    framer.refuse()
    framer.feed(b"567890 more\r\nb N\r\n")
    assert framer.next_event() == Framed((b"b N",))


def test_accept_says_whether_to_ask_for_the_literal() -> None:
    framer = Framer(SMALL)
    framer.feed(b"a {10}\r\n")
    framer.next_event()
    assert framer.accept()
    framer.feed(b"0123456789\r\nb {11}\r\n")
    assert isinstance(framer.next_event(), Framed)
    framer.next_event()
    assert not framer.accept()
    assert isinstance(framer.next_event(), TooLong)


def test_leftover_and_pending() -> None:
    framer = Framer(SMALL)
    assert not framer.pending
    framer.feed(b"a STARTTLS\r\nb INJECTED\r\n")
    assert framer.next_event() == Framed((b"a STARTTLS",))
    assert framer.pending
    assert framer.leftover() == b"b INJECTED\r\n"
    assert not framer.pending
    framer.feed(b"half")
    assert framer.next_event() is None
    assert framer.pending


def test_limits_can_grow_at_sign_in() -> None:
    framer = Framer(SMALL)
    framer.limits = FramingLimits()
    framer.feed(b"a " + b"x" * 1000 + b"\r\n")
    assert framer.next_event() == Framed((b"a " + b"x" * 1000,))


def test_many_small_commands_cost_no_square() -> None:
    framer = Framer()
    framer.feed(b"a NOOP\r\n" * 200_000)
    count = 0
    while framer.next_event() is not None:
        count += 1
    assert count == 200_000


@pytest.mark.parametrize(
    ("line", "tag"),
    [(b"a1 X", b"a1"), (b"A.b]-9 X", b"A.b]-9"), (b"+ X", None), (b"", None), (b"(a) X", None)],
)
def test_tags(line: bytes, tag: bytes | None) -> None:
    assert tag_of((line,)) == tag
