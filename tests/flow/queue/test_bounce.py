"""Reports about queued mail: to whom, about whom, and with how much of the message."""

from __future__ import annotations

import asyncio
import email
import email.policy
from collections.abc import Awaitable, Callable
from email.message import EmailMessage
from pathlib import Path

import msgspec
import pytest

from pillarbox.config.queue import QueueSettings
from pillarbox.flow.delivery.report import Reporter
from pillarbox.flow.queue.bounce import Bounces
from pillarbox.flow.queue.retry import Schedule
from pillarbox.store.model import QueuedRow, RecipientRow, RecipientState
from pillarbox.store.sql.queue_reports import Unreported
from support.smtp_bench import HOSTNAME, Bench, MemoryPeer, open_bench

BODY = "A few words.\r\n" * 200


async def _queue(bench: Bench, sender: str = "carol@example.net", more: str = "") -> QueuedRow:
    """Mail to an alias that leads elsewhere."""
    peer = MemoryPeer(bench)
    await peer.reply()
    await peer.ask("EHLO mail.example.net")
    await peer.ask(f"MAIL FROM:<{sender}> {more}".strip())
    await peer.ask("RCPT TO:<far@example.org>")
    await peer.ask("DATA")
    await peer.send(f"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\n{BODY}.\r\n".encode())
    assert (await peer.reply()).startswith("250")
    peer.close()
    return (await bench.queued())[-1]


def _row(message: QueuedRow, **values: object) -> RecipientRow:
    row = RecipientRow(
        queued=message.id,
        number=0,
        forward_path="dave@example.com",
        domain="example.com",
        route="",
        notify="",
        orcpt="rfc822;Dave+2Bx@example.com",
        state=RecipientState.FAILED,
        attempts=1,
        due_at=None,
        sending=False,
        uncertain=False,
        warned=False,
        report="failed",
        tried_at=message.queued_at + 5,
        reply="550 5.1.1 No such user",
        status="5.1.1",
        remote_mta="mx.example.com",
        tls="",
        finished_at=message.queued_at + 5,
    )
    return msgspec.structs.replace(row, **values)


async def _report(bench: Bench, message: QueuedRow, *rows: RecipientRow) -> bool:
    reporter = Reporter(
        bench.store,
        bench.directory,
        hostname=HOSTNAME,
        clock=bench.services.clock,
        max_whole_octets=2000,
    )
    bounces = Bounces(bench.store, reporter, Schedule(QueueSettings()))
    write = await bounces.prepare(Unreported(message, rows))
    if write is None:
        return False
    await bench.store.write(write)
    return True


def run(folder: Path, work: Callable[[Bench], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with open_bench(folder) as bench:
            await work(bench)

    asyncio.run(whole())


async def _received(bench: Bench) -> EmailMessage:
    (octets,) = await bench.octets("alice@example.org")
    read = email.message_from_bytes(octets, policy=email.policy.default)
    assert isinstance(read, EmailMessage)
    return read


def test_a_failure_comes_back_to_one_of_us(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        message = await _queue(bench, "alice@example.org", "ENVID=QQ+2B1")
        second = _row(message, number=1, forward_path="erin@example.com", status="", reply="")
        assert await _report(bench, message, _row(message), second)
        report = await _received(bench)
        assert report["Return-Path"] == "<>"
        assert report["Subject"] == "Not delivered: Grüße"
        words, status, original = report.iter_parts()
        assert "There is no such mailbox." in words.get_content()
        whole, first, other = status.get_payload()
        assert whole["Original-Envelope-Id"] == "QQ+1"
        assert first["Original-Recipient"] == "rfc822; Dave+x@example.com"
        assert (first["Status"], other["Status"]) == ("5.1.1", "5.0.0")
        assert original.get_content_type() == "text/rfc822-headers"  # longer than 2000 octets
        assert len(await bench.queued()) == 1

    run(tmp_path, work)


def test_a_full_mailbox_hears_of_failures_only(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        message = await _queue(bench, "alice@example.org")
        assert await _report(bench, message, _row(message))
        await bench.admin.set_quota("alice@example.org", 1)
        late = _row(message, state=RecipientState.WAITING, report="delayed", finished_at=None)
        assert not await _report(bench, message, late)
        assert await _report(bench, message, _row(message))
        assert len(await bench.octets("alice@example.org")) == 2

    run(tmp_path, work)


def test_a_short_message_comes_back_whole_unless_its_header_was_asked_for(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        whole, header = "message/rfc822", "text/rfc822-headers"
        for ret, size, kind in (("", 2000, whole), ("", 2001, header), ("HDRS", 1500, header)):
            message = await _queue(bench, "alice@example.org")
            message = msgspec.structs.replace(message, ret=ret, size=size)
            assert await _report(bench, message, _row(message))
            *_, last = await bench.octets("alice@example.org")
            assert f"Content-Type: {kind}".encode() in last

    run(tmp_path, work)


def test_a_report_of_mail_under_tls_travels_under_tls_too(tmp_path: Path) -> None:
    """RFC 8689 §5: and gives back no more than the header."""

    async def work(bench: Bench) -> None:
        message = await _queue(bench)
        message = msgspec.structs.replace(message, requiretls=True, ret="FULL", size=1500)
        assert await _report(bench, message, _row(message))
        *_, report = await bench.queued()
        assert report.requiretls
        content = await bench.store.content(report).read(0, report.size)
        assert b"Content-Type: text/rfc822-headers" in content

    run(tmp_path, work)


def test_a_stranger_is_told_by_the_queue_with_the_null_sender(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        message = await _queue(bench)
        assert await _report(bench, message, _row(message))
        *_, report = await bench.queued()
        assert report.reverse_path == ""
        assert report.recipients[0][0].forward_path == "carol@example.net"
        assert report.recipients[0][0].notify == "NEVER"

    run(tmp_path, work)


@pytest.mark.parametrize("sender", ["", "nobody@example.org"])
def test_nobody_is_told_of_mail_from_nobody(tmp_path: Path, sender: str) -> None:
    async def work(bench: Bench) -> None:
        message = msgspec.structs.replace(await _queue(bench), reverse_path=sender)
        assert not await _report(bench, message, _row(message))

    run(tmp_path, work)


@pytest.mark.parametrize(
    ("report", "status", "action", "code"),
    [
        ("expired", "4.4.1", "failed", "5.4.7"),
        ("delayed", "4.4.1", "delayed", "4.4.1"),
        ("delayed", "", "delayed", "4.0.0"),
        ("relayed", "2.1.5", "relayed", "2.0.0"),
        ("delivered", "", "delivered", "2.0.0"),
        ("expanded", "", "expanded", "2.0.0"),
    ],
)
def test_each_kind_has_its_action_and_status(
    tmp_path: Path, report: str, status: str, action: str, code: str
) -> None:
    async def work(bench: Bench) -> None:
        message = await _queue(bench, "alice@example.org")
        row = _row(message, report=report, status=status, reply="450 later", remote_mta="")
        assert await _report(bench, message, row)
        _, fields, _ = (await _received(bench)).iter_parts()
        recipient = fields.get_payload()[1]
        assert (recipient["Action"], recipient["Status"]) == (action, code)
        assert bool(recipient["Will-Retry-Until"]) == (report == "delayed")
        assert recipient["Diagnostic-Code"].startswith("x-pillarbox;")

    run(tmp_path, work)


def test_what_could_not_leave_through_another_provider_is_told_here(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        message = await _queue(bench, "alice@gmail.example", "")
        account = await bench.account("alice@example.org")
        mine = msgspec.structs.replace(message, account=account)
        assert await _report(bench, mine, _row(mine, route="remote:1"))
        assert (await _received(bench))["To"] == "alice@example.org"

    run(tmp_path, work)
