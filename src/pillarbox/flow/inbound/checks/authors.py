"""The author domains of a message. Pure."""

from __future__ import annotations

from pillarbox.dns.errors import BadDnsName
from pillarbox.dns.names import fold_name
from pillarbox.flow.inbound.facts import Authors
from pillarbox.message.address import is_ambiguous, mailboxes, parse_address_list
from pillarbox.message.header import pick

_FROM = frozenset((b"from",))
MAX_FROM_OCTETS = 16_384  # of From fields that are read: some hundred addresses


def find_authors(raw_header: bytes) -> Authors:
    """The domains of all addresses in all From fields; more than one field is a forger's trick."""
    values = pick(raw_header, _FROM).get(b"from", [])
    if sum(map(len, values)) > MAX_FROM_OCTETS:
        return Authors(len(values), (), is_understood=False)
    domains: dict[str, None] = {}
    is_understood = True
    for value in values:
        for author in mailboxes(parse_address_list(value)):
            domain = author.domain.decode("utf-8", "replace")
            if domain:
                domains[domain] = None
            is_understood = is_understood and _can_be(domain)
        is_understood = is_understood and not is_ambiguous(value)
    return Authors(len(values), tuple(domains), is_understood and bool(domains))


def _can_be(domain: str) -> bool:
    try:
        fold_name(domain)
    except BadDnsName:
        return False
    return True
