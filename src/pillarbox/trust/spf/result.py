"""What an SPF evaluation finds."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Verdict = Literal["none", "neutral", "pass", "fail", "softfail", "temperror", "permerror"]
Scope = Literal["mfrom", "helo"]


class SpfResult(Struct, frozen=True):
    """RFC 7208 §2.6, with how it came about."""

    result: Verdict
    domain: str  # whose record was asked: A-labels, lower case; as given where that cannot be
    scope: Scope
    mechanism: str = ""  # the directive that matched, as written; "" for none
    explanation: str = ""  # the domain's own words for a fail: a third party's, printable ASCII
    why: str = ""  # a sentence for the log
    lookups: int = 0  # terms that asked the DNS (RFC 7208 §4.6.4)
