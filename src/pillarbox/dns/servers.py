"""The resolvers that are asked, and which of them have been silent lately."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

from msgspec import Struct

from pillarbox.config.dns import DnsSettings
from pillarbox.errors import ConfigurationError

RESOLV_CONF = Path("/etc/resolv.conf")
MAX_SERVERS = 8  # what is tried for one question is bounded; three is what others take
STRIKES = 2  # silent so often with no answer in between: dead
_PORT = 53


class Server(Struct, frozen=True):
    """Where a resolver listens, for UDP and TCP."""

    host: str
    port: int = _PORT


class ResolverList(Struct, frozen=True):
    """Whom to ask, and whether to believe the AD bit of their answers."""

    servers: tuple[Server, ...]
    trust_ad: bool


def parse_server(text: str) -> Server:
    """Of `dns.servers`: an address, maybe with a port. Raises ConfigurationError."""
    host, port = text, str(_PORT)
    if text.startswith("[") and "]" in text:
        host, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":") or port
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    try:
        ip_address(host)
        number = int(port)
    except ValueError:
        number = 0
    if not 0 < number < 65536:
        raise ConfigurationError(
            f"dns.servers has {text!r}: write an IP address, or address:port, or [IPv6]:port."
        )
    return Server(host, number)


def parse_resolv_conf(text: str) -> ResolverList:
    """The lines of resolv.conf(5) that matter here; this computer where none names a server."""
    servers, trust_ad = [], False
    for line in text.splitlines():
        match line.split():
            case ["nameserver", address, *_] if _is_address(address):
                servers.append(Server(address))
            case ["options", *options]:
                trust_ad = trust_ad or "trust-ad" in options
    return ResolverList(tuple(servers[:MAX_SERVERS]) or (Server("127.0.0.1"),), trust_ad)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def load_servers(settings: DnsSettings, resolv_conf: Path = RESOLV_CONF) -> ResolverList:
    """Those of the configuration, else the system's. Raises ConfigurationError."""
    if settings.servers:
        found = tuple(map(parse_server, settings.servers[:MAX_SERVERS]))
        return ResolverList(found, settings.trust_ad)
    try:
        text = resolv_conf.read_text(errors="replace")
    except OSError:
        text = ""
    system = parse_resolv_conf(text)
    return ResolverList(system.servers, settings.trust_ad or system.trust_ad)


class Health:
    """Remembers who was silent, so that the living are asked first."""

    def __init__(self, dead_seconds: float) -> None:
        self._dead_seconds = dead_seconds
        self._strikes: dict[Server, int] = {}
        self._dead_until: dict[Server, float] = {}

    def order(self, servers: tuple[Server, ...], now: float) -> list[Server]:
        """The configured order, the dead last; they are asked still, for all may be dead."""
        return sorted(servers, key=lambda server: self._dead_until.get(server, 0.0) > now)

    def answered(self, server: Server) -> None:
        """It lives."""
        self._strikes.pop(server, None)
        self._dead_until.pop(server, None)

    def silent(self, server: Server, now: float) -> bool:
        """It did not answer in time, or could not be reached. True: from now on it is dead."""
        strikes = self._strikes.get(server, 0) + 1
        self._strikes[server] = strikes
        if strikes >= STRIKES:
            self._dead_until[server] = now + self._dead_seconds
        return strikes == STRIKES
