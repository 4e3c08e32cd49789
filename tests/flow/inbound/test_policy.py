"""What becomes of a message, by what was found about it."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from pillarbox.config.trust import TrustSettings
from pillarbox.flow.inbound.facts import Authors, TrustFacts
from pillarbox.flow.inbound.policy import judge, refuse_listed
from pillarbox.trust.arc import ArcResult
from pillarbox.trust.dkim import DkimResult
from pillarbox.trust.dmarc import DmarcResult
from pillarbox.trust.dnsbl import Listing
from pillarbox.trust.iprev import IprevResult
from pillarbox.trust.spf import SpfResult

FACTS = TrustFacts(
    peer="192.0.2.3",
    helo="mail.example.net",
    reverse_path="carol@example.net",
    authors=Authors(1, ("example.net",)),
    iprev=IprevResult("pass", "mail.example.net"),
    spf=SpfResult("none", "example.net", "mfrom"),
    dmarc=DmarcResult("none", "example.net"),
)
PASSES = DmarcResult("pass", "example.net", policy="reject", dkim_aligned=True)
REJECTED = DmarcResult(
    "fail", "example.net", policy="reject", disposition="reject", policy_domain="example.net"
)
QUARANTINED = replace(REJECTED, policy="quarantine", disposition="quarantine")
TESTING = replace(REJECTED, disposition="none")
SPF_FAILS = SpfResult("fail", "example.net", "mfrom", explanation="see example.net")
SIGNED = (DkimResult("pass", "list.example"),)
LISTED = (Listing("list.example", "junk", ("127.0.0.2",)),)


def judged(settings: dict[str, Any] | None = None, **facts: Any) -> tuple[str, str]:
    verdict = judge(replace(FACTS, **facts), TrustSettings(**(settings or {})))
    assert (verdict.refused is not None) == (verdict.action == "reject")
    return verdict.action, verdict.name


@pytest.mark.parametrize(
    ("facts", "settings", "action", "name"),
    [
        ({}, {}, "accept", ""),
        ({"dmarc": PASSES}, {}, "accept", ""),
        ({"dmarc": REJECTED}, {}, "reject", "dmarc-reject"),
        ({"dmarc": REJECTED}, {"dmarc": "junk"}, "junk", "dmarc-reject"),
        ({"dmarc": REJECTED}, {"dmarc": "observe"}, "accept", ""),
        ({"dmarc": QUARANTINED}, {}, "junk", "dmarc-quarantine"),
        ({"dmarc": QUARANTINED}, {"dmarc": "observe"}, "accept", ""),
        ({"dmarc": TESTING}, {}, "accept", ""),
        ({"dmarc": DmarcResult("temperror", "example.net")}, {}, "accept", ""),
        ({"dmarc": DmarcResult("permerror", "example.net")}, {}, "accept", ""),
        # SPF alone
        ({"has_null_mx": True}, {}, "reject", "null-mx"),
        ({"spf": SPF_FAILS}, {}, "junk", "spf-fail"),
        ({"spf": SPF_FAILS}, {"spf_fail": "reject"}, "reject", "spf-fail"),
        ({"spf": SPF_FAILS}, {"spf_fail": "accept"}, "accept", ""),
        ({"spf": SPF_FAILS, "dkim": SIGNED}, {"spf_fail": "reject"}, "accept", ""),
        ({"spf": SPF_FAILS, "dmarc": PASSES}, {"spf_fail": "reject"}, "accept", ""),
        ({"spf": SPF_FAILS, "dmarc": REJECTED}, {}, "reject", "dmarc-reject"),
        ({"spf": SPF_FAILS, "dmarc": TESTING}, {}, "junk", "spf-fail"),
        ({"spf": replace(SPF_FAILS, result="softfail")}, {}, "accept", ""),
        ({"spf": replace(SPF_FAILS, result="temperror")}, {}, "accept", ""),
        # lists
        ({"listings": LISTED}, {}, "junk", "dns-list"),
        ({"listings": LISTED, "dmarc": PASSES}, {}, "junk", "dns-list"),
        ({"listings": LISTED, "dmarc": REJECTED}, {}, "reject", "dmarc-reject"),
        # authors
        ({"authors": Authors(2, ("example.net",))}, {}, "reject", "broken-from"),
        ({"authors": Authors(2, ("example.net",))}, {"dmarc": "junk"}, "junk", "broken-from"),
        ({"authors": Authors(2, ("example.net",))}, {"dmarc": "observe"}, "accept", ""),
        ({"authors": Authors(1, tuple("abcdef"))}, {}, "reject", "broken-from"),
        ({"authors": Authors(0, (), False)}, {}, "junk", "no-author"),
        ({"authors": Authors(1, ("a.example",), False)}, {}, "junk", "no-author"),
    ],
)  # fmt: skip
def test_verdicts(facts: dict[str, Any], settings: dict[str, Any], action: str, name: str) -> None:
    assert judged(settings, **facts) == (action, name)


def chain(authres: str, *sealers: str, result: str = "pass") -> ArcResult:
    return ArcResult(result, len(sealers), sealers, authres)  # type: ignore[arg-type]


SAW_PASS = "list.example; dmarc=pass header.from=example.net; spf=pass smtp.mailfrom=x@y.example"


@pytest.mark.parametrize(
    ("arc", "trusted", "taken"),
    [
        (chain(SAW_PASS, "list.example"), ["list.example"], True),
        (chain(SAW_PASS, "list.example"), ["other.example"], False),
        (chain(SAW_PASS, "list.example"), [], False),
        (chain(SAW_PASS, "list.example", result="fail"), ["list.example"], False),
        (chain(SAW_PASS, "evil.example", "list.example"), ["list.example"], False),
        (chain(SAW_PASS, "list.example", "evil.example"), ["list.example"], True),
        (chain("list.example; dmarc=fail header.from=example.net", "list.example"),
         ["list.example"], False),
        (chain("list.example; dmarc=pass header.from=other.example", "list.example"),
         ["list.example"], False),
        (chain("list.example; dmarc=pass header.from=EXAMPLE.NET", "list.example"),
         ["list.example"], True),
        (chain("list.example; dmarc=fail; arc=pass", "list.example", "first.example"),
         ["list.example", "first.example"], True),
        (chain("list.example; dmarc=fail; arc=pass", "list.example", "evil.example"),
         ["list.example"], False),
        (chain("list.example; dmarc=fail; arc=pass", "list.example"), ["list.example"], False),
        (chain("(nonsense", "list.example"), ["list.example"], False),
    ],
)  # fmt: skip
def test_a_trusted_sealers_word(arc: ArcResult, trusted: list[str], taken: bool) -> None:
    settings = {"trusted_arc_sealers": tuple(trusted)}
    for dmarc in (REJECTED, QUARANTINED):
        action, name = judged(settings, arc=arc, dmarc=dmarc, spf=SPF_FAILS)
        assert (action == "accept") is taken
        assert (name == "trusted-forwarder") is taken


def test_sentences_name_the_domain() -> None:
    verdict = judge(replace(FACTS, dmarc=REJECTED), TrustSettings())
    assert verdict.why == "DMARC fails for example.net, whose policy is reject."
    assert verdict.refused is not None
    assert "example.net" in verdict.refused.sentence
    verdict = judge(replace(FACTS, spf=SPF_FAILS), TrustSettings(spf_fail="reject"))
    assert verdict.refused is not None
    assert verdict.refused.sentence.endswith("example.net explains: see example.net")


def test_the_lists_own_reason_is_told() -> None:
    refused = refuse_listed([Listing("list.example", "reject", ("127.0.0.2",), "see list.example")])
    assert refused is not None
    assert refused.sentence == "Your address is listed by list.example: see list.example"
    assert refuse_listed([]) is None
