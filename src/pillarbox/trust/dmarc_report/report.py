"""The report as values: one struct for what we send and what we are sent.

Names and words are those of RFC 7489 Appendix C. In what others send, words stay as they wrote
them: newer versions of the format (RFC 9990) know more of them.
"""

from __future__ import annotations

from msgspec import Struct


class Published(Struct, frozen=True, kw_only=True):
    """What the domain's owner asked for; "" where the report does not say."""

    domain: str  # where the record stands
    p: str = ""
    sp: str = ""
    np: str = ""
    adkim: str = ""
    aspf: str = ""
    fo: str = ""
    testing: str = ""  # "y" (RFC 9990), or what pct= said before it


class Override(Struct, frozen=True):
    """Why something else was done than the owner asked for."""

    type: str  # "forwarded", "trusted_forwarder", "local_policy", …
    comment: str = ""


class DkimAuth(Struct, frozen=True):
    """One signature's result, aligned or not."""

    domain: str
    selector: str = ""
    result: str = "none"


class SpfAuth(Struct, frozen=True):
    """SPF's result, aligned or not."""

    domain: str
    scope: str = ""  # "mfrom" or "helo"
    result: str = "none"


class Row(Struct, frozen=True, kw_only=True):
    """Messages that were alike in all of this."""

    source_ip: str
    count: int
    disposition: str  # what was done: "none", "quarantine", "reject" (RFC 9990 adds "pass")
    dkim: str  # "pass" or "fail": an aligned signature held
    spf: str  # the same for SPF
    header_from: str
    envelope_from: str = ""  # a domain; "" for the null sender
    overrides: tuple[Override, ...] = ()
    dkim_results: tuple[DkimAuth, ...] = ()
    spf_results: tuple[SpfAuth, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether DMARC passed: one of the two suffices (RFC 7489 §4.2)."""
        return self.dkim == "pass" or self.spf == "pass"


class AggregateReport(Struct, frozen=True, kw_only=True):
    """A whole report about one domain."""

    organization: str
    email: str
    report_id: str
    begin: int  # Unix seconds
    end: int
    published: Published
    rows: tuple[Row, ...] = ()
    extra_contact: str = ""
    errors: tuple[str, ...] = ()

    @property
    def passed(self) -> int:
        """Messages that passed."""
        return sum(row.count for row in self.rows if row.passed)

    @property
    def failed(self) -> int:
        """Messages that did not."""
        return sum(row.count for row in self.rows if not row.passed)
