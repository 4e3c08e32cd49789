"""DNS lists of addresses, good or bad, asked about a client (RFC 5782)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from msgspec import Struct

from pillarbox.dns.errors import BadDnsName, DnsFailure
from pillarbox.dns.names import reverse_name

if TYPE_CHECKING:
    from pillarbox.config.trust import DnsblSettings
    from pillarbox.dns.resolver import Resolver

MAX_TEXT = 200  # characters of a list's own reason that are kept
# Answers here say that the list does not speak with this resolver, not that anybody is listed.
_NO_SERVICE = ip_network("127.255.255.0/24")


class Listing(Struct, frozen=True):
    """One list that has the client."""

    zone: str
    action: str  # as configured for the list
    codes: tuple[str, ...]  # its answers
    text: str = ""  # its reason, printable ASCII; "" for none


async def check_dnsbl(
    ip: str, zones: Sequence[DnsblSettings], resolver: Resolver
) -> tuple[Listing, ...]:
    """The lists that have the client; one that does not answer has nobody."""
    found = await asyncio.gather(*(_check(ip, zone, resolver) for zone in zones))
    return tuple(listing for listing in found if listing is not None)


async def _check(ip: str, settings: DnsblSettings, resolver: Resolver) -> Listing | None:
    try:
        # Without .in-addr.arpa or .ip6.arpa (RFC 5782 §2.1, §2.4).
        labels = reverse_name(ip).rpartition(".")[0].rpartition(".")[0]
        name = f"{labels}.{settings.zone}"
        answer = await resolver.a(name)
    except (BadDnsName, DnsFailure):
        return None
    codes = tuple(code for code in answer.records if _means_listed(code, settings.answers))
    if not codes:
        return None
    return Listing(settings.zone, settings.action, codes, await _text(name, resolver))


async def _text(name: str, resolver: Resolver) -> str:
    try:
        records = (await resolver.txt(name)).records
    except (BadDnsName, DnsFailure):
        return ""
    text = records[0].decode("ascii", "replace")[:MAX_TEXT] if records else ""
    return "".join(letter if " " <= letter <= "~" else "?" for letter in text)


@lru_cache(maxsize=256)
def _means_listed(code: str, answers: tuple[str, ...]) -> bool:
    address = ip_address(code)
    if address in _NO_SERVICE:
        return False
    return any(address in ip_network(network, strict=False) for network in answers)
