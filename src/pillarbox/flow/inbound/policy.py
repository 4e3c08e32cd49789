"""Facts about a message from elsewhere → what becomes of it, and the name of the reason. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from pillarbox.flow.delivery.verdict import Reason, Refused
from pillarbox.message.header import find_header_end
from pillarbox.trust.authres import parse

if TYPE_CHECKING:
    from pillarbox.config.smtp import SmtpSettings
    from pillarbox.config.trust import TrustSettings
    from pillarbox.flow.inbound.facts import TrustFacts
    from pillarbox.message.part import Octets
    from pillarbox.trust.dmarc import DmarcResult
    from pillarbox.trust.dnsbl import Listing

_RECEIVED = re.compile(rb"^received[ \t]*:", re.IGNORECASE | re.MULTILINE)


class Facts(msgspec.Struct, frozen=True):
    """What the checks found."""

    received_fields: int
    is_header_too_large: bool = False


def gather_facts(octets: Octets, size: int, max_header_octets: int) -> Facts:
    """Look at the message's header, as far as it may reach."""
    end = find_header_end(octets, size, max_header_octets)
    if end is None:
        return Facts(0, is_header_too_large=True)
    return Facts(received_fields=len(_RECEIVED.findall(octets[:end])))


def decide(facts: Facts, settings: SmtpSettings) -> Refused | None:
    """None: take it."""
    if facts.is_header_too_large:
        return Refused(Reason.HEADER_TOO_LARGE)
    if facts.received_fields > settings.max_received_fields:
        return Refused(Reason.LOOP)
    return None


# What is taken, though not as it is: names for the header, the log, the metric and the trace.
DMARC_QUARANTINE = "dmarc-quarantine"
TRUSTED_FORWARDER = "trusted-forwarder"
NO_AUTHOR = "no-author"


class Verdict(msgspec.Struct, frozen=True):
    """What becomes of a message."""

    action: Literal["accept", "junk", "reject"]
    name: str = ""  # of the reason; "" for mail with nothing against it
    why: str = ""  # a sentence with what was found
    refused: Refused | None = None  # of action reject


ACCEPT = Verdict("accept")


def judge(facts: TrustFacts, settings: TrustSettings) -> Verdict:
    """The first rule that says something: sender, too many authors, DMARC, no author, SPF, lists.

    A check that could not be made (temperror) speaks for nobody and against nobody: mail flows
    while the DNS is dead.
    """
    for rule in _RULES:
        verdict = rule(facts, settings)
        if verdict is not None:
            return verdict
    return ACCEPT


def _judge_sender(facts: TrustFacts, settings: TrustSettings) -> Verdict | None:
    """RFC 7505 §4.2: a domain that takes no mail sends none that could be answered."""
    if not facts.has_null_mx:
        return None
    domain = facts.reverse_path.rpartition("@")[2]
    why = f"{domain} says that it takes no mail (null MX), so nothing can come from it."
    return Verdict("reject", Reason.NULL_MX, why, Refused(Reason.NULL_MX, why))


def _judge_authors(facts: TrustFacts, settings: TrustSettings) -> Verdict | None:
    """RFC 7489 §6.6.1: what hides its author from DMARC must not get past it by that."""
    if settings.dmarc == "observe":
        return None
    authors = facts.authors
    if authors.fields > 1:
        sentence = "The message has more than one From field."
        return _against(settings, Refused(Reason.BROKEN_FROM, sentence), sentence)
    if len(authors.domains) > settings.dmarc_from_domains:
        sentence = "The From field names too many domains."
        return _against(settings, Refused(Reason.BROKEN_FROM, sentence), sentence)
    return None


def _judge_author(facts: TrustFacts, settings: TrustSettings) -> Verdict | None:
    """Whoever else is named has been looked at: the worse verdict comes first."""
    if settings.dmarc == "observe" or facts.authors.is_understood:
        return None
    return Verdict("junk", NO_AUTHOR, "From does not say clearly whose message it is.")


def _judge_dmarc(facts: TrustFacts, settings: TrustSettings) -> Verdict | None:
    dmarc = facts.dmarc
    if dmarc.disposition == "none" or settings.dmarc == "observe":
        return None
    if _is_vouched_for(facts, settings):
        why = f"{facts.arc.sealers[0]} says that it passed DMARC for {dmarc.from_domain}."
        return Verdict("accept", TRUSTED_FORWARDER, why)
    why = f"DMARC fails for {dmarc.from_domain}, whose policy is {dmarc.policy}."
    if dmarc.disposition == "quarantine":
        return Verdict("junk", DMARC_QUARANTINE, why)
    return _against(settings, Refused(Reason.DMARC_REJECT, _sentence(dmarc)), why)


def _judge_spf(facts: TrustFacts, settings: TrustSettings) -> Verdict | None:
    """Only where nothing else speaks for the message: forwarding breaks SPF and nothing else."""
    spf = facts.spf
    if spf.result != "fail" or settings.spf_fail == "accept" or facts.dmarc.result == "pass":
        return None
    if any(one.result == "pass" for one in facts.dkim) or _is_vouched_for(facts, settings):
        return None
    why = f"{spf.domain} does not let {facts.peer} send for it."
    if settings.spf_fail == "junk":
        return Verdict("junk", Reason.SPF_FAIL, why)
    # On a line of its own, since it is another's word (RFC 7208 §6.2).
    told = f"\n{spf.domain} explains: {spf.explanation}" if spf.explanation else ""
    return Verdict("reject", Reason.SPF_FAIL, why, Refused(Reason.SPF_FAIL, f"SPF: {why}{told}"))


def _judge_listings(facts: TrustFacts, settings: TrustSettings) -> Verdict | None:
    if not facts.listings:
        return None
    zones = ", ".join(listing.zone for listing in facts.listings)
    return Verdict("junk", Reason.DNS_LIST, f"{facts.peer} is listed by {zones}.")


_RULES = (
    _judge_sender, _judge_authors, _judge_dmarc, _judge_author, _judge_spf, _judge_listings,
)  # fmt: skip


def refuse_listed(listings: Sequence[Listing]) -> Refused | None:
    """At RCPT: the first list that has the client, with the list's own reason."""
    if not listings:
        return None
    listing = listings[0]
    told = f": {listing.text}" if listing.text else ""
    return Refused(Reason.DNS_LIST, f"Your address is listed by {listing.zone}{told}")


def refuse_to_vouch(facts: TrustFacts) -> Verdict:
    """For a forgery that would pass at the next server because we send it there."""
    author = facts.dmarc.from_domain
    why = f"DMARC fails for {author}, and this address sends mail on in that domain's name."
    return Verdict("reject", Reason.DMARC_REJECT, why, Refused(Reason.DMARC_REJECT, why))


def _against(settings: TrustSettings, refused: Refused, why: str) -> Verdict:
    """Refused, or into junk where refusing by DMARC is not wanted."""
    if settings.dmarc == "junk":
        return Verdict("junk", refused.reason, why)
    return Verdict("reject", refused.reason, why, refused)


def _sentence(dmarc: DmarcResult) -> str:
    return f"DMARC fails, and {dmarc.policy_domain} asks for mail like this to be refused"


def _is_vouched_for(facts: TrustFacts, settings: TrustSettings) -> bool:
    """Whether a chain of seals holds and who sealed last is trusted and saw DMARC pass.

    A sealer that saw an earlier chain pass counts, too, when all sealers before it are trusted.
    """
    chain, trusted = facts.arc, settings.trusted_arc_sealers
    if chain.result != "pass" or not chain.sealers or chain.sealers[0] not in trusted:
        return False
    seen = parse(chain.authres)
    if seen is None:
        return False
    all_trusted = all(sealer in trusted for sealer in chain.sealers)
    for finding in seen.findings:
        if finding.method == "dmarc" and finding.result == "pass":
            authors = [value for ptype, name, value in finding.properties if name == "from"]
            if not authors or facts.dmarc.from_domain in map(str.lower, authors):
                return True
        if finding.method == "arc" and finding.result == "pass" and all_trusted:
            return len(chain.sealers) > 1
    return False
