"""From single sessions to a day's report (RFC 8460 §4, §5.1). Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec import Struct

from pillarbox.trust.tls_rpt.report import (
    MAX_FAILURES,
    AppliedPolicy,
    DateRange,
    FailureDetails,
    PolicyResults,
    PolicyType,
    Report,
    ResultType,
    Summary,
)

_MAX_REASON = 500  # characters: reasons come from peers' certificates and replies


class SessionPolicy(Struct, frozen=True):
    """What a session went by. `strings` are MTA-STS lines, or TLSA records as zone files have
    them."""

    domain: str
    kind: PolicyType
    strings: tuple[str, ...] = ()
    mx_patterns: tuple[str, ...] = ()  # of an MTA-STS policy


class SessionResult(Struct, frozen=True):
    """One session, or several of one kind."""

    policy: SessionPolicy
    failure: ResultType | None = None  # None: TLS as the policy wants it
    sending_ip: str = ""
    mx_host: str = ""
    mx_helo: str = ""
    receiving_ip: str = ""
    reason: str = ""
    count: int = 1


class Origin(Struct, frozen=True):
    """Who reports."""

    organization: str
    contact: str  # an address; its domain is the submitter
    report_id: str

    @property
    def submitter(self) -> str:
        """The domain that signs and sends (RFC 8460 §5.3)."""
        return self.contact.rpartition("@")[2]


def build_report(
    origin: Origin, start: datetime, end: datetime, sessions: Iterable[SessionResult]
) -> Report:
    """The report of one domain: sessions are added up by policy, and failures by kind."""
    by_policy: dict[SessionPolicy, list[SessionResult]] = defaultdict(list)
    for session in sessions:
        by_policy[session.policy].append(session)
    return Report(
        organization_name=origin.organization,
        date_range=DateRange(start_datetime=start, end_datetime=end),
        contact_info=origin.contact,
        report_id=origin.report_id,
        policies=tuple(_results(policy, by_policy[policy]) for policy in by_policy),
    )


def _results(policy: SessionPolicy, sessions: Sequence[SessionResult]) -> PolicyResults:
    good, failures = 0, dict[tuple[str, ...], int]()
    for session in sessions:
        if session.failure is None:
            good += session.count
            continue
        key = (
            session.failure,
            session.sending_ip,
            session.mx_host,
            session.mx_helo,
            session.receiving_ip,
            session.reason[:_MAX_REASON],
        )
        failures[key] = failures.get(key, 0) + session.count
    return PolicyResults(
        policy=AppliedPolicy(
            policy_type=policy.kind,
            policy_string=policy.strings,
            policy_domain=policy.domain,
            mx_host=policy.mx_patterns,
        ),
        summary=Summary(
            total_successful_session_count=good, total_failure_session_count=sum(failures.values())
        ),
        failure_details=tuple(
            FailureDetails(
                result_type=key[0],
                sending_mta_ip=key[1],
                receiving_mx_hostname=key[2],
                receiving_mx_helo=key[3],
                receiving_ip=key[4],
                failure_reason_code=key[5],
                failed_session_count=count,
            )
            for key, count in list(failures.items())[:MAX_FAILURES]
        ),
    )


def file_name(origin: Origin, domain: str, start: datetime, end: datetime) -> str:
    """Of the attachment (RFC 8460 §5.1)."""
    times = f"{int(start.timestamp())}!{int(end.timestamp())}"
    return f"{origin.submitter}!{domain}!{times}.json.gz"


def subject(origin: Origin, domain: str) -> str:
    """Of the message (RFC 8460 §5.3)."""
    ident = f"<{origin.report_id}@{origin.submitter}>"
    return f"Report Domain: {domain} Submitter: {origin.submitter} Report-ID: {ident}"
