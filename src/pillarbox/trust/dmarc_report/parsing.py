"""A report that somebody sent, packed or not → values (RFC 7489 Appendix C, and RFC 9990).

Much of what is sent bends the schema a little: elements are missing or in another order, in a
namespace or not. What is needed is asked for, the rest is read as far as it is there.
"""

from __future__ import annotations

from ipaddress import ip_address

from pillarbox.trust.dmarc_report.errors import BadReport
from pillarbox.trust.dmarc_report.report import (
    AggregateReport,
    DkimAuth,
    Override,
    Published,
    Row,
    SpfAuth,
)
from pillarbox.trust.dmarc_report.unpacking import MAX_XML_OCTETS, unpacked
from pillarbox.trust.dmarc_report.xml_reading import Element, read_elements

MAX_ROWS = 20_000
MAX_RESULTS = 20  # of one row: signatures, SPF scopes, reasons
MAX_ERRORS = 20
_MAX_COUNT = 2**53  # messages of a row
_LATEST = 253_402_300_799  # the end of the year 9999


def parse_report(octets: bytes, limit: int = MAX_XML_OCTETS) -> AggregateReport:
    """Raises BadReport. Takes seconds at most; call it beside the loop for large ones."""
    reading = _Reading()
    read_elements(unpacked(octets, limit), "feedback", reading.take)
    return reading.report()


class _Reading:
    def __init__(self) -> None:
        self._metadata: Element | None = None
        self._published: Element | None = None
        self._rows: list[Row] = []

    def take(self, element: Element) -> None:
        """One child of <feedback>."""
        if element.name == "record":
            if len(self._rows) >= MAX_ROWS:
                raise BadReport("too many rows", f"The report has more than {MAX_ROWS} rows.")
            self._rows.append(_row(element))
        elif element.name == "report_metadata" and self._metadata is None:
            self._metadata = element
        elif element.name == "policy_published" and self._published is None:
            self._published = element

    def report(self) -> AggregateReport:
        """All of it."""
        metadata, published = self._metadata, self._published
        if metadata is None or published is None:
            raise BadReport("not a report", "The report does not say of whom and about whom it is.")
        period = metadata.find("date_range") or Element("date_range")
        begin, end = (_number(period.word(name), name, _LATEST) for name in ("begin", "end"))
        report_id, domain = metadata.word("report_id"), published.word("domain").lower()
        if not report_id or not domain or end < begin:
            raise BadReport("not a report", "The report has no identifier, domain or period.")
        return AggregateReport(
            organization=metadata.word("org_name"),
            email=metadata.word("email"),
            extra_contact=metadata.word("extra_contact_info"),
            report_id=report_id,
            begin=begin,
            end=end,
            errors=tuple(one.text.strip() for one in metadata.all("error")[:MAX_ERRORS]),
            published=_published(published, domain),
            rows=tuple(self._rows),
        )


def _published(element: Element, domain: str) -> Published:
    testing = element.word("testing")
    if not testing and element.word("pct") == "0":
        testing = "y"
    return Published(
        domain=domain,
        p=element.word("p"),
        sp=element.word("sp"),
        np=element.word("np"),
        adkim=element.word("adkim"),
        aspf=element.word("aspf"),
        fo=element.word("fo"),
        testing=testing,
    )


_NONE = Element("")


def _row(record: Element) -> Row:
    row = record.find("row") or _NONE
    evaluated = row.find("policy_evaluated") or _NONE
    identifiers = record.find("identifiers") or record.find("identities") or _NONE
    results = record.find("auth_results") or _NONE
    return Row(
        source_ip=_address(row.word("source_ip")),
        count=_number(row.word("count"), "count", _MAX_COUNT),
        disposition=evaluated.word("disposition").lower() or "none",
        dkim=_passed(evaluated.word("dkim")),
        spf=_passed(evaluated.word("spf")),
        header_from=identifiers.word("header_from").lower(),
        envelope_from=identifiers.word("envelope_from").lower(),
        overrides=tuple(
            Override(one.word("type"), one.word("comment"))
            for one in evaluated.all("reason")[:MAX_RESULTS]
        ),
        dkim_results=tuple(
            DkimAuth(one.word("domain").lower(), one.word("selector"), one.word("result").lower())
            for one in results.all("dkim")[:MAX_RESULTS]
        ),
        spf_results=tuple(
            SpfAuth(one.word("domain").lower(), one.word("scope"), one.word("result").lower())
            for one in results.all("spf")[:MAX_RESULTS]
        ),
    )


def _passed(word: str) -> str:
    return "pass" if word.lower() == "pass" else "fail"


def _number(word: str, what: str, largest: int) -> int:
    """Some write seconds with a fraction of zeros."""
    digits = word.partition(".")[0]
    if not digits.isascii() or not digits.isdigit() or len(digits) > 20 or int(digits) > largest:
        raise BadReport("not a report", f"The report's {what} is no number.")
    return int(digits)


def _address(word: str) -> str:
    try:
        return str(ip_address(word))
    except ValueError:
        raise BadReport("not a report", "A row of the report has no source address.") from None
