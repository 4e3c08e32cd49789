"""Any octets, any chunking: the same events, no error but BadSyntax, no memory past the limits."""

from __future__ import annotations

import contextlib
import itertools

from hypothesis import given
from hypothesis import strategies as st

from pillarbox.imap.server.commands.fetch_syntax import parse_fetch, parse_uid_fetch
from pillarbox.imap.server.commands.search import parse_search
from pillarbox.imap.server.commands.search_keys import Scope
from pillarbox.imap.server.commands.sort import parse_sort
from pillarbox.imap.server.commands.thread import parse_thread
from pillarbox.imap.wire import modified_utf7
from pillarbox.imap.wire.encoder import encode_astring, encode_mailbox, encode_string
from pillarbox.imap.wire.errors import BadSyntax
from pillarbox.imap.wire.framing import (
    Event,
    Framed,
    Framer,
    FramingLimits,
    Literal,
    LiteralChunk,
    WantLiteral,
)
from pillarbox.imap.wire.reader import Reader
from pillarbox.imap.wire.sequence_set import encode_ranges, parse_sequence_set
from support.imap_desk import HOOKS, frames

LIMITS = FramingLimits(line=60, literal=20, command=100, literals=3, unsolicited=9, skipped=200)
WORDS = [
    b"a", b" ", b"\r\n", b"\n", b"\r", b"{", b"}", b"+", b"{3}", b"{3+}\r\n", b"~{2}\r\n",
    b"{0}\r\n",
    b"{15}\r\n", b"{99+}\r\n", b"{12345678901234567890123+}", b'"', b"\\", b"\x00", b"\xff", b"(",
    b")", b"xxxxxxxxxxxxxxxxxxxx",
]  # fmt: skip
GRAMMAR = [
    b"FETCH", b"1:*", b"$", b"2,4", b" ", b"(", b")", b"[", b"]", b"<0.5>", b"BODY", b"BODY.PEEK",
    b"BINARY", b"HEADER.FIELDS", b"MIME", b"1.2", b".", b"FLAGS", b"UID", b"CHANGEDSINCE", b"5",
    b"RETURN (MIN SAVE) ", b"CHARSET UTF-8 ", b"OR", b"NOT", b"ALL", b"FROM", b"HEADER", b'"x"',
    b"1-Feb-1994", b"MODSEQ", b"YOUNGER", b"REVERSE", b"DATE", b"REFERENCES", b"UTF-8", b"\\Seen",
    b"KEYWORD", b"\xc3", b"PREVIEW (LAZY)",
]  # fmt: skip


def soup(words: list[bytes]) -> st.SearchStrategy[bytes]:
    return st.lists(st.one_of(st.sampled_from(words), st.binary(max_size=3)), max_size=40).map(
        b"".join
    )


def run(chunks: list[bytes], choices: list[str]) -> list[Event]:
    """All events; `choices` are what happens to one literal after the other."""
    framer = Framer(LIMITS)
    found: list[Event] = []
    turn = 0
    for chunk in chunks:
        framer.feed(chunk)
        while (event := framer.next_event()) is not None:
            if isinstance(event, WantLiteral):
                getattr(framer, choices[turn % len(choices)])()
                turn += 1
            last = found[-1] if found else None
            if isinstance(event, LiteralChunk) and isinstance(last, LiteralChunk):
                found[-1] = LiteralChunk(last.octets + event.octets)
            else:
                found.append(event)
    return found


CHOICES = st.lists(st.sampled_from(["accept", "divert", "refuse"]), min_size=1, max_size=4)


@given(soup(WORDS), st.lists(st.integers(0, 400), max_size=8), CHOICES)
def test_chunking_does_not_matter(octets: bytes, cuts: list[int], choices: list[str]) -> None:
    edges = sorted({0, len(octets), *(cut for cut in cuts if cut < len(octets))})
    chunks = [octets[a:b] for a, b in itertools.pairwise(edges)]
    single = [octets[n : n + 1] for n in range(len(octets))]
    assert run(chunks, choices) == run([octets], choices) == run(single, choices)


@given(soup(WORDS), CHOICES)
def test_memory_is_bounded(octets: bytes, choices: list[str]) -> None:
    for event in run([octets], choices):
        if isinstance(event, Framed):
            held = sum(len(s.octets if isinstance(s, Literal) else s) for s in event.segments)
            assert held <= LIMITS.command


@given(soup(WORDS + GRAMMAR))
def test_readers_raise_nothing_but_bad_syntax(octets: bytes) -> None:
    for event in run([octets + b"\r\n"], ["accept"]):
        if not isinstance(event, Framed):
            continue
        for name in ("tag", "astring", "mailbox", "list_mailbox", "flag_list", "number64",
                     "sequence_set", "date", "date_time", "nstring", "literal"):  # fmt: skip
            with contextlib.suppress(BadSyntax):
                getattr(Reader(event), name)()


@given(soup(GRAMMAR))
def test_commands_raise_nothing_but_bad_syntax(octets: bytes) -> None:
    scope = Scope((1, 2, 5), (2,), 1_000_000)
    for parse in (parse_fetch, parse_uid_fetch, parse_search, parse_sort, parse_thread):
        reader = Reader(Framed((octets,)))
        try:
            command = parse(reader, HOOKS)
            reader.end()
            if hasattr(command, "program"):
                command.program.criteria(scope)
        except BadSyntax:
            pass


@given(st.text(max_size=30))
def test_mailbox_names_round_trip(name: str) -> None:
    if any("\ud800" <= c <= "\udfff" for c in name):
        return
    octets = modified_utf7.encode(name)
    assert octets.isascii()
    assert modified_utf7.decode(octets) == name
    if "\0" not in name:
        (framed,) = frames(b"* " + encode_mailbox(name) + b"\r\n")
        reader = Reader(framed)
        reader.expect(b"* ")
        assert reader.mailbox() == name
        reader.end()


@given(st.binary(max_size=60).filter(lambda octets: b"\0" not in octets))
def test_strings_round_trip(octets: bytes) -> None:
    for encode in (encode_string, encode_astring):
        (framed,) = frames(b"* " + encode(octets) + b"\r\n")
        reader = Reader(framed)
        reader.expect(b"* ")
        assert reader.astring() == octets
        reader.end()


@given(st.lists(st.tuples(st.integers(1, 2**32 - 1), st.integers(1, 2**32 - 1)), min_size=1))
def test_sets_round_trip(pairs: list[tuple[int, int]]) -> None:
    resolved = parse_sequence_set(encode_ranges(pairs)).resolve(7)
    assert resolved == sorted(resolved)
    assert parse_sequence_set(encode_ranges(resolved)).resolve(7) == resolved
    for low, high in pairs:
        assert any(a <= min(low, high) and max(low, high) <= b for a, b in resolved)
