"""How many connections may stand at once, in all and from one address."""

from __future__ import annotations

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
        self, max_total: int, max_per_address: int, unlimited: frozenset[str] = frozenset()
    ) -> None:
        self._max_total = max_total
        self._max_per_address = max_per_address
        self._unlimited = unlimited | {"local"}
        self._by_network: dict[str, int] = {}
        self.total = 0

    def admit(self, address: str) -> ConnectionLease | None:
        """A place for a peer at `address`, None when there is none."""
        network = network_of(address)
        count = self._by_network.get(network, 0)
        if self.total >= self._max_total:
            return None
        if count >= self._max_per_address and address not in self._unlimited:
            return None
        self._by_network[network] = count + 1
        self.total += 1
        return ConnectionLease(self, network)

    def change(self, max_total: int, max_per_address: int) -> None:
        """Use other limits from now on; connections that stand are not closed."""
        self._max_total = max_total
        self._max_per_address = max_per_address

    def count_of(self, address: str) -> int:
        """Connections that stand from the network of `address`."""
        return self._by_network.get(network_of(address), 0)

    def _released(self, network: str) -> None:
        self.total -= 1
        left = self._by_network[network] - 1
        if left:
            self._by_network[network] = left
        else:
            del self._by_network[network]


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
