"""Whether the sender's domain says that it takes no mail (RFC 7505 §4.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pillarbox.dns.errors import BadDnsName, DnsFailure

if TYPE_CHECKING:
    from pillarbox.dns.resolver import Resolver


async def has_null_mx(reverse_path: str, resolver: Resolver) -> bool:
    """False, too, where the DNS does not answer."""
    try:
        found = await resolver.mx(reverse_path.rpartition("@")[2])
    except (BadDnsName, DnsFailure):
        return False
    return len(found.records) == 1 and not found.records[0].exchange
