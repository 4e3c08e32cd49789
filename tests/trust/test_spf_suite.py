"""The test suite of RFC 7208 that SPF implementers made (data/README.md: origin, licence)."""

from __future__ import annotations

import asyncio
import ipaddress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from pillarbox.config.trust import TrustSettings
from pillarbox.trust.spf import check_host
from support.fake_resolver import FakeResolver

SUITE = Path(__file__).parent / "data" / "rfc7208-tests.yml"
SETTINGS = TrustSettings(spf_explanation_octets=450)
NOW = datetime(2026, 11, 23, tzinfo=UTC)
# Results that the suite leaves open, and the one that we give; anything else is a failure.
OPEN = {
    # §4.5 and §3.2: either of two records may be seen; a permerror is what the RFC says now.
    "multispf1": "permerror",
    # §4.8: a target that is no name for the DNS matches nothing (the reason is in evaluation.py).
    "invalid-domain-empty-label": "fail",
    "invalid-domain-long": "fail",
    "invalid-domain-long-via-macro": "fail",
    # §7.3: of several validated names %{p} may be any; ours prefers one inside the domain.
    "p-macro-multiple": "pass",
    # §4.6.4: which ten of eleven PTR records count depends on their order.
    "ptr-limit": "neutral",
}


def _resolver(zone: dict[str, list[Any]]) -> FakeResolver:
    """A zone of the suite: SPF records stand for TXT unless there are TXT ones (its README)."""
    records: dict[str, dict[str, Any]] = {}
    fail: dict[str, Any] = {}
    for name, entries in zone.items():
        types: dict[str, list[Any]] = records.setdefault(_name(name), {})
        pairs = [pair for entry in entries if isinstance(entry, dict) for pair in entry.items()]
        has_txt = any(kind == "TXT" for kind, _ in pairs)
        for kind, value in pairs:
            if kind == "SPF" and has_txt:
                continue
            kind = "TXT" if kind == "SPF" else kind
            if value == "TIMEOUT":
                fail[f"{kind} {_name(name)}"] = "timeout"
            elif value != "NONE":
                types.setdefault(kind, []).append(_value(kind, value))
        if "TIMEOUT" in entries:  # all types that are not there
            for kind in {"TXT", "A", "AAAA", "MX", "PTR"} - types.keys():
                fail[f"{kind} {_name(name)}"] = "timeout"
    return FakeResolver(records, fail=fail)


def _name(name: str) -> str:
    """PTR records are found by their address."""
    name = name.lower().removesuffix(".")
    if name.endswith(".in-addr.arpa"):
        return ".".join(reversed(name.removesuffix(".in-addr.arpa").split(".")))
    if name.endswith(".ip6.arpa"):
        digits = "".join(reversed(name.removesuffix(".ip6.arpa").split(".")))
        return str(ipaddress.IPv6Address(int(digits, 16)))
    return name


def _value(kind: str, value: Any) -> Any:
    if kind == "TXT" and isinstance(value, list):
        return tuple(value)
    if kind == "MX":
        return tuple(value)
    return value


def _cases() -> list[Any]:
    cases = []
    for scenario in yaml.safe_load_all(SUITE.read_text(encoding="utf-8")):
        for name, case in scenario["tests"].items():
            cases.append(pytest.param(name, case, scenario["zonedata"], id=name))
    return cases


CASES = _cases()


def test_the_suite_is_whole() -> None:
    assert len(CASES) == 203
    open_cases = {case.values[0] for case in CASES if isinstance(case.values[1]["result"], list)}
    assert open_cases == set(OPEN)


@pytest.mark.parametrize(("name", "case", "zone"), CASES)
def test_as_the_suite_says(name: str, case: dict[str, Any], zone: dict[str, Any]) -> None:
    resolver = _resolver(zone)
    found = asyncio.run(
        check_host(
            case["host"],
            case["helo"],
            case["mailfrom"] or "",
            resolver,
            SETTINGS,
            receiver="mx.example.org",
            now=NOW,
        )
    )
    wanted = case["result"]
    if isinstance(wanted, list):
        assert OPEN[name] in wanted
        wanted = OPEN[name]
    assert found.result == wanted, found
    if "explanation" in case:
        wanted = "" if case["explanation"] == "DEFAULT" else case["explanation"]
        # Either case will do for the digits of an IPv6 address.
        assert found.explanation.lower() == wanted.lower(), found
