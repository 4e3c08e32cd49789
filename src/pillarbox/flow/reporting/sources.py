"""What was counted → one domain's report, packed. No I/O."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from pillarbox.clock import from_unix_seconds
from pillarbox.flow.reporting.letters import Enclosed
from pillarbox.flow.reporting.observation import Wanted
from pillarbox.trust import dmarc_report
from pillarbox.trust.dmarc_report import AggregateReport, Row
from pillarbox.trust.dmarc_report.writing import GZIP_TYPE
from pillarbox.trust.tls_rpt import report as tls_report
from pillarbox.trust.tls_rpt import tally


class Reporter(msgspec.Struct, frozen=True):
    """Who we are, as reports have it."""

    organization: str
    contact: str


def report_id(hostname: str, kind: str, domain: str, begin: int) -> str:
    """The same for the same report, so that one that comes twice is known for it."""
    named = hashlib.blake2b(f"{hostname} {kind} {domain} {begin}".encode(), digest_size=10)
    return named.hexdigest()


def enclose_dmarc(
    reporter: Reporter,
    ident: str,
    asked: Wanted,
    period: tuple[int, int],
    counted: Sequence[tuple[str, int]],
) -> Enclosed:
    """`counted`: rows as the store has them, with their counts."""
    rows = [
        replace(msgspec.json.decode(text, type=Row, strict=False), count=count)
        for text, count in counted
    ]
    report = AggregateReport(
        organization=reporter.organization,
        email=reporter.contact,
        report_id=ident,
        begin=period[0],
        end=period[1],
        published=asked.published,
        rows=tuple(rows),
    )
    origin = dmarc_report.Origin(reporter.organization, reporter.contact, ident)
    domain = asked.published.domain
    return Enclosed(
        kind="dmarc",
        domain=domain,
        submitter=origin.submitter,
        organization=reporter.organization,
        report_id=ident,
        subject=dmarc_report.subject(origin, domain),
        file_name=dmarc_report.file_name(origin, domain, *period),
        media_type=GZIP_TYPE,
        packed=dmarc_report.pack_report(report),
    )


def enclose_tls(
    reporter: Reporter,
    ident: str,
    domain: str,
    period: tuple[int, int],
    sessions: Sequence[tally.SessionResult],
) -> Enclosed:
    """RFC 8460 §4.4."""
    origin = tally.Origin(reporter.organization, reporter.contact, ident)
    begin, end = (from_unix_seconds(at) for at in period)
    report = tally.build_report(origin, begin, end, sessions)
    return Enclosed(
        kind="tls",
        domain=domain,
        submitter=origin.submitter,
        organization=reporter.organization,
        report_id=ident,
        subject=tally.subject(origin, domain),
        file_name=tally.file_name(origin, domain, begin, end),
        media_type=tls_report.GZIP_TYPE,
        packed=tls_report.pack_report(report),
    )
