"""Facts and verdict → our header fields, and where others wrote such fields in our name. Pure.

No Received-SPF: RFC 7208 §9 leaves the choice, and Authentication-Results says the same and more.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pillarbox.trust.authres import Finding, encode, forged_spans

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pillarbox.flow.inbound.facts import TrustFacts
    from pillarbox.flow.inbound.policy import Verdict
    from pillarbox.trust.arc import ArcResult
    from pillarbox.trust.dkim import DkimResult
    from pillarbox.trust.spf import SpfResult

VERDICT = "Pillarbox-Verdict"
_FORGED_VERDICT = re.compile(
    rb"^pillarbox-verdict[ \t]*:[^\n]*(?:\n[ \t][^\n]*)*\n?", re.IGNORECASE | re.MULTILINE
)


def encode_results(authserv_id: str, findings: Sequence[Finding], verdict: Verdict) -> bytes:
    """The whole fields. The verdict has its own: RFC 8601 §2.7 has no word for it."""
    fields = encode(authserv_id, findings)
    if verdict.name:
        why = verdict.why if verdict.why.isascii() and verdict.why.isprintable() else ""
        told = f"{verdict.action}; {verdict.name};"
        # On a line of its own: it may hold a long domain.
        fields += f"{VERDICT}: {told}\r\n {why or 'see above'}\r\n".encode()
    return fields


def find_forged(raw_header: bytes, authserv_id: str) -> tuple[tuple[int, int], ...]:
    """Fields that speak in our name and came from elsewhere, ascending (RFC 8601 §5)."""
    spans = [*forged_spans(raw_header, authserv_id)]
    spans += [match.span() for match in _FORGED_VERDICT.finditer(raw_header)]
    return tuple(sorted(spans))


def findings_of(facts: TrustFacts) -> list[Finding]:
    """One for each check (RFC 8601 §2.7)."""
    found = [
        Finding("iprev", facts.iprev.result, "", (("policy", "iprev", facts.peer),)),
        _spf(facts.spf, facts),
    ]
    if facts.helo_spf is not None and facts.helo_spf.result != "none":
        found.append(_spf(facts.helo_spf, facts))
    found += [_dkim(one) for one in facts.dkim] or [Finding("dkim", "none")]
    if facts.arc.result != "none":
        found.append(_arc(facts.arc))
    found.append(_dmarc(facts))
    return found


def _spf(result: SpfResult, facts: TrustFacts) -> Finding:
    if result.scope == "mfrom":
        return Finding("spf", result.result, "", (("smtp", "mailfrom", facts.reverse_path),))
    return Finding("spf", result.result, "", (("smtp", "helo", facts.helo),))


def _dkim(result: DkimResult) -> Finding:
    properties = (
        ("header", "d", result.domain),
        ("header", "s", result.selector),
        ("header", "a", result.algorithm),
        ("header", "b", result.signature),  # RFC 6008
    )
    reason = "" if result.result == "pass" else result.why
    return Finding("dkim", result.result, reason, tuple(one for one in properties if one[2]))


def _dmarc(facts: TrustFacts) -> Finding:
    result = facts.dmarc
    properties: tuple[tuple[str, str, str], ...] = ()
    if result.from_domain:
        properties = (("header", "from", result.from_domain),)
    if result.record is not None:
        properties += (("policy", "dmarc", result.policy),)
    reason = result.why if result.result in ("permerror", "temperror") else ""
    return Finding("dmarc", result.result, reason, properties)


def _arc(result: ArcResult) -> Finding:
    return Finding("arc", result.result, "" if result.result == "pass" else result.why)
