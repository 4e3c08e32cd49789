"""TLS between servers: as well as can be, or as the other side promised, or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from pillarbox.config.outbound import OutboundSettings
from pillarbox.net.https import Fetched
from pillarbox.store.model import RecipientRow
from pillarbox.trust.dane.records import own_record
from support.authority import new_authority
from support.queue_bench import message, put
from support.scripted_smtp import Script
from support.world import AUTHORITY, World, in_world
from support.world_node import Node

CAROL = "carol@example.net"
HOST = "mx.example.net"
GOOD = AUTHORITY.issue(HOST)
STRANGE = new_authority("Somebody").issue(HOST)
OTHER_NAME = AUTHORITY.issue("www.example.net")
POLICY_URL = "https://mta-sts.example.net/.well-known/mta-sts.txt"


async def sender(world: World, **more: Any) -> Node:
    """A server that believes the world's authority."""
    place = world.folder / "authority.pem"
    place.write_bytes(AUTHORITY.pem)
    settings = OutboundSettings(private_addresses=True, authorities=str(place), **more)
    return await world.pillarbox("example.org", "alice", settings={"outbound": settings})


def publish(world: World, mode: str, mx: str = HOST) -> None:
    """An MTA-STS policy of example.net."""
    world.resolver.records["_mta-sts.example.net"] = {"TXT": ["v=STSv1; id=1"]}
    text = f"version: STSv1\r\nmode: {mode}\r\nmx: {mx}\r\nmax_age: 86400\r\n"
    world.pages[POLICY_URL] = Fetched(200, "text/plain", text.encode())


async def sent(world: World, org: Node, **more: Any) -> RecipientRow:
    """What one attempt came to."""
    await put(org.store, message(CAROL, **more))
    await world.settle()
    return (await org.rows())[-1]


@pytest.mark.parametrize("certificate", [GOOD, STRANGE, OTHER_NAME])
def test_any_certificate_is_better_than_none(certificate: Any) -> None:
    async def work(world: World) -> None:
        org = await sender(world)
        net = await world.pillarbox("example.net", "carol", certificate=certificate)
        row = await sent(world, org)
        assert (row.state.value, row.tls.split()[0]) == ("relayed", "TLSv1.3")
        (came,) = await net.mail(CAROL)
        assert b"with ESMTPS id" in came

    in_world(work)


def test_a_handshake_that_fails_is_followed_by_mail_in_the_clear() -> None:
    async def work(world: World) -> None:
        org = await sender(world)
        peer = world.peer("example.net", Script(("STARTTLS", "PIPELINING")))  # it knows no TLS
        await sent(world, org)
        await world.until(org.all_ended)
        (row,) = await org.rows()
        assert (row.state.value, row.tls) == ("relayed", ""), row.reply
        assert len(peer.messages) == 1

    in_world(work)


MTA_STS: list[tuple[str, str, str, Any, str, str]] = [
    ("kept", "enforce", HOST, GOOD, "relayed", "2.0.0"),
    ("by a pattern", "enforce", "*.example.net", GOOD, "relayed", "2.0.0"),
    ("a stranger's certificate", "enforce", HOST, STRANGE, "waiting", "4.7.5"),
    ("for another name", "enforce", HOST, OTHER_NAME, "waiting", "4.7.5"),
    ("no TLS at all", "enforce", HOST, None, "waiting", "4.7.5"),
    ("another host", "enforce", "mx.example.com", GOOD, "waiting", "4.7.5"),
    ("only testing", "testing", HOST, STRANGE, "relayed", "2.0.0"),
    ("testing without TLS", "testing", HOST, None, "relayed", "2.0.0"),
    ("no more", "none", HOST, None, "relayed", "2.0.0"),
]


@pytest.mark.parametrize(("mode", "mx", "certificate", "state", "status"),
                         [row[1:] for row in MTA_STS], ids=[row[0] for row in MTA_STS])  # fmt: skip
def test_mta_sts(mode: str, mx: str, certificate: Any, state: str, status: str) -> None:
    async def work(world: World) -> None:
        org = await sender(world)
        net = await world.pillarbox("example.net", "carol", certificate=certificate)
        publish(world, mode, mx)
        row = await sent(world, org)
        assert (row.state.value, row.status) == (state, status), row.reply
        assert await net.count(CAROL) == (state == "relayed")
        if state == "waiting":
            assert row.reply
            return
        assert ("verified" in row.tls) == (mode == "enforce")
        assert (f", over {row.tls}." in await org.trace(CAROL)) == bool(row.tls)
        await sent(world, org)
        assert world.fetched == [POLICY_URL]  # once; it is remembered

    in_world(work)


def test_a_policy_outlives_the_server_that_told_it() -> None:
    """Who takes the policy's page away does not take the protection away (RFC 8461 §3.3)."""

    async def work(world: World) -> None:
        org = await sender(world)
        await world.pillarbox("example.net", "carol", certificate=GOOD)
        publish(world, "enforce")
        assert (await sent(world, org)).state.value == "relayed"
        world.pages.clear()
        world.resolver.records["_mta-sts.example.net"] = {"TXT": ["v=STSv1; id=2"]}
        evil = world.peer("evil.example", Script(("PIPELINING",)))
        world.resolver.records["example.net"]["MX"] = [(10, "mx.evil.example")]
        await world.run(60)
        row = await sent(world, org)
        assert (row.state.value, row.status) == ("waiting", "4.7.5"), row.reply
        assert not evil.messages

    in_world(work)


DANE: list[tuple[str, Any, Any, bool, str, str]] = [
    ("it is the one", GOOD, STRANGE, True, "waiting", "4.7.5"),
    ("whoever issued it", STRANGE, STRANGE, True, "relayed", "2.0.0"),
    ("no TLS at all", None, GOOD, True, "waiting", "4.7.5"),
    ("without DNSSEC it is nothing", GOOD, STRANGE, False, "relayed", "2.0.0"),
]


@pytest.mark.parametrize(("shown", "published", "authentic", "state", "status"),
                         [row[1:] for row in DANE], ids=[row[0] for row in DANE])  # fmt: skip
def test_dane(shown: Any, published: Any, authentic: bool, state: str, status: str) -> None:
    async def work(world: World) -> None:
        org = await sender(world)
        net = await world.pillarbox("example.net", "carol", certificate=shown)
        world.resolver.authentic = authentic
        tlsa = own_record(published.certificate)
        fields = (tlsa.usage, tlsa.selector, tlsa.matching, tlsa.association)
        world.resolver.records[f"_25._tcp.{HOST}"] = {"TLSA": [fields]}
        row = await sent(world, org)
        assert (row.state.value, row.status) == (state, status), row.reply
        assert await net.count(CAROL) == (state == "relayed")
        if state == "relayed":
            assert ("verified" in row.tls) == authentic

    in_world(work)


REQUIRETLS: list[tuple[str, Any, bool, str, str]] = [
    ("verified by the policy", GOOD, True, "relayed", "2.0.0"),
    ("nobody vouches for the server", GOOD, False, "failed", "5.7.10"),
    ("no TLS", None, False, "failed", "5.7.10"),
]


@pytest.mark.parametrize(
    ("certificate", "policy", "state", "status"),
    [row[1:] for row in REQUIRETLS],
    ids=[row[0] for row in REQUIRETLS],
)
def test_requiretls(certificate: Any, policy: bool, state: str, status: str) -> None:
    async def work(world: World) -> None:
        org = await sender(world)
        net = await world.pillarbox("example.net", "carol", certificate=certificate)
        if policy:
            publish(world, "enforce")
        row = await sent(world, org, requiretls=True)
        assert (row.state.value, row.status) == (state, status), row.reply
        assert await net.count(CAROL) == (state == "relayed")
        assert (await sent(world, org)).state.value == "relayed"  # mail without that wish goes on

    in_world(work)
