"""The commit: several recipients over quota, notices, whole or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest

from pillarbox.errors import Unavailable
from support.smtp_bench import PASSWORD, Bench, MemoryPeer, open_bench


def run(folder: Path, work: Callable[[Bench], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with open_bench(folder) as bench:
            await work(bench)

    asyncio.run(whole())


async def _transact(bench: Bench, role: str, sender: str, to: list[str], text: bytes) -> list[str]:
    """Replies from RCPT on; `sender` and `to` may carry parameters."""
    peer = MemoryPeer(bench, role)
    await peer.reply()
    await peer.ask("LHLO x.example.net" if role == "lmtp" else "EHLO x.example.net")
    if role == "submission":
        import base64

        secret = base64.b64encode(f"\0alice@example.org\0{PASSWORD}".encode()).decode()
        assert (await peer.ask(f"AUTH PLAIN {secret}")).startswith("235")
    assert (await peer.ask(f"MAIL FROM:{sender}")).startswith("250")
    replies = [await peer.ask(f"RCPT TO:{one}") for one in to]
    assert (await peer.ask("DATA")).startswith("354")
    await peer.send(text + b".\r\n")
    for _ in to if role == "lmtp" else to[:1]:
        replies.append(await peer.reply())
    peer.close()
    return replies


BOTH = ["<alice@example.org>", "<bob@example.org>"]
LARGE = b"Subject: x\r\n\r\n" + b"y" * 998 + b"\r\n"


def test_smtp_keeps_the_answers_given_at_rcpt(tmp_path: Path) -> None:
    """Size not announced, one of two becomes too full: both get it, once."""

    async def work(bench: Bench) -> None:
        await bench.set_quota("bob@example.org", 1000)
        replies = await _transact(bench, "mx", "<carol@example.net>", BOTH, LARGE)
        assert [reply[:3] for reply in replies] == ["250", "250", "250"]
        assert len(await bench.octets("alice@example.org")) == 1
        assert len(await bench.octets("bob@example.org")) == 1
        replies = await _transact(bench, "mx", "<carol@example.net>", BOTH, LARGE)
        assert [reply[:9] for reply in replies] == ["250 2.1.5", "452 4.2.2", "250 2.0.0"]

    run(tmp_path, work)


def test_lmtp_answers_for_each(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        await bench.set_quota("bob@example.org", 1000)
        replies = await _transact(bench, "lmtp", "<carol@example.net>", BOTH, LARGE)
        assert [reply[:9] for reply in replies[2:]] == ["250 2.0.0", "552 5.2.3"]
        assert len(await bench.octets("alice@example.org")) == 1
        assert await bench.octets("bob@example.org") == []
        bob = await bench.admin.find_account("bob@example.org")
        assert (bob.used_octets, bob.used_messages) == (0, 0)

    run(tmp_path, work)


def test_bounces_count_against_the_quota_too(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        await bench.set_quota("bob@example.org", 1000)
        replies = await _transact(bench, "mx", "<>", BOTH[1:], LARGE)
        assert replies[-1].startswith("452 4.2.2 ")
        assert await bench.octets("bob@example.org") == []

    run(tmp_path, work)


@pytest.mark.parametrize("role", ["mx", "lmtp"])
def test_a_store_that_fails_defers_and_keeps_nothing(
    tmp_path: Path, role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def failing(function: Any) -> None:
        raise Unavailable

    async def work(bench: Bench) -> None:
        monkeypatch.setattr(bench.store, "write", failing)
        replies = await _transact(bench, role, "<carol@example.net>", BOTH, LARGE)
        assert all(reply.startswith("451 4.3.0 ") for reply in replies[2:])
        monkeypatch.undo()
        assert await bench.octets("alice@example.org") == []

    run(tmp_path, work)


def test_fifty_recipients_are_one_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(bench: Bench) -> None:
        writes = 0
        write = bench.store.write

        async def counting(function: Any, **more: Any) -> Any:
            nonlocal writes
            writes += 1
            return await write(function, **more)

        monkeypatch.setattr(bench.store, "write", counting)
        to = [f"<alice+{number}@example.org>" for number in range(25)]
        to += [f"<bob+{number}@example.org>" for number in range(25)]
        await _transact(bench, "mx", "<carol@example.net>", to, LARGE)
        assert writes == 1
        assert len(await bench.octets("alice@example.org")) == 1

    run(tmp_path, work)


def test_a_success_notice_to_elsewhere_is_queued(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        sender = "<carol@example.net> ENVID=QQ+2B1 RET=HDRS"
        to = ["<alice@example.org> NOTIFY=SUCCESS ORCPT=rfc822;A+2BB@example.org", BOTH[1]]
        await _transact(bench, "mx", sender, to, LARGE)
        (row,) = await bench.queued()
        assert row.reverse_path == ""
        assert row.recipients[0][0].forward_path == "carol@example.net"
        assert row.recipients[0][0].notify == "NEVER"

    run(tmp_path, work)


def test_a_success_notice_to_one_of_us_is_in_the_same_commit(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        sender = "<alice@example.org> ENVID=QQ+2B1"
        to = ["<bob@example.org> NOTIFY=SUCCESS ORCPT=rfc822;A+2BB@example.org"]
        text = b"From: alice@example.org\r\nSubject: wanted\r\n\r\nbody\r\n"
        await _transact(bench, "submission", sender, to, text)
        (octets,) = await bench.octets("alice@example.org")
        notice = message_from_bytes(octets)
        assert notice["Return-Path"] == "<>"
        assert notice.get_content_type() == "multipart/report"
        assert notice.get_param("report-type") == "delivery-status"
        _, status, header = notice.get_payload()
        (whole, recipient) = status.get_payload()
        assert whole["Original-Envelope-Id"] == "QQ+1"
        assert recipient["Original-Recipient"] == "rfc822; A+B@example.org"
        assert recipient["Final-Recipient"] == "rfc822; bob@example.org"
        assert (recipient["Action"], recipient["Status"]) == ("delivered", "2.0.0")
        assert "Subject: wanted" in header.get_payload()
        assert "body" not in header.get_payload()

    run(tmp_path, work)


def test_no_notice_to_the_null_sender_or_without_a_wish(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        await _transact(bench, "mx", "<>", ["<bob@example.org> NOTIFY=SUCCESS"], LARGE)
        await _transact(bench, "mx", "<c@example.net>", ["<bob@example.org> NOTIFY=DELAY"], LARGE)
        assert await bench.queued() == []

    run(tmp_path, work)
