"""Values → XML in the order of RFC 7489 Appendix C, and packed as it is sent.

The older form is written, not RFC 9990's: who reads reports reads it.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from xml.sax.saxutils import escape

from pillarbox.trust.dmarc_report.report import AggregateReport, Published, Row

GZIP_TYPE = "application/gzip"

# What XML 1.0 cannot hold at all, escaped or not.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def encode_report(report: AggregateReport) -> bytes:
    """The XML text in UTF-8."""
    return "".join(_document(report)).encode()


def pack_report(report: AggregateReport) -> bytes:
    """The same with gzip; the same report gives the same octets."""
    return gzip.compress(encode_report(report), mtime=0)


def _document(report: AggregateReport) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>\n<feedback>\n<version>1.0</version>\n'
    yield "<report_metadata>\n"
    yield _word("org_name", report.organization)
    yield _word("email", report.email)
    if report.extra_contact:
        yield _word("extra_contact_info", report.extra_contact)
    yield _word("report_id", report.report_id)
    yield f"<date_range><begin>{report.begin}</begin><end>{report.end}</end></date_range>\n"
    for error in report.errors:
        yield _word("error", error)
    yield "</report_metadata>\n"
    yield from _policy(report.published)
    for row in report.rows:
        yield from _record(row)
    yield "</feedback>\n"


def _policy(published: Published) -> Iterator[str]:
    yield "<policy_published>\n"
    yield _word("domain", published.domain)
    yield _word("adkim", published.adkim or "r")
    yield _word("aspf", published.aspf or "r")
    yield _word("p", published.p or "none")
    yield _word("sp", published.sp or published.p or "none")
    yield _word("pct", "0" if published.testing == "y" else "100")
    yield _word("fo", published.fo or "0")
    yield "</policy_published>\n"


def _record(row: Row) -> Iterator[str]:
    yield "<record>\n<row>\n"
    yield _word("source_ip", row.source_ip)
    yield _word("count", str(row.count))
    yield "<policy_evaluated>\n"
    yield _word("disposition", row.disposition)
    yield _word("dkim", row.dkim)
    yield _word("spf", row.spf)
    for one in row.overrides:
        comment = _word("comment", one.comment) if one.comment else ""
        yield f"<reason>{_word('type', one.type)}{comment}</reason>\n"
    yield "</policy_evaluated>\n</row>\n<identifiers>\n"
    yield _word("envelope_from", row.envelope_from)
    yield _word("header_from", row.header_from)
    yield "</identifiers>\n<auth_results>\n"
    for dkim in row.dkim_results:
        yield f"<dkim>{_word('domain', dkim.domain)}"
        yield _word("selector", dkim.selector) if dkim.selector else ""
        yield f"{_word('result', dkim.result)}</dkim>\n"
    for spf in row.spf_results:
        scope = _word("scope", spf.scope or "mfrom")
        yield f"<spf>{_word('domain', spf.domain)}{scope}{_word('result', spf.result)}</spf>\n"
    yield "</auth_results>\n</record>\n"


def _word(name: str, text: str) -> str:
    return f"<{name}>{escape(_NOT_XML.sub('?', text))}</{name}>\n"
