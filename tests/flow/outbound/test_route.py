"""Ways and hosts: by configuration, by the administrator's wish, by what the DNS says."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from pillarbox.config.outbound import OutboundSettings, RouteSettings
from pillarbox.dns.answer import Answer, Mx
from pillarbox.flow.outbound.outcome import Kind
from pillarbox.flow.outbound.route import (
    Host,
    NoWay,
    Router,
    in_order,
    parse_host,
    parse_literal,
)

ROUTES = (
    RouteSettings(name="named", hosts=("named.example",)),
    RouteSettings(
        name="partner",
        recipients=("partner.example", ".partner.example"),
        hosts=("mx.partner.example:2525", "[192.0.2.9]"),
        tls="encrypted",
    ),
    RouteSettings(name="both", recipients=("x.example",), senders=("a.example",), hosts=("h",)),
    RouteSettings(
        name="smart",
        senders=("Example.ORG",),
        hosts=("smtp.isp.example:465",),
        tls="implicit",
        tls_name="isp.example",
        username="me",
    ),
)
ROUTER = Router(OutboundSettings(route=ROUTES))


@pytest.mark.parametrize(
    ("sender", "domain", "wish", "key"),
    [
        ("a@other.example", "x.example", "", "x.example"),
        ("", "x.example", "", "x.example"),
        ("a@other.example", "partner.example", "", "route:partner"),
        ("a@example.org", "deep.partner.example", "", "route:partner"),
        ("a@example.org", "notpartner.example", "", "route:smart"),
        ("a@example.org", "x.example", "", "route:smart"),
        ("a@EXAMPLE.org", "y.example", "", "route:smart"),
        ("a@a.example", "x.example", "", "route:both"),
        ("a@a.example", "y.example", "", "y.example"),
        ("a@other.example", "x.example", "named", "route:named"),
        ("a@example.org", "partner.example", "named", "route:named"),
        ("a@other.example", "x.example", "gate.example:26", "host:gate.example:26"),
        ("a@other.example", "[192.0.2.1]", "", "[192.0.2.1]"),
    ],
)
def test_the_destination(sender: str, domain: str, wish: str, key: str) -> None:
    assert ROUTER.key(sender, domain, wish) == key


def test_a_star_takes_all() -> None:
    router = Router(
        OutboundSettings(route=(RouteSettings(name="all", recipients=("*",), hosts=("h",)),))
    )
    assert router.key("", "any.example", "") == "route:all"


def test_fixed_hosts() -> None:
    partner = ROUTER.fixed("route:partner")
    assert partner is not None
    assert partner.hosts == (Host("mx.partner.example", 2525), Host("[192.0.2.9]", 25))
    assert (partner.domain, partner.tls, partner.login) == ("", "encrypted", "")
    smart = ROUTER.fixed("route:smart")
    assert smart is not None
    assert (smart.tls, smart.tls_name, smart.login) == ("implicit", "isp.example", "smart")
    by_hand = ROUTER.fixed("host:gate.example:26")
    assert by_hand is not None and by_hand.hosts == (Host("gate.example", 26),)
    literal = ROUTER.fixed("[IPv6:2001:db8::1]")
    assert literal is not None and literal.hosts[0].literal == "2001:db8::1"
    assert ROUTER.fixed("x.example") is None


@pytest.mark.parametrize(
    ("key", "kind", "status"),
    [
        ("[not an address]", Kind.FAILED, "5.1.2"),
        ("host:a b", Kind.LATER, "4.3.5"),
        ("host:x:99999", Kind.LATER, "4.3.5"),
        ("host:x:0", Kind.LATER, "4.3.5"),
        ("host:[192.0.2.300]:25", Kind.LATER, "4.3.5"),
        ("host:a/b", Kind.LATER, "4.3.5"),
    ],
)
def test_no_such_way(key: str, kind: Kind, status: str) -> None:
    with pytest.raises(NoWay) as caught:
        ROUTER.fixed(key)
    assert (caught.value.kind, caught.value.status) == (kind, status)


def answer(*records: tuple[int, str], exists: bool = True, canonical: str = "") -> Answer[Mx]:
    return Answer(
        "x.example",
        canonical or "x.example",
        tuple(Mx(*one) for one in records),
        exists=exists,
        authentic=False,
        ttl=300,
    )


def hosts(found: Answer[Mx], *own: str) -> list[str]:
    return [host.name for host in ROUTER.by_mx(found, own, lambda records: None).hosts]


@pytest.mark.parametrize(
    ("records", "own", "expected"),
    [
        ([(10, "a.example"), (20, "b.example")], [], ["a.example", "b.example"]),
        ([(20, "b.example"), (10, "a.example")], [], ["a.example", "b.example"]),
        ([], [], ["x.example"]),
        ([(10, "a.example"), (10, "a.example")], [], ["a.example"]),
        ([(0, ""), (10, "a.example")], [], ["a.example"]),
        ([(10, "a.example"), (20, "me.example"), (30, "c.example")], ["me.example"], ["a.example"]),
        ([(10, "a.example"), (10, "me.example"), (5, "z.example")], ["me.example"], ["z.example"]),
    ],
)
def test_hosts_of_an_answer(
    records: list[tuple[int, str]], own: list[str], expected: list[str]
) -> None:
    assert hosts(answer(*records), *own) == expected


def test_what_is_known_of_the_hosts() -> None:
    found = ROUTER.by_mx(answer(canonical="y.example"), (), random.shuffle)
    assert (found.domain, found.canonical, found.implicit) == ("x.example", "y.example", True)
    assert not ROUTER.by_mx(answer((1, "a.example")), (), random.shuffle).implicit


@pytest.mark.parametrize(
    ("found", "own", "status"),
    [
        (answer(exists=False), [], "5.1.2"),
        (answer((0, "")), [], "5.1.10"),
        (answer((10, "me.example")), ["me.example"], "5.4.6"),
        (answer((10, "me.example"), (10, "a.example")), ["me.example"], "5.4.6"),
        (answer(), ["x.example"], "5.4.6"),
    ],
)
def test_domains_without_a_server(found: Answer[Mx], own: list[str], status: str) -> None:
    with pytest.raises(NoWay) as caught:
        hosts(found, *own)
    assert (caught.value.kind, caught.value.status) == (Kind.FAILED, status)


def test_equal_preferences_share_the_load() -> None:
    records = [Mx(20, "c"), Mx(10, "a"), Mx(10, "b")]
    generator = random.Random(1)
    firsts = Counter(in_order(records, generator.shuffle)[0].exchange for _ in range(1000))
    assert set(firsts) == {"a", "b"} and min(firsts.values()) > 400
    assert all(in_order(records, generator.shuffle)[2].exchange == "c" for _ in range(20))


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("smtp.example", Host("smtp.example", 25)),
        ("SMTP.example:587", Host("smtp.example", 587)),
        ("[192.0.2.1]:26", Host("[192.0.2.1]", 26)),
        ("192.0.2.1:26", Host("[192.0.2.1]", 26)),
        ("[2001:db8::1]", Host("[2001:db8::1]", 25)),
        ("[2001:db8::1]:2525", Host("[2001:db8::1]", 2525)),
    ],
)
def test_hosts_as_they_are_written(text: str, host: Host) -> None:
    assert parse_host(text, 25) == host


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("[192.0.2.1]", "192.0.2.1"),
        ("[IPv6:2001:DB8::1]", "2001:db8::1"),
        ("[ipv6:::1]", "::1"),
        ("192.0.2.1", ""),
        ("[x]", ""),
        ("[]", ""),
        ("", ""),
    ],
)
def test_address_literals(text: str, address: str) -> None:
    assert parse_literal(text) == address
