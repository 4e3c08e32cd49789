"""What a DMARC evaluation finds."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from pillarbox.trust.dmarc.record import DmarcRecord, Policy

Verdict = Literal["pass", "fail", "none", "permerror", "temperror"]


class DmarcResult(Struct, frozen=True):
    """The result for one author domain, or the one that counts among several."""

    result: Verdict
    from_domain: str  # A-labels, lower case; as written where that cannot be
    organizational_domain: str = ""  # of from_domain; "" where nothing was published
    policy: Policy = "none"  # published for this domain: p=, or sp= or np= from above
    disposition: Policy = "none"  # what the owner asks for this message: none unless it failed
    spf_aligned: bool = False  # SPF passed for a domain that aligns
    dkim_aligned: bool = False  # a signature verified whose domain aligns
    policy_domain: str = ""  # where the record stands
    record: DmarcRecord | None = None
    why: str = ""  # a sentence for the log
