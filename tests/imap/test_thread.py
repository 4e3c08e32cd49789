"""THREAD: both algorithms step by step, and on a store (RFC 5256)."""

from __future__ import annotations

import time

import pytest

from pillarbox.config.imap import ImapSettings
from pillarbox.ids import Uid
from pillarbox.imap.server.commands.thread_order import (
    encode_threads,
    ordered_subject,
    references,
)
from pillarbox.store.query import ThreadRow
from support.imap_desk import Desk, desk_test
from support.store_box import letter

CLIMB = ImapSettings().max_thread_climb
Message = tuple[int, str, int, list[int]]  # sent, subject ("Re: " for replies), id, references


def rows(messages: list[Message]) -> list[ThreadRow]:
    return [
        ThreadRow(
            Uid(n),
            sent,
            subject.removeprefix("Re: "),
            subject.startswith("Re: "),
            own,
            tuple(refs),
        )
        for n, (sent, subject, own, refs) in enumerate(messages, 1)
    ]


def encoded(threads: list[object], count: int) -> str:
    numbers = {n: n for n in range(1, count + 1)}
    return encode_threads(threads, numbers).decode()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("messages", "wanted"),
    [
        ([], ""),
        ([(1, "a", 0, [])], "(1)"),
        ([(1, "a", 0, []), (2, "Re: a", 0, [])], "(1 2)"),
        # The oldest heads its thread; all others are its children, in order of date.
        ([(3, "a", 0, []), (1, "a", 0, []), (2, "a", 0, [])], "(2 (3)(1))"),
        # Threads in the order of their first messages; equal dates in that of the mailbox.
        ([(5, "b", 0, []), (2, "a", 0, []), (2, "c", 0, []), (1, "c", 0, [])], "(4 3)(2)(1)"),
    ],
)
def test_ordered_subject(messages: list[Message], wanted: str) -> None:
    assert encoded(ordered_subject(rows(messages)), len(messages)) == wanted


@pytest.mark.parametrize(
    ("messages", "wanted"),
    [
        ([], ""),
        ([(1, "a", 11, []), (2, "Re: a", 12, [11])], "(1 2)"),
        # A chain and two answers to one message
        (
            [(1, "a", 11, []), (2, "Re: a", 12, [11]), (3, "Re: a", 13, [11]),
             (4, "Re: a", 14, [11, 12])],
            "(1 (2 4)(3))",
        ),
        # An answer that came before what it answers
        ([(2, "Re: a", 12, [11]), (1, "a", 11, [])], "(2 1)"),
        # 3A: a missing message between two leaves no trace
        ([(1, "a", 11, []), (3, "x", 13, [11, 12])], "(1 2)"),
        # 3: a missing head with one child goes, with two it stays as a group
        ([(1, "a", 11, [10])], "(1)"),
        ([(1, "a", 11, [10]), (2, "b", 12, [10])], "((1)(2))"),
        # 1.B: a message's own references, none here, beat a link that another's made
        (
            [(3, "Re: a", 13, [11, 12]), (1, "a", 11, []), (2, "b", 12, []), (4, "c", 14, [])],
            "(2)(3 1)(4)",
        ),
        # Loops are not closed
        ([(1, "a", 11, [12]), (2, "b", 12, [11])], "(2 1)"),
        ([(1, "a", 11, [11])], "(1)"),
        ([(1, "a", 11, [12, 11, 12])], "(1)"),
        # Doubles of an id are messages of their own
        ([(1, "a", 11, []), (2, "b", 11, []), (3, "c", 13, [11])], "(1 3)(2)"),
        # No ids at all: 5, one subject, an answer and no answer
        ([(1, "a", 0, []), (2, "Re: a", 0, [])], "(1 2)"),
        # 5.B: the one that is no answer is put above, though it came later
        ([(1, "Re: a", 0, []), (2, "a", 0, [])], "(2 1)"),
        # 5.C: neither or both are answers: siblings under a dummy
        ([(1, "a", 0, []), (2, "a", 0, [])], "((1)(2))"),
        ([(1, "Re: a", 0, []), (2, "Re: a", 0, []), (3, "Re: a", 0, [])], "((1)(2)(3))"),
        # 5.C: two dummies become one; a message joins a dummy's children
        (
            [(1, "a", 11, [10]), (2, "a", 12, [10]), (3, "a", 13, [20]), (4, "b", 14, [20]),
             (5, "Re: a", 15, [])],
            "((1)(2)(3)(4)(5))",
        ),
        # Empty subjects are never merged
        ([(1, "", 0, []), (2, "", 0, [])], "(1)(2)"),
        # 4 and 6: threads and siblings by date, not by place
        ([(9, "a", 11, []), (8, "x", 12, [11]), (7, "y", 13, [11]), (1, "b", 14, [])],
         "(4)(1 (3)(2))"),
    ],
)  # fmt: skip
def test_references(messages: list[Message], wanted: str) -> None:
    assert encoded(references(rows(messages), CLIMB), len(messages)) == wanted


def test_the_rfcs_shape_of_nested_threads() -> None:
    """RFC 5256 §4: (2)(3 6 (4 23)(44 7 96))."""
    places = [2, 3, 6, 4, 23, 44, 7, 96]
    parents = {6: 3, 4: 6, 23: 4, 44: 6, 7: 44, 96: 7}
    messages = [
        (at, str(n), n, [parents[n]] if n in parents else []) for at, n in enumerate(places)
    ]
    numbers = dict(enumerate(places, 1))
    found = encode_threads(references(rows(messages), CLIMB), numbers)
    assert found == b"(2)(3 6 (4 23)(44 7 96))"


@pytest.mark.timed
def test_a_very_deep_thread_is_no_trouble() -> None:
    count = 30_000
    messages: list[Message] = [(n, "s", n, [n - 1] if n > 1 else []) for n in range(1, count + 1)]
    start = time.process_time()
    found = encoded(references(rows(messages), CLIMB), count)
    assert found == f"({' '.join(map(str, range(1, count + 1)))})"
    assert time.process_time() - start < 5


def test_links_beyond_the_climb_are_none() -> None:
    """`imap.max_thread_climb`: the last message wants a whole thread below a chain of ten."""
    chain: list[Message] = [(n, f"a{n}", n, [n - 1] if n > 1 else []) for n in range(1, 11)]
    thread: list[Message] = [(20, "b", 20, []), (21, "c", 21, [20])]
    knot: list[Message] = [(22, "d", 22, [10, 20])]
    found = rows(chain + thread + knot)
    assert encoded(references(found, 20), 13) == "(1 2 3 4 5 6 7 8 9 10 11 (12)(13))"
    assert encoded(references(found, 5), 13) == "(1 2 3 4 5 6 7 8 9 10)(11 (12)(13))"


@pytest.mark.timed
def test_hostile_links_cost_no_square_of_their_number() -> None:
    chain: list[Message] = [(n, "s", n, [n - 1] if n > 1 else []) for n in range(1, 8001)]
    knots: list[Message] = [(n, "s", 20_000 + n, [8000, 1]) for n in range(4000)]
    start = time.process_time()
    references(rows(chain + knots), CLIMB)
    assert time.process_time() - start < 5


@desk_test
async def test_threads_of_a_mailbox(desk: Desk) -> None:
    def at(hour: int) -> str:
        return f"Mon, 23 Nov 2026 {hour:02}:00:00 +0000"

    head = await desk.append(letter("Plan", Message_ID="<a@x>", Date=at(8)))
    other = await desk.append(letter("Else", Message_ID="<b@x>", Date=at(9)))
    reply = await desk.append(
        letter("Re: Plan", Message_ID="<c@x>", In_Reply_To="<a@x>", Date=at(10))
    )
    await desk.select()
    for algorithm in ("references", "ORDEREDSUBJECT"):
        answer = await desk.say(f"THREAD {algorithm} UTF-8 ALL")
        assert answer.lines == ["* THREAD (1 3)(2)"]
        answer = await desk.say(f"UID THREAD {algorithm} UTF-8 ALL")
        assert answer.lines == [f"* THREAD ({head.uid} {reply.uid})({other.uid})"]
    assert (await desk.say("THREAD REFERENCES UTF-8 2:3")).lines == ["* THREAD (2)(3)"]
    assert (await desk.say("THREAD REFERENCES US-ASCII BCC x")).lines == ["* THREAD"]
    assert (await desk.say("THREAD REFS UTF-8 ALL")).kind == "BAD"
    assert (await desk.say("THREAD REFERENCES X ALL")).code.startswith("BADCHARSET")
