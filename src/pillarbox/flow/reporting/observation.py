"""A judged message → a row of the report about its author's domain. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from pillarbox.flow.delivery.verdict import Reason
from pillarbox.flow.inbound.policy import DMARC_QUARANTINE, TRUSTED_FORWARDER
from pillarbox.trust.dmarc.record import ReportAddress
from pillarbox.trust.dmarc_report import DkimAuth, Override, Published, Row, SpfAuth

if TYPE_CHECKING:
    from pillarbox.flow.inbound.facts import TrustFacts
    from pillarbox.flow.inbound.policy import Verdict
    from pillarbox.trust.dmarc import DmarcRecord

_MAX_RESULTS = 10  # signatures of one message: who forges them chooses how many rows differ
_MAX_NAME = 255  # characters of a domain or selector

_DONE = {"reject": "reject", "junk": "quarantine", "accept": "none"}


class Wanted(Struct, frozen=True):
    """What a domain publishes about its reports."""

    published: Published
    rua: tuple[ReportAddress, ...]


def wanted(policy_domain: str, record: DmarcRecord) -> Wanted:
    """As it stands in the report."""
    published = Published(
        domain=policy_domain,
        p=record.p,
        sp=record.sp or "",
        np=record.np or "",
        adkim=record.adkim,
        aspf=record.aspf,
        fo=":".join(record.fo),
        testing="y" if record.testing else "",
    )
    return Wanted(published, record.rua)


def observe(facts: TrustFacts, verdict: Verdict) -> Row | None:
    """The row with a count of 0; None where nobody asked to be told (RFC 7489 §7.2)."""
    dmarc = facts.dmarc
    record = dmarc.record
    if record is None or record.broken or not dmarc.policy_domain:
        return None
    if not any(one.address for one in record.rua):
        return None
    disposition, override = _outcome(facts, verdict)
    return Row(
        source_ip=facts.peer,
        count=0,
        disposition=disposition,
        dkim="pass" if dmarc.dkim_aligned else "fail",
        spf="pass" if dmarc.spf_aligned else "fail",
        header_from=_name(dmarc.from_domain),
        envelope_from=_name(facts.reverse_path.rpartition("@")[2].lower()),
        overrides=(override,) if override is not None else (),
        dkim_results=tuple(
            DkimAuth(_name(one.domain), _name(one.selector), one.result)
            for one in facts.dkim[:_MAX_RESULTS]
            if one.domain
        ),
        spf_results=(SpfAuth(_name(facts.spf.domain), facts.spf.scope, facts.spf.result),),
    )


def _outcome(facts: TrustFacts, verdict: Verdict) -> tuple[str, Override | None]:
    """What was done, and why it is not what the domain asks for."""
    dmarc = facts.dmarc
    if dmarc.disposition == "none":
        is_testing = dmarc.result == "fail" and dmarc.policy != "none"
        return "none", Override("sampled_out", "testing") if is_testing else None
    if verdict.name == TRUSTED_FORWARDER:
        return "none", Override("trusted_forwarder", "ARC")
    done = _DONE[verdict.action]
    if done == dmarc.disposition and verdict.name in (Reason.DMARC_REJECT, DMARC_QUARANTINE):
        return done, None
    return done, Override("local_policy") if done != dmarc.disposition else None


def _name(text: str) -> str:
    return text[:_MAX_NAME]
