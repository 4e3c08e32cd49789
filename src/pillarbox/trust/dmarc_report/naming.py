"""Who reports, and the names that a report goes by (RFC 7489 §7.2.1.1)."""

from __future__ import annotations

from msgspec import Struct


class Origin(Struct, frozen=True):
    """Who reports."""

    organization: str
    contact: str  # an address; its domain is the submitter
    report_id: str

    @property
    def submitter(self) -> str:
        """The domain that signs and sends."""
        return self.contact.rpartition("@")[2]


def file_name(origin: Origin, domain: str, begin: int, end: int) -> str:
    """Of the attachment."""
    return f"{origin.submitter}!{domain}!{begin}!{end}.xml.gz"


def subject(origin: Origin, domain: str) -> str:
    """Of the message."""
    ident = f"<{origin.report_id}@{origin.submitter}>"
    return f"Report Domain: {domain} Submitter: {origin.submitter} Report-ID: {ident}"
