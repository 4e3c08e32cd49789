"""Which way a recipient's mail takes, and the hosts on it. Pure, given the DNS's answers."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from ipaddress import ip_address

import msgspec

from pillarbox.config.outbound import OutboundSettings, RouteSettings, RouteTls
from pillarbox.dns.answer import Answer, Mx
from pillarbox.errors import PillarboxError
from pillarbox.flow.outbound.outcome import Kind

_BY_NAME, _BY_HAND = "route:", "host:"  # in front of a destination's key; no domain has a colon

Shuffle = Callable[[list[Mx]], None]


class NoWay(PillarboxError):
    """Nothing can be sent there; `str()` is the sentence, `kind` says whether it may change."""

    def __init__(self, kind: Kind, status: str, why: str) -> None:
        super().__init__(why)
        self.kind = kind
        self.status = status


class Host(msgspec.Struct, frozen=True):
    """A server by its name, or by an address in brackets."""

    name: str
    port: int
    preference: int = 0

    @property
    def literal(self) -> str:
        """The address, where there is no name to look up; else ""."""
        return parse_literal(self.name)


class Hosts(msgspec.Struct, frozen=True):
    """The servers of a destination in the order in which they are tried."""

    hosts: tuple[Host, ...]
    domain: str = ""  # whose MX records (or address) these are; "" on a fixed route
    canonical: str = ""  # the end of that domain's chain of aliases
    authentic: bool = False  # DNSSEC says that these are its servers
    implicit: bool = False  # the domain has no MX records and takes its mail itself
    tls: RouteTls = "opportunistic"  # what a fixed route demands
    tls_name: str = ""
    login: str = ""  # name of the route whose credentials are used


class Router:
    """Ways by configuration, and by what the administrator wished for a recipient."""

    def __init__(self, settings: OutboundSettings) -> None:
        self._port = settings.port
        self._routes = {route.name: route for route in settings.route}

    def key(self, reverse_path: str, domain: str, wish: str) -> str:
        """The destination of a recipient in `domain`; `wish` is that of `pillarbox queue route`."""
        if wish:
            return (_BY_NAME if wish in self._routes else _BY_HAND) + wish
        sender = reverse_path.rpartition("@")[2].lower()
        for route in self._routes.values():
            if _takes(route, sender, domain):
                return _BY_NAME + route.name
        return domain

    def fixed(self, key: str) -> Hosts | None:
        """The hosts of a route; None where MX records tell them. Raises NoWay."""
        if key.startswith(_BY_NAME):
            route = self._routes[key.removeprefix(_BY_NAME)]
            return Hosts(
                tuple(parse_host(host, self._port) for host in route.hosts),
                tls=route.tls,
                tls_name=route.tls_name,
                login=route.name if route.username else "",
            )
        if key.startswith(_BY_HAND):
            return Hosts((parse_host(key.removeprefix(_BY_HAND), self._port),))
        if key.startswith("["):
            if not parse_literal(key):
                raise NoWay(Kind.FAILED, "5.1.2", f"{key} is not an address of a mail server.")
            return Hosts((Host(key, self._port),), domain=key, implicit=True)
        return None

    def by_mx(self, answer: Answer[Mx], own: Iterable[str], shuffle: Shuffle) -> Hosts:
        """The hosts that a domain's answer names (RFC 5321 §5.1). Raises NoWay.

        `own`: our names; what has no smaller preference than one of them would lead back to us.
        """
        domain = answer.name
        if not answer.exists and not answer.records:
            raise NoWay(Kind.FAILED, "5.1.2", f"The domain {domain} does not exist.")
        records = answer.records or (Mx(0, domain),)  # the implicit MX
        real = [one for one in records if one.exchange]
        if not real:  # RFC 7505 §3; beside others, the null MX says nothing
            raise NoWay(Kind.FAILED, "5.1.10", f"The domain {domain} takes no mail (null MX).")
        ours = frozenset(own)
        mine = min((one.preference for one in real if one.exchange in ours), default=None)
        left = real if mine is None else [one for one in real if one.preference < mine]
        if not left:
            raise loops(domain)
        return Hosts(
            tuple(
                Host(one.exchange, self._port, one.preference) for one in in_order(left, shuffle)
            ),
            domain=domain,
            canonical=answer.canonical,
            authentic=answer.authentic,
            implicit=not answer.records,
        )


def loops(domain: str) -> NoWay:
    """The way there leads to ourselves."""
    why = f"The mail servers of {domain} are this one, which does not serve that domain."
    return NoWay(Kind.FAILED, "5.4.6", why)


def in_order(records: Sequence[Mx], shuffle: Shuffle = random.shuffle) -> list[Mx]:
    """By preference, and by chance where that is equal, so that load spreads (RFC 5321 §5.1)."""
    mixed = list(dict.fromkeys(records))
    shuffle(mixed)
    return sorted(mixed, key=lambda one: one.preference)


def parse_host(text: str, port: int) -> Host:
    """ "name", "name:port", "[address]:port", "address:port" for IPv4. Raises NoWay."""
    name, colon, digits = text.rpartition(":")
    if not colon or "]" in digits:
        name, digits = text, ""
    if name.startswith("[") and not parse_literal(name):
        name = ""
    if digits and (not digits.isascii() or not digits.isdigit() or not 0 < int(digits) < 65_536):
        name = ""
    if not name or any(character.isspace() or character in "/@" for character in name):
        raise NoWay(Kind.LATER, "4.3.5", f"There is no route {text!r}, and it is not a host.")
    if parse_literal(f"[{name}]"):
        name = f"[{name}]"
    return Host(name.lower(), int(digits) if digits else port)


def parse_literal(text: str) -> str:
    """The address in "[192.0.2.1]" or "[IPv6:2001:db8::1]" (RFC 5321 §4.1.3); "" for others."""
    if not (text.startswith("[") and text.endswith("]")):
        return ""
    inner = text[1:-1]
    if inner[:5].lower() == "ipv6:":
        inner = inner[5:]
    try:
        return str(ip_address(inner))
    except ValueError:
        return ""


def _takes(route: RouteSettings, sender: str, domain: str) -> bool:
    if not (route.recipients or route.senders):
        return False
    return _fits(route.recipients, domain) and _fits(route.senders, sender)


def _fits(patterns: Sequence[str], domain: str) -> bool:
    return not patterns or any(
        pattern == "*"
        or domain == pattern.lower()
        or (pattern.startswith(".") and domain.endswith(pattern.lower()))
        for pattern in patterns
    )
