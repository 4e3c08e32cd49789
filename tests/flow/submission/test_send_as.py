"""Mail from an address that one has elsewhere: whose it is, and the only way that it may leave."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from pillarbox.ids import RemoteId
from pillarbox.net.secret import Secret
from pillarbox.store.sql import accounts, dkim_keys, remotes, send_as
from pillarbox.store.sql.dkim_keys import DkimKeyRow, KeyState
from pillarbox.store.sql.remotes import RemoteState
from pillarbox.trust.dkim import generate_key
from support.queue_bench import rows
from support.smtp_bench import PASSWORD, Bench, MemoryPeer, open_bench

ALICE, BOB = "alice@example.org", "bob@example.org"
ELSEWHERE, SECOND, OTHER = "alice@gmail.example", "a.l@gmail.example", "alice@work.example"


def run(folder: Path, work: Callable[[Bench], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with open_bench(folder, check_from=True) as bench:
            await add_remote(bench, ELSEWHERE, SECOND)
            await add_remote(bench, OTHER)
            await work(bench)

    asyncio.run(whole())


async def add_remote(bench: Bench, *addresses: str) -> RemoteId:
    account = await bench.account(ALICE)

    async def write(tx):  # type: ignore[no-untyped-def]
        remote = await remotes.add(
            tx, account, addresses[0], "{}", host="h", state=RemoteState.PAUSED, due_at=None
        )
        await send_as.put(tx, account, remote, addresses)
        return remote

    return await bench.store.write(write)  # type: ignore[no-any-return]


async def submit(
    bench: Bench, fields: str, *to: str, mail: str = ELSEWHERE, login: str = ALICE
) -> str:
    """The reply to the whole message, or the first refusal."""
    peer = MemoryPeer(bench, "submission")
    await peer.reply()
    await peer.ask("EHLO laptop.example.net")
    token = base64.b64encode(f"\0{login}\0{PASSWORD}".encode()).decode()
    assert (await peer.ask(f"AUTH PLAIN {token}")).startswith("235")
    try:
        for line in [
            f"MAIL FROM:<{mail}>",
            *(f"RCPT TO:<{one}>" for one in to or ("x@y.example",)),
        ]:
            reply = await peer.ask(line)
            if not reply.startswith("250"):
                return reply
        await peer.ask("DATA")
        await peer.send(f"{fields}\r\nTo: somebody@y.example\r\n\r\nWords\r\n.\r\n".encode())
        return await peer.reply()
    finally:
        peer.close()


def test_all_of_it_leaves_that_way_and_unsigned(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        pem, _ = generate_key("ed25519-sha256")
        key = DkimKeyRow("example.org", "s", "ed25519-sha256", Secret(pem), KeyState.SIGNING, 0, 0)
        await bench.store.write(lambda tx: dkim_keys.add(tx, key))
        assert (await submit(bench, f"From: {ELSEWHERE}", "x@y.example", BOB)).startswith("250")
        found = await rows(bench.store)
        assert [(one.forward_path, one.route) for one in found] == [
            ("x@y.example", "remote:1"),
            (BOB, "remote:1"),
        ]
        assert await bench.inbox(BOB) == [], "nobody here can say whether it is from there"
        (queued,) = await bench.queued()
        assert queued.reverse_path == ELSEWHERE
        assert b"DKIM-Signature" not in queued.trace

    run(tmp_path, work)


@pytest.mark.parametrize(
    ("fields", "mail", "reply"),
    [
        (f"From: {ELSEWHERE}", ELSEWHERE, "250"),
        (f"From: A <{ELSEWHERE.upper()}>", ELSEWHERE, "250"),
        (f"From: {ELSEWHERE}", ALICE, "250"),
        (f"From: {ELSEWHERE}", "", "250"),
        (f"From: {ELSEWHERE}, {SECOND}", ELSEWHERE, "250"),
        (f"From: {ELSEWHERE}\r\nSender: {SECOND}", ELSEWHERE, "250"),
        (f"From: {ELSEWHERE}\r\nSender: {ALICE}", ELSEWHERE, "250"),
        (f"From: {ELSEWHERE}\r\nSender: {OTHER}", ELSEWHERE, "550 5.7.1 The address in the Sender"),
        (f"From: {ELSEWHERE}, {OTHER}", ELSEWHERE, "550 5.7.1 The address in the From"),
        (f"From: {ELSEWHERE}, {ALICE}", ELSEWHERE, "550 5.7.1 The address in the From"),
        (f"From: {ALICE}, {ELSEWHERE}", ALICE, "550 5.7.1 The address in the From"),
        (f"From: {ALICE}", ELSEWHERE, "553 5.7.1 The envelope's sender"),
        ("From: boss@bank.example", ELSEWHERE, "550 5.7.1"),
        (f"From: {ALICE}\r\nSender: {ELSEWHERE}", ALICE, "550 5.7.1 The address in the Sender"),
        ("From: alice@other.example", "alice@other.example", "553 5.7.1"),
    ],
)
def test_whose_names_may_be_used(tmp_path: Path, fields: str, mail: str, reply: str) -> None:
    async def work(bench: Bench) -> None:
        assert (await submit(bench, fields, mail=mail)).startswith(reply)
        for queued in await bench.queued():
            assert queued.reverse_path.lower() == (ELSEWHERE if mail else "")
        assert {one.route for one in await rows(bench.store)} <= {"remote:1"}

    run(tmp_path, work)


def test_nobody_else_may(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        assert (await submit(bench, f"From: {ELSEWHERE}", login=BOB)).startswith("553 5.7.1")
        reply = await submit(bench, f"From: {ELSEWHERE}", mail=BOB, login=BOB)
        assert reply.startswith("550 5.7.1")
        assert await bench.queued() == []

    run(tmp_path, work)


def test_own_mail_leaves_as_ever(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        assert (await submit(bench, f"From: {ALICE}", mail=ALICE)).startswith("250")
        (row,) = await rows(bench.store)
        assert row.route == ""

    run(tmp_path, work)


def test_not_in_a_domain_of_ours_and_not_after_it_was_removed(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        await bench.store.write(lambda tx: accounts.add_domain(tx, "gmail.example"))
        assert (await submit(bench, f"From: {ELSEWHERE}")).startswith("553 5.7.1")
        await bench.store.write(lambda tx: accounts.remove_domain(tx, "gmail.example"))
        assert (await submit(bench, f"From: {ELSEWHERE}")).startswith("250")
        await bench.store.write(lambda tx: remotes.remove(tx, RemoteId(1)))
        assert (await submit(bench, f"From: {ELSEWHERE}")).startswith("553 5.7.1")
        assert (await submit(bench, f"From: {OTHER}", mail=OTHER)).startswith("250")

    run(tmp_path, work)
