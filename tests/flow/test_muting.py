"""Answers in a conversation that somebody muted do not come to their inbox."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from pillarbox.store.model import FlagChange
from pillarbox.store.sql import accounts, mailboxes, messages
from support.smtp_bench import Bench, MemoryPeer, open_bench

ALICE = "alice@example.org"


def run(folder: Path, work: Callable[[Bench], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with open_bench(folder) as bench:
            await work(bench)

    asyncio.run(whole())


async def deliver(bench: Bench, number: int, about: str, *answers: int) -> None:
    peer = MemoryPeer(bench, "mx")
    await peer.reply()
    for line in ("EHLO x.example.net", "MAIL FROM:<carol@example.net>", f"RCPT TO:<{ALICE}>"):
        assert (await peer.ask(line)).startswith("250")
    assert (await peer.ask("DATA")).startswith("354")
    to = "".join(f"References: <{one}@x>\r\n" for one in answers)
    text = f"Subject: {about}\r\nMessage-ID: <{number}@x>\r\n{to}\r\nText.\r\n.\r\n"
    await peer.send(text.encode())
    assert (await peer.reply()).startswith("250")
    peer.close()


async def places(bench: Bench) -> list[tuple[str, int, str]]:
    """Mailbox, flags and keywords of each message, in the order of their coming."""
    rows = await bench.store.read(
        lambda db: db.rows(
            "SELECT path, flags, keywords FROM placement"
            " JOIN mailbox USING (account_id, mailbox_id) ORDER BY message_id"
        )
    )
    return [(path, flags, keywords) for path, flags, keywords in rows]


async def mute(bench: Bench, change: FlagChange = FlagChange.ADD) -> None:
    """The first message of the inbox."""
    account = await bench.store.read(lambda db: accounts.find(db, ALICE))
    assert account is not None
    inbox = await bench.store.read(lambda db: mailboxes.find(db, account.id, "INBOX"))
    assert inbox is not None
    number, own = account.id, inbox.id
    uids = await bench.store.read(
        lambda db: db.rows("SELECT min(uid) FROM placement WHERE mailbox_id = ?", (own,))
    )
    await bench.store.write(
        lambda tx: messages.store_flags(tx, number, own, [uids[0][0]], change, 0, "$muted")
    )


@pytest.mark.parametrize("archive", [True, False])
def test_answers_are_archived(tmp_path: Path, archive: bool) -> None:
    async def work(bench: Bench) -> None:
        await deliver(bench, 1, "Plans")
        await mute(bench)
        if not archive:
            account = await bench.store.read(lambda db: accounts.find(db, ALICE))
            assert account is not None
            number = account.id
            await bench.store.write(lambda tx: mailboxes.delete(tx, number, "Archive"))
        await deliver(bench, 2, "Re: Plans", 1)
        await deliver(bench, 3, "Other plans")
        await deliver(bench, 4, "Re: Plans", 2)
        aside = ("Archive", 0, "$muted") if archive else ("INBOX", 0, "")
        assert await places(bench) == [
            ("INBOX", 0, "$muted"),
            aside,  # unread
            ("INBOX", 0, ""),
            aside,
        ]

    run(tmp_path, work)


def test_who_mutes_nothing_gets_everything(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        await deliver(bench, 1, "Plans")
        await mute(bench)
        await mute(bench, FlagChange.REMOVE)
        await deliver(bench, 2, "Re: Plans", 1)
        assert [path for path, _, _ in await places(bench)] == ["INBOX", "INBOX"]

    run(tmp_path, work)
