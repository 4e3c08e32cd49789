"""Addresses and domains in their one form."""

from __future__ import annotations

import pytest

from pillarbox.accounts.names import (
    check_new_local_part,
    fold_address,
    fold_domain,
    fold_local_part,
)
from pillarbox.errors import BadName


@pytest.mark.parametrize(
    ("domain", "folded"),
    [
        ("Example.ORG", "example.org"),
        ("example.org.", "example.org"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
        ("faß.example", "xn--fa-hia.example"),  # IDNA 2008: not fass
        ("例え。テスト", "xn--r8jz45g.xn--zckzah"),
        ("localhost", "localhost"),
        ("_dmarc.example.org", "_dmarc.example.org"),
        ("[192.0.2.1]", "[192.0.2.1]"),
        ("[IPv6:2001:DB8::1]", "[ipv6:2001:db8::1]"),
    ],
)
def test_domains(domain: str, folded: str) -> None:
    assert fold_domain(domain) == folded
    assert fold_domain(folded) == folded


@pytest.mark.parametrize(
    "domain",
    ["", ".", "a..b", "-a.org", "a-.org", "a b.org", "a/b", "x" * 64 + ".org", "a.b\n",
     "\u2763.org", "a@b", "x." * 130 + "org", "a\0b", "[", "[]"],
)  # fmt: skip
def test_bad_domains(domain: str) -> None:
    with pytest.raises(BadName):
        fold_domain(domain)


@pytest.mark.parametrize(
    ("local", "folded"),
    [
        ("Alice", "alice"),
        ('"Alice"', "alice"),
        ('"a\\"b"', 'a"b'),
        ("MU\u0308LLER", "müller"),
        ("ａlice", "alice"),
        ("Straße", "strasse"),
        ("ΣΊΣΥΦΟΣ", "σίσυφοσ"),
        ('"unfinished', '"unfinished'),
    ],
)
def test_local_parts(local: str, folded: str) -> None:
    assert fold_local_part(local) == folded
    assert fold_local_part(folded) == folded


def test_addresses() -> None:
    assert fold_address("Alice@Bücher.Example.") == "alice@xn--bcher-kva.example"
    assert fold_address("@Example.org") == "@example.org"
    assert fold_address('"a@b"@example.org') == "a@b@example.org"
    for broken in ("alice", "alice@", "@", "x" * 65 + "@example.org"):
        with pytest.raises(BadName):
            fold_address(broken)


@pytest.mark.parametrize("local", ["alice", "a.b", "a+b", "o'neil", "müller", "田中", "a!#$%&b"])
def test_new_names(local: str) -> None:
    check_new_local_part(local)


@pytest.mark.parametrize(
    "local",
    ["", ".a", "a.", "a..b", "a b", "a@b", 'a"b', "a/b", "a\x07", "a\u200bb", "\u265a", "a\u05d0"],
)
def test_new_names_that_mislead(local: str) -> None:
    with pytest.raises(BadName):
        check_new_local_part(local)
