"""SORT (RFC 5256, RFC 5957) and its result options (RFC 5267 §3)."""

from __future__ import annotations

import pytest

from pillarbox.ids import Uid
from pillarbox.imap.server.commands.sort_order import SortBy, in_order
from pillarbox.store.query import SortRow
from support.imap_desk import Desk, desk_test
from support.store_box import letter

#           uid received sent size subject  from  to   cc   display_from display_to
ROWS = [
    SortRow(Uid(1), 30, 100, 9, "beta", "bob", "x", "", "Zed", "b"),
    SortRow(Uid(2), 10, 300, 5, "alpha", "al", "", "q", "Ann", "b"),
    SortRow(Uid(3), 20, 200, 5, "", "cy", "y", "", "Ann", "a"),
    SortRow(Uid(4), 20, 200, 7, "beta", "al", "z", "p", "", "c"),
]


@pytest.mark.parametrize(
    ("criteria", "wanted"),
    [
        ("ARRIVAL", [2, 3, 4, 1]),
        ("DATE", [1, 3, 4, 2]),
        ("-DATE", [2, 3, 4, 1]),  # equal ones keep the mailbox's order
        ("SIZE", [2, 3, 4, 1]),
        ("SUBJECT", [3, 2, 1, 4]),
        ("SUBJECT -DATE", [3, 2, 4, 1]),
        ("-SUBJECT DATE", [1, 4, 2, 3]),
        ("FROM SIZE", [2, 4, 1, 3]),
        ("TO", [2, 1, 3, 4]),
        ("CC", [1, 3, 4, 2]),
        ("DISPLAYFROM ARRIVAL", [4, 2, 3, 1]),
        ("-DISPLAYTO", [4, 1, 2, 3]),
    ],
)
def test_orders(criteria: str, wanted: list[int]) -> None:
    by = [SortBy(c.removeprefix("-"), c.startswith("-")) for c in criteria.split()]
    assert [row.uid for row in in_order(ROWS, by)] == wanted


async def three(desk: Desk) -> list[int]:
    uids = [
        (await desk.append(letter("Re: b", From="Zoe <al@example.org>"), received_at=3)).uid,
        (await desk.append(letter("[list] a", From="bo@example.org"), received_at=2)).uid,
        (await desk.append(letter("b", From="Cy <cy@example.org>"), received_at=1)).uid,
    ]
    await desk.select()
    return uids


@desk_test
async def test_sorting_a_mailbox(desk: Desk) -> None:
    uids = await three(desk)
    for command, wanted in (
        ("(ARRIVAL) UTF-8 ALL", "3 2 1"),
        ("(reverse arrival) us-ascii ALL", "1 2 3"),
        ("(SUBJECT) UTF-8 ALL", "2 1 3"),
        ("(SUBJECT REVERSE FROM) UTF-8 ALL", "2 3 1"),
        ("(FROM) UTF-8 ALL", "1 2 3"),
        ("(DISPLAYFROM) UTF-8 ALL", "2 3 1"),
        ("(SUBJECT) UTF-8 2:3", "2 3"),
    ):
        assert (await desk.say(f"SORT {command}")).lines == [f"* SORT {wanted}"], command
    assert (await desk.say("SORT (DATE) UTF-8 BCC x")).lines == ["* SORT"]
    found = await desk.say("UID SORT (ARRIVAL) UTF-8 ALL")
    assert found.named("SORT") == [[b"%d" % uid for uid in reversed(uids)]]


@desk_test
async def test_result_options_keep_the_order(desk: Desk) -> None:
    uids = await three(desk)
    for options, wanted in (
        ("", "ALL 3,2,1"),
        ("MIN MAX COUNT", "MIN 3 MAX 1 COUNT 3"),
    ):
        answer = await desk.say(f"SORT RETURN ({options}) (ARRIVAL) UTF-8 ALL")
        assert answer.lines == [f'* ESEARCH (TAG "t1") {wanted}']
    answer = await desk.say("SORT RETURN (ALL) (REVERSE ARRIVAL) UTF-8 ALL")
    assert answer.lines == ['* ESEARCH (TAG "t1") ALL 1:3']
    await desk.say("SORT RETURN (SAVE MIN) (ARRIVAL) UTF-8 ALL")
    assert list(desk.ctx.saved) == uids[2:]
    await desk.select("IMAP4REV2")
    assert (await desk.say("SORT (ARRIVAL) UTF-8 ALL")).lines == ["* SORT 3 2 1"]


@desk_test
async def test_modseq_and_refusals(desk: Desk) -> None:
    await three(desk)
    view = await desk.select("CONDSTORE")
    answer = await desk.say("SORT (ARRIVAL) UTF-8 MODSEQ 1")
    assert answer.lines == [f"* SORT 3 2 1 (MODSEQ {max(view.modseqs)})"]
    assert (await desk.say("SORT (ARRIVAL) KOI8-R ALL")).code.startswith("BADCHARSET")
    for line in (
        "SORT () UTF-8 ALL",
        "SORT (ARRIVAL REVERSE) UTF-8 ALL",
        "SORT (COLOUR) UTF-8 ALL",
        "SORT (ARRIVAL) UTF-8",
        "SORT ARRIVAL UTF-8 ALL",
        "SORT (" + " ".join(["DATE"] * 30) + ") UTF-8 ALL",
    ):
        assert (await desk.say(line)).kind == "BAD", line
