"""STORE asks the store for no more than it must, and does not take its picture for the store."""

from __future__ import annotations

from typing import Any

from pillarbox.imap.server.untagged import refresh
from pillarbox.store.model import Flag, FlagChange
from support.imap_desk import Desk, desk_test

SEEN, FLAGGED = int(Flag.SEEN), int(Flag.FLAGGED)


async def _selected(desk: Desk) -> None:
    """Three letters; the session knows all that there is."""
    await desk.fill(3)
    await desk.select()


async def _flags(desk: Desk) -> list[int]:
    return [row.flags for row in await desk.placed()]


async def _told(desk: Desk) -> list[object]:
    """What the end of a command tells."""
    desk.link.octets.clear()
    if desk.ctx.stale:
        await refresh(desk.ctx, tell_expunged=True)
    return [line for line in bytes(desk.link.octets).split(b"\r\n") if line]


@desk_test
async def test_the_view_moves_on_by_an_own_change(desk: Desk) -> None:
    await _selected(desk)
    for flag in (r"\Seen", r"\Flagged"):
        assert (await desk.say(f"STORE 2 +FLAGS.SILENT ({flag})")).kind == "OK"
        assert not desk.ctx.stale
        assert desk.ctx.selected.modseq == (await desk.mailbox("INBOX")).modseq
    assert await _flags(desk) == [0, SEEN | FLAGGED, 0]


@desk_test
async def test_a_body_that_was_read_moves_it_on_too(desk: Desk) -> None:
    await _selected(desk)
    assert (await desk.say("FETCH 3 (BODY[TEXT])")).kind == "OK"
    assert not desk.ctx.stale
    assert await _flags(desk) == [0, 0, SEEN]


@desk_test
async def test_others_changes_from_before_are_told(desk: Desk) -> None:
    await _selected(desk)
    first, second, third = [row.uid for row in await desk.placed()]
    await desk.flag([first], FlagChange.ADD, FLAGGED)
    await desk.expunge([third])
    assert (await desk.say(rf"UID STORE {second} +FLAGS.SILENT (\Seen)")).kind == "OK"
    assert desk.ctx.stale
    assert await _told(desk) == [b"* 3 EXPUNGE", rb"* 1 FETCH (FLAGS (\Flagged))"]


@desk_test
async def test_others_changes_from_behind_are_told(desk: Desk) -> None:
    """One that is committed before the session gets the answer to its own."""
    await _selected(desk)
    first, second, _ = [row.uid for row in await desk.placed()]
    write = desk.store.write

    async def slow(*args: Any, **more: Any) -> Any:
        outcome = await write(*args, **more)
        desk.store.write = write  # type: ignore[method-assign]
        await desk.flag([first], FlagChange.ADD, FLAGGED)
        return outcome

    desk.store.write = slow  # type: ignore[method-assign]
    assert (await desk.say(rf"UID STORE {second} +FLAGS.SILENT (\Seen)")).kind == "OK"
    assert desk.ctx.stale
    assert await _told(desk) == [rb"* 1 FETCH (FLAGS (\Flagged))"]


@desk_test
async def test_what_is_as_wished_is_not_written(desk: Desk) -> None:
    await _selected(desk)
    await desk.say(r"STORE 1:2 +FLAGS.SILENT (\Seen)")
    modseq = (await desk.account()).modseq
    for change in (r"1:2 +FLAGS (\Seen)", r"1:2 FLAGS (\Seen)", r"1:3 -FLAGS (\Flagged)"):
        answer = await desk.say(f"STORE {change}")
        assert (answer.kind, answer.code) == ("OK", "")
        assert rb"* 2 FETCH (FLAGS (\Seen))" in bytes(desk.link.octets)
    assert (await desk.account()).modseq == modseq


@desk_test
async def test_what_others_took_away_meanwhile_is_set_again(desk: Desk) -> None:
    await _selected(desk)
    await desk.say(r"STORE 2 +FLAGS.SILENT (\Seen)")
    uid = (await desk.placed())[1].uid
    await desk.flag([uid], FlagChange.REMOVE, SEEN)
    assert desk.ctx.selected.flags[1] == SEEN, "it has not heard of that"
    assert (await desk.say(r"STORE 2 +FLAGS.SILENT (\Seen)")).kind == "OK"
    assert await _flags(desk) == [0, SEEN, 0]


@desk_test
async def test_a_message_that_went_is_told_also_where_nothing_is_written(desk: Desk) -> None:
    await _selected(desk)
    await desk.say(r"STORE 1:3 +FLAGS.SILENT (\Seen)")
    uids = [row.uid for row in await desk.placed()]
    await desk.expunge(uids[1:2])
    answer = await desk.say(r"STORE 2:3 +FLAGS.SILENT (\Seen)")
    assert (answer.kind, answer.code) == ("OK", "EXPUNGEISSUED")
