"""iprev: does the client's address have a name that leads back to it (RFC 8601 §3)?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from pillarbox.dns.answer import Answer
from pillarbox.dns.errors import BadDnsName, DnsFailure
from pillarbox.net.networks import parse_address, parse_peer
from pillarbox.trust.gathering import gathered

if TYPE_CHECKING:
    from pillarbox.dns.resolver import Resolver

MAX_NAMES = 10  # of one address whose own addresses are asked, as SPF's ptr does


class IprevResult(Struct, frozen=True):
    """RFC 8601 §2.7.3."""

    result: Literal["pass", "fail", "permerror", "temperror"]
    name: str = ""  # one that leads back; else the first that does not
    why: str = ""


async def check_iprev(ip: str, resolver: Resolver) -> IprevResult:
    """`permerror` is an address without a name, `fail` one whose names are others'."""
    try:
        names = (await resolver.ptr(ip)).records[:MAX_NAMES]
    except DnsFailure as error:
        return IprevResult("temperror", why=str(error))
    except BadDnsName:
        return IprevResult("permerror", why=f"{ip} has no name in the DNS")
    if not names:
        return IprevResult("permerror", why=f"{ip} has no name in the DNS")
    client = parse_peer(ip)
    ask = resolver.a if client.version == 4 else resolver.aaaa
    answers = await gathered([ask(name) for name in names])
    is_unsure = False
    for name, answer in zip(names, answers, strict=True):
        if isinstance(answer, Answer):
            if any(parse_address(one) == client for one in answer.records):
                return IprevResult("pass", name, f"{ip} is {name}")
        elif isinstance(answer, DnsFailure):
            is_unsure = True
        elif not isinstance(answer, BadDnsName):
            raise answer
    if is_unsure:
        return IprevResult("temperror", names[0], f"no answer for {names[0]}")
    return IprevResult("fail", names[0], f"{names[0]} does not lead back to {ip}")
