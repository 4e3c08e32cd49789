"""Where a report may go: addresses that the reported domain names and the receiver agrees to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pillarbox.dns.errors import BadDnsName
from pillarbox.dns.names import fold_name
from pillarbox.trust.dmarc.record import ReportAddress, is_dmarc, parse_record
from pillarbox.trust.dmarc.tree import find_organizational_domain

if TYPE_CHECKING:
    from pillarbox.dns.resolver import Resolver


async def find_destinations(
    domain: str, rua: Sequence[ReportAddress], resolver: Resolver, limit: int
) -> tuple[ReportAddress, ...]:
    """Those of the first `limit` addresses that may be written to (RFC 7489 §7.1).

    An address outside of the reporting domain's organisation counts only where its own domain
    publishes that it wants reports about `domain`; that record may put another address of the same
    host in its place. Only mailto: is served. Raises DnsFailure where the DNS does not answer now.
    """
    found: dict[str, ReportAddress] = {}
    own = await find_organizational_domain(domain, resolver)
    for one in rua[:limit]:
        if not one.address:
            continue
        try:
            host = fold_name(one.address.rpartition("@")[2])
            is_own = await find_organizational_domain(host, resolver) == own
        except BadDnsName:
            continue
        allowed = (one,) if is_own else await _agreed(domain, host, one, resolver, limit)
        for address in allowed[:limit]:
            found.setdefault(address.address.lower(), address)
    return tuple(found.values())[:limit]


async def _agreed(
    domain: str, host: str, asked: ReportAddress, resolver: Resolver, limit: int
) -> tuple[ReportAddress, ...]:
    try:
        answer = await resolver.txt(f"{domain}._report._dmarc.{host}")
    except BadDnsName:
        return ()
    records = [record for record in answer.records if is_dmarc(record)]
    if not records:
        return ()
    instead = [one for record in records for one in parse_record(record, limit).rua]
    if not instead:
        return (asked,)
    # One that leads to yet another host voids the whole: nobody may pass reports on like that.
    if any(_host(one) != host for one in instead):
        return ()
    return tuple(instead)


def _host(address: ReportAddress) -> str:
    try:
        return fold_name(address.address.rpartition("@")[2])
    except BadDnsName:
        return ""
