"""Joins what judges mail from elsewhere."""

from __future__ import annotations

from pillarbox.clock import Clock
from pillarbox.config.loading import hostname_of
from pillarbox.config.settings import Settings
from pillarbox.dns.resolver import Resolver
from pillarbox.flow.inbound.checks import Checker
from pillarbox.flow.inbound.greylisting import Greylist
from pillarbox.flow.inbound.judge import Judge, Witness
from pillarbox.store import Store


def make_judge(
    settings: Settings,
    store: Store,
    resolver: Resolver,
    clock: Clock,
    witness: Witness | None = None,
) -> Judge | None:
    """None where the settings want no mail judged."""
    trust = settings.trust
    if not trust.judge:
        return None
    hostname = hostname_of(settings)
    greylist = Greylist(store, trust.greylist, clock) if trust.greylist.enabled else None
    checker = Checker(resolver, trust, hostname=hostname, clock=clock)
    return Judge(store, trust, checker, hostname=hostname, greylist=greylist, witness=witness)
