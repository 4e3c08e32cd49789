"""A parsed report as it is kept, and back again; and who sent it."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from pillarbox.message.header import pick, unfold
from pillarbox.store.sql.reports_received import ReceivedReport
from pillarbox.trust.authres import parse
from pillarbox.trust.dmarc_report import AggregateReport
from pillarbox.trust.tls_rpt.report import Report

_OUR_RESULTS = b"authentication-results"
_MAX_NAME = 255
MAX_CONTENT_OCTETS = 128 * 1024  # of one report as it is kept: some thousands of rows


class Author(msgspec.Struct, frozen=True):
    """The domain in From, and whether it may be believed."""

    domain: str = ""
    verified: bool = False


def author_of(trace: bytes) -> Author:
    """From the results that we wrote down when the message came: they stand in our own fields."""
    for value in pick(trace, frozenset((_OUR_RESULTS,))).get(_OUR_RESULTS, []):
        results = parse(unfold(value))
        for finding in results.findings if results is not None else ():
            if finding.method == "dmarc":
                domains = [text for _, name, text in finding.properties if name == "from"]
                return Author((domains or [""])[0].lower(), finding.result == "pass")
    return Author()


def summarize(report: AggregateReport | Report, author: Author) -> ReceivedReport:
    """With `received_at` still to be set."""
    if isinstance(report, AggregateReport):
        kind, domain = "dmarc", report.published.domain
        organization, begin, end = report.organization, report.begin, report.end
        passed, failed = report.passed, report.failed
    else:
        kind, domain = "tls", _tls_domain(report)
        organization = report.organization_name
        begin = int(report.date_range.start_datetime.timestamp())
        end = int(report.date_range.end_datetime.timestamp())
        summaries = [one.summary for one in report.policies]
        passed = sum(one.total_successful_session_count for one in summaries)
        failed = sum(one.total_failure_session_count for one in summaries)
    return ReceivedReport(
        kind=kind,
        organization=organization[:_MAX_NAME] or author.domain,
        report_id=report.report_id[:_MAX_NAME],
        domain=domain[:_MAX_NAME],
        begins_at=begin,
        ends_at=end,
        received_at=0,
        author=author.domain,
        verified=author.verified,
        passed=min(passed, 2**62),  # what the store can hold; a lie in any case
        failed=min(failed, 2**62),
        content=_packed(report),
    )


def _packed(report: AggregateReport | Report) -> bytes:
    """Where it is too much, without the rows that tell of the fewest messages."""
    if isinstance(report, AggregateReport):
        ordered = sorted(report.rows, key=lambda row: -row.count)
        return _fitting(len(ordered), lambda kept: replace(report, rows=tuple(ordered[:kept])))
    longest = max((len(one.failure_details) for one in report.policies), default=0)
    return _fitting(max(longest, len(report.policies)), lambda kept: _shortened(report, kept))


def _fitting(size: int, cut: Callable[[int], AggregateReport | Report]) -> bytes:
    """The octets of the largest half, quarter, … that has its place."""
    while True:
        content = zlib.compress(msgspec.json.encode(cut(size)))
        if len(content) <= MAX_CONTENT_OCTETS or not size:
            return content
        size //= 2


def _shortened(report: Report, kept: int) -> Report:
    policies = [
        replace(
            one,
            policy=replace(one.policy, policy_string=one.policy.policy_string[:kept]),
            failure_details=one.failure_details[:kept],
        )
        for one in report.policies[:kept]
    ]
    return replace(report, policies=tuple(policies))


def content_of(received: ReceivedReport) -> AggregateReport | Report:
    """The whole report again."""
    text = zlib.decompress(received.content)
    if received.kind == "tls":
        return msgspec.json.decode(text, type=Report)
    return msgspec.json.decode(text, type=AggregateReport)


def _tls_domain(report: Report) -> str:
    domains = dict.fromkeys(one.policy.policy_domain.lower() for one in report.policies)
    return next(iter(domains), "")
