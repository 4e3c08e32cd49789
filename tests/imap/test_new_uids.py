"""UIDs that run out, and a mailbox made anew, as clients at the door see them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from pillarbox.ids import MAX_UID
from pillarbox.store.database import Transaction
from support.imap_bench import ImapBench, imap_bench
from support.imap_client import ImapClient
from support.store_box import letter


def run(folder: Path, scene: Callable[[ImapBench], Awaitable[None]]) -> None:
    async def play() -> None:
        async with imap_bench(folder) as bench:
            await scene(bench)

    asyncio.run(play())


async def use_up(bench: ImapBench) -> None:
    """The inbox has given its last UID."""

    async def change(tx: Transaction) -> None:
        await tx.run(
            "UPDATE mailbox SET uid_next = ? WHERE account_id = ? AND path = 'INBOX'",
            (MAX_UID, bench.people.alice.id),
        )

    await bench.people.store.write(change)


async def subjects(client: ImapClient) -> dict[int, str]:
    answer = await client.command("UID FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
    found = {}
    for line in answer.lines:
        if " FETCH " in line:
            uid = line.partition("UID ")[2].partition(" ")[0].rstrip(")")
            found[int(uid)] = line.partition("Subject: ")[2].partition("\r\n")[0]
    return found


def number(lines: list[str], name: str) -> int:
    (line,) = [line for line in lines if f"[{name} " in line]
    return int(line.partition(f"[{name} ")[2].partition("]")[0])


@pytest.mark.parametrize("how", ["IMAP4rev2", "IMAP4rev1"])
def test_whoever_has_it_selected_comes_back_and_finds_all(tmp_path: Path, how: str) -> None:
    async def scene(bench: ImapBench) -> None:
        for n in range(3):
            await bench.deliver(letter(f"Letter {n}"))
        await use_up(bench)
        client = await bench.client()
        if how == "IMAP4rev2":
            assert (await client.command("ENABLE IMAP4rev2")).ok
        before = await client.command("SELECT INBOX")
        assert number(before.lines, "UIDNEXT") == MAX_UID
        await bench.deliver(letter("Letter 3"))
        if how == "IMAP4rev2":
            answer = await client.command("NOOP")
            assert any("[CLOSED]" in line for line in answer.lines)
            assert not any("EXPUNGE" in line or "VANISHED" in line for line in answer.lines)
            assert (await client.command("UID FETCH 1:* FLAGS")).kind == "BAD"
        else:
            await client.raw(b"a UID STORE 1:* +FLAGS (\\Deleted)\r\n")
            said = b""
            while b"BYE" not in said:
                said = (await client.read()).line
            await client.close()
            client = await bench.client()
        after = await client.command("SELECT INBOX")
        assert number(after.lines, "UIDVALIDITY") > number(before.lines, "UIDVALIDITY")
        assert number(after.lines, "UIDNEXT") == 5
        assert await subjects(client) == {n + 1: f"Letter {n}" for n in range(4)}
        answer = await client.command("SEARCH DELETED")
        assert "* SEARCH" in answer.lines or any("ESEARCH" in line for line in answer.lines)
        await client.close()

    run(tmp_path, scene)


def test_an_idling_client_is_told_at_once(tmp_path: Path) -> None:
    async def scene(bench: ImapBench) -> None:
        await bench.deliver(letter("one"))
        await use_up(bench)
        client = await bench.client(select="INBOX")
        await client.start("IDLE")
        await client.continuation()
        await bench.deliver(letter("two"))
        line = (await asyncio.wait_for(client.read(), 60)).line
        assert line.startswith(b"* BYE ")
        await client.close()
        await bench.all_gone()

    run(tmp_path, scene)


def test_a_client_that_appends_the_last_one_itself(tmp_path: Path) -> None:
    """APPENDUID names the new UIDVALIDITY, before the selected mailbox is closed."""

    async def scene(bench: ImapBench) -> None:
        await bench.deliver(letter("one"))
        await use_up(bench)
        client = await bench.client()
        await client.command("ENABLE IMAP4rev2")
        old = number((await client.command("SELECT INBOX")).lines, "UIDVALIDITY")
        await client.raw(b"a APPEND INBOX {4+}\r\na: b\r\n")
        lines = [(await client.read()).line]
        while not lines[-1].startswith(b"a "):
            lines.append((await client.read()).line)
        assert any(b"[CLOSED]" in line for line in lines[:-1])
        words = lines[-1].partition(b"[APPENDUID ")[2].partition(b"]")[0].split()
        assert int(words[0]) > old
        assert words[1] == b"2"
        now = await client.command("SELECT INBOX")
        assert number(now.lines, "UIDVALIDITY") == int(words[0])
        await client.close()

    run(tmp_path, scene)


def test_a_resynchronising_client_starts_anew(tmp_path: Path) -> None:
    """QRESYNC with the old UIDVALIDITY gets no VANISHED for UIDs that mean others now."""

    async def scene(bench: ImapBench) -> None:
        for n in range(3):
            await bench.deliver(letter(f"Letter {n}"))
        client = await bench.client()
        await client.command("ENABLE QRESYNC")
        before = await client.command("SELECT INBOX")
        validity, modseq = (
            number(before.lines, "UIDVALIDITY"),
            number(before.lines, "HIGHESTMODSEQ"),
        )
        await client.command("UNSELECT")
        await use_up(bench)
        await bench.deliver(letter("Letter 3"))
        after = await client.command(f"SELECT INBOX (QRESYNC ({validity} {modseq}))")
        assert after.ok
        assert not any("VANISHED" in line or "FETCH" in line for line in after.lines)
        assert number(after.lines, "UIDVALIDITY") > validity
        assert number(after.lines, "HIGHESTMODSEQ") > modseq
        await client.close()

    run(tmp_path, scene)


def test_a_mailbox_deleted_and_made_again_elsewhere(tmp_path: Path) -> None:
    """The old rev1 client, which knows no CLOSED, is hung up on; nothing of it touches the new."""

    async def scene(bench: ImapBench) -> None:
        await bench.deliver(letter("old"), "Box")
        client, other = await bench.client(), await bench.client()
        before = await client.command("SELECT Box")
        await other.command("DELETE Box")
        await other.command("CREATE Box")
        await bench.deliver(letter("new"), "Box")
        await client.raw(b"a UID STORE 1:* +FLAGS.SILENT (\\Deleted)\r\nb EXPUNGE\r\n")
        said = b""
        while not said.startswith(b"* BYE"):
            said = (await asyncio.wait_for(client.read(), 60)).line
        after = await other.command("SELECT Box")
        assert number(after.lines, "UIDVALIDITY") > number(before.lines, "UIDVALIDITY")
        assert await subjects(other) == {1: "new"}
        await other.close()

    run(tmp_path, scene)
