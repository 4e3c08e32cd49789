"""Chains of certificates, the anchor that the DNS names, and what is to come of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from support.authority import Issued, new_authority

PAST = datetime(2021, 1, 1, tzinfo=UTC)
MX = "mx.example.org"
ROOT = new_authority()
BETWEEN = ROOT.issue_authority("Between")
LEAF = BETWEEN.issue(MX)
OTHER = new_authority("Other")


def signed(issuer: Issued, *names: str, **more: Any) -> list[Issued]:
    return [issuer.issue(*names, **more), issuer]


EXPIRED_CA = new_authority("Expired", end=PAST)
EXPIRED_BETWEEN = ROOT.issue_authority("Late", end=PAST)
SHORT = new_authority("Short", path_length=0)
SHORT_BETWEEN = SHORT.issue_authority("Too far")
NOT_CA = ROOT.issue("not-an-authority.example", common_name="Pretender")
LIMITED = new_authority(
    "Limited",
    extensions=[
        (
            x509.NameConstraints([x509.DNSName("example.org")], [x509.DNSName("no.example.org")]),
            True,
        )
    ],
)
NO_SIGNING = new_authority(
    "No signing",
    extensions=[
        (x509.KeyUsage(True, False, False, False, False, False, False, False, False), True)
    ],
)  # fmt: skip
STRANGE = (x509.UnrecognizedExtension(ObjectIdentifier("1.2.3.4"), b"\5\0"), True)
CLIENT = (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False)
SERVER = (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
MIMIC = new_authority()  # has the name of ROOT, and another key

UNTRUSTED = "certificate-not-trusted"
MISMATCH = "certificate-host-mismatch"
PATHS = {
    "another authority": ([LEAF, BETWEEN, OTHER], OTHER, UNTRUSTED),
    "an authority of that name": ([*signed(MIMIC, MX), ROOT], ROOT, UNTRUSTED),
    "a link is missing": ([LEAF, ROOT], ROOT, UNTRUSTED),
    "expired": (signed(ROOT, MX, end=PAST), ROOT, "certificate-expired"),
    "expired authority": (signed(EXPIRED_CA, MX), EXPIRED_CA, "certificate-expired"),
    "expired between": (
        [*signed(EXPIRED_BETWEEN, MX), ROOT],
        ROOT,
        "certificate-expired",
    ),
    "not yet": (signed(ROOT, MX, start=datetime(2050, 1, 1, tzinfo=UTC)), ROOT, UNTRUSTED),
    "another name": (signed(ROOT, "mx2.example.org"), ROOT, MISMATCH),
    "no name": (signed(ROOT), ROOT, MISMATCH),
    "a common name beside others": (
        signed(ROOT, "mx2.example.org", common_name=MX),
        ROOT,
        "certificate-host-mismatch",
    ),
    "a star in the wrong place": (signed(ROOT, "m*.example.org"), ROOT, MISMATCH),
    "a star too high": (signed(ROOT, "*.org"), ROOT, MISMATCH),
    "an address as a name": (signed(ROOT, "192.0.2.1"), ROOT, MISMATCH),
    "path too long": ([*signed(SHORT_BETWEEN, MX), SHORT], SHORT, UNTRUSTED),
    "issued by a server": ([*signed(NOT_CA, MX), ROOT], ROOT, UNTRUSTED),
    "outside the constraints": (signed(LIMITED, MX, "example.net"), LIMITED, UNTRUSTED),
    "excluded": (signed(LIMITED, MX, "a.no.example.org"), LIMITED, UNTRUSTED),
    "may not sign": (signed(NO_SIGNING, MX), NO_SIGNING, UNTRUSTED),
    "strange": (signed(ROOT, MX, extensions=[STRANGE]), ROOT, UNTRUSTED),
    "for clients": (signed(ROOT, MX, extensions=[CLIENT]), ROOT, UNTRUSTED),
    "within the constraints": (signed(LIMITED, MX), LIMITED, ""),
    "path just long enough": (signed(SHORT, MX), SHORT, ""),
    "for servers": (signed(ROOT, MX, extensions=[SERVER]), ROOT, ""),
    "a star": (signed(ROOT, "*.Example.org"), ROOT, ""),
    "only a common name": (signed(ROOT, common_name=MX), ROOT, ""),
}  # fmt: skip
