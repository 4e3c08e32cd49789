"""TLS reports: where they are wanted, what stands in them, and what others send us."""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib
from datetime import UTC, datetime
from typing import Any

import pytest

from pillarbox.trust.tls_rpt.record import Destinations, encode_record, parse_record
from pillarbox.trust.tls_rpt.report import (
    MAX_REPORT_OCTETS,
    BadReport,
    pack_report,
    parse_report,
    unpack,
)
from pillarbox.trust.tls_rpt.tally import (
    Origin,
    SessionPolicy,
    SessionResult,
    build_report,
    file_name,
    subject,
)

START = datetime(2026, 11, 1, tzinfo=UTC)
END = datetime(2026, 11, 1, 23, 59, 59, tzinfo=UTC)
A, B = "mailto:tls@example.org", "https://tls.example.org/v1?a=b"


@pytest.mark.parametrize(
    ("records", "mailto", "https"),
    [
        ([f"v=TLSRPTv1;rua={A}"], ["tls@example.org"], []),
        ([f"v=TLSRPTv1; rua={B}"], [], [B]),
        ([f"v=TLSRPTv1 ; x=y; rua={A} , {B} ;"], ["tls@example.org"], [B]),
        ([f"v=TLSRPTv1;rua={A}", "v=spf1 -all", "v=TLSRPTv12;rua=x"], ["tls@example.org"], []),
        (["v=TLSRPTv1;rua=mailto:a%2Cb@b.example,mailto:a%21@b.example?x"], ["a!@b.example"], []),
        ([f"v=TLSRPTv1;rua=ftp://x,http://example.org,{A}"], ["tls@example.org"], []),
        ([f"v=TLSRPTv1;rua={','.join([A] * 4 + ['x', B])}"], ["tls@example.org"] * 4, []),
        ([f"v=TLSRPTv1;future=a=b;rua={A}"], ["tls@example.org"], []),
        ([], None, None),
        (["v=TLSRPTv1"], None, None),
        (["v=TLSRPTv1;"], None, None),
        (["v=TLSRPTv1;rua="], None, None),
        (["v=TLSRPTv1;rua=tls@example.org"], None, None),
        (["v=TLSRPTv1;rua=mailto:a@b%0d%0aBcc:x@y"], None, None),
        (["v=TLSRPTv1;rua=https://"], None, None),
        (["v=TLSRPTv1;rua=https://a:b@example.org/"], None, None),
        (["v=TLSRPTv1;rua=https://[::1/"], None, None),
        (["v=TLSRPTv1;rua=https://x:99999/"], None, None),
        ([f"v=tlsrptv1;rua={A}"], None, None),
        ([f"rua={A};v=TLSRPTv1"], None, None),
        ([f"v=TLSRPTv1;nonsense;rua={A}"], None, None),
        ([f"v=TLSRPTv1;rua={A}", f"v=TLSRPTv1;rua={B}"], None, None),
        ([f"v=TLSRPTv1;rua={A};" + "x=1;" * 2000], None, None),
    ],
)  # fmt: skip
def test_records(records: list[str], mailto: list[str] | None, https: list[str] | None) -> None:
    found = parse_record(text.encode() for text in records)
    if mailto is None or https is None:
        assert found is None
    else:
        assert found == Destinations(tuple(mailto), tuple(https))
        assert parse_record([encode_record(found).encode()]) == found


STS = SessionPolicy("example.net", "sts", ("version: STSv1", "mode: testing"), ("*.example.net",))
NONE = SessionPolicy("example.net", "no-policy-found")
ORIGIN = Origin("Example", "tls@example.org", "2026-11-01.1")


AS_JSON = {
    "organization-name": "Example",
    "date-range": {
        "start-datetime": "2026-11-01T00:00:00Z",
        "end-datetime": "2026-11-01T23:59:59Z",
    },
    "contact-info": "tls@example.org",
    "report-id": "2026-11-01.1",
    "policies": [
        {
            "policy": {
                "policy-type": "sts",
                "policy-string": ["version: STSv1", "mode: testing"],
                "policy-domain": "example.net",
                "mx-host": ["*.example.net"],
            },
            "summary": {
                "total-successful-session-count": 40,
                "total-failure-session-count": 3,
            },
            "failure-details": [
                {
                    "result-type": "certificate-expired",
                    "sending-mta-ip": "192.0.2.1",
                    "receiving-mx-hostname": "mx.example.net",
                    "receiving-mx-helo": "mx",
                    "receiving-ip": "198.51.100.1",
                    "failed-session-count": 2,
                    "failure-reason-code": "late",
                },
                {
                    "result-type": "starttls-not-supported",
                    "sending-mta-ip": "192.0.2.1",
                    "receiving-mx-hostname": "mx2.example.net",
                    "failed-session-count": 1,
                },
            ],
        },
        {
            "policy": {"policy-type": "no-policy-found", "policy-domain": "example.net"},
            "summary": {
                "total-successful-session-count": 1,
                "total-failure-session-count": 0,
            },
        },
    ],
}


def test_a_report_is_as_the_schema_has_it() -> None:
    expired = SessionResult(
        STS, "certificate-expired", "192.0.2.1", "mx.example.net", "mx", "198.51.100.1", "late"
    )
    sessions = [
        SessionResult(STS, count=40),
        expired,
        SessionResult(NONE),
        expired,
        SessionResult(STS, "starttls-not-supported", "192.0.2.1", "mx2.example.net"),
    ]
    report = build_report(ORIGIN, START, END, sessions)
    assert json.loads(gzip.decompress(pack_report(report))) == AS_JSON
    assert parse_report(pack_report(report)) == report
    assert file_name(ORIGIN, "example.net", START, END) == (
        "example.org!example.net!1793491200!1793577599.json.gz"
    )
    assert subject(ORIGIN, "example.net") == (
        "Report Domain: example.net Submitter: example.org Report-ID: <2026-11-01.1@example.org>"
    )


ONE: dict[str, Any] = {
    "policy": {"policy-type": "sts", "policy-domain": "example.org"},
    "summary": {},
}
MINIMAL: dict[str, Any] = {
    "date-range": {
        "start-datetime": "2026-11-01T00:00:00Z",
        "end-datetime": "2026-11-02T00:00:00Z",
    },
    "report-id": "1",
    "policies": [ONE],
}
TIMES = {"start-datetime": "2026-11-01T00:00:00", "end-datetime": "2026-11-01T02:00:00+01:00"}


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"organization-name": "Ünïcode", "future": {"a": [1, 2, {}]}},
        {"policies": []},
        {"date-range": TIMES},
        {"policies": [{"policy": {"policy-type": "new", "policy-domain": "x", "mx-host": "y"},
                       "summary": {"total-successful-session-count": "12"},
                       "failure-details": [{"result-type": "new-one"}]}]},
    ],
)  # fmt: skip
def test_reports_of_others(change: dict[str, Any]) -> None:
    text = json.dumps({**MINIMAL, **change}).encode()
    for octets in (text, gzip.compress(text), b"\xef\xbb\xbf" + text):
        report = parse_report(octets)
        assert report.date_range.start_datetime == START
        assert report.report_id == "1"


@pytest.mark.parametrize(
    "change",
    [
        {"report-id": 1},
        {"report-id": "x" * 2000},
        {"report-id": None},
        {"date-range": None},
        {"date-range": {"start-datetime": "yesterday", "end-datetime": "today"}},
        {"date-range": {**MINIMAL["date-range"], "end-datetime": "2020-01-01T00:00:00Z"}},
        {"policies": {}},
        {"policies": [None]},
        {"policies": [ONE] * 1001},
        {"policies": [{**ONE, "summary": {"total-failure-session-count": -1}}]},
        {"policies": [{**ONE, "summary": {"total-failure-session-count": 10**30}}]},
    ],
)  # fmt: skip
def test_what_is_no_report(change: dict[str, Any]) -> None:
    with pytest.raises(BadReport):
        parse_report(json.dumps({**MINIMAL, **change}).encode())


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe{}",
        b'{"report-id":"\xff"}',
        b"[" * 1_000_000,
        b'{"x":' + b"[" * 1_000_000,
        b"\x1f\x8b",
        b"\x1f\x8bnonsense",
        gzip.compress(json.dumps(MINIMAL).encode())[:-9],
        gzip.compress(b""),
        b" " * (MAX_REPORT_OCTETS + 1),
    ],
    ids=range(13),
)
def test_octets_that_are_no_report(octets: bytes) -> None:
    with pytest.raises(BadReport):
        parse_report(octets)


def test_a_report_that_unpacks_to_200_mb_takes_no_more_than_the_limit() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    piece = packer.compress(b" " * 1_000_000)
    bomb = piece + b"".join(packer.compress(b" " * 10_000_000) for _ in range(20)) + packer.flush()
    assert len(bomb) < 300_000
    tracemalloc.start()
    try:
        with pytest.raises(BadReport, match="too large"):
            unpack(bomb)
        assert tracemalloc.get_traced_memory()[1] < 4 * MAX_REPORT_OCTETS
    finally:
        tracemalloc.stop()
