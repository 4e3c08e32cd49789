"""The addresses of a host."""

from __future__ import annotations

import asyncio

from pillarbox.dns.errors import DnsFailure
from pillarbox.dns.resolver import Resolver


async def find_addresses(resolver: Resolver, host: str) -> tuple[str, ...]:
    """IPv6 first, then IPv4; none is an answer, too.

    Raises BadDnsName, and DnsFailure where one question failed and the other brought nothing:
    a host with half its DNS out of order can still be reached.
    """
    answers = await asyncio.gather(resolver.aaaa(host), resolver.a(host), return_exceptions=True)
    found: list[str] = []
    failure: BaseException | None = None
    for answer in answers:
        if isinstance(answer, BaseException):
            if not isinstance(answer, DnsFailure):
                raise answer
            failure = answer
        else:
            found += answer.records
    if failure is not None and not found:
        raise failure
    return tuple(found)
