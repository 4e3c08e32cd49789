"""What is known about a message from elsewhere, before anything is decided."""

from __future__ import annotations

from msgspec import Struct

from pillarbox.trust.arc import ArcResult
from pillarbox.trust.dkim import DkimResult
from pillarbox.trust.dmarc import DmarcResult
from pillarbox.trust.dnsbl import Listing
from pillarbox.trust.iprev import IprevResult
from pillarbox.trust.spf import SpfResult


class Authors(Struct, frozen=True):
    """Who the From field says has written it (RFC 5322 §3.6.2)."""

    fields: int  # From fields; exactly one is right
    domains: tuple[str, ...]  # as written, without repeats
    # Every author has a domain that can be one, nobody can read the field in another way, and its
    # length is sane.
    is_understood: bool = True


class TrustFacts(Struct, frozen=True, kw_only=True):
    """The results of all checks of one message."""

    peer: str
    helo: str
    reverse_path: str
    authors: Authors
    iprev: IprevResult
    spf: SpfResult  # of MAIL FROM; of the HELO name where that was null
    helo_spf: SpfResult | None = None  # of the HELO name, beside the other
    dkim: tuple[DkimResult, ...] = ()
    arc: ArcResult = ArcResult("none")
    dmarc: DmarcResult
    listings: tuple[Listing, ...] = ()
    has_null_mx: bool = False  # the sender's domain takes no mail: no answer could reach it
