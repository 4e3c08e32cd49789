"""Where an address's mail can be read and sent: a known provider, the DNS, or good guesses.

In that order: presets by the domain, then by its MX hosts (a provider's customers have domains of
their own), SRV records (RFC 6186, RFC 8314 §5.1), the domain's autoconfig file as Mozilla describes
it, and at last the names that most servers have. What comes from the DNS or a file is a suggestion
to be shown: neither is authenticated, so a person looks at it before a password goes there.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Sequence
from typing import Literal
from xml.etree import ElementTree

from msgspec import Struct

from pillarbox.dns.addresses import find_addresses
from pillarbox.dns.errors import BadDnsName, DnsFailure
from pillarbox.dns.names import fold_name
from pillarbox.dns.resolver import Resolver
from pillarbox.flow.collect.presets import Preset, Servers, find_by_exchange, find_preset
from pillarbox.flow.collect.settings import BadRemote, ServerSpec, ServerTls
from pillarbox.net.address_policy import PUBLIC, AddressPolicy
from pillarbox.net.https import FetchFailed, fetch

FoundBy = Literal["preset", "mx", "srv", "autoconfig", "guess", ""]

_SERVICES: tuple[tuple[str, str, ServerTls], ...] = (
    ("imap", "_imaps._tcp", "implicit"),
    ("imap", "_imap._tcp", "starttls"),
    ("pop3", "_pop3s._tcp", "implicit"),
    ("pop3", "_pop3._tcp", "starttls"),
    ("smtp", "_submissions._tcp", "implicit"),
    ("smtp", "_submission._tcp", "starttls"),
)
_USUAL: tuple[tuple[str, tuple[str, ...], int, ServerTls], ...] = (
    ("imap", ("imap", "mail"), 993, "implicit"),
    ("pop3", ("pop", "pop3", "mail"), 995, "implicit"),
    ("smtp", ("smtp", "mail"), 465, "implicit"),
)
_TLS_WORDS: dict[str, ServerTls] = {"SSL": "implicit", "STARTTLS": "starttls"}
_MAX_FILE = 131_072  # octets of an autoconfig file; they have some 2 KiB
_FILE_SECONDS = 10.0
_MARKUP = re.compile("<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)


class Guess(Struct, frozen=True, kw_only=True):
    """What was found out about an address."""

    login: str  # a suggestion
    servers: Servers = Servers()
    preset: Preset | None = None
    found_by: FoundBy = ""  # "": nothing was found


class Surroundings(Struct, frozen=True, kw_only=True):
    """How the domain is asked; a test has its own."""

    resolver: Resolver
    address_policy: AddressPolicy = PUBLIC
    context: ssl.SSLContext | None = None


async def autodetect(address: str, around: Surroundings) -> Guess:
    """Never raises for what the domain says or does not say."""
    domain = address.rpartition("@")[2].strip().lower()
    preset = find_preset(domain)
    if preset is not None:
        return _of_preset(address, preset, "preset")
    try:
        domain = fold_name(domain)
    except BadDnsName:
        return Guess(login=address)
    preset = await _by_exchange(domain, around.resolver)
    if preset is not None:
        return _of_preset(address, preset, "mx")
    by_srv = await _by_srv(domain, around.resolver)
    if by_srv.imap is not None or by_srv.pop3 is not None:
        return Guess(login=address, servers=by_srv, found_by="srv")
    by_file = await _by_file(address, domain, around)
    if by_file is not None:
        return by_file
    guessed = await _by_usual_names(domain, around.resolver)
    if guessed.imap is not None or guessed.pop3 is not None:
        return Guess(login=address, servers=guessed, found_by="guess")
    return Guess(login=address)


def parse_autoconfig(octets: bytes, address: str) -> Guess | None:
    """Mozilla's clientConfig, version 1.1; None where it is none or has nothing that is safe."""
    try:
        text = octets.decode("utf-8-sig")
        if len(octets) > _MAX_FILE or _MARKUP.search(text):
            return None  # entities have no place in it, and can be made to grow without end
        root = ElementTree.fromstring(text)  # noqa: S314 - bounded, without entities
    except (ElementTree.ParseError, ValueError):
        return None
    found: dict[str, ServerSpec] = {}
    login = address
    for server in root.iter():
        kind = server.get("type", "")
        if server.tag not in ("incomingServer", "outgoingServer") or kind in found:
            continue
        spec = _spec_of(server)
        if spec is not None and kind in ("imap", "pop3", "smtp"):
            found[kind] = spec
            if kind != "smtp":
                login = _login_of(server.findtext("username", ""), address)
    if not {"imap", "pop3"} & set(found):
        return None
    return Guess(login=login, servers=Servers(**found), found_by="autoconfig")


def _of_preset(address: str, preset: Preset, found_by: FoundBy) -> Guess:
    return Guess(login=address, servers=preset.servers, preset=preset, found_by=found_by)


async def _by_exchange(domain: str, resolver: Resolver) -> Preset | None:
    try:
        exchanges = (await resolver.mx(domain)).records
    except (DnsFailure, BadDnsName):
        return None
    return next(filter(None, (find_by_exchange(one.exchange) for one in exchanges)), None)


async def _by_srv(domain: str, resolver: Resolver) -> Servers:
    answers = await asyncio.gather(
        *(_one_srv(f"{service}.{domain}", tls, resolver) for _, service, tls in _SERVICES)
    )
    return _first_of_each([kind for kind, _, _ in _SERVICES], answers)


async def _one_srv(name: str, tls: ServerTls, resolver: Resolver) -> ServerSpec | None:
    """The first by priority; a target of "" says that there is none (RFC 6186 §3.4)."""
    try:
        records = (await resolver.srv(name)).records
        if not records or not records[0].target:
            return None
        return ServerSpec(records[0].target, records[0].port, tls)
    except (DnsFailure, BadDnsName, BadRemote):
        return None


async def _by_file(address: str, domain: str, around: Surroundings) -> Guess | None:
    """Over https only: in the clear, anybody on the way could name a server of his own."""

    async def resolve(host: str) -> Sequence[str]:
        try:
            return await find_addresses(around.resolver, host)
        except (DnsFailure, BadDnsName) as error:
            raise OSError(str(error)) from error

    for url in (
        f"https://autoconfig.{domain}/mail/config-v1.1.xml",
        f"https://{domain}/.well-known/autoconfig/mail/config-v1.1.xml",
    ):
        try:
            answer = await fetch(
                url,
                address_policy=around.address_policy,
                max_octets=_MAX_FILE,
                seconds=_FILE_SECONDS,
                resolve=resolve,
                context=around.context,
            )
        except FetchFailed:
            continue
        found = parse_autoconfig(answer.body, address) if answer.status == 200 else None
        if found is not None:
            return found
    return None


async def _by_usual_names(domain: str, resolver: Resolver) -> Servers:
    async def first(names: Sequence[str], port: int, tls: ServerTls) -> ServerSpec | None:
        for name in names:
            host = f"{name}.{domain}"
            try:
                if await find_addresses(resolver, host):
                    return ServerSpec(host, port, tls)
            except (DnsFailure, BadDnsName, BadRemote):
                continue
        return None

    answers = await asyncio.gather(*(first(names, port, tls) for _, names, port, tls in _USUAL))
    return _first_of_each([kind for kind, _, _, _ in _USUAL], answers)


def _first_of_each(kinds: Sequence[str], specs: Sequence[ServerSpec | None]) -> Servers:
    found: dict[str, ServerSpec] = {}
    for kind, spec in zip(kinds, specs, strict=True):
        if spec is not None:
            found.setdefault(kind, spec)
    return Servers(**found)


def _spec_of(server: ElementTree.Element) -> ServerSpec | None:
    """None for what has no TLS, or is nonsense."""
    tls = _TLS_WORDS.get(server.findtext("socketType", "").strip().upper())
    try:
        host = fold_name(server.findtext("hostname", "").strip())
        port = int(server.findtext("port", ""))
        return ServerSpec(host, port, tls) if tls is not None else None
    except (ValueError, BadDnsName, BadRemote):
        return None


def _login_of(pattern: str, address: str) -> str:
    local = address.rpartition("@")[0]
    match pattern.strip().upper():
        case "%EMAILLOCALPART%":
            return local
        case _:
            return address
