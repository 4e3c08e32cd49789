"""Addresses as browsers read them: for what they may lead to, and whether a text says otherwise."""

from __future__ import annotations

import html
import re
import unicodedata
from urllib.parse import urlsplit

from pillarbox.dns.errors import BadDnsName
from pillarbox.dns.names import fold_name
from pillarbox.web.bodies.job import Link
from pillarbox.web.bodies.policy import LINK_SCHEMES

MAY_LINK = LINK_SCHEMES
_IGNORED = re.compile(r"[\t\n\r]|^[\x00-\x20]+")  # browsers leave these out of an address
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,30}):")
_LINK = re.compile(r'<a((?: [a-z]+="[^"]*")*)>((?:(?!<a[ >]|</a>).){1,400})</a>', re.DOTALL)
_HREF = re.compile(r' href="([^"]*)"')
_TAG = re.compile(r'<[^>"]*(?:"[^"]*"[^>"]*)*>')
_NAMES_HOST = re.compile(
    r"(?:https?://)?((?:[^\W_](?:[\w-]{0,62})\.){1,10}[^\W\d_]{2,24})(?:[:/?#].{0,400})?",
    re.IGNORECASE,
)
_MOST_TOLD = 20
_LONGEST_TEXT = 100


def scheme_of(address: str) -> str:
    """In lower case; "" for an address without one."""
    found = _SCHEME.match(_IGNORED.sub("", address[:2048]))
    return found[1].lower() if found else ""


def mismatched_links(markup: str) -> tuple[Link, ...]:
    """Links of clean markup whose text is another site's address than theirs."""
    found: dict[Link, None] = {}
    for attributes, inside in _LINK.findall(markup):
        href = _HREF.search(attributes)
        text = html.unescape(_TAG.sub("", inside)).strip()
        named = _NAMES_HOST.fullmatch(text)
        if href is None or named is None:
            continue
        host = _host_of(html.unescape(href[1]))
        if host and (mixes_scripts(named[1]) or not _is_same_site(_ascii(named[1]), host)):
            found[Link(text[:_LONGEST_TEXT], host)] = None
        if len(found) == _MOST_TOLD:
            break
    return tuple(found)


def mixes_scripts(domain: str) -> bool:
    """Whether it has Latin letters and others: one of those may look like one of these."""
    if domain.isascii():
        return False
    kinds = {unicodedata.name(one, "").startswith("LATIN ") for one in domain if one.isalpha()}
    return len(kinds) == 2


def shown_address(address: str) -> str:
    """With the name that its domain really has, where another's can be read in it."""
    domain = address.rpartition("@")[2]
    return f"{address} ({_ascii(domain)})" if mixes_scripts(domain) else address


def _host_of(address: str) -> str:
    try:
        return _ascii(urlsplit(_IGNORED.sub("", address)).hostname or "")
    except ValueError:
        return ""


def _ascii(host: str) -> str:
    if host.isascii():
        return host.lower()
    try:
        return fold_name(host)
    except BadDnsName:
        return host.lower()


def _is_same_site(one: str, other: str) -> bool:
    one, other = one.removeprefix("www."), other.removeprefix("www.")
    return one == other or one.endswith("." + other) or other.endswith("." + one)
