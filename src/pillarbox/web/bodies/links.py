"""Addresses as browsers read them: for what they may lead to, and whether a text says otherwise."""

from __future__ import annotations

import html
import re
from urllib.parse import urlsplit

from pillarbox.web.bodies.job import Link
from pillarbox.web.bodies.policy import LINK_SCHEMES

MAY_LINK = LINK_SCHEMES
_IGNORED = re.compile(r"[\t\n\r]|^[\x00-\x20]+")  # browsers leave these out of an address
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,30}):")
_LINK = re.compile(r'<a((?: [a-z]+="[^"]*")*)>((?:(?!<a[ >]|</a>).){1,400})</a>', re.DOTALL)
_HREF = re.compile(r' href="([^"]*)"')
_TAG = re.compile(r'<[^>"]*(?:"[^"]*"[^>"]*)*>')
_NAMES_HOST = re.compile(
    r"(?:https?://)?((?:[a-z0-9](?:[a-z0-9-]{0,62})\.){1,10}[a-z]{2,24})(?:[:/?#].{0,400})?",
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
        if host and not _is_same_site(named[1].lower(), host):
            found[Link(text[:_LONGEST_TEXT], host)] = None
        if len(found) == _MOST_TOLD:
            break
    return tuple(found)


def _host_of(address: str) -> str:
    try:
        return (urlsplit(_IGNORED.sub("", address)).hostname or "").lower()
    except ValueError:
        return ""


def _is_same_site(one: str, other: str) -> bool:
    one, other = one.removeprefix("www."), other.removeprefix("www.")
    return one == other or one.endswith("." + other) or other.endswith("." + one)
