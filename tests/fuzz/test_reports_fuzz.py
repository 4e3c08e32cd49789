"""Reports of strangers: a value, or the module's own error, in bounded time and memory."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib

from hypothesis import example, given
from hypothesis import strategies as st

from pillarbox.trust.dmarc_report import (
    AggregateReport,
    BadReport,
    DkimAuth,
    Override,
    Published,
    Row,
    SpfAuth,
    encode_report,
    pack_report,
    parse_report,
)

LIMIT = 200_000
WORDS = [
    b"<feedback>",
    b"</feedback>",
    b"<report_metadata>",
    b"</report_metadata>",
    b"<report_id>1</report_id>",
    b"<date_range><begin>1</begin><end>2</end></date_range>",
    b"<policy_published><domain>example.org</domain></policy_published>",
    b"<record>",
    b"</record>",
    b"<row><source_ip>192.0.2.1</source_ip><count>1</count></row>",
    b"<row>",
    b"</row>",
    b"<identifiers/>",
    b"<auth_results><dkim/><spf/></auth_results>",
    b"<!DOCTYPE a>",
    b"<!-- ",
    b"-->",
    b"<![CDATA[",
    b"]]>",
    b"<?xml version='1.0' encoding='latin-1'?>",
    b"&amp;",
    b"&#0;",
    b"&a;",
    b"\x00",
]
documents = st.one_of(
    st.binary(max_size=200),
    st.lists(st.one_of(st.sampled_from(WORDS), st.binary(max_size=10)), max_size=30).map(b"".join),
    st.lists(st.sampled_from(WORDS[2:13]), max_size=30).map(
        lambda words: b"<feedback>" + b"".join(words) + b"</feedback>"
    ),
)


def zipped(content: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.xml", content)
    return made.getvalue()


def deflated(content: bytes) -> bytes:
    return b"\x1f\x8b\x08" + b"\0" * 7 + zlib.compress(content)[2:-4]


packings = st.sampled_from([bytes, gzip.compress, zipped, deflated])


@given(documents, packings, st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255))))
@example(b"<feedback/>", gzip.compress, [])
def test_any_octets(document: bytes, pack: object, changes: list[tuple[int, int]]) -> None:
    octets = bytearray(pack(document))  # type: ignore[operator]
    for at, value in changes:
        if at < len(octets):
            octets[at] = value
    try:
        report = parse_report(bytes(octets), LIMIT)
    except BadReport as bad:
        assert bad.why and str(bad)
        return
    assert report.report_id and report.published.domain


PLAIN = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x2FFF, exclude_categories=("Cc", "Zs", "Cs")),
    max_size=20,
)
NAMES = st.from_regex(r"[a-z0-9-]{1,20}\.example", fullmatch=True)
ROWS = st.builds(
    Row,
    source_ip=st.ip_addresses().map(str),
    count=st.integers(0, 2**53),
    disposition=st.sampled_from(["none", "quarantine", "reject"]),
    dkim=st.sampled_from(["pass", "fail"]),
    spf=st.sampled_from(["pass", "fail"]),
    header_from=NAMES,
    envelope_from=NAMES,
    overrides=st.lists(st.builds(Override, PLAIN, PLAIN), max_size=3).map(tuple),
    dkim_results=st.lists(st.builds(DkimAuth, NAMES, PLAIN, NAMES), max_size=3).map(tuple),
    spf_results=st.lists(
        st.builds(SpfAuth, NAMES, st.sampled_from(["helo", "mfrom"]), NAMES), max_size=2
    ).map(tuple),
)
REPORTS = st.builds(
    AggregateReport,
    organization=PLAIN,
    email=PLAIN,
    report_id=st.from_regex(r"[A-Za-z0-9.]{1,20}", fullmatch=True),
    begin=st.integers(0, 10**9),
    end=st.integers(10**9, 2 * 10**9),
    published=st.builds(
        Published,
        domain=NAMES,
        p=st.sampled_from(["none", "reject"]),
        sp=st.sampled_from(["none", "reject"]),
        adkim=st.sampled_from("rs"),
        aspf=st.sampled_from("rs"),
        fo=st.just("0:d"),
    ),
    rows=st.lists(ROWS, max_size=4).map(tuple),
)


@given(REPORTS)
def test_what_is_written_is_read(report: AggregateReport) -> None:
    assert parse_report(encode_report(report)) == report
    assert parse_report(pack_report(report)) == report
