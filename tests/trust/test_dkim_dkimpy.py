"""dkimpy verifies our signatures and we verify its own: generated messages, odd white space."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from typing import Any

import dkim
import pytest

from pillarbox.trust.dkim import sign, verify
from support.dkim_keys import DOMAIN, NOW, SETTINGS, ed_key, ed_secret, resolver, rsa_key, zone
from support.dkim_messages import LONG, MessageMaker

KEYS = [rsa_key(1024), ed_key()]
ZONE = zone(*KEYS)
RSA, ED = KEYS
SEED = 8301
# White space in front of a colon is an error to it; it strips VT and FF from fields, and does not
# strip a last line that does not end (SMTP ends it, and then it would).
SPARED: dict[str, Any] = {"whole_lines": True, "controls": False, "before_colon": b""}


def dns(name: bytes, timeout: int = 5) -> bytes:
    """What dkimpy asks for."""
    record: str = ZONE[name.decode().rstrip(".")]["TXT"][0]
    return record.encode()


def verdicts(message: bytes) -> list[str]:
    """As of now: its own signatures bear the computer's time."""
    results = asyncio.run(verify(message, resolver(*KEYS), datetime.now(UTC), SETTINGS))
    return [result.result for result in results]


def lf(octets: bytes) -> bytes:
    return octets.replace(b"\r\n", b"\n")


@pytest.mark.parametrize("line_end", ["CRLF", "LF"])
def test_it_verifies_ours(line_end: str) -> None:
    maker = MessageMaker(SEED, **SPARED)
    for number in range(500 * LONG):
        message = maker.message()
        if line_end == "LF":
            message = lf(message)
        signed = sign(message, len(message), KEYS, NOW) + message
        verifier = dkim.DKIM(signed, minkey=1024)
        assert verifier.verify(0, dnsfunc=dns), (number, signed)
        assert verifier.verify(1, dnsfunc=dns), (number, signed)
        assert verdicts(signed) == ["pass", "pass"]


@pytest.mark.parametrize("canon", ["simple/simple", "simple/relaxed", "relaxed/simple", "relaxed"])
def test_we_verify_its_own(canon: str) -> None:
    forms = tuple(canon.encode().split(b"/")) if "/" in canon else (b"relaxed", b"relaxed")
    maker = MessageMaker(SEED + 1, **SPARED)
    for number in range(200 * LONG):
        message = maker.message()
        signer = dkim.DKIM(message, minkey=1024)
        field = signer.sign(
            RSA.selector.encode(), DOMAIN.encode(), RSA.secret.reveal(), canonicalize=forms
        )
        assert verdicts(field + message) == ["pass"], (number, field + message)
        assert verdicts(field + message + b"x") == ["fail"], (number, field + message)
        field = dkim.DKIM(message).sign(
            ED.selector.encode(),
            DOMAIN.encode(),
            ed_secret(ED),
            canonicalize=forms,
            signature_algorithm=b"ed25519-sha256",
        )
        assert verdicts(field + message) == ["pass"], (number, field + message)
        # On disks lines end with LF alone; the signature holds over what is sent.
        assert verdicts(lf(field + message)) == ["pass"], (number, field + message)


@pytest.mark.parametrize("body", [b"a", b"\r\n \r\na", b"a\x00b\r\n", b"a\x0b \r\n", b"", b" \r\n"])
def test_odd_bodies(body: bytes) -> None:
    message = b"From: alice@example.org\r\n\r\n" + body
    signed = sign(message, len(message), KEYS, NOW) + message
    assert dkim.DKIM(signed, minkey=1024).verify(0, dnsfunc=dns)


def test_partial_signatures_of_its_own() -> None:
    message = b"From: alice@example.org\r\n\r\nsigned\r\n"
    signer = dkim.DKIM(message, minkey=1024)
    field = signer.sign(RSA.selector.encode(), DOMAIN.encode(), RSA.secret.reveal(), length=True)
    assert re.search(rb"\bl=8\b", field)
    assert verdicts(field + message) == ["pass"]
    assert verdicts(field + message + b"more\r\n") == ["policy"]
    assert verdicts(field + message.replace(b"signed\r\n", b"")) == ["permerror"]
