"""The text of an SPF record → its directives and modifiers (RFC 7208 §4.6, §5, §6). Pure."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network

from msgspec import Struct

from pillarbox.trust.spf.errors import BadSpfRecord
from pillarbox.trust.spf.macros import MacroString, parse_domain_spec, parse_macro_string

_VERSION = b"v=spf1"
_KEPT_OCTETS = 512  # of a record that is kept parsed: what nearly all are (RFC 7208 §3.4)
_MODIFIER = re.compile(r"([A-Za-z][A-Za-z0-9_.-]*)=(.*)")
_DIRECTIVE = re.compile(r"([+?~-]?)([A-Za-z0-9]+)(.*)")
_DUAL_CIDR = re.compile(r"(?:/(0|[1-9][0-9]?))?(?://(0|[1-9][0-9]{0,2}))?\Z")
_ONE_CIDR = re.compile(r"/(0|[1-9][0-9]{0,2})")


class Directive(Struct, frozen=True):
    """One mechanism and what it means when it matches."""

    text: str  # as written
    qualifier: str  # one of + - ~ ?
    mechanism: str  # lower case
    target: MacroString | None = None  # None: the domain itself
    prefix4: int = 32
    prefix6: int = 128
    network: IPv4Network | IPv6Network | None = None  # of ip4 and ip6


class SpfRecord(Struct, frozen=True):
    """What a domain publishes."""

    directives: tuple[Directive, ...]
    redirect: MacroString | None = None
    explanation: MacroString | None = None


def is_spf(record: bytes) -> bool:
    """Whether a TXT record is an SPF record, well formed or not (RFC 7208 §4.5)."""
    return record[:6].lower() == _VERSION and record[6:7] in (b"", b" ")


def parse_record(record: bytes) -> SpfRecord:
    """Raises BadSpfRecord for any error anywhere in the record."""
    return _parse_known(record) if len(record) <= _KEPT_OCTETS else _parse(record)


def _parse(record: bytes) -> SpfRecord:
    try:
        text = record[len(_VERSION) :].decode("ascii")
    except UnicodeDecodeError:
        raise BadSpfRecord("the record is not ASCII") from None
    directives: list[Directive] = []
    modifiers: dict[str, MacroString] = {}
    for term in text.split(" "):
        if not term:
            continue
        modifier = _MODIFIER.fullmatch(term)
        if modifier is None:
            directives.append(_parse_directive(term))
            continue
        name = modifier[1].lower()
        if name not in ("redirect", "exp"):
            parse_macro_string(modifier[2])  # ignored, but it must be well formed
        elif name in modifiers:
            raise BadSpfRecord(f"{name}= stands there twice")
        else:
            modifiers[name] = parse_domain_spec(modifier[2])
    return SpfRecord(tuple(directives), modifiers.get("redirect"), modifiers.get("exp"))


_parse_known = lru_cache(maxsize=512)(_parse)  # a few senders bring most mail


def _parse_directive(term: str) -> Directive:
    match = _DIRECTIVE.fullmatch(term)
    if match is None:
        raise BadSpfRecord(f"{term[:40]!r} is not understood")
    qualifier, name, rest = match[1] or "+", match[2].lower(), match[3]
    match name:
        case "all" if not rest:
            return Directive(term, qualifier, name)
        case "include" | "exists" if rest[:1] == ":":
            return Directive(term, qualifier, name, parse_domain_spec(rest[1:]))
        case "ptr" if not rest or rest[0] == ":":
            return Directive(term, qualifier, name, _target(rest))
        case "a" | "mx":
            return _host_directive(term, qualifier, name, rest)
        case "ip4" | "ip6" if rest[:1] == ":":
            return Directive(term, qualifier, name, network=_network(name, rest[1:]))
    raise BadSpfRecord(f"{term[:40]!r} is not understood")


def _host_directive(term: str, qualifier: str, name: str, rest: str) -> Directive:
    cidr = _DUAL_CIDR.search(rest)
    assert cidr is not None  # it matches the empty end, too
    prefix4 = 32 if cidr[1] is None else int(cidr[1])
    prefix6 = 128 if cidr[2] is None else int(cidr[2])
    if prefix4 > 32 or prefix6 > 128:
        raise BadSpfRecord(f"{term[:40]!r} has a prefix that is too long")
    target = _target(rest[: cidr.start()])
    return Directive(term, qualifier, name, target, prefix4, prefix6)


def _target(rest: str) -> MacroString | None:
    if not rest:
        return None
    if rest[0] != ":":
        raise BadSpfRecord(f"{rest[:40]!r} is not understood")
    return parse_domain_spec(rest[1:])


def _network(name: str, text: str) -> IPv4Network | IPv6Network:
    address, slash, _ = text.partition("/")
    if slash and not _ONE_CIDR.fullmatch(text, len(address)):
        raise BadSpfRecord(f"{text[:60]!r} has no prefix length behind its slash")
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        raise BadSpfRecord(f"{text[:60]!r} is not a network") from None
    if network.version != (4 if name == "ip4" else 6) or "%" in address:
        raise BadSpfRecord(f"{text[:60]!r} is not a network for {name}")
    return network
