"""DMARC records: `v=DMARC1; p=reject; rua=mailto:…` (RFC 7489 §6.3, §6.4, and RFC 9989). Pure."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal, cast
from urllib.parse import unquote

from msgspec import Struct

Policy = Literal["none", "quarantine", "reject"]
Alignment = Literal["r", "s"]

MAX_TAGS = 64  # tags that are read of a record; a dozen is known
MAX_ADDRESSES = 10
_KEPT_OCTETS = 512  # of a record that is kept parsed: what nearly all are

_VERSION = re.compile(rb"v[ \t]*=[ \t]*DMARC1[ \t]*(?:;|\Z)")
_POLICIES = frozenset(("none", "quarantine", "reject"))
_SIZED = re.compile(r"(.*)!([0-9]{1,20})([kmgt]?)", re.IGNORECASE | re.DOTALL)
_UNITS = {"": 0, "k": 10, "m": 20, "g": 30, "t": 40}
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]+")


class ReportAddress(Struct, frozen=True):
    """Where reports go: one URI of rua= or ruf=."""

    uri: str  # as published, without the size
    address: str  # of a mailto: URI, decoded; "" for other schemes, which nobody serves
    max_octets: int | None  # of one report, as it is sent; None: no limit (RFC 7489 §6.4)


class DmarcRecord(Struct, frozen=True):
    """What a domain publishes, with the defaults filled in."""

    p: Policy
    sp: Policy | None = None
    np: Policy | None = None
    adkim: Alignment = "r"
    aspf: Alignment = "r"
    psd: Literal["y", "n", "u"] = "u"
    testing: bool = False  # t=y; its owner does not want the policy applied yet
    fo: tuple[str, ...] = ("0",)
    rua: tuple[ReportAddress, ...] = ()
    ruf: tuple[ReportAddress, ...] = ()
    broken: str = ""  # why the record cannot be used; "" when it can

    def policy_for(self, *, is_own: bool, exists: bool) -> Policy:
        """For the domain where the record stands, or for one below it."""
        if is_own:
            return self.p
        below = self.sp or self.p
        return below if exists else self.np or below


def is_dmarc(record: bytes) -> bool:
    """Whether a TXT record is a DMARC record; the version's case counts."""
    return _VERSION.match(record) is not None


def parse_record(record: bytes, max_addresses: int = MAX_ADDRESSES) -> DmarcRecord:
    """A record for which `is_dmarc` holds. What is not understood is as if it were not there.

    Of p=, sp= and np= only, a bad value makes the record unusable; where there is somebody to tell
    of it (rua=), it counts as p=none instead (RFC 7489 §6.6.3).
    """
    if len(record) <= _KEPT_OCTETS:
        return _parse_known(record, max_addresses)
    return _parse(record, max_addresses)


def _parse(record: bytes, max_addresses: int) -> DmarcRecord:
    tags = _tags(record.decode("utf-8", "replace"))
    rua = parse_addresses(tags.get("rua", ""), max_addresses)
    ruf = parse_addresses(tags.get("ruf", ""), max_addresses)
    policies = {name: tags[name].lower() for name in ("p", "sp", "np") if name in tags}
    bad = [f"{name}={value[:20]}" for name, value in policies.items() if value not in _POLICIES]
    if bad:
        policies = {}
    given = cast("dict[str, Policy]", policies)
    return DmarcRecord(
        p=given.get("p", "none"),
        sp=given.get("sp"),
        np=given.get("np"),
        adkim="s" if tags.get("adkim", "").lower() == "s" else "r",
        aspf="s" if tags.get("aspf", "").lower() == "s" else "r",
        psd=_psd(tags.get("psd", "").lower()),
        testing=_is_testing(tags),
        fo=_failure_options(tags.get("fo", "0")),
        rua=rua,
        ruf=ruf,
        broken="" if rua or not bad else f"{bad[0]} is no policy",
    )


_parse_known = lru_cache(maxsize=512)(_parse)  # a few senders bring most mail


def parse_addresses(value: str, limit: int = MAX_ADDRESSES) -> tuple[ReportAddress, ...]:
    """The URIs of rua= or ruf=, the first `limit` that are URIs at all."""
    found: list[ReportAddress] = []
    for word in value.split(","):
        if len(found) == limit:
            break
        uri = word.strip()
        max_octets = None
        if (sized := _SIZED.fullmatch(uri)) is not None:
            uri = sized[1]
            max_octets = int(sized[2]) << _UNITS[sized[3].lower()]
        if _SCHEME.fullmatch(uri) is not None:
            found.append(ReportAddress(uri, _address(uri), max_octets))
    return tuple(found)


def _tags(text: str) -> dict[str, str]:
    """Names in lower case; of several with one name the first counts."""
    tags: dict[str, str] = {}
    for part in text.split(";", MAX_TAGS)[:MAX_TAGS]:
        name, equals, value = part.partition("=")
        if equals:
            tags.setdefault(name.strip(" \t\r\n").lower(), value.strip(" \t\r\n"))
    return tags


def _psd(value: str) -> Literal["y", "n", "u"]:
    if value == "y":
        return "y"
    return "n" if value == "n" else "u"


def _is_testing(tags: dict[str, str]) -> bool:
    """t=y; pct=0 said the same until pct= was dropped, and many have not changed it since.

    Other values of pct= are not obeyed: receivers' dice differed so much that RFC 9989 gave it up.
    """
    if "t" in tags:
        return tags["t"].lower() == "y"
    return tags.get("pct") == "0"


def _failure_options(value: str) -> tuple[str, ...]:
    options = tuple(
        word for word in (part.strip().lower() for part in value.split(":")[:8]) if word
    )
    return options if options and set(options) <= {"0", "1", "d", "s"} else ("0",)


def _address(uri: str) -> str:
    scheme, _, rest = uri.partition(":")
    if scheme.lower() != "mailto":
        return ""
    address = unquote(rest.partition("?")[0])
    local, _, domain = address.rpartition("@")
    return address if local and domain and address.isprintable() and " " not in address else ""
