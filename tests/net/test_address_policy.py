"""Which addresses are public, however they are written."""

from __future__ import annotations

import pytest

from pillarbox.net.address_policy import PUBLIC, AddressPolicy, is_public


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "2002:808:808::1"]
)
def test_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0", "127.0.0.1", "127.1.2.3", "10.0.0.1", "172.16.0.1", "192.168.1.1",
        "169.254.169.254", "100.64.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1",
        "255.255.255.255", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254",
        "ff02::1", "2001:db8::1", "::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:10.0.0.1",
        "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::a00:1", "2002:7f00:1::1", "2002:a00:1::",
        "2001:0:808:808:0:0:f5ff:fffe", "fec0::1", "100::1", "4000::1", "", "example.org",
        "0x7f.1", "2130706433", "127.1", "[::1]",
    ],
)  # fmt: skip
def test_not_public(address: str) -> None:
    assert not is_public(address)


def test_ports() -> None:
    assert PUBLIC.allows("1.1.1.1", 443)
    assert not PUBLIC.allows("1.1.1.1", 80)
    assert not PUBLIC.allows("127.0.0.1", 443)
    assert AddressPolicy(private=True, ports=()).allows("127.0.0.1", 8443)
