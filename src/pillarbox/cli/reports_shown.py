"""How `pillarbox reports` shows what the store has."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from functools import partial

import msgspec

from pillarbox.cli.output import plain, print_json, print_table
from pillarbox.clock import from_unix_seconds
from pillarbox.errors import NotAllowed
from pillarbox.flow.reporting.received import content_of
from pillarbox.store import Store
from pillarbox.store.sql import reports, reports_received
from pillarbox.store.sql.reports_received import ReceivedReport
from pillarbox.trust.dmarc_report import AggregateReport
from pillarbox.trust.tls_rpt.report import Report

_MANY = 1_000_000


async def list_received(store: Store, options: argparse.Namespace) -> int:
    """Those of others."""
    found = await store.scan(
        partial(
            reports_received.list_received,
            domain=options.domain.lower(),
            kind=options.kind,
            limit=options.limit or _MANY,
        )
    )
    if options.json:
        print_json([_summary(one) for one in found])
    elif not found:
        print("No reports have come. They are read from the mail to reports.addresses.")
    else:
        heads = ("number", "kind", "domain", "from", "believed", "day", "pass", "fail")
        print_table(heads, [_line(one) for one in found])
    return 0


async def list_sent(store: Store, options: argparse.Namespace) -> int:
    """Those of ours."""
    domain, limit = options.domain.lower(), options.limit or _MANY
    found = await store.scan(partial(reports.list_sent, domain=domain, limit=limit))
    found = [one for one in found if options.kind in ("", one.kind)]
    due = await store.read(reports.count_due)
    if options.json:
        print_json({"sent": [msgspec.to_builtins(one) for one in found], "to_be_made": due})
        return 0
    rows = [
        (one.kind, one.domain, _day(one.day * reports.DAY), one.outcome, one.octets, _to(one))
        for one in found
    ]
    if rows:
        print_table(("kind", "domain", "day", "outcome", "octets", "to"), rows)
    print(f"{due} to be made.")
    return 0


def _to(sent: reports.SentReport) -> str:
    return ", ".join(sent.destinations)


async def show_report(store: Store, options: argparse.Namespace) -> int:
    """One, whole."""
    found = await store.read(partial(reports_received.find, number=options.number))
    if found is None:
        raise NotAllowed(f"There is no report {options.number}. 'pillarbox reports list' has them.")
    report = content_of(found)
    if options.json:
        print_json({**_summary(found), "report": msgspec.to_builtins(report)})
        return 0
    who = found.author or "a sender who was not checked"
    belief = "DMARC passed" if found.verified else "not verified"
    print(f"Report {plain(found.report_id)} of {plain(found.organization)}")
    print(f"sent by {plain(who)} ({belief}), about {plain(found.domain)},")
    print(f"from {_instant(found.begins_at)} to {_instant(found.ends_at)} UTC")
    print()
    for line in _dmarc(report) if isinstance(report, AggregateReport) else _tls(report):
        print(plain(line))
    return 0


def _dmarc(report: AggregateReport) -> Iterator[str]:
    published = report.published
    yield f"published: p={published.p} sp={published.sp}"
    yield f"alignment: adkim={published.adkim} aspf={published.aspf}"
    for row in sorted(report.rows, key=lambda row: -row.count):
        yield (
            f"{row.count:>8}  {row.source_ip}  {row.header_from}  "
            f"dkim={row.dkim} spf={row.spf}  {row.disposition}"
        )
        for dkim in row.dkim_results:
            yield f"          DKIM {dkim.result}: {dkim.domain} {dkim.selector}"
        for spf in row.spf_results:
            yield f"          SPF {spf.result}: {spf.domain} {spf.scope}"
        for one in row.overrides:
            yield f"          {one.type} {one.comment}"


def _tls(report: Report) -> Iterator[str]:
    for one in report.policies:
        summary = one.summary
        yield (
            f"{one.policy.policy_domain} ({one.policy.policy_type}): "
            f"{summary.total_successful_session_count} sessions with TLS, "
            f"{summary.total_failure_session_count} that failed"
        )
        for failure in one.failure_details:
            yield (
                f"{failure.failed_session_count:>8}  {failure.result_type}  "
                f"{failure.receiving_mx_hostname}  {failure.receiving_ip}  "
                f"{failure.failure_reason_code}"
            )


def _summary(report: ReceivedReport) -> dict[str, object]:
    fields: dict[str, object] = msgspec.structs.asdict(report)
    del fields["content"]
    return fields


def _line(report: ReceivedReport) -> tuple[object, ...]:
    believed = "yes" if report.verified else "no"
    return (
        report.number,
        report.kind,
        report.domain,
        report.organization,
        believed,
        _day(report.begins_at),
        report.passed,
        report.failed,
    )


def _day(seconds: int) -> str:
    return from_unix_seconds(seconds).strftime("%Y-%m-%d")


def _instant(seconds: int) -> str:
    return from_unix_seconds(seconds).strftime("%Y-%m-%d %H:%M:%S")
