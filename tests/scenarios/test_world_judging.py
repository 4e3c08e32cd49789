"""Servers in a row: who wrote, who sent on, who judges, and what the last one writes down."""

from __future__ import annotations

import re

from pillarbox.config.smtp import SmtpSettings
from pillarbox.config.trust import TrustSettings
from pillarbox.store.model import Role
from support.scripted_smtp import Script
from support.store_box import letter
from support.world import World, in_world
from support.world_node import Node, with_trust
from support.world_results import results, told

ALICE, DAVE, CAROL = "alice@example.org", "dave@example.com", "carol@example.net"
LETTER = letter(From="Alice <alice@example.org>", To=DAVE)


async def three(world: World, **trust: object) -> tuple[Node, Node, Node]:
    """Who writes, who sends on (fred is carol elsewhere), who receives."""
    org = await world.pillarbox("example.org", "alice")
    com = await world.pillarbox("example.com", "dave", aliases={"fred": [CAROL]})
    net = await world.pillarbox("example.net", "carol", trust=TrustSettings(**trust))  # type: ignore[arg-type]
    return org, com, net


def test_from_one_server_to_another_all_checks_pass() -> None:
    async def work(world: World) -> None:
        org, com, _ = await three(world)
        (reply,) = await org.submit(ALICE, LETTER, DAVE)
        assert reply.startswith("250 2.0.0")
        await world.until(org.all_ended)
        assert await org.states() == {DAVE: "relayed"}
        (octets,) = await com.mail(DAVE)
        assert told(octets, "mx.example.com") == {
            "iprev": {"pass"},
            "spf": {"pass"},
            "dkim": {"pass"},
            "dmarc": {"pass"},
        }
        dkim = [one for one in results(octets, "mx.example.com").findings if one.method == "dkim"]
        assert len(dkim) == 2  # RSA and Ed25519 side by side

    in_world(work)


def test_what_an_alias_sends_on_still_passes() -> None:
    async def work(world: World) -> None:
        org, com, net = await three(world)
        await org.submit(ALICE, LETTER, "fred@example.com")
        await world.until(lambda: net.mail(CAROL))
        assert await org.states() == {"fred@example.com": "relayed"}
        assert await com.states() == {CAROL: "relayed"}
        (octets,) = await net.mail(CAROL)
        found = told(octets, "mx.example.net")
        # The forwarder sends in its own name, so SPF holds for it; DKIM is still the author's.
        assert found == {
            "iprev": {"pass"},
            "spf": {"pass"},
            "dkim": {"pass"},
            "dmarc": {"pass"},
            "arc": {"pass"},
        }
        assert octets.startswith(b"Return-Path: <srs0=")
        read = results(octets, "mx.example.net")
        assert ("smtp", "mailfrom") in {key[:2] for one in read.findings for key in one.properties}

    in_world(work)


async def broken_on_the_way(world: World, **trust: object) -> tuple[Node, str]:
    """A list changes the text before it comes to the forwarder: DKIM is broken, SPF is gone.

    The list's mail is then judged by the receiver.
    """
    org, com, net = await three(world, **trust)
    # Alice's signature is made only for what she wrote; her server lets us change it afterwards.
    world.resolver.records["example.org"]["TXT"] = [f"v=spf1 mx ip4:{com.address} -all"]
    (reply,) = await world.hand_over(
        com, LETTER, "fred@example.com", sender=ALICE, address=org.address, helo=org.hostname
    )
    assert reply.startswith("250"), reply
    await world.until(com.all_ended)
    return net, (await com.rows())[0].reply


def test_p_reject_refuses_what_only_spf_spoke_for() -> None:
    """Unsigned mail passes at the forwarder by SPF alone; behind it nothing speaks for it."""

    async def work(world: World) -> None:
        net, reply = await broken_on_the_way(world)
        assert reply.startswith("550 5.7.26"), reply
        assert "DMARC" in reply
        assert await net.mail(CAROL) == []

    in_world(work)


def test_a_trusted_seal_speaks_for_it() -> None:
    async def work(world: World) -> None:
        net, reply = await broken_on_the_way(world, trusted_arc_sealers=("example.com",))
        assert reply.startswith("250 2.0.0"), reply
        (octets,) = await net.mail(CAROL)
        found = told(octets, "mx.example.net")
        assert found["dmarc"] == {"fail"}
        assert found["arc"] == {"pass"}
        assert b"trusted-forwarder" in octets
        assert "[trusted-forwarder]" in await net.trace(CAROL)

    in_world(work)


def test_a_seal_of_a_changed_message_speaks_for_nobody() -> None:
    async def work(world: World) -> None:
        _, com, net = await three(world, trusted_arc_sealers=("example.com",))
        await world.hand_over(
            com, LETTER, "fred@example.com", sender=ALICE, address=world.address_of("example.org")
        )
        await world.until(com.all_ended)
        (sealed,) = await net.mail(CAROL)
        fields = sealed[sealed.index(b"ARC-Seal:") :]
        (reply,) = await world.hand_over(
            net, fields + b"Buy this.\r\n", CAROL, sender="x@example.com", address=com.address
        )
        assert reply.startswith("550 5.7.26"), reply

    in_world(work)


def test_in_the_name_of_another_nothing_passes() -> None:
    async def work(world: World) -> None:
        _, com, _ = await three(world)
        (reply,) = await world.hand_over(com, LETTER, DAVE, sender=ALICE)
        assert reply.startswith("550 5.7.26")
        assert "DMARC" in reply
        assert "dmarc" in await com.trace(DAVE)
        with_trust(com, dmarc="junk")
        (reply,) = await world.hand_over(com, LETTER, DAVE, sender=ALICE)
        assert reply.startswith("250 2.0.0")
        assert await com.mail(DAVE) == []
        (octets,) = await com.mail(DAVE, Role.JUNK)
        assert told(octets, "mx.example.com")["dmarc"] == {"fail"}

    in_world(work)


def test_the_whole_way_in_words() -> None:
    async def work(world: World) -> None:
        org, com, net = await three(world)
        await org.submit(ALICE, LETTER, "fred@example.com")
        await world.until(lambda: net.mail(CAROL))
        head, came, went = (await org.trace(ALICE)).splitlines()
        assert re.fullmatch(r"Message \w+, <\S+@example.org>, queue number 1", head)
        assert came.endswith(
            "  alice@example.org at 127.0.0.1 by ESMTPA brought 179 octets from "
            "<alice@example.org> for <fred@example.com>; it went to the queue for "
            "fred@example.com."
        )
        assert "  mx.example.com took it for <fred@example.com>: 250 2.0.0 Accepted as " in went
        # Whoever is asked for, the whole way is told.
        named = {await com.trace(one) for one in (CAROL, ALICE, "fred@example.com")}
        (text,) = named
        head, came, went = text.splitlines()
        assert "  mx.example.org at 192.0.2.10 by ESMTP brought " in came
        assert came.endswith("it went to the queue for carol@example.net.")
        assert "  mx.example.net took it for <carol@example.net>: 250 2.0.0 Accepted as " in went
        ident = went.rpartition(" ")[2].removesuffix(".")
        assert (await net.trace(ident)).endswith(
            "it was put into the mailbox of carol@example.net."
        )

    in_world(work)


def test_a_report_finds_back_through_who_sent_it_on() -> None:
    """From the last server of three: SPF speaks for it at the second, at the first only DKIM."""

    async def work(world: World) -> None:
        org, com, net = await three(world)
        world.peer("example.edu", Script(answers={"RCPT": "550 5.1.1 nobody of that name"}))
        await net.admin.add_alias("gina@example.net", ["gina@example.edu"])
        await com.admin.add_alias("gina@example.com", ["gina@example.net"])
        await org.submit(ALICE, LETTER, "gina@example.com")
        await world.until(lambda: org.mail(ALICE))
        (report,) = await org.mail(ALICE)
        assert b"From: Mail delivery <postmaster@mx.example.net>" in report
        assert b"Final-Recipient: rfc822; gina@example.edu" in report
        found = told(report, "mx.example.org")
        assert (found["dkim"], found["dmarc"]) == ({"pass"}, {"pass"})

    in_world(work)


def test_two_aliases_that_lead_to_each_other() -> None:
    """The loop ends by its Received fields, and the report finds back through all of it."""

    async def work(world: World) -> None:
        settings = {"smtp": SmtpSettings(greeting_delay_seconds=0.0, max_received_fields=30)}
        org = await world.pillarbox("example.org", "alice")
        com = await world.pillarbox(
            "example.com", aliases={"a": ["b@example.net"]}, settings=settings
        )
        net = await world.pillarbox(
            "example.net", aliases={"b": ["a@example.com"]}, settings=settings
        )
        await org.submit(ALICE, LETTER, "a@example.com")
        await world.until(lambda: org.mail(ALICE))
        await world.run(3600)
        (report,) = await org.mail(ALICE)
        assert b"The message went round in a loop." in report
        for node in (com, net):
            assert await node.all_ended()
            assert len(await node.rows()) < 40

    in_world(work)
