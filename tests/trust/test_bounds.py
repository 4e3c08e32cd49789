"""What a stranger's records can ask for at most (docs/guide/limits.md)."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from pillarbox.config.trust import TrustSettings
from pillarbox.trust.dmarc import evaluate
from pillarbox.trust.dmarc.record import parse_record
from pillarbox.trust.spf import SpfResult, check_host
from support.fake_resolver import FakeResolver

NOW = datetime(2026, 11, 23, tzinfo=UTC)
DEFAULTS = TrustSettings()


def spf(record: str, settings: TrustSettings = DEFAULTS) -> SpfResult:
    resolver = FakeResolver({"example.org": {"TXT": [record]}})
    ask = check_host(
        "192.0.2.3", "mail.example.net", "alice@example.org", resolver, settings,
        receiver="mx.example.org", now=NOW,
    )  # fmt: skip
    return asyncio.run(ask)


@pytest.mark.parametrize(("over", "result"), [(0, "pass"), (1, "permerror")])
def test_the_longest_spf_record(over: int, result: str) -> None:
    longest = DEFAULTS.spf_max_record_octets + over
    assert spf("v=spf1 +all".ljust(longest)).result == result


@pytest.mark.parametrize(("names", "result"), [(2, "fail"), (3, "permerror")])
def test_names_that_do_not_exist(names: int, result: str) -> None:
    """RFC 7208 §4.6.4."""
    assert names <= DEFAULTS.spf_void_lookups or result == "permerror"
    record = " ".join(f"a:no{number}.example.org" for number in range(names))
    assert spf(f"v=spf1 {record} -all").result == result


@pytest.mark.parametrize(("count", "result"), [(5, "none"), (6, "permerror")])
def test_domains_in_from(count: int, result: str) -> None:
    assert DEFAULTS.dmarc_from_domains == 5
    domains = [f"d{number}.example" for number in range(count)]
    no_spf = SpfResult("none", "example.org", "mfrom")
    found = asyncio.run(evaluate(domains, no_spf, [], FakeResolver({}), DEFAULTS))
    assert found.result == result


def test_addresses_of_reports() -> None:
    asked = ",".join(f"mailto:r{number}@example.org" for number in range(1000))
    record = f"v=DMARC1; p=none; rua={asked}".encode()
    most = DEFAULTS.dmarc_report_addresses
    assert len(parse_record(record, most).rua) == most
