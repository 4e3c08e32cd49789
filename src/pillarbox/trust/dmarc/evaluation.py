"""Author domains, SPF and DKIM results → what DMARC says (RFC 7489 §6.6.2, and RFC 9989)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pillarbox.dns.errors import BadDnsName, DnsFailure
from pillarbox.dns.names import fold_name
from pillarbox.trust.dmarc.record import Alignment, DmarcRecord
from pillarbox.trust.dmarc.result import DmarcResult, Verdict
from pillarbox.trust.dmarc.tree import Walk, listed_domain, walk

if TYPE_CHECKING:
    from pillarbox.config.trust import TrustSettings
    from pillarbox.dns.resolver import Resolver
    from pillarbox.trust.dkim.result import DkimResult
    from pillarbox.trust.spf.result import SpfResult

# Among several author domains the worst result counts: a message that may be believed for one of
# its authors only is not to be believed.
_WORST_FIRST = ("fail", "permerror", "temperror", "none", "pass")
_HARSHEST_FIRST = ("reject", "quarantine", "none")


async def evaluate(
    from_domains: Sequence[str],
    spf: SpfResult,
    dkim: Sequence[DkimResult],
    resolver: Resolver,
    settings: TrustSettings,
) -> DmarcResult:
    """The result that counts for a message whose From field names these domains."""
    domains: list[str] = []
    unknown: DmarcResult | None = None
    for domain in from_domains:
        try:
            folded = fold_name(domain)
        except BadDnsName:
            why = f"{domain!r} is not a domain of the DNS"
            unknown = unknown or DmarcResult("permerror", domain, why=why)
            continue
        if folded not in domains:
            domains.append(folded)
    if not domains:
        return unknown or DmarcResult("permerror", "", why="From names no domain")
    if len(domains) > settings.dmarc_from_domains:
        return DmarcResult("permerror", domains[0], why=f"From names {len(domains)} domains")
    evaluation = _Evaluation(spf, dkim, resolver, settings.dmarc_report_addresses)
    results = [await evaluation.evaluate(domain) for domain in domains]
    if unknown is not None:
        results.append(unknown)
    return min(
        results,
        key=lambda one: (
            _WORST_FIRST.index(one.result),
            _HARSHEST_FIRST.index(one.disposition),
        ),
    )


class _Evaluation:
    """One message's evaluation for any of its author domains."""

    def __init__(
        self,
        spf: SpfResult,
        dkim: Sequence[DkimResult],
        resolver: Resolver,
        max_addresses: int,
    ) -> None:
        self._spf = spf
        self._dkim = dkim
        self._resolver = resolver
        self._max_addresses = max_addresses
        self._is_uncertain = False  # an organisation's border was asked for and not found

    async def evaluate(self, domain: str) -> DmarcResult:
        """The result for one author domain."""
        author = await walk(domain, self._resolver, self._max_addresses)
        found = author.policy_record()
        if author.unanswered and (found is None or found[0] != domain):
            why = f"the DNS does not say whether {author.unanswered[0]} has a record"
            return DmarcResult("temperror", domain, why=why)
        if found is None:
            return DmarcResult("none", domain, why=f"{domain} publishes no DMARC record")
        where, record = found
        if record.broken:
            why = f"the record of {where} is broken: {record.broken}"
            return DmarcResult("permerror", domain, policy_domain=where, record=record, why=why)
        return await self._compare(author, where, record)

    async def _compare(self, author: Walk, where: str, record: DmarcRecord) -> DmarcResult:
        domain = author.domain
        self._is_uncertain = False
        spf_aligned = self._spf.result == "pass" and await self._aligns(
            self._spf.domain, author, record.aspf
        )
        signers = list(dict.fromkeys(one.domain for one in self._dkim if one.result == "pass"))
        aligned = [one for one in signers if await self._aligns(one, author, record.adkim)]
        is_own = where == domain
        exists = is_own or record.np is None or await self._exists(domain)
        policy = record.policy_for(is_own=is_own, exists=exists)
        result: Verdict
        if spf_aligned or aligned:
            result = "pass"
            why = f"{(aligned or [self._spf.domain])[0]} aligns with {domain}"
        elif await self._may_be_unknown(author, record):
            result, why = "temperror", f"what would speak for {domain} could not be checked"
        else:
            result, why = "fail", f"nothing that was verified aligns with {domain}"
        applies = result == "fail" and not record.testing
        return DmarcResult(
            result,
            domain,
            organizational_domain=author.organizational_domain,
            policy=policy,
            disposition=policy if applies else "none",
            spf_aligned=spf_aligned,
            dkim_aligned=bool(aligned),
            policy_domain=where,
            record=record,
            why=why,
        )

    async def _aligns(self, identifier: str, author: Walk, mode: Alignment) -> bool:
        """RFC 7489 §3.1: the same domain, or when relaxed the same organisation's."""
        try:
            domain = fold_name(identifier)
        except BadDnsName:
            return False
        if domain == author.domain:
            return True
        if mode == "s":
            return False
        organization = author.organizational_domain
        is_listed = not author.is_settled and listed_domain(domain) == listed_domain(author.domain)
        if not is_listed and domain != organization and not domain.endswith(f".{organization}"):
            return False  # no question can make them one
        walked = await walk(domain, self._resolver, 1)
        if walked.organizational_domain == organization:
            return True
        if walked.unanswered or author.unanswered:
            self._is_uncertain = True
            return False
        return is_listed and not walked.records

    async def _may_be_unknown(self, author: Walk, record: DmarcRecord) -> bool:
        """Whether an aligned identifier would have passed but for the DNS (RFC 7489 §6.6.2).

        Others do not count: else a signature of the sender's own making, whose key never answers,
        would excuse any mail.
        """
        if self._spf.result == "temperror" and await self._aligns(
            self._spf.domain, author, record.aspf
        ):
            return True
        for one in self._dkim:
            if one.result == "temperror" and await self._aligns(one.domain, author, record.adkim):
                return True
        return self._is_uncertain

    async def _exists(self, domain: str) -> bool:
        """Whether it has an address or a mail host (RFC 9091 §2.7); in doubt it has."""
        answers = await asyncio.gather(
            self._resolver.a(domain),
            self._resolver.aaaa(domain),
            self._resolver.mx(domain),
            return_exceptions=True,
        )
        for answer in answers:
            if isinstance(answer, DnsFailure):
                return True
            if not isinstance(answer, BaseException) and answer.records:
                return True
        return False
