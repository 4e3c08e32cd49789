"""check_host(): from a client, a sender and the DNS to one of seven results (RFC 7208 §4)."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING

from pillarbox.dns.errors import BadDnsName
from pillarbox.dns.names import fold_name
from pillarbox.net.networks import parse_peer
from pillarbox.trust.spf.errors import BadSpfRecord, SpfUnavailable
from pillarbox.trust.spf.evaluation import Evaluation, Question
from pillarbox.trust.spf.result import Scope, SpfResult

if TYPE_CHECKING:
    from pillarbox.config.trust import TrustSettings
    from pillarbox.dns.resolver import Resolver


async def check_host(
    ip: str,
    helo: str,
    reverse_path: str,
    resolver: Resolver,
    settings: TrustSettings,
    *,
    receiver: str,
    now: datetime,
) -> SpfResult:
    """The MAIL FROM identity; for the null sender it is postmaster at the HELO name (§2.4)."""
    if not reverse_path:
        return await check_helo(ip, helo, resolver, settings, receiver=receiver, now=now)
    local, _, domain = reverse_path.rpartition("@")
    question = Question(_client(ip), helo, local or "postmaster", domain, receiver, now)
    return await _check(question, "mfrom", resolver, settings)


async def check_helo(
    ip: str,
    helo: str,
    resolver: Resolver,
    settings: TrustSettings,
    *,
    receiver: str,
    now: datetime,
) -> SpfResult:
    """The HELO identity (RFC 7208 §2.3)."""
    question = Question(_client(ip), helo, "postmaster", helo, receiver, now)
    return await _check(question, "helo", resolver, settings)


async def _check(
    question: Question, scope: Scope, resolver: Resolver, settings: TrustSettings
) -> SpfResult:
    try:
        domain = _sender_domain(question.domain)
    except BadDnsName:
        why = f"{question.domain!r} is not a domain of the DNS"
        return SpfResult("none", question.domain, scope, why=why)
    question.domain = domain
    evaluation = Evaluation(question, resolver, settings)
    try:
        async with asyncio.timeout(settings.spf_seconds):
            outcome = await evaluation.check(domain)
            explanation = await evaluation.explain(outcome)
    except TimeoutError:
        why = f"not done within {settings.spf_seconds:g} seconds"
        return SpfResult("temperror", domain, scope, why=why, lookups=evaluation.lookups)
    except SpfUnavailable as error:
        return SpfResult("temperror", domain, scope, why=str(error), lookups=evaluation.lookups)
    except BadSpfRecord as error:
        return SpfResult("permerror", domain, scope, why=str(error), lookups=evaluation.lookups)
    return SpfResult(
        outcome.result,
        domain,
        scope,
        mechanism=outcome.mechanism,
        explanation=explanation,
        why=outcome.why,
        lookups=evaluation.lookups,
    )


def _client(ip: str) -> str:
    """An IPv4 address inside an IPv6 one is an IPv4 address (RFC 7208 §5); no zone."""
    return str(parse_peer(ip))


def _sender_domain(domain: str) -> str:
    """A domain of several labels; address literals have none. Raises BadDnsName (§4.3)."""
    folded = fold_name(domain)
    if "." not in folded or folded[0] == "[" or " " in folded:
        raise BadDnsName
    return folded
