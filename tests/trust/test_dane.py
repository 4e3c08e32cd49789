"""DANE: which records count, where they are looked for, and what they say of a chain."""

from __future__ import annotations

import asyncio
import hashlib
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pillarbox.dns.answer import Tlsa
from pillarbox.dns.errors import DnsFailure
from pillarbox.trust.dane.der import public_key_octets
from pillarbox.trust.dane.lookup import DaneHost, find_dane, reference_names
from pillarbox.trust.dane.records import (
    associated,
    encode_tlsa,
    matches_record,
    own_record,
    usable_records,
)
from pillarbox.trust.dane.verify import DaneResult, verify_chain
from support.authority import Issued
from support.dane_cases import BETWEEN, LEAF, MX, OTHER, PAST, PATHS, ROOT, signed
from support.fake_resolver import FakeResolver

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


def tlsa(usage: int, selector: int, matching: int, of: Issued) -> Tlsa:
    return Tlsa(usage, selector, matching, associated(of.certificate, selector, matching))


def check(
    chain: Sequence[Issued], *records: Tlsa, names: Sequence[str] = (MX,), now: datetime = NOW
) -> DaneResult:
    return verify_chain([one.der for one in chain], usable_records(records), names, now)


D32, D64 = b"x" * 32, b"y" * 64


@pytest.mark.parametrize(
    ("records", "usable"),
    [
        ([(3, 1, 1, D32)], 1),
        ([(2, 0, 2, D64)], 1),
        ([(3, 0, 0, b"any")], 1),
        ([(0, 0, 1, D32), (1, 1, 1, D32), (4, 1, 1, D32), (255, 1, 1, D32)], 0),
        ([(3, 2, 1, D32), (3, 1, 3, D32), (3, 1, 255, D32)], 0),
        ([(3, 1, 1, D64), (3, 1, 2, D32), (3, 1, 0, b""), (3, 1, 1, b"")], 0),
        ([(3, 1, 1, D32), (3, 1, 2, D64), (3, 1, 0, b"any")], 2),
        ([(3, 1, 1, D32), (3, 0, 2, D64), (2, 1, 2, D64)], 3),
        ([(3, 1, 1, D32), (3, 1, 2, D32)], 1),
        ([(3, 1, 1, bytes([n]) * 32) for n in range(100)], 64),
    ],
)
def test_usable_records(records: list[tuple[int, int, int, bytes]], usable: int) -> None:
    assert len(usable_records(Tlsa(*record) for record in records)) == usable


def test_a_stronger_digest_replaces_the_weaker() -> None:
    assert check([LEAF], tlsa(3, 1, 1, LEAF)).verified
    assert not check([LEAF], tlsa(3, 1, 1, LEAF), Tlsa(3, 1, 2, D64)).verified
    assert check([LEAF], tlsa(3, 1, 0, LEAF), Tlsa(3, 1, 2, D64)).verified


@pytest.mark.parametrize("matching", [0, 1, 2])
@pytest.mark.parametrize("selector", [0, 1])
def test_the_servers_own_certificate(selector: int, matching: int) -> None:
    record = tlsa(3, selector, matching, LEAF)
    found = check([LEAF, BETWEEN], Tlsa(3, 1, 0, b"no"), record)
    assert (found.verified, found.record, found.result) == (True, record, "")
    assert not check([BETWEEN, LEAF], record).verified, "only the first counts"


def test_the_servers_own_needs_neither_name_nor_date() -> None:
    old = OTHER.issue("elsewhere.example", end=PAST)
    assert check([old], tlsa(3, 1, 1, old)).verified


@pytest.mark.parametrize("matching", [0, 1, 2])
@pytest.mark.parametrize("selector", [0, 1])
@pytest.mark.parametrize("anchor", [ROOT, BETWEEN])
def test_trust_anchors(anchor: Issued, selector: int, matching: int) -> None:
    record = tlsa(2, selector, matching, anchor)
    assert check([LEAF, BETWEEN, ROOT], record).verified
    assert check([LEAF, ROOT, OTHER, BETWEEN], record).verified, "in any order"


def test_an_anchor_may_come_from_the_dns_itself() -> None:
    assert check([LEAF, BETWEEN], tlsa(2, 0, 0, ROOT)).verified
    assert not check([LEAF, BETWEEN], tlsa(2, 0, 1, ROOT)).verified
    assert not check([LEAF, BETWEEN], Tlsa(2, 0, 0, b"no certificate")).verified


@pytest.mark.parametrize("kind", PATHS)
def test_paths_to_an_anchor(kind: str) -> None:
    chain, anchor, result = PATHS[kind]
    found = check(chain, tlsa(2, 0, 1, anchor))
    assert (found.verified, found.result) == (result == "", result), found.why


def test_any_of_the_names_will_do() -> None:
    chain = signed(ROOT, "example.org")
    assert not check(chain, tlsa(2, 0, 1, ROOT)).verified
    assert check(chain, tlsa(2, 0, 1, ROOT), names=(MX, "example.org")).verified


def test_what_is_no_certificate() -> None:
    record = tlsa(3, 1, 1, LEAF)
    version_2 = LEAF.der.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x01")
    for chain in ([], [b""], [b"\x30\x03abc", LEAF.der], [b"\x30" * 70_000], [version_2]):
        found = verify_chain(chain, (record,), (MX,), NOW)
        assert (found.verified, found.result) == (False, "validation-failure")
    odd = verify_chain([LEAF.der, b"nonsense", BETWEEN.der], (tlsa(2, 0, 1, BETWEEN),), (MX,), NOW)
    assert odd.verified, "what cannot be read is left out"
    assert not check([LEAF, *[OTHER] * 20, BETWEEN], tlsa(2, 0, 1, BETWEEN)).verified


def test_no_record_verifies_nothing() -> None:
    assert not check([LEAF, BETWEEN, ROOT]).verified


KEYS = [
    rsa.generate_private_key(65537, 2048),
    ed25519.Ed25519PrivateKey.generate(),
    ed448.Ed448PrivateKey.generate(),
]


@pytest.mark.parametrize("key", KEYS, ids=lambda key: type(key).__name__)
def test_the_keys_octets_are_found_in_the_certificate(key: Any) -> None:
    name = x509.Name([])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    builder = builder.not_valid_before(PAST).not_valid_after(NOW).public_key(key.public_key())
    algorithm = hashes.SHA256() if isinstance(key, rsa.RSAPrivateKey) else None
    certificate = builder.serial_number(1).sign(key, algorithm)
    assert public_key_octets(certificate.tbs_certificate_bytes) == key.public_key().public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )


@pytest.mark.parametrize("cut", [0, 1, 5, 40, 80])
def test_octets_that_are_no_certificate(cut: int) -> None:
    with pytest.raises(ValueError, match=r"element|length"):
        public_key_octets(LEAF.certificate.tbs_certificate_bytes[:cut])


def openssl(*arguments: str, told: bytes = b"") -> bytes:
    return subprocess.run(
        ["openssl", *arguments], input=told, capture_output=True, check=True
    ).stdout


def test_our_own_record_is_what_openssl_makes(tmp_path: Path) -> None:
    certificate, _ = LEAF.write(tmp_path)
    pem = openssl("x509", "-in", str(certificate), "-noout", "-pubkey")
    der = openssl("pkey", "-pubin", "-outform", "DER", told=pem)
    record = own_record(LEAF.certificate)
    assert encode_tlsa(record) == f"3 1 1 {hashlib.sha256(der).hexdigest()}"
    assert matches_record(LEAF.certificate, record)


T = [(3, 1, 1, D32)]
HOST = {"A": ["192.0.2.1"]}
LOOKUPS: dict[str, tuple[dict[str, Any], Any, str | None]] = {
    "plain": ({MX: HOST, f"_25._tcp.{MX}": {"TLSA": T}}, True, MX),
    "only IPv6": ({MX: {"AAAA": ["::1"]}, f"_25._tcp.{MX}": {"TLSA": T}}, True, MX),
    "no addresses": ({f"_25._tcp.{MX}": {"TLSA": T}}, True, None),
    "nothing published": ({MX: HOST}, True, None),
    "not authentic": ({MX: HOST, f"_25._tcp.{MX}": {"TLSA": T}}, False, None),
    "addresses not authentic": (
        {MX: HOST, f"_25._tcp.{MX}": {"TLSA": T}}, {f"_25._tcp.{MX}"}, None,
    ),
    "records not authentic": ({MX: HOST, f"_25._tcp.{MX}": {"TLSA": T}}, {MX}, None),
    "an alias with records at its end": (
        {MX: {"CNAME": "host.example"}, "host.example": HOST, f"_25._tcp.{MX}": {"TLSA": T},
         "_25._tcp.host.example": {"TLSA": T}}, True, "host.example",
    ),
    "an alias with records at its start": (
        {MX: {"CNAME": "host.example"}, "host.example": HOST, f"_25._tcp.{MX}": {"TLSA": T}},
        True, MX,
    ),
    "an alias into an unsigned zone": (
        {MX: {"CNAME": "host.example"}, "host.example": HOST, f"_25._tcp.{MX}": {"TLSA": T},
         "_25._tcp.host.example": {"TLSA": T}}, {MX, f"_25._tcp.{MX}"}, MX,
    ),
    "an alias that is not signed itself": (
        {MX: {"CNAME": "host.example"}, "host.example": HOST, f"_25._tcp.{MX}": {"TLSA": T}},
        {f"_25._tcp.{MX}", "host.example"}, None,
    ),
    "records behind an alias of their own": (
        {MX: HOST, f"_25._tcp.{MX}": {"CNAME": "ours.example"}, "ours.example": {"TLSA": T}},
        True, MX,
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", LOOKUPS)
def test_where_records_are_found(kind: str) -> None:
    records, authentic, base = LOOKUPS[kind]
    found = asyncio.run(find_dane(MX, 25, FakeResolver(records, authentic=authentic)))
    assert (found.base if found else None) == base


def test_unsigned_hosts_are_not_asked_for_records() -> None:
    resolver = FakeResolver({MX: HOST})
    assert asyncio.run(find_dane(MX, 25, resolver)) is None
    assert not any(question.startswith("TLSA") for question in resolver.asked)


@pytest.mark.parametrize("question", [f"TLSA _25._tcp.{MX}", f"A {MX}", MX])
def test_a_lookup_that_fails_is_no_way_around(question: str) -> None:
    resolver = FakeResolver({MX: HOST}, authentic=True, fail={question: "servfail"})
    with pytest.raises(DnsFailure):
        asyncio.run(find_dane(MX, 25, resolver))


def test_half_the_addresses_will_do() -> None:
    records = {MX: HOST, f"_25._tcp.{MX}": {"TLSA": T}}
    resolver = FakeResolver(records, authentic=True, fail={f"AAAA {MX}": "servfail"})
    assert asyncio.run(find_dane(MX, 25, resolver))


def test_unusable_records_still_demand_tls() -> None:
    records = {MX: HOST, f"_2525._tcp.{MX}": {"TLSA": [(0, 0, 1, D32)]}}
    found = asyncio.run(find_dane(MX, 2525, FakeResolver(records, authentic=True)))
    assert found == DaneHost(MX, (Tlsa(0, 0, 1, D32),), ())


def test_reference_names() -> None:
    names = ("mx10.example.com", "exchange.example.org", "example.com")
    assert reference_names(*names, mx_authentic=True) == names
    assert reference_names(*names, mx_authentic=False) == ("mx10.example.com",)
    assert reference_names(MX, MX, MX, mx_authentic=True) == (MX,)
