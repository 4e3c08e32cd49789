"""Whether DANE applies to a mail host, and with which records (RFC 7672 §2.2.2, §2.2.3)."""

from __future__ import annotations

import asyncio

from msgspec import Struct

from pillarbox.dns.answer import Answer, Tlsa
from pillarbox.dns.resolver import Resolver
from pillarbox.trust.dane.records import usable_records


class DaneHost(Struct, frozen=True):
    """A host that has promised TLS. To be reached with it, or not at all."""

    base: str  # the TLSA base domain: the name for SNI and the first name to find
    records: tuple[Tlsa, ...]  # all that were found
    usable: tuple[Tlsa, ...]  # (): TLS is demanded, and who the peer is cannot be checked


async def find_dane(host: str, port: int, resolver: Resolver) -> DaneHost | None:
    """None: DANE does not apply, and TLS is as without it.

    Raises DnsFailure: the host counts as unreachable, lest who breaks the lookup breaks the
    protection (RFC 7672 §2.1.2). Addresses come first, since the name servers of many unsigned
    zones fail at questions for TLSA.
    """
    for base in await _base_domains(host, resolver):
        found = await resolver.tlsa(f"_{port}._tcp.{base}")
        if found.authentic and found.records:
            return DaneHost(base, found.records, usable_records(found.records))
    return None


async def _base_domains(host: str, resolver: Resolver) -> tuple[str, ...]:
    """The candidates: the end of a chain that is authentic as a whole, then the host itself."""
    answers = await _addresses(host, resolver)
    if not answers:
        return ()
    first = answers[0]
    if all(answer.authentic for answer in answers):
        alias = first.canonical != first.name
        return (first.canonical, first.name) if alias else (first.name,)
    if first.canonical == first.name:
        return ()
    return (first.name,) if (await resolver.cname(host)).authentic else ()


async def _addresses(host: str, resolver: Resolver) -> list[Answer[str]]:
    """The answers that have records. One family's failure does not matter if the other is there:
    both are in the same zone, so that this one says whether it is signed."""
    asked = (resolver.a(host), resolver.aaaa(host))
    answers = await asyncio.gather(*asked, return_exceptions=True)
    failures = [answer for answer in answers if isinstance(answer, BaseException)]
    found = [answer for answer in answers if isinstance(answer, Answer) and answer.records]
    if failures and not found:
        raise failures[0]
    return found


def reference_names(
    base: str, next_hop: str, next_hop_canonical: str, *, mx_authentic: bool
) -> tuple[str, ...]:
    """The names that a certificate under a trust anchor may have (RFC 7672 §3.2.2).

    `next_hop` is the domain of the recipients, whose MX led to the host; one whose MX is not
    authentic could be anybody's, and does not count.
    """
    names = (base, next_hop, next_hop_canonical) if mx_authentic else (base,)
    return tuple(dict.fromkeys(names))
