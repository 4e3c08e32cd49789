"""Mail that an alias sends on: in our name, with our seal, and reports find back."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from pathlib import Path

import dkim

from pillarbox.config.trust import TrustSettings
from pillarbox.flow.inbound.checks import Checker
from pillarbox.flow.inbound.judge import Judge
from pillarbox.net.secret import Secret
from pillarbox.smtp.server.door import SmtpServer
from pillarbox.store.sql import dkim_keys
from pillarbox.store.sql.dkim_keys import DkimKeyRow, KeyState
from pillarbox.trust.dkim import generate_key
from support.fake_resolver import FakeResolver
from support.smtp_bench import HOSTNAME, Bench, MemoryPeer, open_bench

LETTER = b"From: dave@example.com\r\nSubject: hi\r\n\r\nWords\r\n.\r\n"


def run(folder: Path, work: Callable[[Bench], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with open_bench(folder) as bench:
            await work(bench)

    asyncio.run(whole())


async def _bring(bench: Bench, sender: str, *to: str) -> list[str]:
    peer = MemoryPeer(bench, peer="192.0.2.9")
    await peer.reply()
    await peer.ask("EHLO mail.example.com")
    await peer.ask(f"MAIL FROM:<{sender}>")
    replies = [await peer.ask(f"RCPT TO:<{one}>") for one in to]
    if any(reply.startswith("250") for reply in replies):
        await peer.ask("DATA")
        await peer.send(LETTER)
        replies.append(await peer.reply())
    peer.close()
    return replies


def test_a_stranger_is_sent_on_in_our_name(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        await _bring(bench, "dave@example.com", "far@example.org")
        await _bring(bench, "dave@example.com", "far@example.org")
        first, second = await bench.queued()
        assert first.reverse_path.startswith("srs0=")
        assert first.reverse_path.endswith("@example.org")
        assert len(first.reverse_path.partition("@")[0]) <= 64
        assert second.reverse_path == first.reverse_path
        assert "dave" not in first.reverse_path

    run(tmp_path, work)


def test_our_own_people_and_reports_keep_their_sender(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        for sender in ("alice@example.org", ""):
            await _bring(bench, sender, "far@example.org")
            assert (await bench.queued())[-1].reverse_path == sender

    run(tmp_path, work)


def test_a_report_finds_back_and_nothing_else_does(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        await bench.admin.add_alias("@example.org", ["bob@example.org"])
        await _bring(bench, "dave@example.com", "far@example.org")
        (forwarded,) = await bench.queued()
        *_, done = await _bring(bench, "", forwarded.reverse_path.upper())
        assert done.startswith("250")
        report = (await bench.queued())[-1]
        assert (report.reverse_path, report.recipients[0][0].forward_path) == (
            "",
            "dave@example.com",
        )
        # With a sender it is an address like any other: here the catch-all's.
        await _bring(bench, "mallory@example.net", forwarded.reverse_path)
        assert len(await bench.queued()) == 2
        assert len(await bench.octets("bob@example.org")) == 1

    run(tmp_path, work)


def test_an_invented_name_leads_nowhere(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        for name in ("srs0=00000000000000000000@example.org", "srs0=@example.org"):
            (reply,) = await _bring(bench, "", name)
            assert reply.startswith("550 5.1.1")
        (reply,) = await _bring(bench, "", "srs0=0000@example.net")
        assert reply.startswith("550 5.7.1")

    run(tmp_path, work)


def test_what_was_judged_goes_on_with_our_seal(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        pem, record = generate_key("rsa-sha256")
        key = DkimKeyRow("example.org", "s1", "rsa-sha256", Secret(pem), KeyState.SIGNING, 0, 0)
        await bench.store.write(lambda tx: dkim_keys.add(tx, key))
        resolver = FakeResolver({"example.com": {"TXT": ["v=spf1 ip4:192.0.2.9 -all"]}})
        settings = TrustSettings()
        checker = Checker(resolver, settings, hostname=HOSTNAME, clock=bench.services.clock)
        judge = Judge(bench.store, settings, checker, hostname=HOSTNAME)
        bench.services = dataclasses.replace(bench.services, judge=judge)
        bench.server = SmtpServer(bench.services)
        await _bring(bench, "dave@example.com", "far@example.org", "bob@example.org")
        (row,) = await bench.queued()
        octets = await bench.store.content(row).read(0, row.size)
        assert octets.startswith(b"ARC-Seal:")
        verifier = dkim.ARC(octets)
        records = {b"s1._domainkey.example.org.": record.encode()}
        result, _, why = verifier.verify(dnsfunc=lambda name, timeout=5: records[name])
        assert result == dkim.CV_Pass, why
        assert b"spf=pass" in octets.partition(b"ARC-Message-Signature")[0] + octets
        (local,) = await bench.octets("bob@example.org")
        assert b"ARC-Seal" not in local

    run(tmp_path, work)
