"""Collected mail is judged as far as it can be without the client that sent it.

No address, no HELO name: what is left are its signatures, its ARC chain and DMARC. Whether SPF
passed is not known; where the Return-Path aligns with the author, that speaks for the message.
"""

from __future__ import annotations

import asyncio

from pillarbox.clock import Clock
from pillarbox.config.trust import TrustSettings
from pillarbox.dns.resolver import Resolver
from pillarbox.flow.inbound.checks.authors import find_authors
from pillarbox.flow.inbound.facts import Authors, TrustFacts
from pillarbox.flow.inbound.policy import judge
from pillarbox.message.address import mailboxes, parse_address_list
from pillarbox.message.header import find_header_end, pick
from pillarbox.message.part import Octets
from pillarbox.telemetry.log import get_logger
from pillarbox.telemetry.metrics import FAULTS
from pillarbox.trust.arc import verify_chain
from pillarbox.trust.dkim import verify
from pillarbox.trust.dmarc import DmarcResult, evaluate
from pillarbox.trust.iprev import IprevResult
from pillarbox.trust.spf import SpfResult

log = get_logger("collect")
_RETURN_PATH = frozenset((b"return-path",))
_NOT_KNOWN = "which client sent it is not known"


class ContentSorter:
    """`flow.collect.job.Sorter` by the rules for mail that arrives."""

    def __init__(self, resolver: Resolver, settings: TrustSettings, clock: Clock) -> None:
        self._resolver = resolver
        self._settings = settings
        self._clock = clock

    async def is_junk(self, octets: Octets, size: int) -> bool:
        """What could not be asked in time speaks for nobody and against nobody."""
        if not self._settings.judge:
            return False
        try:
            async with asyncio.timeout(self._settings.seconds):
                facts = await self._facts(octets, size)
        except TimeoutError:
            return False
        except Exception as error:  # a bug of ours must not stop mail, and must be seen
            FAULTS.labels("collect").inc()
            log.error_event("collect.check_failed", exc=error)
            return False
        return facts is not None and judge(facts, self._settings).action != "accept"

    async def _facts(self, octets: Octets, size: int) -> TrustFacts | None:
        settings, resolver, now = self._settings, self._resolver, self._clock.now()
        end = find_header_end(octets, size, settings.dkim_max_header_octets)
        if end is None:
            return None
        raw_header = bytes(octets[:end])
        authors = find_authors(raw_header)
        sender = _return_path(raw_header)
        spf = _unknown_spf(sender, authors)
        dkim = await verify(octets, resolver, now, settings)
        dmarc = DmarcResult("permerror", "", why="From names no domain")
        if authors.domains:
            dmarc = await evaluate(authors.domains, spf, dkim, resolver, settings)
        return TrustFacts(
            peer="",
            helo="",
            reverse_path=sender,
            authors=authors,
            iprev=IprevResult("temperror", why=_NOT_KNOWN),
            spf=spf,
            dkim=dkim,
            arc=await verify_chain(octets, resolver, now, settings),
            dmarc=dmarc,
        )


def _return_path(raw_header: bytes) -> str:
    """What the source wrote down of the envelope (RFC 5321 §4.4); "" for nothing."""
    for value in pick(raw_header, _RETURN_PATH).get(b"return-path", [])[:1]:
        for address in mailboxes(parse_address_list(value)):
            return address.addr_spec
    return ""


def _unknown_spf(sender: str, authors: Authors) -> SpfResult:
    """Unknown for the domain that it would have been asked of; without one, for the author's."""
    domain = sender.rpartition("@")[2] or (authors.domains[0] if authors.domains else "")
    return SpfResult("temperror", domain, "mfrom", why=_NOT_KNOWN)
