"""Why a question to the DNS got no answer. NXDOMAIN and NODATA are answers, not errors."""

from __future__ import annotations

from typing import Literal

from pillarbox.errors import BadName, PillarboxError

Why = Literal["timeout", "servfail", "malformed", "refused", "too long chain"]


class BadDnsName(BadName):
    """Not a name that the DNS could hold: nothing was asked, nothing can be there."""

    sentence = "That is not a name for the DNS."


class DnsFailure(PillarboxError):
    """No answer just now: always temporary, whatever the reason."""

    def __init__(self, name: str, rdtype: str, why: Why) -> None:
        super().__init__(f"The DNS gave no answer to {rdtype} of {name}: {why}.")
        self.name = name
        self.rdtype = rdtype
        self.why: Why = why
