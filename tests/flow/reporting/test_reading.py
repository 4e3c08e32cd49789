"""Reports of others: found in delivered mail, read with care, kept once."""

from __future__ import annotations

import asyncio
import gzip
import io
import random
import time
import tracemalloc
import zipfile
import zlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from pillarbox.flow.reporting.reading import ReportReader
from pillarbox.flow.reporting.received import MAX_CONTENT_OCTETS, Author, content_of, summarize
from pillarbox.store.sql import reports_received
from pillarbox.telemetry.metrics import REGISTRY
from pillarbox.trust.dmarc_report import (
    AggregateReport,
    Published,
    Row,
    SpfAuth,
    encode_report,
    pack_report,
)
from pillarbox.trust.tls_rpt.report import Report
from pillarbox.trust.tls_rpt.report import pack_report as pack_tls
from pillarbox.trust.tls_rpt.tally import (
    Origin,
    SessionPolicy,
    SessionResult,
    build_report,
)
from support.judging import bring
from support.reporting import Desk, open_desk

AGGREGATE = AggregateReport(
    organization="Example Net",
    email="dmarc@example.net",
    report_id="1",
    begin=1793404800,
    end=1793491199,
    published=Published(domain="example.org", p="none", sp="none", adkim="r", aspf="r", fo="0"),
    rows=(
        Row(
            source_ip="192.0.2.9",
            count=7,
            disposition="none",
            dkim="pass",
            spf="fail",
            header_from="example.org",
            spf_results=(SpfAuth("example.org", "mfrom", "fail"),),
        ),
        Row(
            source_ip="198.51.100.1",
            count=2,
            disposition="none",
            dkim="fail",
            spf="fail",
            header_from="example.org",
        ),
    ),
)
XML = encode_report(AGGREGATE)


def tls_report() -> Report:
    policy = SessionPolicy("example.org", "sts")
    sessions = [SessionResult(policy, count=4), SessionResult(policy, "validation-failure")]
    start, end = datetime(2026, 10, 31, tzinfo=UTC), datetime(2026, 10, 31, 23, 59, 59, tzinfo=UTC)
    return build_report(Origin("Example Net", "tls@example.net", "t1"), start, end, sessions)


def zipped(content: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../report.xml", content)
    return made.getvalue()


def letter(content: bytes, media_type: str, name: str = "") -> bytes:
    message = EmailMessage(policy=SMTP)
    message["From"] = "Reports <dmarc@example.net>"
    message["Subject"] = "Report Domain: example.org"
    message.set_content("A report.\n")
    kind, _, subtype = media_type.partition("/")
    message.add_attachment(content, maintype=kind, subtype=subtype, filename=name or None)
    return message.as_bytes()


def run(folder: Path, work: Callable[[Desk], Awaitable[None]], **settings: Any) -> None:
    async def whole() -> None:
        async with open_desk(folder, **{"addresses": ("alice@example.org",)} | settings) as desk:
            await work(desk)

    asyncio.run(whole())


async def received(desk: Desk) -> list[reports_received.ReceivedReport]:
    return await desk.bench.store.read(reports_received.list_received)


@pytest.mark.parametrize(
    ("content", "media_type", "name"),
    [
        (pack_report(AGGREGATE), "application/gzip", "a!b!1!2.xml.gz"),
        (zipped(XML), "application/zip", "a!b!1!2.zip"),
        (zipped(XML), "application/octet-stream", "a!b!1!2.zip"),
        (XML, "text/xml", ""),
        (XML, "application/octet-stream", "a!b!1!2.xml"),
        (gzip.compress(XML), "application/zip", "wrong-type.zip"),
    ],
)
def test_an_aggregate_report_is_kept_and_stays_mail(
    tmp_path: Path, content: bytes, media_type: str, name: str
) -> None:
    async def work(desk: Desk) -> None:
        assert (await bring(desk.bench, letter(content, media_type, name))).startswith("250")
        assert await desk.reader.read() == 1
        (one,) = await received(desk)
        assert (one.kind, one.organization, one.domain) == ("dmarc", "Example Net", "example.org")
        assert (one.passed, one.failed) == (7, 2)
        assert (one.author, one.verified) == ("example.net", True)
        whole = await desk.bench.store.read(lambda db: reports_received.find(db, one.number))
        assert whole is not None and content_of(whole) == AGGREGATE
        assert len(await desk.bench.octets("alice@example.org")) == 1
        assert await desk.reader.read() == 0, "each message is looked at once"

    run(tmp_path, work)


def test_a_tls_report(tmp_path: Path) -> None:
    async def work(desk: Desk) -> None:
        await bring(desk.bench, letter(pack_tls(tls_report()), "application/tlsrpt+gzip"))
        assert await desk.reader.read() == 1
        (one,) = await received(desk)
        assert (one.kind, one.domain, one.passed, one.failed) == ("tls", "example.org", 4, 1)
        whole = await desk.bench.store.read(lambda db: reports_received.find(db, one.number))
        assert whole is not None and content_of(whole) == tls_report()

    run(tmp_path, work)


def test_the_same_report_counts_once(tmp_path: Path) -> None:
    async def work(desk: Desk) -> None:
        for _ in range(2):
            await bring(desk.bench, letter(XML, "text/xml"))
        assert await desk.reader.read() == 1
        await bring(
            desk.bench, letter(XML.replace(b">1</report_id>", b">2</report_id>"), "text/xml")
        )
        others = [
            ReportReader(desk.bench.store, desk.bench.directory, desk.settings, desk.clock)
            for _ in range(3)
        ]
        assert sum(await asyncio.gather(*(one.read() for one in others))) == 1
        assert len(await received(desk)) == 2

    run(tmp_path, work)


def test_only_what_came_to_the_address(tmp_path: Path) -> None:
    async def work(desk: Desk) -> None:
        await bring(desk.bench, letter(XML, "text/xml"), to="alice@example.org")
        assert await desk.reader.read() == 0
        await bring(desk.bench, letter(XML, "text/xml"), to="Sales@example.org")
        assert await desk.reader.read() == 1

    run(tmp_path, work, addresses=("sales@example.org", "nobody@example.org", "x@other.example"))


def test_who_is_not_believed_is_told_apart(tmp_path: Path) -> None:
    async def work(desk: Desk) -> None:
        forged = letter(XML, "text/xml").replace(b"dmarc@example.net", b"dmarc@unknown.example")
        await bring(desk.bench, forged, sender="x@unknown.example")
        await desk.reader.read()
        (one,) = await received(desk)
        assert (one.author, one.verified) == ("unknown.example", False)

    run(tmp_path, work)


def test_a_report_takes_a_bounded_place() -> None:
    """The sums are of all rows, what is kept is of the largest."""
    drawn = random.Random(7)
    rows = tuple(
        replace(AGGREGATE.rows[0], count=1, header_from=f"{drawn.randbytes(20).hex()}.example")
        for _ in range(8000)
    )
    kept = summarize(replace(AGGREGATE, rows=(*rows, AGGREGATE.rows[0])), Author())
    assert kept.passed == 8007
    assert 16 * 1024 < len(kept.content) <= MAX_CONTENT_OCTETS
    report = content_of(kept)
    assert isinstance(report, AggregateReport)
    assert report.rows[0].count == 7 and len(report.rows) > 1000


def test_a_tls_report_takes_a_bounded_place() -> None:
    drawn = random.Random(7)
    policy = SessionPolicy("example.org", "sts")
    sessions = [
        SessionResult(policy, "validation-failure", reason=drawn.randbytes(100).hex())
        for _ in range(5000)
    ]
    start = datetime(2026, 10, 31, tzinfo=UTC)
    report = build_report(Origin("Example Net", "tls@example.net", "t1"), start, start, sessions)
    kept = summarize(report, Author())
    assert kept.failed == 5000
    assert 16 * 1024 < len(kept.content) <= MAX_CONTENT_OCTETS
    assert isinstance(content_of(kept), Report)


def test_a_number_a_day_is_read(tmp_path: Path) -> None:
    async def work(desk: Desk) -> None:
        for number in range(4):
            report = replace(AGGREGATE, report_id=str(number))
            await bring(desk.bench, letter(encode_report(report), "text/xml"))
        assert await desk.reader.read() == 2
        assert len(await desk.bench.octets("alice@example.org")) == 4

    run(tmp_path, work, max_received_a_day=2)


def bomb(gigabytes: int) -> bytes:
    """Zeros in a gzip, without ever being whole."""
    step = 16 * 1024 * 1024
    packer = zlib.compressobj(9, wbits=-15)
    piece = packer.compress(bytes(step)) + packer.flush(zlib.Z_FULL_FLUSH)
    zeros = piece * (gigabytes * 1024**3 // step) + packer.flush()
    return b"\x1f\x8b\x08" + b"\0" * 7 + zeros + b"\0" * 8


LAUGHS = b'<!DOCTYPE a [<!ENTITY a "x"><!ENTITY b "&a;&a;&a;">]><feedback>&b;</feedback>'


@pytest.mark.timed
@pytest.mark.parametrize(
    ("content", "media_type", "kind", "outcome"),
    [
        (bomb(4), "application/gzip", "dmarc", "unread-not-xml"),
        (bomb(4), "application/tlsrpt+gzip", "tls", "unread"),
        (LAUGHS, "text/xml", "dmarc", "unread-entities"),
        (b"no report", "application/zip", "dmarc", "unread-not-xml"),
        (b"{}", "application/tlsrpt+json", "tls", "unread"),
    ],
    ids=["dmarc bomb", "tls bomb", "entities", "no zip", "no report"],
)
def test_what_cannot_be_read_stays_mail(
    tmp_path: Path, content: bytes, media_type: str, kind: str, outcome: str
) -> None:
    name = "pillarbox_reports_total"
    labels = {"kind": kind, "outcome": outcome}

    async def work(desk: Desk) -> None:
        await bring(desk.bench, letter(content, media_type))
        await bring(desk.bench, letter(XML, "text/xml"))
        before = REGISTRY.get_sample_value(name, labels) or 0.0
        tracemalloc.start()
        begun = time.perf_counter()
        try:
            assert await desk.reader.read() == 1, "the next one is read"
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert time.perf_counter() - begun < 10
        assert peak < 64 * 1024 * 1024
        assert REGISTRY.get_sample_value(name, labels) == before + 1
        assert len(await desk.bench.octets("alice@example.org")) == 2

    run(tmp_path, work)


def test_many_attachments_are_not_all_read(tmp_path: Path) -> None:
    async def work(desk: Desk) -> None:
        message = EmailMessage(policy=SMTP)
        message["From"] = "Reports <dmarc@example.net>"
        message.set_content("Reports.\n")
        for number in range(20):
            report = encode_report(replace(AGGREGATE, report_id=str(number)))
            message.add_attachment(report, maintype="text", subtype="xml")
        await bring(desk.bench, message.as_bytes())
        assert await desk.reader.read() == 5

    run(tmp_path, work)


def test_a_forwarded_report_is_not_for_us(tmp_path: Path) -> None:
    async def work(desk: Desk) -> None:
        message = EmailMessage(policy=SMTP)
        message["From"] = "Carol <carol@example.net>"
        message.set_content("Look at this.\n")
        inner = EmailMessage(policy=SMTP)
        inner["From"] = "Reports <dmarc@example.net>"
        inner.set_content("A report.\n")
        inner.add_attachment(XML, maintype="text", subtype="xml")
        message.add_attachment(inner)
        await bring(desk.bench, message.as_bytes())
        assert await desk.reader.read() == 0

    run(tmp_path, work)


def test_what_we_send_we_read(tmp_path: Path) -> None:
    """A report of ours, delivered to ourselves, tells what was counted."""

    async def work(desk: Desk) -> None:
        text = b"From: Carol <carol@example.net>\r\n\r\nA few words.\r\n"
        await bring(desk.bench, text, to="bob@example.org")
        await desk.next_day()
        assert await desk.producer().produce() == 1
        ((_, octets),) = await desk.letters()
        await bring(desk.bench, octets, sender="postmaster@mx.example.org")
        assert await desk.reader.read() == 1
        (one,) = await received(desk)
        assert (one.organization, one.domain) == ("Example", "example.net")
        assert (one.passed, one.failed) == (1, 0)

    run(tmp_path, work)
