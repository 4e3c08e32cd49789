"""What of a reply is kept, and for how long. Pure."""

from __future__ import annotations

from pillarbox.config.dns import DnsSettings
from pillarbox.dns.answer import MAX_CHAIN
from pillarbox.dns.cache import Cached, Key
from pillarbox.dns.errors import Why
from pillarbox.dns.wire import Question, Reply

ANY = "ANY"  # the type under which it is kept that a name has no records of any type
NEGATIVE_TTL = 60  # seconds, of an absence without an SOA record (RFC 2308 §5 leaves it open)


def learn(
    reply: Reply, question: Question, now: float, settings: DnsSettings, *, trust_ad: bool
) -> dict[Key, Cached]:
    """All sets of a reply whose code is NOERROR or NXDOMAIN, absences among them."""
    authentic = trust_ad and reply.authenticated
    kept: dict[Key, Cached] = {}
    last, done = question.name, False
    for found in reply.chain:
        records = found.records
        if found.rdtype == "MX":
            records = tuple(sorted(records, key=lambda mx: mx.preference))
        elif found.rdtype == "SRV":
            records = tuple(sorted(records, key=lambda srv: srv.priority))
        lasts = min(max(found.ttl, settings.minimum_ttl), settings.maximum_ttl)
        kept[found.name, found.rdtype] = Cached(records, True, authentic, now + lasts)
        done = found.rdtype == question.rdtype
        if not done:
            last = records[0]
    if done or (last, "CNAME") in kept or len(reply.chain) > MAX_CHAIN:
        return kept  # the latter two: a chain that turns back on itself, or has no end here
    if kept and reply.negative_ttl is None and reply.rcode == "NOERROR":
        return kept  # the server did not follow the alias itself: we ask on
    lasts = NEGATIVE_TTL if reply.negative_ttl is None else reply.negative_ttl
    lasts = min(max(lasts, settings.minimum_ttl), settings.maximum_negative_ttl)
    exists = reply.rcode != "NXDOMAIN"  # of the chain's end (RFC 6604 §3)
    key = last, question.rdtype if exists else ANY
    kept[key] = Cached((), exists, authentic, now + lasts)
    return kept


def learn_failure(question: Question, why: Why, now: float, settings: DnsSettings) -> Cached:
    """A failure is remembered a little while (RFC 9520 §3.2)."""
    return Cached((), True, False, now + settings.failure_ttl, why)
