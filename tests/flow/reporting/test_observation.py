"""What a report says was done, and why (RFC 7489 Appendix C)."""

from __future__ import annotations

import time
from typing import Any, cast

import pytest

from pillarbox.config.reports import ReportSettings
from pillarbox.flow.delivery.envelope import Envelope, Origin, Recipient, Sender
from pillarbox.flow.delivery.verdict import Reason
from pillarbox.flow.inbound.facts import Authors, TrustFacts
from pillarbox.flow.inbound.policy import DMARC_QUARANTINE, TRUSTED_FORWARDER, Verdict
from pillarbox.flow.reporting.observation import observe, wanted
from pillarbox.flow.reporting.timing import due_at, period
from pillarbox.flow.reporting.witness import DmarcWitness
from pillarbox.store import Store
from pillarbox.trust.dkim import DkimResult
from pillarbox.trust.dmarc import DmarcResult, parse_record
from pillarbox.trust.iprev import IprevResult
from pillarbox.trust.spf import SpfResult
from support.fake_clock import FakeClock

RECORD = parse_record(b"v=DMARC1; p=reject; sp=none; np=reject; fo=1:d; rua=mailto:a@example.net")


def facts(result: str = "fail", disposition: str = "reject", **dmarc: Any) -> TrustFacts:
    values: dict[str, Any] = {
        "policy": "reject",
        "policy_domain": "example.net",
        "record": RECORD,
    }
    return TrustFacts(
        peer="192.0.2.3",
        helo="mail.example.net",
        reverse_path="bounce@Lists.example",
        authors=Authors(1, ("example.net",)),
        iprev=IprevResult("none"),
        spf=SpfResult("pass", "lists.example", "mfrom"),
        dkim=(DkimResult("fail", "example.net", "s1"), DkimResult("policy")),
        dmarc=DmarcResult(
            cast("Any", result),
            "example.net",
            disposition=cast("Any", disposition),
            **values | dmarc,
        ),
    )


@pytest.mark.parametrize(
    ("given", "verdict", "disposition", "override"),
    [
        (facts(), Verdict("reject", Reason.DMARC_REJECT), "reject", ""),
        (facts(), Verdict("junk", Reason.DMARC_REJECT), "quarantine", "local_policy"),
        (facts(), Verdict("accept", TRUSTED_FORWARDER), "none", "trusted_forwarder"),
        (facts(), Verdict("accept"), "none", "local_policy"),
        (facts(disposition="quarantine"), Verdict("junk", DMARC_QUARANTINE), "quarantine", ""),
        (facts("fail", "none"), Verdict("accept"), "none", "sampled_out"),
        (facts("fail", "none", policy="none"), Verdict("accept"), "none", ""),
        (facts("pass", "none"), Verdict("accept"), "none", ""),
        (facts("pass", "none"), Verdict("junk", Reason.DNS_LIST), "none", ""),
        (facts("pass", "none"), Verdict("reject", Reason.SPF_FAIL), "none", ""),
    ],
)
def test_disposition(given: TrustFacts, verdict: Verdict, disposition: str, override: str) -> None:
    row = observe(given, verdict)
    assert row is not None
    assert row.disposition == disposition
    assert [one.type for one in row.overrides] == ([override] if override else [])


def test_the_rest_of_a_row() -> None:
    row = observe(facts(spf_aligned=True), Verdict("accept"))
    assert row is not None
    assert (row.source_ip, row.header_from, row.envelope_from) == (
        "192.0.2.3",
        "example.net",
        "lists.example",
    )
    assert (row.dkim, row.spf) == ("fail", "pass")
    assert [(one.domain, one.selector, one.result) for one in row.dkim_results] == [
        ("example.net", "s1", "fail")
    ]
    assert [(one.domain, one.scope, one.result) for one in row.spf_results] == [
        ("lists.example", "mfrom", "pass")
    ]


@pytest.mark.parametrize(
    "given",
    [
        facts(record=None),
        facts(policy_domain=""),
        facts(record=parse_record(b"v=DMARC1; p=reject")),
        facts(record=parse_record(b"v=DMARC1; p=reject; rua=https://example.net/")),
    ],
)
def test_nobody_asked(given: TrustFacts) -> None:
    assert observe(given, Verdict("accept")) is None


def test_what_is_published() -> None:
    published = wanted("example.net", RECORD).published
    assert (published.p, published.sp, published.np, published.fo) == (
        "reject",
        "none",
        "reject",
        "1:d",
    )


def test_times() -> None:
    times = {due_at(10, f"{n}.example", 3600) for n in range(200)}
    assert len(times) > 150, "each at its own"
    assert min(times) >= 11 * 86_400 + 600
    assert max(times) <= 11 * 86_400 + 600 + 3600
    assert due_at(10, "a.example", 0) == 11 * 86_400 + 600
    assert period(10, 10**9, 0) == (864_000, 950_399)
    assert period(10, 864_100, 0) == (864_000, 864_100)
    assert period(10, 10**9, 864_100) == (864_101, 950_399)


@pytest.mark.timed
def test_a_message_costs_microseconds() -> None:
    witness = DmarcWitness(cast("Store", None), ReportSettings(), FakeClock())
    envelope = Envelope(
        "j", Origin("192.0.2.3", "h", "ESMTP", "s"), Sender("x"), (Recipient("a@example.org", ()),)
    )
    given, verdict = facts(), Verdict("accept")
    costs = []
    for _ in range(20):
        begun = time.perf_counter()
        for _ in range(100):
            witness.note(envelope, given, verdict)
        costs.append((time.perf_counter() - begun) / 100)
    assert min(costs) < 0.0002
