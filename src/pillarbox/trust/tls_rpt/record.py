"""The TXT record that says where reports are wanted (RFC 8460 §3)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

from msgspec import Struct

MAX_RECORD_OCTETS = 4096
MAX_DESTINATIONS = 5  # of one domain: others choose where our reports go

_VERSION = re.compile(r"v=TLSRPTv1[ \t]*;")
_FIELD = re.compile(r"[ \t]*([A-Za-z0-9][A-Za-z0-9_.-]{0,31})=(.*?)[ \t]*\Z")
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9._-]{1,253}\Z")


class Destinations(Struct, frozen=True):
    """Where a domain wants its reports: any one that takes it will do."""

    mailto: tuple[str, ...]  # addresses
    https: tuple[str, ...]  # URLs to POST to


def record_name(domain: str) -> str:
    """Where a domain's record is."""
    return f"_smtp._tls.{domain}"


def parse_record(records: Iterable[bytes]) -> Destinations | None:
    """None: no report is wanted. Two records are as good as none."""
    texts = [octets.decode("latin-1") for octets in records if len(octets) <= MAX_RECORD_OCTETS]
    found = [text for text in texts if _VERSION.match(text)]
    if len(found) != 1:
        return None
    for piece in found[0].split(";")[1:]:
        field = _FIELD.match(piece)
        if field is None:
            if piece.strip(" \t"):
                return None
        elif field[1] == "rua":
            return _destinations(field[2])
    return None


def _destinations(value: str) -> Destinations | None:
    mailto, https = [], []
    for text in value.split(",")[:MAX_DESTINATIONS]:
        uri = text.strip(" \t")
        if uri[:7].lower() == "mailto:":
            address = unquote(uri[7:].partition("?")[0])
            if _ADDRESS.match(address):
                mailto.append(address)
        elif uri[:8].lower() == "https://" and _is_url(uri):
            https.append(uri)
    return Destinations(tuple(mailto), tuple(https)) if mailto or https else None


def _is_url(uri: str) -> bool:
    if not uri.isascii() or not uri.isprintable() or " " in uri:
        return False
    try:
        parts = urlsplit(uri)
        return bool(parts.hostname) and parts.username is None and (parts.port or 443) > 0
    except ValueError:
        return False


def encode_record(destinations: Destinations) -> str:
    """Our own TXT record."""
    uris = (*(f"mailto:{address}" for address in destinations.mailto), *destinations.https)
    return (
        f"v=TLSRPTv1; rua={','.join(uri.replace(',', '%2C').replace(';', '%3B') for uri in uris)}"
    )
