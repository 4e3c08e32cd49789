"""The report itself as JSON (RFC 8460 §4.4). One struct for what we send and what we are sent.

Names are those of the RFC's schema. What came from elsewhere is bounded before it is read: octets
(after unpacking, too), list lengths, and lengths of text.
"""

from __future__ import annotations

import gzip
import zlib
from datetime import UTC, datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

PolicyType = Literal["tlsa", "sts", "no-policy-found"]
ResultType = Literal[
    "starttls-not-supported",
    "certificate-host-mismatch",
    "certificate-expired",
    "certificate-not-trusted",
    "validation-failure",
    "tlsa-invalid",
    "dnssec-invalid",
    "dane-required",
    "sts-policy-fetch-error",
    "sts-policy-invalid",
    "sts-webpki-invalid",
]

MAX_REPORT_OCTETS = 10 * 1024 * 1024  # unpacked; the limit that RFC 8460 §5.2 found in use
MAX_POLICIES = 1000  # a domain has one policy or two, each seen in a few versions a day
MAX_FAILURES = 10_000  # of one policy: result, our address and theirs make the rows
GZIP_TYPE = "application/tlsrpt+gzip"

Short = Annotated[str, Meta(max_length=1024)]
Long = Annotated[str, Meta(max_length=10_000)]  # a TLSA record may hold a certificate
Count = Annotated[int, Meta(ge=0, le=2**53)]


class _Part(Struct, frozen=True, rename="kebab", omit_defaults=True):
    """A JSON object of the report; what a report leaves out has a default."""


class DateRange(_Part, frozen=True, kw_only=True):
    """The time that the report is about, a day as a rule."""

    start_datetime: datetime
    end_datetime: datetime


class AppliedPolicy(_Part, frozen=True, kw_only=True):
    """What the sender went by."""

    policy_type: Short  # PolicyType in ours; others may know more
    policy_string: Annotated[tuple[Long, ...], Meta(max_length=1000)] = ()
    policy_domain: Short
    mx_host: Annotated[tuple[Short, ...], Meta(max_length=1000)] | Short = ()


class Summary(_Part, frozen=True, kw_only=True, omit_defaults=False):
    """Sessions, not messages."""

    total_successful_session_count: Count = 0
    total_failure_session_count: Count = 0


class FailureDetails(_Part, frozen=True, kw_only=True):
    """Sessions that failed in one way."""

    result_type: Short  # ResultType in ours
    sending_mta_ip: Short = ""
    receiving_mx_hostname: Short = ""
    receiving_mx_helo: Short = ""
    receiving_ip: Short = ""
    failed_session_count: Count = 0
    additional_information: Long = ""
    failure_reason_code: Long = ""


class PolicyResults(_Part, frozen=True, kw_only=True):
    """What came of one policy."""

    policy: AppliedPolicy
    summary: Summary
    failure_details: Annotated[tuple[FailureDetails, ...], Meta(max_length=MAX_FAILURES)] = ()


class Report(_Part, frozen=True, kw_only=True):
    """A whole report."""

    organization_name: Short = ""
    date_range: DateRange
    contact_info: Short = ""
    report_id: Short
    policies: Annotated[tuple[PolicyResults, ...], Meta(max_length=MAX_POLICIES)] = ()


class BadReport(Exception):
    """Octets that are no report, or more than we read."""


def encode_report(report: Report) -> bytes:
    """The JSON text."""
    return msgspec.json.encode(report)


def pack_report(report: Report) -> bytes:
    """The JSON text with gzip, as it is sent; the same report gives the same octets."""
    return gzip.compress(encode_report(report), mtime=0)


def unpack(octets: bytes, limit: int = MAX_REPORT_OCTETS) -> bytes:
    """The JSON text of a part that may be packed or not, whatever its media type says.

    Raises BadReport. Never holds more than `limit` octets, to how much ever they would unpack.
    """
    if octets[:2] != b"\x1f\x8b":
        if len(octets) > limit:
            raise BadReport("the report is too large")
        return octets
    unpacker = zlib.decompressobj(wbits=31)
    try:
        text = unpacker.decompress(octets, limit + 1)
    except zlib.error as error:
        raise BadReport("the report cannot be unpacked") from error
    if len(text) > limit:
        raise BadReport("the report is too large")
    if not unpacker.eof:
        raise BadReport("the report is cut short")
    return text


_decoder = msgspec.json.Decoder(Report, strict=False)


def parse_report(octets: bytes) -> Report:
    """A report that somebody sent, packed or not. Raises BadReport."""
    try:
        report = _decoder.decode(unpack(octets).removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadReport("the report is not as RFC 8460 has it") from error
    start, end = (
        instant if instant.tzinfo else instant.replace(tzinfo=UTC)
        for instant in (report.date_range.start_datetime, report.date_range.end_datetime)
    )
    if end < start:
        raise BadReport("the report ends before it starts")
    return msgspec.structs.replace(
        report, date_range=DateRange(start_datetime=start, end_datetime=end)
    )
