"""From a destination to addresses: what the DNS says, and what is ours or not to be gone to."""

from __future__ import annotations

import random

from pillarbox.config.outbound import OutboundSettings
from pillarbox.dns.addresses import find_addresses
from pillarbox.dns.errors import BadDnsName, DnsFailure
from pillarbox.dns.resolver import Resolver
from pillarbox.flow.outbound.outcome import Kind
from pillarbox.flow.outbound.route import Host, Hosts, NoWay, Router, Shuffle
from pillarbox.net.address_policy import AddressPolicy

EVERYWHERE = "*"
_ALL = AddressPolicy(private=True, ports=())
_PUBLIC = AddressPolicy(private=False, ports=())


class Places:
    """Asks the DNS on behalf of the router."""

    def __init__(
        self,
        settings: OutboundSettings,
        router: Router,
        resolver: Resolver,
        *,
        hostname: str,
        listening: frozenset[tuple[str, int]] = frozenset(),
        shuffle: Shuffle = random.shuffle,
    ) -> None:
        """`listening`: addresses, or EVERYWHERE, with the ports at which we take mail."""
        self._settings = settings
        self._router = router
        self._resolver = resolver
        self._listening = listening
        self._shuffle = shuffle
        self.hostname = hostname.lower()

    async def hosts(self, key: str) -> Hosts:
        """The servers of a destination. Raises NoWay."""
        fixed = self._router.fixed(key)
        if fixed is not None:
            return fixed
        try:
            answer = await self._resolver.mx(key)
        except BadDnsName:
            raise NoWay(Kind.FAILED, "5.1.2", f"{key!r} is not the name of a domain.") from None
        except DnsFailure as failure:
            why = f"The mail servers of {key} cannot be looked up ({failure.why})."
            raise NoWay(Kind.LATER, "4.4.3", why) from failure
        return self._router.by_mx(answer, (self.hostname,), self._shuffle)

    async def addresses(self, hosts: Hosts, host: Host) -> tuple[str, ...]:
        """IPv6 first, then IPv4, those that we may go to. Raises DnsFailure and NoWay."""
        found = (host.literal,) if host.literal else await self._look_up(host)
        if not hosts.domain:
            return found
        policy = _ALL if self._settings.private_addresses else _PUBLIC
        allowed = tuple(one for one in found if policy.allows(one, host.port))
        if found and not allowed:
            why = f"The addresses of {host.name} are not of the open Internet."
            raise NoWay(Kind.FAILED, "5.4.4", why)
        return allowed

    async def is_ours(self, address: str, port: int) -> bool:
        """Whether our own server takes mail there."""
        if (address, port) in self._listening:
            return True
        if (EVERYWHERE, port) not in self._listening:
            return False
        try:
            return address in await find_addresses(self._resolver, self.hostname)
        except (DnsFailure, BadDnsName):
            return False

    async def _look_up(self, host: Host) -> tuple[str, ...]:
        try:
            return await find_addresses(self._resolver, host.name)
        except BadDnsName:
            return ()

    def source(self, address: str) -> str:
        """Our own address towards this one; "" for any."""
        settings = self._settings
        return settings.source_ipv6 if ":" in address else settings.source_ipv4
