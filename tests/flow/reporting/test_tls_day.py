"""TLS reports: from what was counted to a letter or an upload (RFC 8460)."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from pillarbox.store.sql import reports, transport
from pillarbox.trust.tls_rpt.report import parse_report
from pillarbox.trust.tls_rpt.tally import SessionPolicy, SessionResult
from support.reporting import DAY, Desk, open_desk, opened

POLICY = SessionPolicy(
    "example.net", "sts", ("version: STSv1", "mode: testing"), ("mx.example.net",)
)
GOOD = SessionResult(POLICY, mx_host="mx.example.net")
BAD = SessionResult(POLICY, "certificate-expired", mx_host="mx.example.net", reason="too old")


def run(folder: Path, work: Callable[[Desk], Awaitable[None]], rua: str, **settings: Any) -> None:
    world = {"_smtp._tls.example.net": {"TXT": [f"v=TLSRPTv1; rua={rua}"]}} if rua else {}

    async def whole() -> None:
        async with open_desk(folder, world, **settings) as desk:
            counts = {(DAY, GOOD): 5, (DAY, BAD): 2}
            await desk.bench.store.write(
                lambda tx: transport.add_results(tx, counts=counts, before=0)
            )
            await desk.next_day()
            await work(desk)

    asyncio.run(whole())


async def outcomes(desk: Desk) -> list[str]:
    return [one.outcome for one in await desk.bench.store.read(reports.list_sent)]


def test_by_mail(tmp_path: Path) -> None:
    """RFC 8460 §5.3."""

    async def work(desk: Desk) -> None:
        assert await desk.producer().produce() == 1
        ((to, octets),) = await desk.letters()
        assert to == "tls@example.net"
        message = opened(octets)
        assert message.get_content_type() == "multipart/report"
        assert message.get_param("report-type") == "tlsrpt"
        assert message["TLS-Report-Domain"] == "example.net"
        assert message["TLS-Report-Submitter"] == "mx.example.org"
        assert message["TLS-Required"] == "No"
        assert message["Subject"].startswith("Report Domain: example.net Submitter: mx.example.org")
        text, packed = message.iter_parts()
        assert text.get_content_type() == "text/plain"
        assert packed.get_content_type() == "application/tlsrpt+gzip"
        content = packed.get_payload(decode=True)
        report = parse_report(content)
        (policy,) = report.policies
        assert policy.summary.total_successful_session_count == 5
        assert policy.summary.total_failure_session_count == 2
        told = json.loads(gzip.decompress(content))
        assert told["date-range"]["start-datetime"].startswith("2026-11-01T00:00:00")
        assert told["contact-info"] == "postmaster@mx.example.org"
        assert await desk.producer().produce() == 0, "once"
        await desk.clock.advance(120)
        assert await desk.producer().produce() == 0, "and not planned again"

    run(tmp_path, work, "mailto:tls@example.net")


def test_by_https(tmp_path: Path) -> None:
    """RFC 8460 §5.4, and §5.5: what is not taken is tried again for a day."""

    async def work(desk: Desk) -> None:
        desk.https.down = True
        assert await desk.producer().produce() == 0
        desk.https.down, desk.https.status = False, 503
        await desk.clock.advance(3601)
        assert await desk.producer().produce() == 0
        assert await outcomes(desk) == []
        desk.https.status = 200
        await desk.clock.advance(3601)
        assert await desk.producer().produce() == 1
        url, body, media_type = desk.https.taken[-1]
        assert (url, media_type) == ("https://example.net/tls", "application/tlsrpt+gzip")
        assert parse_report(body).report_id
        assert await desk.letters() == []

    run(tmp_path, work, "https://example.net/tls")


def test_both_ways(tmp_path: Path) -> None:
    async def work(desk: Desk) -> None:
        desk.https.down = True
        assert await desk.producer().produce() == 1, "one way is enough"
        assert [to for to, _ in await desk.letters()] == ["tls@example.net"]

    run(tmp_path, work, "https://example.net/tls,mailto:tls@example.net")


def test_nobody_asks(tmp_path: Path) -> None:
    async def work(desk: Desk) -> None:
        assert await desk.producer().produce() == 0
        assert await outcomes(desk) == ["not wanted"]

    run(tmp_path, work, "")


def test_switched_off(tmp_path: Path) -> None:
    async def work(desk: Desk) -> None:
        assert await desk.producer().produce() == 0
        assert await outcomes(desk) == []
        assert await desk.letters() == []

    run(tmp_path, work, "mailto:tls@example.net", tls=False)
