"""Aggregate reports: what we write others can read, and what others send cannot hurt us."""

from __future__ import annotations

import asyncio
import gzip
import io
import struct
import time
import tracemalloc
import zipfile
import zlib
from xml.etree import ElementTree

import pytest
from msgspec.structs import replace

from pillarbox.trust.dmarc import parse_record
from pillarbox.trust.dmarc_report import (
    AggregateReport,
    BadReport,
    DkimAuth,
    Origin,
    Override,
    Published,
    Row,
    SpfAuth,
    encode_report,
    file_name,
    find_destinations,
    pack_report,
    parse_report,
    subject,
)
from pillarbox.trust.dmarc_report.unpacking import MAX_XML_OCTETS
from support.fake_resolver import FakeResolver

ROW = Row(
    source_ip="192.0.2.7",
    count=3,
    disposition="quarantine",
    dkim="fail",
    spf="fail",
    header_from="www.example.org",
    envelope_from="bounces.example.net",
    overrides=(Override("local_policy", "a < b & c"),),
    dkim_results=(DkimAuth("example.net", "s1", "pass"), DkimAuth("example.org", "", "fail")),
    spf_results=(SpfAuth("bounces.example.net", "mfrom", "pass"),),
)
REPORT = AggregateReport(
    organization="Example & Sons",
    email="postmaster@mx.example.net",
    report_id="20261101.1",
    begin=1793491200,
    end=1793577600,
    published=Published(
        domain="example.org", p="quarantine", sp="reject", adkim="r", aspf="s", fo="0"
    ),
    rows=(ROW, replace(ROW, source_ip="2001:db8::7", spf="pass", count=5, overrides=())),
)


def zipped(content: bytes, name: str = "report.xml", **more: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
        for other, octets in more.items():
            archive.writestr(other, octets)
    return made.getvalue()


def refusal(octets: bytes) -> str:
    with pytest.raises(BadReport) as caught:
        parse_report(octets)
    return caught.value.why


# What we write


def test_what_is_written_is_read_again() -> None:
    assert parse_report(encode_report(REPORT)) == REPORT
    assert parse_report(pack_report(REPORT)) == REPORT
    assert (REPORT.passed, REPORT.failed) == (5, 3)


def test_the_order_of_elements_is_the_schemas() -> None:
    """RFC 7489 Appendix C, read by the standard library."""
    root = ElementTree.fromstring(encode_report(REPORT).decode())
    assert root.tag == "feedback"
    names = [child.tag for child in root]
    assert names == ["version", "report_metadata", "policy_published", "record", "record"]
    metadata = [child.tag for child in root[1]]
    assert metadata == ["org_name", "email", "report_id", "date_range"]
    assert root.findtext("report_metadata/org_name") == "Example & Sons"
    assert [child.tag for child in root[2]] == ["domain", "adkim", "aspf", "p", "sp", "pct", "fo"]
    record = root[3]
    assert [child.tag for child in record] == ["row", "identifiers", "auth_results"]
    assert [child.tag for child in record[0]] == ["source_ip", "count", "policy_evaluated"]
    evaluated = record.find("row/policy_evaluated")
    assert evaluated is not None
    assert [child.tag for child in evaluated] == ["disposition", "dkim", "spf", "reason"]
    assert [child.tag for child in record[2]] == ["dkim", "dkim", "spf"]
    assert record.findtext("auth_results/spf/scope") == "mfrom"


def test_what_xml_cannot_hold_does_not_break_it() -> None:
    report = replace(REPORT, organization="a\x00b\ud800\ufffe]]>")
    assert parse_report(encode_report(report)).organization == "a?b??]]>"


def test_names_of_file_and_subject() -> None:
    """RFC 7489 §7.2.1.1."""
    origin = Origin("Example", "postmaster@mx.example.net", "1.2")
    assert file_name(origin, "example.org", 1, 2) == "mx.example.net!example.org!1!2.xml.gz"
    assert subject(origin, "example.org") == (
        "Report Domain: example.org Submitter: mx.example.net Report-ID: <1.2@mx.example.net>"
    )


# What others write


XML = encode_report(REPORT)


@pytest.mark.parametrize(
    "octets",
    [
        XML,
        b"\xef\xbb\xbf" + XML,
        XML.decode().replace('encoding="UTF-8"', 'encoding="UTF-16"').encode("utf-16"),
        gzip.compress(XML),
        gzip.compress(XML[:1000]) + gzip.compress(XML[1000:]),
        gzip.compress(XML) + b"\0" * 100,
        zipped(XML),
        zipped(XML, "../../../etc/passwd"),
        zipped(XML, "/absolute/" + "x" * 5000),
        XML.replace(b"<feedback>", b'<feedback xmlns="urn:ietf:params:xml:ns:dmarc-2.0">'),
        XML.replace(b"<feedback>", b'<d:feedback xmlns:d="urn:d">').replace(
            b"</feedback>", b"</d:feedback>"
        ),
        XML.replace(b"</begin>", b".000</begin>"),
        XML.replace(b"<version>1.0</version>", b"<unknown><deep/></unknown>"),
    ],
)
def test_forms_in_use(octets: bytes) -> None:
    assert parse_report(octets) == REPORT


def test_a_report_of_the_newer_kind() -> None:
    """RFC 9990 says pass, np and testing, and leaves out what 7489 wanted."""
    octets = XML.replace(b"<pct>100</pct>", b"<np>reject</np><testing>y</testing>").replace(
        b"<disposition>quarantine", b"<disposition>pass"
    )
    report = parse_report(octets)
    assert (report.published.np, report.published.testing) == ("reject", "y")
    assert report.rows[0].disposition == "pass"


LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol">'
    + b"".join(
        b'<!ENTITY lol%d "%s">' % (n, (b"&lol%d;" % (n - 1) if n > 1 else b"&lol;") * 10)
        for n in range(1, 10)
    )
    + b"]><feedback>&lol9;</feedback>"
)
OUTSIDE = (
    b'<!DOCTYPE feedback [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    b"<feedback><report_metadata><org_name>&x;</org_name></report_metadata></feedback>"
)
ELSEWHERE = b'<!DOCTYPE feedback SYSTEM "http://192.0.2.1/x.dtd"><feedback/>'
PARAMETER = (
    b'<!DOCTYPE feedback [<!ENTITY % x SYSTEM "http://192.0.2.1/x.dtd">%x;]><feedback></feedback>'
)
ONE_ROW = XML[XML.index(b"<record>") : XML.index(b"</record>") + 9]


@pytest.mark.timed
@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"", "not xml"),
        (b"hello", "not xml"),
        (XML[:-20], "not xml"),
        (XML + b"<more/>", "not xml"),
        (b"<feedback>&lol;</feedback>", "not xml"),
        (b'<?xml version="1.0" encoding="no-such"?><feedback/>', "not xml"),
        (LAUGHS, "entities"),
        (OUTSIDE, "entities"),
        (ELSEWHERE, "entities"),
        (PARAMETER, "entities"),
        (b"<html><body/></html>", "not a report"),
        (b"<feedback/>", "not a report"),
        (XML.replace(b"<begin>1793491200", b"<begin>soon"), "not a report"),
        (XML.replace(b"<begin>1793491200", b"<begin>" + b"9" * 5000), "not a report"),
        (XML.replace(b"<end>1793577600", b"<end>1"), "not a report"),
        (XML.replace(b"<count>3", b"<count>-3"), "not a report"),
        (XML.replace(b"<source_ip>192.0.2.7", b"<source_ip>nowhere"), "not a report"),
        (b"<feedback>" + b"<a>" * 50 + b"</a>" * 50 + b"</feedback>", "too deep"),
        (b"<feedback><a>" + b"<b/>" * 1000 + b"</a></feedback>", "too many elements"),
        (b"<feedback>" + b"<a/>" * 900_000 + b"</feedback>", "too many elements"),
        (XML.replace(ONE_ROW, ONE_ROW * 20_001, 1), "too many rows"),
        (b"<feedback><!--" + b"-x" * 3_000_000, "not xml"),
        (b"<feedback a='" + b"x" * 6_000_000, "not xml"),
        (gzip.compress(gzip.compress(XML)), "nested"),
        (zipped(zipped(XML)), "nested"),
        (gzip.compress(zipped(XML)), "nested"),
        (gzip.compress(XML)[:-20], "damaged"),
        (b"\x1f\x8b" + b"\xff" * 100, "damaged"),
        (gzip.compress(b"") * 20, "several files"),
        (zipped(XML, second=b"x"), "several files"),
        (zipped(XML)[:-30], "damaged"),
        (b"PK\x03\x04" + b"\0" * 50, "damaged"),
        (b"x" * (10 * 1024 * 1024 + 1), "too large"),
    ],
)  # fmt: skip
def test_what_is_refused_has_a_name(octets: bytes, why: str) -> None:
    if why == "too many rows":
        octets = gzip.compress(octets)
    begun = time.perf_counter()
    assert refusal(octets) == why
    assert time.perf_counter() - begun < 10


def _with_directory(archive: bytes, offset: int, value: int, form: str = "<I") -> bytes:
    """A zip whose directory says something else at an offset of its first entry."""
    at = archive.rindex(b"PK\x01\x02") + offset
    return archive[:at] + struct.pack(form, value) + archive[at + struct.calcsize(form) :]


@pytest.mark.parametrize(
    ("offset", "value", "form", "why"),
    [
        (8, 1, "<H", "unsupported"),  # encrypted
        (10, 14, "<H", "unsupported"),  # LZMA
        (16, 1, "<I", "damaged"),  # another checksum
        (20, 10**6, "<I", "damaged"),  # longer than the archive
        (24, 10, "<I", "damaged"),  # unpacks to more than it says
        (24, len(XML) + 1, "<I", "damaged"),  # and to less
        (24, MAX_XML_OCTETS + 1, "<I", "too large"),
        (42, 7, "<I", "damaged"),  # its head is elsewhere
        (42, 0xFFFFFFF0, "<I", "damaged"),
    ],
)
def test_a_zip_that_lies_about_itself(offset: int, value: int, form: str, why: str) -> None:
    assert refusal(_with_directory(zipped(XML), offset, value, form)) == why


STEP = 16 * 1024 * 1024


def _deflated_zeros(gigabytes: int) -> bytes:
    """Zeros, packed without ever being whole anywhere: one piece of them again and again."""
    packer = zlib.compressobj(9, wbits=-15)
    piece = packer.compress(bytes(STEP)) + packer.flush(zlib.Z_FULL_FLUSH)
    return piece * (gigabytes * 1024**3 // STEP) + packer.flush()


def _gzip_bomb(gigabytes: int) -> bytes:
    return b"\x1f\x8b\x08" + b"\0" * 7 + _deflated_zeros(gigabytes) + b"\0" * 8


def _zip_bomb(gigabytes: int, *, said: int | None = None) -> bytes:
    """`said` is what its directory tells of its size."""
    packed = _deflated_zeros(gigabytes)
    size = gigabytes * 1024**3 if said is None else said
    fields = (20, 0, 8, 0, 0, 0, len(packed), size, 1, 0)
    head = struct.pack("<4sHHHHHIIIHH", b"PK\x03\x04", *fields) + b"x"
    entry = struct.pack("<4sHHHHHHIIIHHHHHII", b"PK\x01\x02", 20, *fields, 0, 0, 0, 0, 0) + b"x"
    end = struct.pack(
        "<4sHHHHIIH", b"PK\x05\x06", 0, 0, 1, 1, len(entry), len(head) + len(packed), 0
    )
    return head + packed + entry + end


def test_the_bombs_are_some() -> None:
    """They unpack to what they should, by the standard library's own hand."""
    with zipfile.ZipFile(io.BytesIO(_zip_bomb(1))) as archive:
        (one,) = archive.infolist()
        assert one.file_size == 1024**3
        assert one.compress_size < 2 * 1024**2
    unpacker = zlib.decompressobj(wbits=31)
    assert len(unpacker.decompress(_gzip_bomb(1), 100 * 1024**2)) == 100 * 1024**2


@pytest.mark.timed
@pytest.mark.parametrize("kind", ["gzip", "zip", "zip that lies", "gzip of spaces"])
def test_gigabytes_cost_neither_memory_nor_time(kind: str) -> None:
    if kind == "gzip":
        bomb, whys = _gzip_bomb(4), {"not xml", "too large"}
    elif kind == "zip":
        bomb, whys = _zip_bomb(3), {"too large"}
    elif kind == "zip that lies":
        bomb, whys = _zip_bomb(3, said=100), {"damaged"}
    else:
        spaces = gzip.compress(b"<feedback>" + b" " * (MAX_XML_OCTETS // 16))
        bomb, whys = spaces + gzip.compress(b" " * STEP) * 15, {"too large"}
    tracemalloc.start()
    begun = time.perf_counter()
    try:
        assert refusal(bomb) in whys
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * 1024 * 1024
    assert time.perf_counter() - begun < 5


def test_a_large_report_stays_within_its_memory() -> None:
    octets = gzip.compress(XML.replace(ONE_ROW, ONE_ROW * 4_000, 1))
    tracemalloc.start()
    try:
        report = parse_report(octets)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(report.rows) == 4_001
    assert peak < 24 * 1024 * 1024  # 20,000 rows are the most


# Where reports may go (RFC 7489 §7.1)


WORLD = {
    "_dmarc.example.org": {"TXT": ["v=DMARC1; p=none"]},
    "_dmarc.reports.example": {"TXT": ["v=DMARC1; p=none"]},
    "example.org._report._dmarc.reports.example": {"TXT": ["v=DMARC1"]},
    "example.org._report._dmarc.moved.example": {
        "TXT": ["v=DMARC1; rua=mailto:new@moved.example!1k"]
    },
    "example.org._report._dmarc.passed-on.example": {
        "TXT": ["v=DMARC1; rua=mailto:victim@example.net"]
    },
    "example.org._report._dmarc.nonsense.example": {"TXT": ["yes please"]},
}


@pytest.mark.parametrize(
    ("rua", "expected"),
    [
        ("mailto:a@example.org", [("a@example.org", None)]),
        ("mailto:a@mail.example.org!10m", [("a@mail.example.org", 10 << 20)]),
        ("mailto:a@reports.example!2k", [("a@reports.example", 2048)]),
        ("mailto:a@moved.example", [("new@moved.example", 1024)]),
        ("mailto:a@passed-on.example", []),
        ("mailto:a@nonsense.example", []),
        ("mailto:victim@example.net", []),
        ("https://example.org/report", []),
        ("mailto:a@example.org,mailto:A@example.org", [("a@example.org", None)]),
        ("mailto:a@" + "x" * 200 + ".example", []),
        ("mailto:a@..", []),
        ("mailto:1@example.net,mailto:2@example.net,mailto:a@example.org", []),
    ],
)
def test_destinations(rua: str, expected: list[tuple[str, int | None]]) -> None:
    record = parse_record(f"v=DMARC1; p=none; rua={rua}".encode())
    found = asyncio.run(find_destinations("example.org", record.rua, FakeResolver(WORLD), 2))
    assert [(one.address, one.max_octets) for one in found] == expected
