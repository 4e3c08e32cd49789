"""How many connections may stand at once, in all and from one address."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv6Address, ip_address


class ConnectionLease:
    """A place under the limits; `release` gives it back once, however often it is called."""

    __slots__ = ("_limiter", "_network")

    def __init__(self, limiter: ConnectionLimiter, network: str) -> None:
        self._limiter: ConnectionLimiter | None = limiter
        self._network = network

    def release(self) -> None:
        """Give the place back."""
        if self._limiter is not None:
            self._limiter._released(self._network)
            self._limiter = None


class ConnectionLimiter:
    """Counts the connections of one door (or several) and says when there are too many.

    An IPv6 peer counts by its /64, since one host can use all addresses of it. Unix-socket peers
    ("local") and trusted addresses count in the total only.
    """

    def __init__(
        self,
        max_total: int,
        max_per_address: int,
        unlimited: frozenset[str] = frozenset(),
        count: Callable[[str, int], tuple[int, int]] | None = None,
    ) -> None:
        """`count` is `Tally.add` where other workers count too; None: this process is alone."""
        self._count = count or self._count_alone
        self._max_total = max_total
        self._max_per_address = max_per_address
        self._unlimited = unlimited | {"local"}
        self._by_network: dict[str, int] = {}
        self.total = 0

    def admit(self, address: str) -> ConnectionLease | None:
        """A place for a peer at `address`, None when there is none."""
        network = network_of(address)
        total, count = self._count(network, 1)
        if total > self._max_total or (
            count > self._max_per_address and address not in self._unlimited
        ):
            self._count(network, -1)
            return None
        return ConnectionLease(self, network)

    def _released(self, network: str) -> None:
        self._count(network, -1)

    def _count_alone(self, network: str, number: int) -> tuple[int, int]:
        self.total += number
        count = self._by_network.get(network, 0) + number
        if count:
            self._by_network[network] = count
        else:
            del self._by_network[network]
        return self.total, count


def network_of(address: str) -> str:
    """Who an address counts as: itself for IPv4, its /64 for IPv6, itself for anything else."""
    if ":" not in address:
        return address
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return f"{IPv6Address(int(parsed) >> 64 << 64)}/64"
