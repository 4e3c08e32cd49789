"""IP networks: which one an address is in, and which one it counts as."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network


class Networks:
    """A list of networks, asked whether an address is in one."""

    def __init__(self, networks: Iterable[str]) -> None:
        """Raises ValueError for what is no network."""
        self._networks = tuple(ip_network(network, strict=False) for network in networks)

    def __contains__(self, address: str) -> bool:
        try:
            parsed = parse_peer(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._networks)


@lru_cache(maxsize=4096)
def parse_address(address: str) -> IPv4Address | IPv6Address:
    """`ip_address`, remembered: the same few are parsed over and over. Raises ValueError."""
    return ip_address(address)


def parse_peer(address: str) -> IPv4Address | IPv6Address:
    """A peer's address; IPv4 where it was mapped into IPv6, no zone. Raises ValueError."""
    parsed = parse_address(address.partition("%")[0])
    return getattr(parsed, "ipv4_mapped", None) or parsed


def network_prefix(address: str, ipv4_bits: int, ipv6_bits: int) -> str:
    """The network that an address counts as. Raises ValueError."""
    parsed = parse_peer(address)
    bits = ipv4_bits if parsed.version == 4 else ipv6_bits
    return str(ip_network((parsed, bits), strict=False))
