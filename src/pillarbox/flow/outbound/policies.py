"""The MTA-STS policies of other domains: fetched, kept, refreshed (RFC 8461 §3.3, §5)."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial

from pillarbox.clock import Clock
from pillarbox.dns.addresses import find_addresses
from pillarbox.dns.errors import BadDnsName, DnsFailure
from pillarbox.dns.resolver import Resolver
from pillarbox.errors import PillarboxError
from pillarbox.flow.outbound.results import TlsResults
from pillarbox.net.https import Fetched, FetchFailed, fetch
from pillarbox.store import Store
from pillarbox.store.sql import transport
from pillarbox.telemetry.log import get_logger
from pillarbox.trust.mta_sts.cached import (
    NOTHING,
    REFRESH_AFTER,
    Known,
    note_failed,
    note_fetched,
    plan_policy,
)
from pillarbox.trust.mta_sts.policy import (
    FETCH_SECONDS,
    MAX_POLICY_OCTETS,
    BadPolicy,
    FetchResult,
    Policy,
    parse_response,
)
from pillarbox.trust.mta_sts.record import parse_sts_record, policy_url, record_name
from pillarbox.trust.tls_rpt.tally import SessionPolicy, SessionResult

log = get_logger("outbound")

Fetch = Callable[[str], Awaitable[Fetched]]

REFRESHED_AT_ONCE = 100  # domains that one round looks after
_FAILURES: dict[str, FetchResult] = {
    "certificate": "sts-webpki-invalid",
    "too large": "sts-policy-invalid",
}


def https_fetch(resolver: Resolver) -> Fetch:
    """From the world."""
    return partial(
        fetch,
        max_octets=MAX_POLICY_OCTETS,
        seconds=FETCH_SECONDS,
        resolve=partial(find_addresses, resolver),
    )


class PolicyBook:
    """What is known of each domain: in memory for those in use, in the store for all."""

    def __init__(
        self,
        store: Store,
        resolver: Resolver,
        fetch: Fetch,
        results: TlsResults,
        *,
        remembered: int,
    ) -> None:
        self._store = store
        self._resolver = resolver
        self._fetch = fetch
        self._results = results
        self._clock: Clock = store.clock
        self._remembered = remembered
        self._known: OrderedDict[str, Known] = OrderedDict()
        self._fetching: dict[str, asyncio.Task[Known]] = {}

    async def find(self, domain: str) -> Policy | None:
        """The policy that counts for mail to this domain now; None: there is none."""
        ident = await self._ident(domain)
        known = await self._recall(domain)
        if ident is None and known is NOTHING:
            return None
        decision = plan_policy(known, ident, self._clock.now())
        if decision.fetch and ident is not None:
            task = self._begin(domain, ident, known)
            if decision.wait:
                known = await asyncio.shield(task)
                return plan_policy(known, None, self._clock.now()).policy
        return decision.policy

    async def refresh(self) -> None:
        """Look after policies that nobody needed for a day, so that they do not run out."""
        before = self._clock.now() - REFRESH_AFTER
        domains = await self._store.read(
            partial(transport.policies_before, before=before, limit=REFRESHED_AT_ONCE)
        )
        for domain in domains:
            await self.find(domain)
        await asyncio.gather(*self._fetching.values(), return_exceptions=True)
        now = self._clock.now()
        if any([await self._is_over(domain, now) for domain in domains]):
            await self._store.write(partial(transport.forget_policies, now=now))

    async def close(self) -> None:
        """End the fetches that are under way."""
        tasks = list(self._fetching.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _is_over(self, domain: str, now: datetime) -> bool:
        known = await self._recall(domain)
        age = known.policy.max_age if known.policy is not None else timedelta()
        return known.fetched_at is None or known.fetched_at + age <= now

    async def _ident(self, domain: str) -> str | None:
        try:
            answer = await self._resolver.txt(record_name(domain))
        except (DnsFailure, BadDnsName):
            return None
        return parse_sts_record(answer.records)

    async def _recall(self, domain: str) -> Known:
        known = self._known.get(domain)
        if known is None:
            known = await self._store.read(partial(transport.find_policy, domain=domain)) or NOTHING
            self._remember(domain, known)
        else:
            self._known.move_to_end(domain)
        return known

    def _remember(self, domain: str, known: Known) -> None:
        self._known[domain] = known
        self._known.move_to_end(domain)
        while len(self._known) > self._remembered:
            self._known.popitem(last=False)

    def _begin(self, domain: str, ident: str, known: Known) -> asyncio.Task[Known]:
        """One fetch at a time for each domain."""
        task = self._fetching.get(domain)
        if task is None:
            task = asyncio.create_task(self._get(domain, ident, known), name="sts-policy")
            self._fetching[domain] = task
            task.add_done_callback(lambda _: self._fetching.pop(domain, None))
        return task

    async def _get(self, domain: str, ident: str, known: Known) -> Known:
        try:
            policy = await self._download(domain)
        except BadPolicy as bad:
            known = note_failed(known, ident, self._clock.now())
            log.warning_event("outbound.policy_failed", domain=domain, why=bad.why)
            self._results.note(
                SessionResult(SessionPolicy(domain, "sts"), bad.result, reason=bad.why)
            )
        else:
            known = note_fetched(ident, policy, self._clock.now())
            try:
                await self._store.write(
                    partial(transport.keep_policy, domain=domain, known=known), short=True
                )
            except PillarboxError as error:  # it counts in this process all the same
                log.warning_event("outbound.policy_not_kept", domain=domain, why=str(error))
        self._remember(domain, known)
        return known

    async def _download(self, domain: str) -> Policy:
        try:
            fetched = await self._fetch(policy_url(domain))
        except FetchFailed as failed:
            result = _FAILURES.get(failed.why, "sts-policy-fetch-error")
            raise BadPolicy(str(failed), result) from failed
        return parse_response(fetched.status, fetched.content_type, fetched.body)
