"""Where DMARC records stand above a domain, and which domain is the organisation's.

RFC 9989 finds it by asking at each level (the tree walk, at most eight questions). RFC 7489 used
the list of public suffixes, and its publishers relied on that; so the list still decides between
two domains of which one has no record at any level. A record that says psd= settles it without.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from msgspec import Struct

from pillarbox.dns.errors import BadDnsName, DnsFailure
from pillarbox.dns.names import fold_name
from pillarbox.trust.dmarc.record import DmarcRecord, is_dmarc, parse_record
from pillarbox.trust.gathering import gathered

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

    from pillarbox.dns.resolver import Resolver

MAX_QUESTIONS = 8  # of one walk: the domain itself and its last seven labels (RFC 9989)


class Walk(Struct, frozen=True):
    """What stands above (and at) one domain."""

    domain: str
    records: tuple[tuple[str, DmarcRecord], ...]  # by the name it stands at, the longest first
    unanswered: tuple[str, ...] = ()  # names for which the DNS gave no answer just now

    @property
    def organizational_domain(self) -> str:
        """The organisation's domain; the domain itself where nothing was found."""
        for name, record in self.records:
            if record.psd == "n":
                return name
            if record.psd == "y" and name != self.domain:
                below = self.domain.removesuffix(f".{name}").rpartition(".")[2]
                return f"{below}.{name}"
        return self.records[-1][0] if self.records else self.domain

    @property
    def is_settled(self) -> bool:
        """Whether a record says outright where the organisation's border is."""
        return any(record.psd != "u" for _, record in self.records)

    def find(self, name: str) -> DmarcRecord | None:
        """The record at one level."""
        return next((record for at, record in self.records if at == name), None)

    def policy_record(self) -> tuple[str, DmarcRecord] | None:
        """The one that applies: the domain's own, the organisation's, or the public suffix's."""
        for name in (self.domain, self.organizational_domain):
            record = self.find(name)
            if record is not None:
                return name, record
        return next(((name, record) for name, record in self.records if record.psd == "y"), None)


def levels(domain: str) -> list[str]:
    """The names that a walk asks about, the longest first."""
    labels = domain.split(".")
    above = min(len(labels), MAX_QUESTIONS) - 1
    return [domain, *(".".join(labels[-count:]) for count in range(above, 0, -1))]


async def walk(domain: str, resolver: Resolver, max_addresses: int) -> Walk:
    """Ask at all levels above at once: a walk costs the time of two questions."""
    names = levels(domain)
    own = await _find_record(domain, resolver, max_addresses)
    above = [_find_record(name, resolver, max_addresses) for name in names[1:]]
    answers = [own, *(await gathered(above))]
    records: list[tuple[str, DmarcRecord]] = []
    unanswered: list[str] = []
    for name, answer in zip(names, answers, strict=True):
        if isinstance(answer, DnsFailure):
            unanswered.append(name)
        elif isinstance(answer, BaseException):
            raise answer
        elif answer is not None:
            records.append((name, answer))
            if answer.psd == "n" or (answer.psd == "y" and name != domain):
                break  # what stands above has nothing to say
    return Walk(domain, tuple(records), tuple(unanswered))


async def find_organizational_domain(domain: str, resolver: Resolver) -> str:
    """The organisation's domain by the walk, or by the list where no record is found.

    For comparing report addresses with the domain that publishes them. Raises BadDnsName.
    """
    folded = fold_name(domain)
    walked = await walk(folded, resolver, 1)
    return walked.organizational_domain if walked.records else listed_domain(folded)


def listed_domain(domain: str) -> str:
    """The organisation's domain by the list of public suffixes (RFC 7489 §3.2)."""
    return _suffixes().privatesuffix(domain) or domain


@cache
def _suffixes() -> PublicSuffixList:
    from publicsuffixlist import PublicSuffixList  # 50 ms to read, and many mails never need it

    return PublicSuffixList()


async def _find_record(
    name: str, resolver: Resolver, max_addresses: int
) -> DmarcRecord | DnsFailure | None:
    try:
        answer = await resolver.txt(f"_dmarc.{name}")
    except BadDnsName:
        return None
    except DnsFailure as error:
        return error
    records = [record for record in answer.records if is_dmarc(record)]
    if len(records) != 1:
        return None  # several are as good as none (RFC 7489 §6.6.3)
    return parse_record(records[0], max_addresses)
