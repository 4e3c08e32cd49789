"""ARC chains (RFC 8617): ours and dkimpy's, both ways, and what breaks one."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import dkim
import msgspec
import pytest

from pillarbox.trust import authres
from pillarbox.trust.arc import ArcResult, seal, verify_chain
from pillarbox.trust.dkim import SigningKey, sign
from support.dkim_keys import NOW, SETTINGS, ed_key, key_name, rsa_key, zone
from support.dkim_messages import LONG, MessageMaker
from support.fake_resolver import FakeResolver

MX = "mx.example.org"
MESSAGE = b"From: alice@example.org\r\nTo: bob@example.com\r\nSubject: Hi\r\n\r\nHello\r\n"
ONE, TWO = rsa_key(1024), rsa_key(1024, "lists.example.net")
KEYS = [ONE, TWO, ed_key()]
PAYLOAD = authres.encode_payload([authres.Finding("spf", "pass"), authres.Finding("dkim", "none")])
AR = b"Authentication-Results: lists.example.net; arc=%b; spf=pass smtp.mailfrom=a@example.org\r\n"


def chain_of(message: bytes, dns: FakeResolver | None = None) -> ArcResult:
    found = verify_chain(message, dns or FakeResolver(zone(*KEYS)), NOW, SETTINGS)
    return asyncio.run(found)


def sealed(message: bytes, key: SigningKey = ONE) -> bytes:
    return seal(message, len(message), PAYLOAD, chain_of(message), key, MX, NOW) + message


def dkimpy_sealed(message: bytes, key: SigningKey = TWO) -> bytes:
    # It takes the chain's status from the results of its own server.
    results = AR % chain_of(message).result.encode()
    fields = dkim.ARC(results + message, minkey=1024).sign(
        key.selector.encode(),
        key.domain.encode(),
        key.secret.reveal(),
        b"lists.example.net",
        timestamp=int(NOW.timestamp()),
    )
    return b"".join(fields) + message


def dkimpy_verdict(message: bytes) -> str | None:
    """None of a chain that has ended."""

    def dns(name: bytes, timeout: int = 5) -> bytes:
        record: str = zone(*KEYS)[name.decode().rstrip(".")]["TXT"][0]
        return record.encode()

    verdict, _, _ = dkim.ARC(message, minkey=1024).verify(dnsfunc=dns)
    return None if verdict is None else str(verdict, "ascii")


def test_no_chain() -> None:
    assert chain_of(MESSAGE) == ArcResult("none")


def test_a_chain_of_ours() -> None:
    message = sealed(MESSAGE)
    assert chain_of(message) == ArcResult(
        "pass", 1, ("example.org",), "mx.example.org; spf=pass; dkim=none"
    )
    again = sealed(message, TWO)
    assert chain_of(again).sealers == ("lists.example.net", "example.org")
    assert dkimpy_verdict(again) == "pass"
    assert [b"cv=none" in again, b"cv=pass" in again] == [True, True]


def test_seals_by_ed25519() -> None:
    assert chain_of(sealed(sealed(MESSAGE, ed_key()))).result == "pass"


def test_chains_with_dkimpy_in_any_order() -> None:
    """Generated messages: both programs take part, and both say pass after each step."""
    spared: dict[str, Any] = {"whole_lines": True, "controls": False, "before_colon": b""}
    maker = MessageMaker(8617, **spared)
    for number in range(20 * LONG):
        message = maker.message()
        for step in range(1 + number % 4):
            message = sealed(message) if (number >> step) % 2 else dkimpy_sealed(message)
            found = chain_of(message)
            assert (found.result, found.instances) == ("pass", step + 1), (found, message)
            assert dkimpy_verdict(message) == "pass", message


def test_what_a_list_changes_shows_in_the_oldest_pass() -> None:
    """RFC 8617 §5.2 step 5: the chain holds, older signatures no longer."""
    first = sealed(MESSAGE)
    changed = first.replace(b"Subject: Hi", b"Subject: [list] Hi") + b"-- \r\nlist\r\n"
    assert chain_of(changed).result == "fail"
    # The list verified before it changed the letter, and seals what it sends.
    fields = seal(changed, len(changed), PAYLOAD, chain_of(first), TWO, MX, NOW)
    found = chain_of(fields + changed)
    assert (found.result, found.oldest_pass) == ("pass", 2)
    assert chain_of(sealed(fields + changed)).oldest_pass == 2
    assert dkimpy_verdict(fields + changed) == "pass"


def test_signatures_of_dkim_are_covered() -> None:
    message = sign(MESSAGE, len(MESSAGE), [ONE], NOW) + MESSAGE
    found = sealed(message)
    assert chain_of(found).result == "pass"
    without = found.replace(message[: -len(MESSAGE)], b"")
    assert "newest signature" in chain_of(without).why


def cut(message: bytes, name: bytes) -> bytes:
    return re.sub(rb"(?m)^" + name + rb":[^\n]*\n(?:[ \t][^\n]*\n)*", b"", message, count=1)


SEALED = sealed(sealed(MESSAGE), TWO)


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (SEALED + b"x\r\n", "newest signature: the body was changed"),
        (SEALED.replace(b"Subject: Hi", b"Subject: Ho"), "newest signature: the header"),
        (SEALED.replace(b"spf=pass", b"spf=fail", 1), "seal of instance 2 does not hold"),
        (SEALED.replace(b"i=1; mx.", b"i=1; my."), "seal of instance 1 does not hold"),
        (cut(SEALED, b"ARC-Seal"), "not complete"),
        (cut(SEALED, b"ARC-Message-Signature"), "not complete"),
        (cut(SEALED, b"ARC-Authentication-Results"), "not complete"),
        (sealed(MESSAGE) + b"", ""),
        (SEALED.replace(b"i=2;", b"i=3;"), "instances are not 1 to"),
        (SEALED.replace(b"i=2;", b"i=1;"), "instances are not 1 to"),
        (SEALED.replace(b"i=1;", b"i=0;"), "instances are not 1 to"),
        (SEALED.replace(b"i=2; a", b"i=x; a"), "i= is not a number"),
        (SEALED.replace(b"i=2; a", b"a"), "has no instance"),
        (SEALED.replace(b"Results: i=2;", b"Results: 2;"), "has no instance"),
        (SEALED.replace(b"cv=none", b"cv=pass"), "cv= of instance 1"),
        (SEALED.replace(b"cv=pass", b"cv=none"), "cv= of instance 2"),
        (SEALED.replace(b"cv=pass; ", b""), "cv= of instance 2"),
        (SEALED.replace(b"cv=pass", b"cv=fail"), "the chain had failed"),
        (SEALED.replace(b"cv=pass", b"h=From; cv=pass"), "has h="),
        (SEALED.replace(b"a=rsa-sha256", b"a=rsa-sha1", 1), "rsa-sha1"),
        (SEALED.replace(b"cv=pass", b"cv=pass; cv=pass"), "there twice"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_breaks_a_chain(message: bytes, why: str) -> None:
    found = chain_of(message)
    assert (found.result, why in found.why) == ("fail" if why else "pass", True), found
    if why:
        assert not found.sealers
        assert not found.authres


def test_no_answer_about_a_key() -> None:
    dns = FakeResolver(zone(*KEYS), fail={key_name(ONE): "timeout"})
    found = chain_of(SEALED, dns)
    assert found.result == "temperror"
    assert seal(SEALED, len(SEALED), PAYLOAD, found, ONE, MX, NOW) == b""  # it may hold elsewhere
    dns = FakeResolver(zone(ONE))
    assert chain_of(SEALED, dns).result == "fail"


def test_a_broken_chain_is_ended_and_then_left_alone() -> None:
    """RFC 8617 §5.1.2: cv=fail covers only its own set; §5.1 step 2: nothing behind it."""
    ended = sealed(SEALED + b"x\r\n")
    assert b"i=3; " in ended
    assert b"cv=fail" in ended
    found = chain_of(ended)
    assert (found.result, found.is_ended, found.instances) == ("fail", True, 3)
    assert sealed(ended) == ended
    assert dkimpy_verdict(ended) is None


def test_fifty_sets_and_no_more() -> None:
    message = MESSAGE
    for _ in range(50):
        message = sealed(message, ed_key())
    found = chain_of(message)
    assert (found.result, found.instances) == ("pass", 50)
    assert sealed(message, ed_key()) == message
    assert "more than 50" in chain_of(b"ARC-Seal: i=51; cv=pass\r\n" + message).why


def test_keys_of_all_sets_are_asked_for_once() -> None:
    dns = FakeResolver(zone(*KEYS))
    chain_of(sealed(SEALED), dns)
    assert sorted(dns.asked) == sorted(f"TXT {key_name(key)}" for key in (ONE, TWO))


def test_results_with_long_and_odd_values() -> None:
    odd = authres.Finding(
        "spf", "fail", "a; b (c) \\", (("smtp", "mailfrom", '"x y"@example.org'),)
    )
    payload = authres.encode_payload([odd] * 20)
    fields = seal(MESSAGE, len(MESSAGE), payload, ArcResult("none"), ONE, MX, NOW)
    assert max(map(len, fields.split(b"\r\n"))) < 100
    found = chain_of(fields + MESSAGE)
    parsed = authres.parse(found.authres)
    assert parsed is not None
    assert parsed == authres.AuthRes(MX, (odd,) * 20)


def test_header_beyond_the_bound() -> None:
    settings = msgspec.structs.replace(SETTINGS, dkim_max_header_octets=65_536)
    message = b"X: " + b"y" * 70_000 + b"\r\n" + SEALED
    found = asyncio.run(verify_chain(message, FakeResolver(), NOW, settings))
    assert (found.result, "longer than" in found.why) == ("fail", True)
    assert seal(message, len(message), PAYLOAD, found, ONE, MX, NOW) == b""
