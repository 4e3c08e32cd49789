"""SEARCH on a real store: keys, forms of the answer, `$` (RFC 9051 §6.4.4)."""

from __future__ import annotations

import random
from array import array

import pytest

from pillarbox.imap.server.commands.search import indexes_of
from pillarbox.imap.server.commands.search_keys import BASE_KEYS, KeyReader, Scope
from pillarbox.imap.wire.errors import BadSyntax
from pillarbox.imap.wire.framing import Framed
from pillarbox.imap.wire.reader import Reader
from pillarbox.store import query as q
from pillarbox.store.model import Flag, FlagChange
from support.imap_desk import HOOKS, Desk, desk_test
from support.store_box import letter

SCOPE = Scope((10, 20, 30, 45), (20, 21, 45), 1_000_000)
DAY = 86_400
FEB_1 = 760_060_800  # 1 Feb 1994, 00:00 UTC
ORDINAL = 727_960  # the same day's


def read(text: str) -> q.Query:
    reader = Reader(Framed((text.encode(),)))
    keys = KeyReader(reader, HOOKS.search_keys, HOOKS.limits)
    criteria = keys.program()
    reader.end()
    return criteria(SCOPE)


@pytest.mark.parametrize("seed", range(40))
def test_uids_to_numbers(seed: int) -> None:
    """Few or many of them, with gaps or without, and some that the client does not know."""
    dice = random.Random(seed)
    every = range(1, 1 + dice.choice([0, 1, 30, 600]))
    uids = array("I", [uid for uid in every if dice.random() < dice.choice([0.5, 1])])
    for share in (0, 0.02, 0.1, 0.6, 1):
        found = [uid for uid in range(1, len(every) + 20) if dice.random() <= share]
        wanted = [at for at, uid in enumerate(uids) if uid in found]
        assert list(indexes_of(uids, found)) == wanted
    assert indexes_of(uids, list(uids)) == range(len(uids))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("ALL", q.All()),
        ("seen", q.HasFlag(int(Flag.SEEN))),
        ("UNDRAFT", q.Not(q.HasFlag(int(Flag.DRAFT)))),
        ("KEYWORD $junk", q.HasFlag(int(Flag.JUNK))),
        ("UNKEYWORD blue", q.Not(q.HasKeyword("blue"))),
        ("RECENT", q.Or(())),
        ("OLD", q.All()),
        ("FROM alice", q.Contains(q.Field.FROM, "alice")),
        ('SUBJECT "two words"', q.Contains(q.Field.SUBJECT, "two words")),
        ('HEADER X-Thing ""', q.HasHeader("X-Thing", "")),
        ("BEFORE 1-Feb-1994", q.ReceivedBetween(None, FEB_1)),
        ('ON "1-Feb-1994"', q.ReceivedBetween(FEB_1, FEB_1 + DAY)),
        ("SINCE 01-feb-1994", q.ReceivedBetween(FEB_1, None)),
        ("SENTON 1-Feb-1994", q.SentBetween(ORDINAL, ORDINAL + 1)),
        ("SAVEDON 1-Feb-1994", q.SavedBetween(FEB_1, FEB_1 + DAY)),
        ("SAVEDATESUPPORTED", q.All()),
        ("LARGER 100", q.Larger(100)),
        ("SMALLER 9223372036854775807", q.Smaller(2**63 - 1)),
        ("YOUNGER 60", q.ReceivedBetween(999_940, None)),
        ("OLDER 60", q.ReceivedBetween(None, 999_941)),
        ("MODSEQ 7", q.ModifiedSince(7)),
        ('MODSEQ "/flags/\\\\draft" all 7', q.ModifiedSince(7)),
        ("EMAILID M12", q.IsMessage(12)),
        ("EMAILID X12", q.IsMessage(0)),
        ("THREADID T3", q.InThread(3)),
        ("2:3", q.Uids(((20, 30),))),
        ("*", q.Uids(((45, 45),))),
        ("3:*,1", q.Uids(((10, 10), (30, 45)))),
        ("9:*", q.Uids(((45, 45),))),
        ("UID 15:25,99", q.Uids(((15, 25), (99, 99)))),
        ("UID 50:*", q.Uids(((45, 50),))),
        ("$", q.Uids(((20, 21), (45, 45)))),
        ("UID $", q.Uids(((20, 21), (45, 45)))),
        ("NOT 1", q.Not(q.Uids(((10, 10),)))),
        (
            "OR SEEN (FLAGGED LARGER 5) ALL",
            q.And(
                (
                    q.Or(
                        (
                            q.HasFlag(int(Flag.SEEN)),
                            q.And((q.HasFlag(int(Flag.FLAGGED)), q.Larger(5))),
                        )
                    ),
                    q.All(),
                )
            ),
        ),
    ],
)
def test_a_key_is_a_query(text: str, wanted: q.Query) -> None:
    assert read(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "",
        "NOTHING",
        "5",
        "3:5",
        "0",
        "()",
        "(ALL",
        "ALL ",
        "NOT",
        "OR ALL",
        "FROM",
        "BEFORE 31-Feb-1994",
        "BEFORE yesterday",
        "LARGER -1",
        "YOUNGER 0",
        "MODSEQ x",
        'MODSEQ "/flags/x" 7',
        "(" * 40 + "ALL" + ")" * 40,
        "NOT " * 40 + "ALL",
        " ".join(["ALL"] * 1001),
    ],
)
def test_bad_keys(text: str) -> None:
    with pytest.raises(BadSyntax):
        read(text)


def test_all_keys_of_the_rfc_are_there() -> None:
    """RFC 3501 §6.4.4 and RFC 9051 §6.4.4 together."""
    wanted = (
        "ALL ANSWERED BCC BEFORE BODY CC DELETED DRAFT FLAGGED FROM HEADER KEYWORD LARGER NEW NOT "
        "OLD ON OR RECENT SEEN SENTBEFORE SENTON SENTSINCE SINCE SMALLER SUBJECT TEXT TO UID "
        "UNANSWERED UNDELETED UNDRAFT UNFLAGGED UNKEYWORD UNSEEN"
    )
    assert sorted(BASE_KEYS) == wanted.split()


async def four(desk: Desk) -> list[int]:
    """Four messages: plain, seen, flagged with a keyword, and a Greek one."""
    uids = [
        (await desk.append(letter("One"))).uid,
        (await desk.append(letter("Two"), flags=Flag.SEEN)).uid,
        (await desk.append(letter("Three"), flags=Flag.FLAGGED, keywords="blue")).uid,
        (await desk.append(letter("Four", "ΚΑΛΗΜΕΡΑ κόσμε"), received_at=5)).uid,
    ]
    await desk.select()
    return uids


@desk_test
async def test_answers_to_plain_searches(desk: Desk) -> None:
    uids = await four(desk)
    for keys, wanted in (
        ("ALL", [1, 2, 3, 4]),
        ("UNSEEN", [1, 3, 4]),
        ("KEYWORD blue", [3]),
        ("SUBJECT tWo", [2]),
        ("BEFORE 2-Jan-1970", [4]),
        ("NOT 2:3", [1, 4]),
        ("OR SUBJECT one SUBJECT three", [1, 3]),
        ("HEADER Subject Four", [4]),
        ("TEXT nowhere", []),
    ):
        answer = await desk.say(f"SEARCH {keys}")
        assert answer.lines == [" ".join(["* SEARCH", *map(str, wanted)])], keys
        answer = await desk.say(f"UID SEARCH {keys}")
        assert answer.named("SEARCH") == [[b"%d" % uids[n - 1] for n in wanted]]


@desk_test
async def test_needles_in_other_scripts(desk: Desk) -> None:
    await four(desk)
    needle = "καλημερα".encode()
    assert (await desk.say("SEARCH CHARSET utf-8 BODY ", needle)).lines == ["* SEARCH 4"]
    assert (await desk.say("SEARCH BODY ", needle)).lines == ["* SEARCH 4"]
    assert (await desk.say("SEARCH BODY ", b"\xff\xfe")).kind == "BAD"
    refused = await desk.say("SEARCH CHARSET KOI8-R BODY ", b"\xff")
    assert (refused.kind, refused.code) == ("NO", "BADCHARSET (UTF-8 US-ASCII)")
    await desk.select("UTF8=ACCEPT")
    assert (await desk.say("SEARCH CHARSET UTF-8 BODY ", needle)).lines == ["* SEARCH 4"]


@desk_test
async def test_result_options(desk: Desk) -> None:
    uids = await four(desk)
    for options, keys, wanted in (
        ("MIN", "UNSEEN", " MIN 1"),
        ("MAX COUNT", "UNSEEN", " MAX 4 COUNT 3"),
        ("ALL", "UNSEEN", " ALL 1,3:4"),
        ("", "ALL", " ALL 1:4"),
        ("min max all count", "BCC x", " COUNT 0"),
        ("MIN MAX", "BCC x", ""),
    ):
        answer = await desk.say(f"SEARCH RETURN ({options}) {keys}")
        assert answer.lines == [f'* ESEARCH (TAG "t1"){wanted}']
    answer = await desk.say("UID SEARCH RETURN (MAX) ALL")
    assert answer.lines == [f'* ESEARCH (TAG "t1") UID MAX {uids[3]}']
    assert (await desk.say("SEARCH RETURN (SOME) ALL")).kind == "BAD"
    assert (await desk.say("SEARCH RETURN MIN ALL")).kind == "BAD"


@desk_test
async def test_rev2_answers_esearch(desk: Desk) -> None:
    await four(desk)
    await desk.select("IMAP4REV2")
    assert (await desk.say("SEARCH SEEN")).lines == ['* ESEARCH (TAG "t1") ALL 2']
    assert (await desk.say("UID SEARCH BCC x")).lines == ['* ESEARCH (TAG "t1") UID']


@desk_test
async def test_saving_a_result(desk: Desk) -> None:
    """RFC 9051 §6.4.4.1, table 4."""
    uids = await four(desk)
    for options, saved, lines in (
        ("SAVE", [0, 2, 3], 0),
        ("SAVE MIN", [0], 1),
        ("MAX SAVE", [3], 1),
        ("SAVE MIN MAX", [0, 3], 1),
        ("SAVE MIN COUNT", [0, 2, 3], 1),
        ("ALL SAVE MAX", [0, 2, 3], 1),
    ):
        answer = await desk.say(f"SEARCH RETURN ({options}) UNSEEN")
        assert len(answer.lines) == lines
        assert list(desk.ctx.saved) == [uids[n] for n in saved], options
    assert (await desk.say("SEARCH $ FLAGGED")).lines == ["* SEARCH 3"]
    assert (await desk.say("SEARCH RETURN (SAVE) NONSENSE")).kind == "BAD"
    assert (await desk.say("SEARCH CHARSET X ALL")).kind == "NO"
    assert len(desk.ctx.saved) == 3
    assert (await desk.say("SEARCH RETURN (SAVE) CHARSET X ALL")).kind == "NO"
    assert len(desk.ctx.saved) == 0
    assert (await desk.say("SEARCH $")).lines == ["* SEARCH"]
    assert (await desk.say("SEARCH NOT $")).lines == ["* SEARCH 1 2 3 4"]


@desk_test
async def test_modseq_in_answers(desk: Desk) -> None:
    """RFC 7162 §3.1.5, §3.1.10; RFC 4731 §3.2."""
    uids = await four(desk)
    await desk.flag(uids[:1], FlagChange.ADD, Flag.ANSWERED)
    view = await desk.select()
    high, low, last = view.modseqs[0], view.modseqs[1], view.modseqs[3]
    answer = await desk.say(f"SEARCH MODSEQ {low}")
    assert answer.lines[0].startswith("* OK [HIGHESTMODSEQ")
    assert answer.lines[1:] == [f"* SEARCH 1 2 3 4 (MODSEQ {high})"]
    for options, wanted in (
        ("MIN", f"MIN 2 MODSEQ {low}"),
        ("MAX", f"MAX 4 MODSEQ {last}"),
        ("MIN MAX", f"MIN 2 MAX 4 MODSEQ {last}"),
        ("MIN COUNT", f"MIN 2 COUNT 3 MODSEQ {last}"),
    ):
        answer = await desk.say(f"SEARCH RETURN ({options}) MODSEQ {low} 2:4")
        assert answer.lines == [f'* ESEARCH (TAG "t1") {wanted}']
    assert (await desk.say(f"SEARCH MODSEQ {high + 1}")).lines == ["* SEARCH"]
    empty = await desk.say(f"SEARCH RETURN (ALL) MODSEQ {high + 1}")
    assert empty.lines == ['* ESEARCH (TAG "t1")']


@desk_test
async def test_what_a_client_was_not_told_is_not_found(desk: Desk) -> None:
    uids = await four(desk)
    await desk.append(letter("New"))
    await desk.expunge(uids[:1])
    assert (await desk.say("SEARCH ALL")).lines == ["* SEARCH 2 3 4"]
    assert (await desk.say("SEARCH SUBJECT New")).lines == ["* SEARCH"]


@desk_test
async def test_an_empty_mailbox(desk: Desk) -> None:
    await desk.select()
    assert (await desk.say("SEARCH 1:* UNSEEN")).lines == ["* SEARCH"]
    assert (await desk.say("UID SEARCH UID 1:*")).lines == ["* SEARCH"]
    assert (await desk.say("SEARCH 1")).kind == "BAD"
