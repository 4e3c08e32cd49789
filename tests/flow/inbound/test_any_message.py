"""Whatever arrives is judged in bounded time, with no fault of ours."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.clock import SystemClock
from pillarbox.config.trust import TrustSettings
from pillarbox.flow.delivery.envelope import Envelope, Origin, Recipient, Sender
from pillarbox.flow.inbound.checks import Checker
from pillarbox.flow.inbound.facts import TrustFacts
from pillarbox.flow.inbound.policy import judge
from pillarbox.flow.inbound.results import encode_results, find_forged, findings_of
from pillarbox.telemetry.metrics import FAULTS
from pillarbox.trust.authres import parse
from support.fake_resolver import FakeResolver

TRUST = TrustSettings()


def check(octets: bytes, sender: str, helo: str, records: dict[str, Any]) -> TrustFacts:
    envelope = Envelope(
        journey="0123456789ab",
        origin=Origin("192.0.2.3", helo, "ESMTP", "0123456789ab"),
        sender=Sender(sender),
        recipients=(Recipient("alice@example.org", ()),),
    )

    async def work() -> TrustFacts:
        resolver = FakeResolver(records)
        checker = Checker(resolver, TRUST, hostname="mx.example.org", clock=SystemClock())
        return await checker.check_message(envelope, octets, len(octets))

    return asyncio.run(work())


def faults() -> float:
    return float(FAULTS.labels("inbound")._value.get())


PIECE = st.one_of(
    st.sampled_from(
        [
            b"From: ", b"from:", b"carol@example.net", b"<@a,@b:c@d.example>", b",", b";", b"\r\n",
            b"\r\n ", b"\n", b"DKIM-Signature: v=1; a=rsa-sha256; d=example.net; s=s; b=AA; bh=BB;",
            b"h=from; c=relaxed/simple; l=3; x=1; i=@example.net", b"ARC-Seal: i=1; cv=none; ",
            b"ARC-Message-Signature: i=1; ", b"ARC-Authentication-Results: i=1; mx; dmarc=pass",
            b"Authentication-Results: mx.example.org", b'"', b"(", b"\x00", b"\xff", b"=?utf-8?q?",
            b"\r\n\r\n",
        ]
    ),
    st.binary(max_size=12),
)  # fmt: skip


@given(
    pieces=st.lists(PIECE, max_size=30),
    sender=st.one_of(st.sampled_from(["", "carol@example.net"]), st.text(max_size=20)),
    helo=st.text(max_size=20),
    record=st.binary(max_size=80),
)
@settings(max_examples=300, deadline=None)
def test_any_octets(pieces: list[bytes], sender: str, helo: str, record: bytes) -> None:
    before = faults()
    octets = b"".join(pieces)
    records = {
        "example.net": {"TXT": [b"v=spf1 " + record]},
        "_dmarc.example.net": {"TXT": [b"v=DMARC1;" + record]},
        "s._domainkey.example.net": {"TXT": [b"v=DKIM1; p=" + record]},
    }
    facts = check(octets, sender, helo, records)
    verdict = judge(facts, TRUST)
    field = encode_results("mx.example.org", findings_of(facts), verdict)
    assert parse(field.split(b"\r\nPillarbox-Verdict")[0].partition(b":")[2]) is not None
    find_forged(octets, "mx.example.org")
    assert faults() == before


@pytest.mark.timed
@pytest.mark.parametrize(
    "line",
    [
        b"From: " + b"(" * 60_000 + b"\r\n",
        b"From: " + b"a@b.example," * 80_000 + b"\r\n",
        b"From: " + b"<" * 60_000 + b"\r\n",
        b"From: a@example.net\r\n" * 40_000,
        b"DKIM-Signature: " + b"a=" * 400_000 + b"\r\n",
        b"DKIM-Signature: v=1\r\n" * 40_000,
        b"ARC-Seal: i=1\r\n" * 60_000,
        b"ARC-Seal: " + b"\r\n " * 300_000 + b"\r\n",
        b"Authentication-Results: " + b"(" * 900_000 + b"\r\n",
        b"Authentication-Results: " + b'"\\' * 400_000 + b"\r\n",
        b"Authentication-Results: (((((\r\n" * 30_000,
        b"Pillarbox-Verdict:\r\n" * 50_000,
    ],
    ids=range(12),
)
def test_headers_of_a_mebibyte(line: bytes) -> None:
    """Seconds at worst on a busy machine; nothing here may grow with the square of its size."""
    octets = line + b"Subject: x\r\n\r\nbody\r\n"
    before, began = faults(), time.thread_time()
    facts = check(octets, "carol@example.net", "mail.example.net", {})
    judge(facts, TRUST)
    find_forged(octets[: len(line)], "mx.example.org")
    assert time.thread_time() - began < 5
    assert faults() == before
