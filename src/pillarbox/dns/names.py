"""Names as they are asked for: lower-case A-labels, no final dot (RFC 1035 §2.3.4, RFC 5890 §2)."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

from pillarbox.dns.errors import BadDnsName

MAX_NAME_OCTETS = 253  # 255 on the wire, with the length octets
MAX_LABEL_OCTETS = 63


def fold_name(name: str) -> str:
    """The one form of a name. Raises BadDnsName; "" and "." are the root and cannot be asked.

    Whatever is printable may stand in a label: SPF's macros make names from local parts
    (RFC 7208 §7.3), and the DNS itself forbids no octet (RFC 2181 §11).
    """
    return _fold_known(name) if len(name) <= MAX_NAME_OCTETS else _fold(name)


def _fold(name: str) -> str:
    folded = name.lower() if name.isascii() else _to_a_labels(name)
    folded = folded.removesuffix(".")
    if not folded or len(folded) > MAX_NAME_OCTETS or not folded.isprintable():
        raise BadDnsName
    for label in folded.split("."):
        if not 0 < len(label) <= MAX_LABEL_OCTETS:
            raise BadDnsName
    return folded


_fold_known = lru_cache(maxsize=4096)(_fold)  # one message asks about the same few a dozen times


def _to_a_labels(name: str) -> str:
    if len(name) > MAX_NAME_OCTETS:  # before IDNA's tables, whose cost grows with the length
        raise BadDnsName
    import idna  # its tables cost 5 ms to load, and most servers never need them

    try:
        return idna.encode(name, uts46=True, transitional=False).decode().lower()
    except UnicodeError as error:  # IDNAError among them
        raise BadDnsName from error


def reverse_name(address: str) -> str:
    """The name that holds an address's PTR records (RFC 1035 §3.5, RFC 3596 §2.5)."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError as error:
        raise BadDnsName from error
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return parsed.ipv4_mapped.reverse_pointer
        parsed = ipaddress.IPv6Address(int(parsed))  # without a zone, which no PTR has
    return parsed.reverse_pointer
