"""Made to be costly: huge headers, key records and signature fields; long bodies are not copied."""

from __future__ import annotations

import asyncio
import base64
import mmap
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from pillarbox.trust.arc import verify_chain
from pillarbox.trust.dkim import DkimResult, sign, verify
from support.dkim_keys import NOW, SETTINGS, ed_key, key_name, resolver, rsa_key
from support.dkim_signer import signature
from support.fake_resolver import FakeResolver

KEY = rsa_key()
MESSAGE = b"From: alice@example.org\r\nSubject: Hi\r\n\r\nHello\r\n"
MIB = 1024 * 1024
SECONDS = 5.0  # some hundredths are usual; a busy machine has its share


def results(message: bytes, dns: FakeResolver | None = None) -> list[DkimResult]:
    began = time.process_time()
    found = asyncio.run(verify(message, dns or resolver(KEY), NOW, SETTINGS))
    assert time.process_time() - began < SECONDS
    return list(found)


def test_signatures_over_a_header_of_a_mebibyte() -> None:
    long = b"X-Long: " + b"word  \t" * (MIB // 7 - 2000) + b"\r\n"
    message = long + MESSAGE
    fields = b"".join(signature(message, KEY, h="From:X-Long", c=c) for c in ("simple", "relaxed"))
    for found in results(fields * 5 + message):
        assert found.result in ("pass", "fail")  # c=simple: five are not signed by each other
    assert results(b"X-Other: " + b"x" * 100_000 + b"\r\n" + long + MESSAGE)[0].result == "policy"


@pytest.mark.timed
@pytest.mark.parametrize(
    "header",
    [
        b"a:\r\n" * (MIB // 5),
        b"a: b\r\n " * (MIB // 8),
        b"a:\n" * (MIB // 4),
        b"\r\n " * (MIB // 4),
        b"a" * (MIB - 2000),
        b"a " * (MIB // 2 - 2000),
        b"x:" + b" \t" * (MIB // 2 - 2000),
        b"x:" + b" \r\n" * (MIB // 4),
        b"DKIM-Signature:\r\n" * (MIB // 20),
        b"DKIM-Signature: v=1; b=" + b"=" * (MIB - 2000),
        b"DKIM-Signature: " + b";" * (MIB - 2000),
        b"DKIM-Signature: " + b"a=;" * (MIB // 4),
        b"DKIM-Signature: v=1; h=" + b"from:" * (MIB // 6),
        b"DKIM-Signature: v=1;" + b" " * (MIB - 2000) + b"b=x",
        b"ARC-Seal: i=1\r\n" * (MIB // 20),
        b"ARC-Seal: " + b"i" * (MIB - 2000),
    ],
    ids=lambda header: repr(header[:20]),
)
def test_headers_made_to_be_costly(header: bytes) -> None:
    message = header + b"\r\n" + signature(MESSAGE, KEY) + MESSAGE
    results(message)
    began = time.process_time()
    found = asyncio.run(verify_chain(message, resolver(KEY), NOW, SETTINGS))
    assert found.result in ("none", "fail")
    assert time.process_time() - began < SECONDS


def test_h_that_names_a_field_a_hundred_thousand_times() -> None:
    names = "From:" * 100_000 + "Subject"
    (found,) = results(signature(MESSAGE, KEY, h=names) + MESSAGE)
    assert found.result == "pass"


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (b"v=DKIM1; p=" + b"A" * 16_372, "not an RSA key"),
        (b"v=DKIM1; p=" + b"A" * 16_374, "longer than 16384 octets"),
        (b"p=" + b"A" * 60_000, "longer than 16384 octets"),
        (b";" * 16_384, "malformed"),
        (b"=" * 16_384, "malformed"),
        (b"t=" + b"y:" * 8_000 + b";p=", "revoked"),
        (b" " * 16_384, "holds no key"),
        (b"p=" + b" " * 16_000, "revoked"),
        (b"".join(b"a%d=;" % number for number in range(2000)), "more than 99 tags"),
    ],
)
def test_key_records_of_16_kib(record: bytes, why: str) -> None:
    dns = FakeResolver({key_name(KEY): {"TXT": [record]}})
    (found,) = results(signature(MESSAGE, KEY) + MESSAGE, dns)
    assert (found.result, why in found.why) == ("permerror", True), found.why


def test_rsa_keys_with_odd_numbers() -> None:
    """Modulus and exponent are the publisher's choice: as DER they may be anything."""

    def number(octets: bytes) -> bytes:
        return b"\x02\x82" + len(octets).to_bytes(2, "big") + octets

    for modulus in (b"\x00", b"\x01", b"\x7f" * 256, b"\x00" + b"\xff" * 256, b"\x80" * 256):
        for exponent in (b"\x00", b"\x01", b"\x02", b"\x03", b"\x7f" * 256, b"\x80"):
            inner = number(modulus) + number(exponent)
            octets = b"\x30\x82" + len(inner).to_bytes(2, "big") + inner
            record = f"p={base64.b64encode(octets).decode()}"
            dns = FakeResolver({key_name(KEY): {"TXT": [record]}})
            (found,) = results(signature(MESSAGE, KEY) + MESSAGE, dns)
            assert found.result in ("permerror", "policy", "fail"), (modulus, exponent)


def test_many_lengths_are_one_pass() -> None:
    """l= of each signature another: the body is still read once for each canonical form."""
    body = b"0123456789" * 100_000 + b"\r\n"
    message = b"From: alice@example.org\r\n\r\n" + body
    fields = b"".join(signature(message, KEY, l=str(length)) for length in range(1000, 1010))
    found = results(fields + message)
    assert [one.result for one in found] == ["policy"] * 10


@pytest.mark.parametrize(
    "fill",
    [
        lambda size: b"A line as mail has them.\r\n" * (size // 26),
        lambda size: b"\r\n" * (size // 2),
        lambda size: b" " * size,
        lambda size: b"\r" * size,
        lambda size: b"\n" * size,
        lambda size: b" \r" * (size // 2),
    ],
)
def test_long_bodies_are_never_held(tmp_path: Path, fill: Callable[[int], bytes]) -> None:
    """Mapped from a file, as the spool hands out what is large."""
    head = b"From: alice@example.org\r\n\r\n"
    body = fill(20 * MIB)
    fields = sign(head + body, len(head + body), [KEY, ed_key()], NOW)
    path = tmp_path / "message"
    path.write_bytes(fields + head + body)
    del body
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
    ):
        tracemalloc.start()
        found = asyncio.run(verify(mapped, resolver(KEY, ed_key()), NOW, SETTINGS))
        again = sign(mapped, len(mapped), [KEY], NOW)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert [one.result for one in found] == ["pass", "pass"]
    assert again.startswith(b"DKIM-Signature: ")
    assert most < 3 * MIB
