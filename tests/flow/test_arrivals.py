"""Who listens hears of each letter in an inbox once, after it is durable; deliveries never care."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from pillarbox.ids import AccountId, MessageId
from pillarbox.store.model import FlagChange
from pillarbox.store.sql import mailboxes, messages, rules
from pillarbox.store.sql.rules import MailRules, Vacation
from support.smtp_bench import Bench, MemoryPeer, open_bench

ALICE, BOB = "alice@example.org", "bob@example.org"


def run(folder: Path, work: Callable[[Bench], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with open_bench(folder) as bench:
            await work(bench)

    asyncio.run(whole())


async def send(bench: Bench, to: str, fields: str = "", sender: str = "carol@example.net") -> str:
    peer = MemoryPeer(bench, "mx")
    await peer.reply()
    for line in ("EHLO x.example.net", f"MAIL FROM:<{sender}>", f"RCPT TO:<{to}>"):
        assert (await peer.ask(line)).startswith("250")
    assert (await peer.ask("DATA")).startswith("354")
    await peer.send(f"Subject: x\r\n{fields}\r\nText.\r\n.\r\n".encode())
    reply = await peer.reply()
    peer.close()
    return reply


async def newest(bench: Bench, login: str) -> tuple[AccountId, MessageId]:
    account = await bench.account(login)
    rows = await bench.store.read(
        lambda db: db.rows("SELECT max(message_id) FROM message WHERE account_id = ?", (account,))
    )
    return account, MessageId(rows[0][0])


def test_each_inbox_is_told_of_once(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        heard: list[tuple[AccountId, MessageId]] = []
        bench.store.arrivals.listen(lambda account, message: heard.append((account, message)))
        assert (await send(bench, "sales@example.org")).startswith("250")
        assert sorted(heard) == sorted([await newest(bench, ALICE), await newest(bench, BOB)])
        assert (await send(bench, "far@example.org")).startswith("250")  # it goes elsewhere
        assert len(heard) == 2

    run(tmp_path, work)


def test_not_of_what_is_junk_or_put_aside(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        heard: list[tuple[AccountId, MessageId]] = []
        bench.store.arrivals.listen(lambda account, message: heard.append((account, message)))
        account = await bench.account(ALICE)
        blocked = MailRules(blocked=("@junk.example",))
        await bench.store.write(lambda tx: rules.put(tx, account, blocked, Vacation()))
        for is_there in (True, False):  # without a mailbox for junk it is in the inbox, and junk
            await send(bench, ALICE, sender="x@junk.example")
            if is_there:
                await bench.store.write(lambda tx: mailboxes.delete(tx, account, "Junk"))
        assert heard == []
        await send(bench, ALICE, "Message-ID: <1@x>\r\n")
        assert heard == [await newest(bench, ALICE)]
        inbox = await bench.store.read(lambda db: mailboxes.find(db, account, "INBOX"))
        assert inbox is not None
        number = inbox.id
        rows = await bench.store.read(
            lambda db: db.rows("SELECT max(uid) FROM placement WHERE mailbox_id = ?", (number,))
        )
        muted = rows[0][0]
        await bench.store.write(
            lambda tx: messages.store_flags(
                tx, account, number, [muted], FlagChange.ADD, 0, "$muted"
            )
        )
        await send(bench, ALICE, "Message-ID: <2@x>\r\nReferences: <1@x>\r\n")
        assert len(heard) == 1

    run(tmp_path, work)


def test_a_listener_that_fails_harms_neither_the_delivery_nor_others(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        heard: list[MessageId] = []

        def broken(_account: AccountId, _message: MessageId) -> None:
            raise RuntimeError("a bug")

        bench.store.arrivals.listen(broken)
        bench.store.arrivals.listen(lambda _, message: heard.append(message))
        assert (await send(bench, ALICE)).startswith("250")
        assert heard == [(await newest(bench, ALICE))[1]]
        assert len(await bench.octets(ALICE)) == 1

    run(tmp_path, work)
