"""DMARC aggregate reports: a day's results for one domain, as XML (RFC 7489 §7.2, Appendix C)."""

from pillarbox.trust.dmarc_report.destinations import find_destinations
from pillarbox.trust.dmarc_report.errors import BadReport
from pillarbox.trust.dmarc_report.naming import Origin, file_name, subject
from pillarbox.trust.dmarc_report.parsing import parse_report
from pillarbox.trust.dmarc_report.report import (
    AggregateReport,
    DkimAuth,
    Override,
    Published,
    Row,
    SpfAuth,
)
from pillarbox.trust.dmarc_report.writing import encode_report, pack_report

__all__ = [
    "AggregateReport",
    "BadReport",
    "DkimAuth",
    "Origin",
    "Override",
    "Published",
    "Row",
    "SpfAuth",
    "encode_report",
    "file_name",
    "find_destinations",
    "pack_report",
    "parse_report",
    "subject",
]
