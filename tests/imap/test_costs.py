"""What reading costs, counted: statements, and copies of a message's octets. Never times.

A number that grows is a decision, not a failure: raise it here with its reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from pillarbox.imap.server.registry import COMMANDS
from pillarbox.store.blobs import record
from support import imap_desk
from support.costs import Costs, counted
from support.imap_desk import Desk
from support.store_box import letter

BODY = "0123456789" * 6 + "\r\n"
ONE_BODY = {"BEGIN": 1, "SELECT message": 2, "SELECT blob": 1, "COMMIT": 1}


@pytest.fixture(autouse=True)
def all_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    """The desk has few of its own."""
    monkeypatch.setattr(imap_desk, "COMMANDS", COMMANDS)


Test = Callable[[Desk, Costs], Awaitable[None]]


def _counting(folder: Path, test: Test) -> None:
    async def run() -> None:
        with counted() as costs:
            async with Desk(folder) as desk:
                await desk.append(letter(body=BODY * 1000))
                await desk.fill(9)
                await desk.select()
                costs.reset()
                await test(desk, costs)

    asyncio.run(run())


@pytest.mark.parametrize(
    "command, statements",
    [
        ("FETCH 1 (FLAGS UID RFC822.SIZE)", {}),
        ("FETCH 1:10 (FLAGS UID RFC822.SIZE)", {}),
        ("FETCH 1 (ENVELOPE)", {"BEGIN": 1, "SELECT message": 1, "COMMIT": 1}),
        ("FETCH 1:10 (ENVELOPE)", {"BEGIN": 1, "SELECT message": 1, "COMMIT": 1}),
        ("FETCH 2 (FLAGS ENVELOPE BODY.PEEK[])", ONE_BODY),
        ("FETCH 1:10 (FLAGS ENVELOPE BODY.PEEK[])", {**ONE_BODY, "SELECT blob": 10}),
        ("STATUS INBOX (MESSAGES UIDNEXT)", {"SELECT mailbox": 1}),
    ],
)
def test_reading(tmp_path: Path, command: str, statements: dict[str, int]) -> None:
    async def test(desk: Desk, costs: Costs) -> None:
        assert (await desk.say(command)).kind == "OK"
        assert dict(costs.statements) == statements

    _counting(tmp_path, test)


def test_marking_one(tmp_path: Path) -> None:
    async def test(desk: Desk, costs: Costs) -> None:
        assert (await desk.say("UID STORE 2 +FLAGS.SILENT (\\Flagged)")).kind == "OK"
        assert dict(costs.statements) == {
            "BEGIN IMMEDIATE": 1,
            "SAVEPOINT job": 1,
            "SELECT placement": 1,
            "SELECT mailbox": 1,  # has nobody else changed it? then nothing is asked behind this
            "UPDATE account": 1,
            "UPDATE placement": 1,
            "UPDATE mailbox": 1,
            "RELEASE job": 1,
            "COMMIT": 1,
        }
        assert not desk.ctx.stale, "the end of the command would read what it wrote"

    _counting(tmp_path, test)


def test_marking_what_is_marked(tmp_path: Path) -> None:
    async def test(desk: Desk, costs: Costs) -> None:
        await desk.say("UID STORE 2:4 +FLAGS.SILENT (\\Flagged)")
        for which in ("2", "2:4"):
            costs.reset()
            assert (await desk.say(f"UID STORE {which} +FLAGS (\\Flagged)")).kind == "OK"
            assert dict(costs.statements) == {"BEGIN": 1, "SELECT placement": 1, "COMMIT": 1}
            assert not desk.ctx.stale

    _counting(tmp_path, test)


def test_reading_a_body_marks_it_in_one_write(tmp_path: Path) -> None:
    async def test(desk: Desk, costs: Costs) -> None:
        assert (await desk.say("FETCH 2 (BODY[])")).kind == "OK"
        assert costs.statements["BEGIN IMMEDIATE"] == 1
        assert costs.statements["BEGIN"] == 1
        assert not desk.ctx.stale, "the end of the command would read what it wrote"

    _counting(tmp_path, test)


def test_the_octets_leave_as_they_were_expanded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large message is not copied between the decompressor and the transport."""

    async def test(desk: Desk, _: Costs) -> None:
        sent: list[bytes] = []
        expanded: list[bytes] = []
        monkeypatch.setattr(desk.link, "write_pieces", sent.extend)
        expand = record.expand_block

        def watching(stored: bytes, as_is: bool, checksum: int, size: int) -> bytes:
            expanded.append(expand(stored, as_is, checksum, size))
            return expanded[-1]

        monkeypatch.setattr(record, "expand_block", watching)
        await desk.say("FETCH 1 (BODY.PEEK[])")
        assert len(expanded) == 1
        assert any(piece is expanded[0] for piece in sent)

    _counting(tmp_path, test)
