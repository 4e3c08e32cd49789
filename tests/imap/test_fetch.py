"""FETCH on a real store: items, flags set on the way, modifiers (RFC 9051 §6.4.5)."""

from __future__ import annotations

from pillarbox.store.model import Flag, FlagChange
from support.imap_desk import Desk, desk_test
from support.store_box import letter


@desk_test
async def test_items_of_the_view_need_no_store(desk: Desk) -> None:
    first, second = await desk.fill(2)
    await desk.flag([second], FlagChange.ADD, Flag.SEEN | Flag.FLAGGED, "zebra apple")
    await desk.select()
    answer = await desk.say("FETCH 1:* (UID FLAGS)")
    assert answer.lines == [
        f"* 1 FETCH (UID {first} FLAGS ())",
        f"* 2 FETCH (UID {second} FLAGS (\\Seen \\Flagged apple zebra))",
    ]


@desk_test
async def test_macros_are_their_items(desk: Desk) -> None:
    await desk.append(letter("Hi"), received_at=0)
    await desk.select()
    fetched = {}
    for macro in ("FAST", "ALL", "FULL"):
        fetched[macro] = (await desk.say(f"FETCH 1 {macro}")).fetched[1]
    assert list(fetched["FAST"]) == ["FLAGS", "INTERNALDATE", "RFC822.SIZE"]
    assert list(fetched["ALL"]) == [*fetched["FAST"], "ENVELOPE"]
    assert list(fetched["FULL"]) == [*fetched["ALL"], "BODY"]
    assert fetched["FULL"]["INTERNALDATE"] == b" 1-Jan-1970 00:00:00 +0000"
    assert fetched["FULL"]["ENVELOPE"][1] == b"Hi"
    assert fetched["FULL"]["BODY"][:2] == [b"text", b"plain"]


@desk_test
async def test_uid_fetch_always_tells_the_uid_and_skips_what_is_not_there(desk: Desk) -> None:
    uids = await desk.fill(3)
    await desk.select()
    answer = await desk.say(f"UID FETCH {uids[1]},{uids[2] + 50}:* FLAGS")
    assert [list(items) for items in answer.fetched.values()] == [["UID", "FLAGS"]] * 2
    assert sorted(answer.fetched) == [2, 3]  # n:* names the last one also when n is above it
    assert (await desk.say("FETCH 4 FLAGS")).kind == "BAD"
    assert (await desk.say("FETCH 2:9 FLAGS")).kind == "BAD"
    assert (await desk.say("UID FETCH 4000:4001 FLAGS")).lines == []


@desk_test
async def test_a_body_sets_seen_and_a_peek_does_not(desk: Desk) -> None:
    raw = letter("Hello")
    await desk.append(raw)
    await desk.append(raw)
    view = await desk.select()
    peeked = await desk.say("FETCH 1 (BODY.PEEK[] RFC822.HEADER BODY.PEEK[]<0.5>)")
    assert list(peeked.fetched[1].values()) == [raw, raw[: raw.index(b"\r\n\r\n") + 4], raw[:5]]
    assert view.flags[0] == 0
    taken = await desk.say("FETCH 1 BODY[]")
    assert taken.fetched[1] == {"FLAGS": [b"\\Seen"], "BODY[]": raw}
    assert view.flags[0] == Flag.SEEN
    assert [p.flags for p in await desk.placed()] == [Flag.SEEN, 0]
    again = await desk.say("FETCH 1 (FLAGS BODY[TEXT])")
    assert again.fetched[1] == {"FLAGS": [b"\\Seen"], "BODY[TEXT]": b"A few words.\r\n"}
    both = await desk.say("FETCH 2 (FLAGS RFC822 UID)")
    assert both.fetched[2]["FLAGS"] == [b"\\Seen"]
    assert both.fetched[2]["RFC822"] == raw


@desk_test
async def test_examine_sets_no_flag(desk: Desk) -> None:
    await desk.append()
    await desk.select(read_only=True)
    assert list((await desk.say("FETCH 1 BODY[TEXT]")).fetched[1]) == ["BODY[TEXT]"]
    assert [p.flags for p in await desk.placed()] == [0]


@desk_test
async def test_seen_by_the_way_tells_uid_and_modseq_to_condstore_clients(desk: Desk) -> None:
    """RFC 7162 §3.2.4."""
    done = await desk.append()
    view = await desk.select("CONDSTORE")
    got = (await desk.say("FETCH 1 BODY[TEXT]")).fetched[1]
    assert got["UID"] == b"%d" % done.uid
    assert got["MODSEQ"] == [b"%d" % view.modseqs[0]]
    assert view.modseqs[0] > done.modseq


@desk_test
async def test_changed_since_adds_modseq_and_enables_condstore(desk: Desk) -> None:
    uids = await desk.fill(3)
    view = await desk.select()
    since = view.picture.modseq
    await desk.flag([uids[1]], FlagChange.ADD, Flag.FLAGGED)
    view = await desk.select()
    answer = await desk.say(f"FETCH 1:3 FLAGS (CHANGEDSINCE {since})")
    assert answer.lines[0].startswith("* OK [HIGHESTMODSEQ ")
    assert answer.lines[1:] == [f"* 2 FETCH (FLAGS (\\Flagged) MODSEQ ({view.modseqs[1]}))"]
    assert desk.ctx.condstore
    none = await desk.say(f"UID FETCH 1:* FLAGS (CHANGEDSINCE {view.modseqs[1]})")
    assert none.lines == []


@desk_test
async def test_vanished_tells_what_went_before_the_rest(desk: Desk) -> None:
    uids = await desk.fill(5)
    since = (await desk.mailbox("INBOX")).modseq
    await desk.expunge(uids[1:3])
    view = await desk.select("CONDSTORE", "QRESYNC")
    answer = await desk.say(f"UID FETCH 1:* FLAGS (CHANGEDSINCE {since} VANISHED)")
    assert answer.lines == [f"* VANISHED (EARLIER) {uids[1]}:{uids[2]}"]
    some = await desk.say(f"UID FETCH 1:{uids[1]} FLAGS (CHANGEDSINCE {since} VANISHED)")
    assert some.lines == [f"* VANISHED (EARLIER) {uids[1]}"]
    await desk.expunge(uids[4:])  # this session still counts it
    assert len(view) == 3
    assert (await desk.say(f"UID FETCH {uids[4]} FLAGS (CHANGEDSINCE {since} VANISHED)")).ok


@desk_test
async def test_vanished_wants_its_companions(desk: Desk) -> None:
    await desk.append()
    await desk.select()
    assert (await desk.say("UID FETCH 1 FLAGS (CHANGEDSINCE 1 VANISHED)")).kind == "BAD"
    await desk.select("CONDSTORE", "QRESYNC")
    assert (await desk.say("UID FETCH 1 FLAGS (VANISHED)")).kind == "BAD"
    assert (await desk.say("FETCH 1 FLAGS (CHANGEDSINCE 1 VANISHED)")).kind == "BAD"
    assert (await desk.say("UID FETCH 1 FLAGS (VANISHED CHANGEDSINCE 1)")).ok


@desk_test
async def test_dates_ids_and_previews(desk: Desk) -> None:
    done = await desk.append(letter("Hi", "Grüße aus Köln"))
    await desk.select()
    got = (await desk.say("FETCH 1 (EMAILID THREADID SAVEDATE PREVIEW MODSEQ)")).fetched[1]
    assert got["EMAILID"] == [b"M%d" % done.message]
    assert got["THREADID"] == [b"T%d" % done.thread]
    assert got["SAVEDATE"].endswith(b"+0000")
    assert got["PREVIEW"].decode() == "Grüße aus Köln"
    assert got["MODSEQ"] == [b"%d" % done.modseq]
    for line in ("FETCH 1 PREVIEW (LAZY)", "FETCH 1 (PREVIEW (lazy) UID)"):
        assert (await desk.say(line)).fetched[1]["PREVIEW"] == got["PREVIEW"]


@desk_test
async def test_a_saved_result_names_messages(desk: Desk) -> None:
    uids = await desk.fill(3)
    await desk.select()
    desk.ctx.saved.extend([uids[0], uids[2], 4000])
    assert sorted((await desk.say("FETCH $ UID")).fetched) == [1, 3]
    assert sorted((await desk.say("UID FETCH $ UID")).fetched) == [1, 3]
    del desk.ctx.saved[:]
    assert (await desk.say("FETCH $ UID")).lines == []


@desk_test
async def test_many_messages_come_in_bursts_and_whole(desk: Desk) -> None:
    uids = await desk.fill(1203)
    await desk.select()
    answer = await desk.say("FETCH 1:* (UID ENVELOPE)")
    assert [int(items["UID"]) for items in answer.fetched.values()] == uids
    assert desk.link.bursts >= 2


@desk_test
async def test_bad_fetches(desk: Desk) -> None:
    await desk.append()
    await desk.select()
    for line in (
        "FETCH 1",
        "FETCH 1 ",
        "FETCH 1 ()",
        "FETCH 0 FLAGS",
        "FETCH 1 (FLAGS UID",
        "FETCH 1 (FLAGS  UID)",
        "FETCH 1 (ALL)",
        "FETCH 1 NOTHING",
        "FETCH 1 BODY[0]",
        "FETCH 1 BODY[1.]",
        "FETCH 1 BODY[MIME]",
        "FETCH 1 BODY[HEADER.FIELDS]",
        "FETCH 1 BODY[HEADER.FIELDS ()]",
        "FETCH 1 BODY[1",
        "FETCH 1 BODY[]<0>",
        "FETCH 1 BODY[]<0.0>",
        "FETCH 1 BODY.PEEK",
        "FETCH 1 BINARY[TEXT]",
        "FETCH 1 BINARY.SIZE[1]<0.1>",
        "FETCH 1 FLAGS (CHANGEDSINCE)",
        "FETCH 1 FLAGS (CHANGEDSINCE 1 CHANGEDSINCE 2)",
        "FETCH 1 FLAGS (UNCHANGEDSINCE 1)",
        "FETCH 1 (" + " ".join(f"BODY[{n}]" for n in range(1, 300)) + ")",
    ):
        answer = await desk.say(line)
        assert (answer.kind, answer.lines) == ("BAD", []), line
