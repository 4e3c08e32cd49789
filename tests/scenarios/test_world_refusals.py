"""No and not yet at every stage, and links that break anywhere: never lost, never twice unsaid."""

from __future__ import annotations

from collections import Counter

import pytest
from msgspec.structs import replace

from pillarbox.config.outbound import ClientLimits, OutboundSettings
from support.memory_network import Faults
from support.scripted_smtp import Script
from support.store_box import letter
from support.world import AUTHORITY, World, in_world
from support.world_node import send

ALICE, CAROL = "alice@example.org", "carol@example.net"
LETTER = letter("Tea on Sunday?", From="Alice <alice@example.org>", To=CAROL)
PLAIN = ("PIPELINING", "8BITMIME")
ONE_BY_ONE = OutboundSettings(private_addresses=True, idle_connections=0)
NOT_EAGER = replace(ONE_BY_ONE, limits=ClientLimits(eager_octets=0))


def taken(script: Script) -> int:
    """Messages that came with a recipient."""
    return len([one for one in script.messages if one])


def stages(*names: str) -> list[tuple[str, tuple[str, ...]]]:
    """Each with servers of three kinds; there is no DATA where there is BDAT."""
    kinds: list[tuple[str, ...]] = [PLAIN, (), ("PIPELINING", "CHUNKING")]
    return [
        (name, offers)
        for name in names
        for offers in kinds
        if not (name == "DATA" and "CHUNKING" in offers)
    ]


@pytest.mark.parametrize(("stage", "offers"), stages("EHLO", "MAIL", "RCPT", "DATA", "."))
def test_not_yet(stage: str, offers: tuple[str, ...]) -> None:
    """4xx: it waits, and goes when the other server is well again."""

    async def work(world: World) -> None:
        org = await world.pillarbox("example.org", "alice")
        no = "451 4.3.2 not now"
        peer = world.peer("example.net", Script(offers=offers, answers={stage: no}))
        await org.submit(ALICE, LETTER, CAROL)
        await world.settle()
        (row,) = await org.rows()
        assert (row.state, row.reply, row.status) == ("waiting", no, "4.3.2")
        assert row.remote_mta == "mx.example.net"
        assert not row.uncertain
        assert "did not take it yet: 451 4.3.2 not now" in await org.trace(CAROL)
        peer.messages.clear()
        peer.answers = {}
        await world.until(org.all_ended)
        assert await org.states() == {CAROL: "relayed"}
        assert taken(peer) == 1
        assert await org.mail(ALICE) == []

    in_world(work)


@pytest.mark.parametrize(("stage", "offers"), stages("MAIL", "RCPT", "DATA", "."))
def test_never(stage: str, offers: tuple[str, ...]) -> None:
    """5xx: at once back to the sender, with the words of the other server."""

    async def work(world: World) -> None:
        org = await world.pillarbox("example.org", "alice")
        no = "550 5.7.1 not from you"
        world.peer("example.net", Script(offers=offers, answers={stage: no}))
        await org.submit(ALICE, LETTER, CAROL)
        await world.until(org.all_ended)
        assert world.calls["example.net"] == [0]
        (row,) = await org.rows()
        assert (row.state, row.reply, row.status) == ("failed", no, "5.7.1")
        (report,) = await org.mail(ALICE)
        assert b"mx.example.net said: 550 5.7.1 not from you" in report
        assert b"Status: 5.7.1" in report

    in_world(work)


@pytest.mark.parametrize("greeting", ["421 4.3.2 busy\nCLOSE", "450 busy", "CLOSE"])
def test_not_yet_in_the_greeting(greeting: str) -> None:
    async def work(world: World) -> None:
        org = await world.pillarbox("example.org", "alice")
        peer = world.peer("example.net", Script(offers=PLAIN, greeting=greeting))
        await org.submit(ALICE, LETTER, CAROL)
        await world.settle()
        assert await org.states() == {CAROL: "waiting"}
        peer.greeting = "220 mx.example.net ready"
        await world.until(org.all_ended)
        assert await org.states() == {CAROL: "relayed"}
        assert taken(peer) == 1

    in_world(work)


@pytest.mark.parametrize("stage", ["greeting", "EHLO"])
def test_a_server_that_takes_no_mail_at_all(stage: str) -> None:
    """554 or 521 instead of a welcome (RFC 5321 §3.1, RFC 7504): the other MX may be better."""

    async def work(world: World) -> None:
        org = await world.pillarbox("example.org", "alice")
        no = "554 5.3.2 no mail here"
        sick = Script(offers=PLAIN)
        if stage == "greeting":
            sick.greeting = no
        else:
            sick.answers = {"EHLO": no, "HELO": no}
        world.peer("example.net", sick)
        well, address = Script(offers=PLAIN), world.new_address()
        records = world.resolver.records
        records["example.net"]["MX"].append((20, "mx2.example.net"))
        records["mx2.example.net"] = {"A": [address]}
        world.listen("mx2", address, 25, well.connection)
        await org.submit(ALICE, LETTER, CAROL)
        await world.settle()
        assert await org.states() == {CAROL: "relayed"}
        assert taken(well) == 1
        assert "mx2.example.net took it" in await org.trace(CAROL)

    in_world(work)


@pytest.mark.parametrize("no", ["454 4.7.0 no TLS just now", "554 5.7.0 no TLS ever"])
def test_tls_that_is_offered_and_refused(no: str) -> None:
    """Nothing demands it here, so the message goes without."""

    async def work(world: World) -> None:
        org = await world.pillarbox("example.org", "alice")
        peer = world.peer("example.net", Script(("STARTTLS", *PLAIN), answers={"STARTTLS": no}))
        await org.submit(ALICE, LETTER, CAROL)
        await world.until(org.all_ended)
        (row,) = await org.rows()
        assert (row.state, row.tls) == ("relayed", "")
        assert taken(peer) == 1

    in_world(work)


@pytest.mark.parametrize("settings", [ONE_BY_ONE, NOT_EAGER], ids=["one burst", "in steps"])
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("direction", ["to_server", "to_client"])
def test_the_link_breaks_anywhere(direction: str, tls: bool, settings: OutboundSettings) -> None:
    """Between two of ours. tests/smtp/client cuts behind each octet; here each is a whole way."""

    async def work(world: World) -> None:
        certificate = AUTHORITY.issue("mx.example.net") if tls else None
        org = await world.pillarbox("example.org", "alice", settings={"outbound": settings})
        net = await world.pillarbox("example.net", "carol", certificate=certificate)
        program = await org.sign_in(ALICE)

        async def bring() -> tuple[int, bool]:
            """Copies that came of one message, and whether its row says it is uncertain."""
            before = await net.count(CAROL)
            await send(program, LETTER, (CAROL,), ALICE)
            await world.settle()
            world.network.faults.clear()
            await world.until(org.all_ended)
            row = (await org.rows())[-1]
            assert row.state == "relayed"
            return await net.count(CAROL) - before, row.uncertain

        assert await bring() == (1, False)
        client, server = world.network.connections[-1]
        whole = (client if direction == "to_server" else server).delivered
        found: Counter[tuple[int, bool]] = Counter()
        for cut in _places(whole):
            world.network.faults[net.address] = Faults(**{f"cut_{direction}": cut})
            found[await bring()] += 1
        assert not found.keys() - {(1, False), (1, True), (2, True)}, found
        assert found[1, False] > 0
        assert found[1, True] + found[2, True] > 0
        assert await org.mail(ALICE) == []

    in_world(work)


def _places(whole: int) -> list[int]:
    """Where to cut: spread over the dialogue, and close together at its end."""
    return sorted({*range(0, whole, max(1, whole // 25)), *range(max(0, whole - 45), whole, 7)})


SILENT: list[tuple[str, int, bool]] = [
    # where it falls silent, for how long that is borne (RFC 5321 §4.5.3.2), is it then in doubt
    ("greeting", 300, False),
    ("EHLO", 300, False),
    ("STARTTLS", 60, False),
    ("MAIL", 300, False),
    ("RCPT", 300, False),
    ("DATA", 120, False),
    (".", 600, True),
]


@pytest.mark.parametrize(("stage", "seconds", "doubt"), SILENT, ids=[row[0] for row in SILENT])
def test_a_server_that_falls_silent(stage: str, seconds: int, doubt: bool) -> None:
    """The lease is renewed meanwhile: nobody else takes the message up."""

    async def work(world: World) -> None:
        org = await world.pillarbox("example.org", "alice")
        offers = ("STARTTLS",) if stage == "STARTTLS" else ()
        peer = world.peer("example.net", Script(offers=offers, answers={stage: None}))
        if stage == "greeting":
            peer.greeting = None
        await org.submit(ALICE, LETTER, CAROL)
        await world.run(seconds - 6, step=5.0)
        assert world.calls["example.net"] == [0]
        assert (await org.rows())[0].sending
        await world.run(12, step=5.0)
        (row,) = await org.rows()
        if stage == "STARTTLS":  # nothing demands TLS: it goes without, at once
            assert row.state == "relayed"
            return
        assert (row.state, row.sending, row.uncertain) == ("waiting", False, doubt), row.reply
        assert "did not answer within" in row.reply
        assert row.status == "4.4.2"
        before = taken(peer)
        peer.answers, peer.greeting = {}, "220 mx.example.net ready"
        await world.until(org.all_ended)
        assert (await org.states()) == {CAROL: "relayed"}
        assert taken(peer) - before == 1
        assert before == doubt  # it had it already, and could not say so

    in_world(work)


def test_a_server_that_takes_few_recipients_and_few_messages_at_a_time() -> None:
    """LIMITS (RFC 9422), and one that says 452 when it has enough (RFC 5321 §4.5.3.1.10)."""

    async def work(world: World) -> None:
        org = await world.pillarbox("example.org", "alice")
        told = world.peer("told.example", Script((*PLAIN, "LIMITS RCPTMAX=20 MAILMAX=2")))
        full = world.peer("full.example", Script(PLAIN))
        much = {f"RCPT TO:<u{n}@full.example>": ["452 4.5.3 too many", "250 2.1.5 ok"]
                for n in range(60, 100)}  # fmt: skip
        full.answers = much
        for domain in ("told.example", "full.example"):
            await org.submit(ALICE, LETTER, *(f"u{n}@{domain}" for n in range(100)))
        await world.until(org.all_ended)
        assert set((await org.states()).values()) == {"relayed"}
        sizes = [line.split(" ")[0] for line in told.seen]
        assert sizes.count("MAIL") == 5
        assert sizes.count("EHLO") == 3
        assert world.calls["full.example"] == [0]  # the rest went at once in the next transaction
        assert [line.split(" ")[0] for line in full.seen].count("MAIL") == 2
        assert await org.mail(ALICE) == []

    in_world(work)
