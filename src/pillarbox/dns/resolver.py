"""What every part that needs the DNS is given: the resolver of stub.py, or a fake."""

from __future__ import annotations

from typing import Protocol

from pillarbox.dns.answer import Answer, Mx, Srv, Tlsa


class Resolver(Protocol):
    """Each question gives an answer, maybe without records, or raises DnsFailure or BadDnsName."""

    async def txt(self, name: str) -> Answer[bytes]:
        """TXT records, the character-strings of each joined (RFC 7208 §3.3)."""

    async def mx(self, name: str) -> Answer[Mx]:
        """MX records by preference; no record says nothing about an implicit MX."""

    async def a(self, name: str) -> Answer[str]:
        """IPv4 addresses."""

    async def aaaa(self, name: str) -> Answer[str]:
        """IPv6 addresses."""

    async def ptr(self, address: str) -> Answer[str]:
        """Names of an IP address; an IPv4 address mapped into IPv6 counts as IPv4."""

    async def tlsa(self, name: str) -> Answer[Tlsa]:
        """TLSA records of a name with its port and protocol in front (RFC 6698 §3)."""

    async def srv(self, name: str) -> Answer[Srv]:
        """SRV records of a name with its service and protocol in front, by priority."""

    async def cname(self, name: str) -> Answer[str]:
        """The name that this one is an alias of; that one's own alias is not followed."""
