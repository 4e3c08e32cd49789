"""Mail from elsewhere is judged: who is not to be judged, what is found, what is told of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from pillarbox.accounts.directory import RemoteTarget
from pillarbox.dns.errors import BadDnsName
from pillarbox.dns.names import fold_name
from pillarbox.flow.delivery import srs
from pillarbox.flow.delivery.envelope import AS_IT_CAME, Handling
from pillarbox.flow.delivery.rewriting import without
from pillarbox.flow.inbound.policy import judge, refuse_listed, refuse_to_vouch
from pillarbox.flow.inbound.results import encode_results, find_forged, findings_of
from pillarbox.message.header import header_end
from pillarbox.net.networks import Networks
from pillarbox.telemetry.log import get_logger
from pillarbox.telemetry.metrics import CHECKS, JUDGED
from pillarbox.trust.authres import encode_payload

if TYPE_CHECKING:
    from prometheus_client import Counter

    from pillarbox.config.trust import TrustSettings
    from pillarbox.flow.delivery.envelope import Envelope, Origin, Sender
    from pillarbox.flow.delivery.verdict import Refused
    from pillarbox.flow.inbound.checks import Checker
    from pillarbox.flow.inbound.facts import TrustFacts
    from pillarbox.flow.inbound.greylisting import Greylist
    from pillarbox.flow.inbound.policy import Verdict
    from pillarbox.store import Store
    from pillarbox.store.blobs.spool import Spool

log = get_logger("inbound")


class Witness(Protocol):
    """Told of every message that was judged; DMARC's reports are made of it."""

    def note(self, envelope: Envelope, facts: TrustFacts, verdict: Verdict) -> None:
        """Returns at once and never fails the caller."""


class Judge:
    """Asks the checks, lets the policy decide, and writes down what came of it."""

    def __init__(
        self,
        store: Store,
        settings: TrustSettings,
        checker: Checker,
        *,
        hostname: str,
        greylist: Greylist | None = None,
        witness: Witness | None = None,
    ) -> None:
        self._store = store
        self._settings = settings
        self._checker = checker
        self._hostname = hostname
        self._authserv_id = settings.authserv_id or hostname
        self._greylist = greylist
        self._witness = witness
        self._trusted = Networks(settings.trusted_networks)

    def is_concerned(self, origin: Origin) -> bool:
        """Not with mail of local programs and of relays that have judged it already."""
        if not self._settings.judge or origin.peer == "local" or "LMTP" in origin.protocol:
            return False
        return origin.peer not in self._trusted

    async def check_recipient(
        self, origin: Origin, sender: Sender, forward_path: str
    ) -> Refused | None:
        """At RCPT, for an address that is ours: DNS lists that refuse, and greylisting."""
        listings = await self._checker.check_client(origin.peer)
        for listing in listings:
            _count("dnsbl", listing.zone)
        refused = refuse_listed(listings)
        if refused is not None or self._greylist is None:
            return refused
        return await self._greylist.check(origin.peer, sender.reverse_path, forward_path)

    async def maintain(self) -> None:
        """One round of housekeeping."""
        if self._greylist is not None:
            await self._greylist.maintain()

    async def judge(self, envelope: Envelope, spool: Spool) -> tuple[Verdict, Handling]:
        """At the end of data; bounded in time."""
        facts = await self._checker.check_message(envelope, spool.octets(), spool.size)
        verdict = judge(facts, self._settings)
        if verdict.action == "junk" and await self._would_vouch(envelope, facts):
            verdict = refuse_to_vouch(facts)
        self._tell(envelope, facts, verdict)
        if self._witness is not None:
            self._witness.note(envelope, facts, verdict)
        if verdict.refused is not None:
            return verdict, AS_IT_CAME
        findings = findings_of(facts)
        handling = Handling(
            added=encode_results(self._authserv_id, findings, verdict),
            junk=verdict.action == "junk",
            why=verdict.name,
            findings=encode_payload(findings) if _goes_on(envelope) else "",
            chain=facts.arc,
        )
        return verdict, handling

    @contextmanager
    def cleaned(self, spool: Spool) -> Iterator[Spool]:
        """The message without fields that speak in our name; the same spool if it has none."""
        octets = spool.octets()
        forged = find_forged(octets[: header_end(octets, 0, spool.size)], self._authserv_id)
        if not forged:
            yield spool
            return
        with self._store.spool(max(spool.size, 1)) as clean:
            for piece in without(octets, spool.size, forged):
                clean.write(piece)
            yield clean

    async def _would_vouch(self, envelope: Envelope, facts: TrustFacts) -> bool:
        """Whether a forgery in the name of our own domain would go on, and pass DMARC by that.

        What an alias sends on leaves by this server with a sender in the alias's domain, or with
        one of our domains as it came: SPF passes at the next server, and aligns.
        """
        if facts.dmarc.disposition == "none" or not _goes_on(envelope):
            return False
        sender = facts.reverse_path.rpartition("@")[2]
        if not sender:
            leaving = {self._hostname}
        elif await self._store.read(lambda db: srs.is_served(db, sender)):
            leaving = {sender}
        else:
            leaving = {one.forward_path.rpartition("@")[2] for one in envelope.recipients}
        author = facts.dmarc.organizational_domain or facts.dmarc.from_domain
        return any(_is_within(domain, author) for domain in leaving)

    def _tell(self, envelope: Envelope, facts: TrustFacts, verdict: Verdict) -> None:
        _count("iprev", facts.iprev.result)
        _count("spf", facts.spf.result)
        _count("dmarc", facts.dmarc.result)
        _count("arc", facts.arc.result)
        for signature in facts.dkim:
            _count("dkim", signature.result)
        for listing in facts.listings:
            _count("dnsbl", listing.zone)
        _counter(JUDGED, verdict.action, verdict.name).inc()
        log.event(
            "inbound.judged",
            journey=envelope.journey,
            session=envelope.origin.session,
            peer=facts.peer,
            verdict=verdict.action,
            reason=verdict.name or None,
            why=verdict.why or None,
            iprev=facts.iprev.result,
            spf=facts.spf.result,
            dkim=[f"{one.domain}={one.result}" for one in facts.dkim] or None,
            arc=facts.arc.result if facts.arc.result != "none" else None,
            dmarc=facts.dmarc.result,
            author=facts.dmarc.from_domain,
        )


def _goes_on(envelope: Envelope) -> bool:
    """Whether anybody is behind an alias that leads elsewhere, where a seal of ours helps."""
    targets = (target for one in envelope.recipients for target in one.targets)
    return any(isinstance(target, RemoteTarget) for target in targets)


def _is_within(domain: str, author: str) -> bool:
    try:
        folded = fold_name(domain)
    except BadDnsName:
        return False
    return folded == author or folded.endswith(f".{author}")


def _count(check: str, result: str) -> None:
    _counter(CHECKS, check, result).inc()


@lru_cache(maxsize=1000)
def _counter(metric: Counter, first: str, second: str) -> Counter:
    return metric.labels(first, second)
