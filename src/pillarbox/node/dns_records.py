"""The DNS records that a domain's mail needs, and whether the world sees them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

import msgspec
from cryptography import x509

from pillarbox.accounts.signing_keys import is_same_key, record_name, record_value
from pillarbox.config.loading import hostname_of
from pillarbox.config.settings import Settings
from pillarbox.dns.errors import DnsFailure
from pillarbox.dns.resolver import Resolver
from pillarbox.store.sql.dkim_keys import DkimKeyRow, KeyState
from pillarbox.trust.dane.records import encode_tlsa, own_record
from pillarbox.trust.dmarc import parse_record as parse_dmarc
from pillarbox.trust.mta_sts import policy as sts
from pillarbox.trust.mta_sts import record as sts_record
from pillarbox.trust.tls_rpt import record as rpt_record

_POLICY_MAX_AGE = timedelta(days=7)  # RFC 8461 §3.2: weeks; a change must not take long


class Wanted(msgspec.Struct, frozen=True):
    """One record."""

    name: str
    type: str  # "MX", "TXT", "TLSA", "SRV"
    value: str
    what_for: str
    is_needed: bool = True  # without it mail is lost or refused


class Seen(StrEnum):
    """What the DNS says of a wanted record."""

    RIGHT = "right"
    MISSING = "missing"
    DIFFERENT = "different"
    UNKNOWN = "unknown"  # the DNS did not answer, or we cannot ask for this type


def wanted_records(domain: str, settings: Settings, keys: Sequence[DkimKeyRow]) -> list[Wanted]:
    """All records of a domain (A-labels) that this server serves."""
    host = hostname_of(settings)
    report_to = f"mailto:postmaster@{domain}"
    records = [
        Wanted(domain, "MX", f"10 {host}.", "where mail for the domain goes"),
        Wanted(domain, "TXT", "v=spf1 mx -all", "which servers may send in its name (SPF)"),
    ]
    records += [
        Wanted(record_name(key), "TXT", record_value(key), f"the signing key ({key.state.value})")
        for key in keys
        if key.state is not KeyState.RETIRED
    ]
    records += [
        Wanted(
            f"_dmarc.{domain}",
            "TXT",
            f"v=DMARC1; p=quarantine; rua={report_to}",
            "what others do with forged mail (DMARC)",
        ),
        Wanted(
            sts_record.record_name(domain),
            "TXT",
            sts_record.encode_sts_record(policy_id(sts_policy(host))),
            f"that mail comes under TLS (MTA-STS); policy: {sts_record.policy_url(domain)}",
            is_needed=False,
        ),
        Wanted(
            rpt_record.record_name(domain),
            "TXT",
            f"v=TLSRPTv1; rua={report_to}",
            "where reports about TLS go",
            is_needed=False,
        ),
    ]
    records += [
        Wanted(f"_25._tcp.{host}", "TLSA", value, "our certificate (DANE; needs DNSSEC)", False)
        for value in _tlsa_values(settings)
    ]
    services = (
        ("_submissions._tcp", 465),
        ("_imaps._tcp", 993),
        ("_jmap._tcp", 443),
        ("_pop3s._tcp", 995),
    )
    records += [
        Wanted(f"{name}.{domain}", "SRV", f"0 1 {port} {host}.", "mail programs find us", False)
        for name, port in services
    ]
    return records


def sts_policy(host: str) -> bytes:
    """The text to be served at `policy_url` (RFC 8461 §3.2)."""
    return sts.encode_policy(sts.Policy("enforce", (host,), _POLICY_MAX_AGE))


def policy_id(policy: bytes) -> str:
    """An id that changes when the policy does (RFC 8461 §3.1)."""
    return hashlib.sha256(policy).hexdigest()[:20]


async def look_up(wanted: Wanted, resolver: Resolver) -> Seen:
    """What the world sees of a record."""
    try:
        if wanted.type == "MX":
            found = [
                f"{mx.preference} {mx.exchange}." for mx in (await resolver.mx(wanted.name)).records
            ]
            hosts = {value.split()[1] for value in found}
            return _compare(wanted.value.split()[1] in hosts, bool(found))
        if wanted.type == "TXT":
            return _compare_texts(wanted, (await resolver.txt(wanted.name)).records)
        if wanted.type == "TLSA":
            tlsa = [encode_tlsa(record) for record in (await resolver.tlsa(wanted.name)).records]
            return _compare(wanted.value in tlsa, bool(tlsa))
    except DnsFailure:
        return Seen.UNKNOWN
    return Seen.UNKNOWN


def _compare_texts(wanted: Wanted, found: Sequence[bytes]) -> Seen:
    """A record need not be ours to the letter to do the same."""
    kind = wanted.value[:6].encode()
    same = [text for text in found if text.startswith(kind)]
    if kind == b"v=DKIM":
        return _compare(any(is_same_key(wanted.value, text) for text in found), bool(found))
    is_right = wanted.value.encode() in same
    if kind == b"v=spf1" and len(same) == 1:
        is_right = is_right or b"mx" in same[0].lower().replace(b"+", b"").split()
    if kind == b"v=DMAR" and len(same) == 1:
        is_right = is_right or parse_dmarc(same[0]).p != "none"
    return _compare(is_right, bool(same))


def _compare(is_right: bool, is_there: bool) -> Seen:
    if is_right:
        return Seen.RIGHT
    return Seen.DIFFERENT if is_there else Seen.MISSING


def _tlsa_values(settings: Settings) -> list[str]:
    values = []
    for files in settings.tls.certificates:
        try:
            certificate = x509.load_pem_x509_certificate(Path(files.certificate).read_bytes())
        except (OSError, ValueError):
            continue  # `config check` says so
        values.append(encode_tlsa(own_record(certificate)))
    return values
