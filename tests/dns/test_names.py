"""Names have one form, and what is no name is said to be none."""

from __future__ import annotations

import pytest

from pillarbox.dns.errors import BadDnsName
from pillarbox.dns.names import fold_name, reverse_name


@pytest.mark.parametrize(
    ("given", "folded"),
    [
        ("example.org", "example.org"),
        ("Example.ORG.", "example.org"),
        ("_dmarc.example.org", "_dmarc.example.org"),
        ("Bücher.example", "xn--bcher-kva.example"),
        ("bücher。example", "xn--bcher-kva.example"),
        ("a b\\.example", "a b\\.example"),
        (f"{'x' * 63}.example", f"{'x' * 63}.example"),
        (f"{'x.' * 126}x", f"{'x.' * 126}x"),
    ],
)
def test_names(given: str, folded: str) -> None:
    assert fold_name(given) == folded
    assert fold_name(folded) == folded


@pytest.mark.parametrize(
    "given",
    ["", ".", "..", "a..b", ".a", "a..", "x" * 64, "x." * 127 + "x", "a\0b", "a\nb", "\x7f"],
)
def test_what_is_no_name(given: str) -> None:
    with pytest.raises(BadDnsName):
        fold_name(given)


@pytest.mark.parametrize("given", ["ü" * 64, "\ud800.example", "ü" * 100_000, "xn--\u0308.example"])
def test_what_is_no_international_name(given: str) -> None:
    with pytest.raises(BadDnsName):
        fold_name(given)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("192.0.2.1", "1.2.0.192.in-addr.arpa"),
        ("::ffff:192.0.2.1", "1.2.0.192.in-addr.arpa"),
        ("2001:db8::1", f"1{'.0' * 23}.8.b.d.0.1.0.0.2.ip6.arpa"),
        ("fe80::1%eth0", f"1{'.0' * 28}.8.e.f.ip6.arpa"),
    ],
)
def test_reverse_names(address: str, name: str) -> None:
    assert reverse_name(address) == name


@pytest.mark.parametrize("address", ["", "example.org", "192.0.2", "192.0.2.1/24", "[::1]"])
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(BadDnsName):
        reverse_name(address)
