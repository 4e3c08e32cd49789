"""Which addresses we go to on somebody else's word.

Who writes a URL or an MX record chooses where we connect. Addresses inside our own network must
not be reached so: a router's pages or a cloud's metadata service may answer to whoever asks.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from msgspec import Struct

# Global unicast. All else in IPv6 is private, local, reserved, or another form of an IPv4 address.
_GLOBAL = IPv6Network("2000::/3")


class AddressPolicy(Struct, frozen=True):
    """`PUBLIC` is for URLs of others; a test, or an administrator's own URL, may allow more."""

    private: bool = False
    ports: tuple[int, ...] = (443,)  # (): any

    def allows(self, address: str, port: int) -> bool:
        """Whether to connect there."""
        if self.ports and port not in self.ports:
            return False
        return self.private or is_public(address)


PUBLIC = AddressPolicy()


def is_public(address: str) -> bool:
    """Whether this is an address of the open Internet, in whatever form it is written."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address):
        embedded = _embedded(parsed)
        if embedded is not None:
            return all(map(_is_public_ipv4, embedded))
        return parsed in _GLOBAL and parsed.is_global and not parsed.is_multicast
    return _is_public_ipv4(parsed)


def _is_public_ipv4(address: IPv4Address) -> bool:
    return address.is_global and not (address.is_multicast or address.is_reserved)


def _embedded(address: IPv6Address) -> tuple[IPv4Address, ...] | None:
    """IPv4 addresses to which packets for this one may end up going (mapped, 6to4, Teredo)."""
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    if address.sixtofour is not None:
        return (address.sixtofour,)
    return address.teredo
