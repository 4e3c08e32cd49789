"""Authentication-Results of ours, and those that others wrote in our name."""

from __future__ import annotations

import pytest

from pillarbox.flow.delivery.rewriting import without
from pillarbox.flow.inbound.facts import Authors, TrustFacts
from pillarbox.flow.inbound.policy import ACCEPT, Verdict
from pillarbox.flow.inbound.results import encode_results, find_forged, findings_of
from pillarbox.trust.arc import ArcResult
from pillarbox.trust.authres import parse
from pillarbox.trust.dkim import DkimResult
from pillarbox.trust.dmarc import DmarcResult, parse_record
from pillarbox.trust.iprev import IprevResult
from pillarbox.trust.spf import SpfResult

FACTS = TrustFacts(
    peer="2001:db8::3",
    helo="mail.example.net",
    reverse_path="carol@example.net",
    authors=Authors(1, ("example.net",)),
    iprev=IprevResult("pass", "mail.example.net"),
    spf=SpfResult("pass", "example.net", "mfrom"),
    helo_spf=SpfResult("fail", "mail.example.net", "helo"),
    dkim=(
        DkimResult("pass", "example.net", "s1", algorithm="rsa-sha256", signature="AbC/+123"),
        DkimResult("fail", "list.example", "s2", why="the body was changed; or so"),
    ),
    arc=ArcResult("fail", why="a seal does not verify"),
    dmarc=DmarcResult(
        "pass", "example.net", policy="reject", record=parse_record(b"v=DMARC1;p=reject")
    ),
)


def test_the_field() -> None:
    field = encode_results("mx.example.org", findings_of(FACTS), ACCEPT)
    name, _, value = field.partition(b":")
    assert name == b"Authentication-Results"
    assert field.endswith(b"\r\n")
    assert all(len(line) <= 100 for line in field.split(b"\r\n"))
    read = parse(value)
    assert read is not None
    assert read.authserv_id == "mx.example.org"
    told = [(one.method, one.result, one.reason, one.properties) for one in read.findings]
    assert told == [
        ("iprev", "pass", "", (("policy", "iprev", "2001:db8::3"),)),
        ("spf", "pass", "", (("smtp", "mailfrom", "carol@example.net"),)),
        ("spf", "fail", "", (("smtp", "helo", "mail.example.net"),)),
        ("dkim", "pass", "", (("header", "d", "example.net"), ("header", "s", "s1"),
                              ("header", "a", "rsa-sha256"), ("header", "b", "AbC/+123"))),
        ("dkim", "fail", "the body was changed; or so",
         (("header", "d", "list.example"), ("header", "s", "s2"))),
        ("arc", "fail", "a seal does not verify", ()),
        ("dmarc", "pass", "", (("header", "from", "example.net"), ("policy", "dmarc", "reject"))),
    ]  # fmt: skip


def test_a_verdict_has_a_field_of_its_own() -> None:
    verdict = Verdict("junk", "dmarc-quarantine", "DMARC fails for example.net.")
    field = encode_results("mx.example.org", findings_of(FACTS), verdict)
    assert field.endswith(
        b"Pillarbox-Verdict: junk; dmarc-quarantine;\r\n DMARC fails for example.net.\r\n"
    )


def test_a_senders_words_stay_in_their_place() -> None:
    """Nothing that a peer chose may end our field or begin another."""
    evil = "x\r\nX-Evil: y; dkim=pass@example.net"
    facts = TrustFacts(
        peer="192.0.2.3",
        helo="h\r\nX-Evil: z",
        reverse_path=evil,
        authors=Authors(1, (evil,)),
        iprev=IprevResult("fail"),
        spf=SpfResult("none", evil, "mfrom"),
        helo_spf=SpfResult("pass", evil, "helo"),
        dkim=(DkimResult("neutral", evil, evil, why=evil),),
        dmarc=DmarcResult("permerror", evil, why=evil),
    )
    verdict = Verdict("junk", "no-author", evil)
    field = encode_results("mx.example.org", findings_of(facts), verdict)
    assert b"\nX-Evil" not in field
    starts = [line for line in field.split(b"\r\n")[:-1] if not line.startswith(b" ")]
    assert [line.partition(b":")[0] for line in starts] == [
        b"Authentication-Results",
        b"Pillarbox-Verdict",
    ]
    read = parse(field.split(b"\r\nPillarbox")[0].partition(b":")[2])
    assert read is not None
    assert [(one.method, one.result) for one in read.findings if one.method == "dkim"] == [
        ("dkim", "neutral")
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"From: a\r\n\r\nx", b"From: a\r\n\r\nx"),
        (b"Authentication-Results: mx.example.org; spf=pass\r\nFrom: a\r\n\r\n",
         b"From: a\r\n\r\n"),
        (b"From: a\r\nAuthentication-Results: (c) MX.example.ORG 1;\r\n\tspf=pass\r\nTo: b\r\n\r\n",
         b"From: a\r\nTo: b\r\n\r\n"),
        (b"Authentication-Results: mx.example.net; spf=pass\r\n\r\n",
         b"Authentication-Results: mx.example.net; spf=pass\r\n\r\n"),
        (b"pillarbox-verdict: accept\r\n x\r\nFrom: a\r\nPillarbox-Verdict:\r\n\r\n",
         b"From: a\r\n\r\n"),
        (b"From: a\r\n\r\nAuthentication-Results: mx.example.org; spf=pass\r\n",
         b"From: a\r\n\r\nAuthentication-Results: mx.example.org; spf=pass\r\n"),
    ],
)  # fmt: skip
def test_forged_fields_are_cut(before: bytes, after: bytes) -> None:
    header = before[: before.index(b"\r\n\r\n") + 4]
    cut = find_forged(header, "mx.example.org")
    assert b"".join(without(before, len(before), cut)) == after
