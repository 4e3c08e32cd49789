"""What another server cannot carry: eight bits, letters outside ASCII; and mail that waits."""

from __future__ import annotations

from datetime import timedelta

import dkim
import pytest

from pillarbox.config.submission import SubmissionSettings
from pillarbox.store.sql.queue_steer import Steer, steer
from support.scripted_smtp import Script
from support.store_box import letter
from support.world import START, World, in_world
from support.world_node import Node

ALICE, CAROL = "alice@example.org", "carol@example.net"
SEVEN = ("PIPELINING",)
EIGHT = letter(
    "Tea",
    "Wörter mit Umlauten.\r\nUnd noch eine Zeile.",
    From=f"Alice <{ALICE}>",
    To=CAROL,
    MIME_Version="1.0",
    Content_Type="text/plain; charset=utf-8",
    Content_Transfer_Encoding="8bit",
)


def verified(world: World, octets: bytes) -> list[bool]:
    """What dkimpy says of each signature."""

    def txt(name: bytes, timeout: int = 5) -> bytes | None:
        found = world.resolver.records.get(name.decode().rstrip("."), {}).get("TXT")
        return found[0].encode() if found else None

    verifier = dkim.DKIM(octets)
    count = octets.partition(b"\r\n\r\n")[0].lower().count(b"dkim-signature:")
    return [verifier.verify(idx=number, dnsfunc=txt) for number in range(count)]


async def arrives(world: World, org: Node, peer: Script, octets: bytes, **more: object) -> bytes:
    """Submitted by alice, as it came at the other server."""
    (reply,) = await org.submit(ALICE, octets, CAROL, **more)
    assert reply.startswith("250"), reply
    await world.until(org.all_ended)
    assert await org.states() == {CAROL: "relayed"}
    (came,) = peer.messages
    return came


def test_eight_bits_to_a_server_of_seven_keep_their_signature() -> None:
    async def work(world: World) -> None:
        org = await world.pillarbox("example.org", "alice")
        peer = world.peer("example.net", Script(SEVEN))
        came = await arrives(world, org, peer, EIGHT, body="8BITMIME")
        assert came.isascii()
        assert verified(world, came) == [True, True]

    in_world(work)


def test_eight_bits_stay_where_they_are_for_our_own_people() -> None:
    async def work(world: World) -> None:
        org = await world.pillarbox("example.org", "alice", "bob")
        await org.submit(ALICE, EIGHT, "bob@example.org", body="8BITMIME")
        (came,) = await org.mail("bob@example.org")
        assert "Wörter mit Umlauten.".encode() in came
        assert verified(world, came) == [True, True]

    in_world(work)


def test_a_large_eight_bit_letter_is_signed_as_it_arrives() -> None:
    async def work(world: World) -> None:
        org = await world.pillarbox("example.org", "alice")
        peer = world.peer("example.net", Script(SEVEN))
        line = "Zwölf große Bögen prüfen wir, schön der Reihe nach.\r\n"
        octets = EIGHT + (line * 20_000).encode()
        came = await arrives(world, org, peer, octets, body="8BITMIME")
        assert came.isascii()
        assert verified(world, came) == [True, True]

    in_world(work)


def test_what_its_author_sealed_is_not_rewritten_and_comes_back() -> None:
    """multipart/signed in eight bits: rewriting it would break that signature."""

    async def work(world: World) -> None:
        org = await world.pillarbox("example.org", "alice")
        peer = world.peer("example.net", Script(SEVEN))
        sealed = letter(
            "Tea",
            "--b\r\nContent-Type: text/plain; charset=utf-8\r\n"
            "Content-Transfer-Encoding: 8bit\r\n\r\nGrüße\r\n"
            "--b\r\nContent-Type: application/pgp-signature\r\n\r\nx\r\n--b--",
            From=ALICE,
            MIME_Version="1.0",
            Content_Type='multipart/signed; protocol="application/pgp-signature"; boundary=b',
        )
        await org.submit(ALICE, sealed, CAROL, body="8BITMIME")
        await world.until(org.all_ended)
        (row,) = await org.rows()
        assert (row.state.value, row.status) == ("failed", "5.6.2")
        (report,) = await org.mail(ALICE)
        assert b"under a signature or encryption" in report
        assert not peer.messages

    in_world(work)


JUERGEN = "jürgen@example.net"


@pytest.mark.parametrize(
    ("field", "to", "status", "words"),
    [
        (JUERGEN, JUERGEN, "5.6.7", "letters outside ASCII"),
        (CAROL, JUERGEN, "5.6.7", "letters outside ASCII"),
        (JUERGEN, CAROL, "5.6.9", "no SMTPUTF8"),  # her address is plain, the header is not
    ],
)
def test_letters_outside_ascii_to_a_server_that_knows_none(
    field: str, to: str, status: str, words: str
) -> None:
    async def work(world: World) -> None:
        org = await world.pillarbox("example.org", "alice")
        world.peer("example.net", Script(("PIPELINING", "8BITMIME")))
        octets = letter("Tee", From=ALICE, To=field)
        (reply,) = await org.submit(ALICE, octets, to, smtputf8=True)
        assert reply.startswith("250"), reply
        await world.until(org.all_ended)
        (row,) = await org.rows()
        assert (row.state.value, row.status) == ("failed", status), row.reply
        (report,) = await org.mail(ALICE)
        kind = "utf-8" if to == JUERGEN else "rfc822"  # RFC 6533 §3
        assert f"Final-Recipient: {kind}; {to}".encode() in report
        assert (b"report-type=global-delivery-status" in report) == (to == JUERGEN)
        assert words.encode() in report

    in_world(work)


def test_a_program_that_always_says_smtputf8_reaches_servers_without() -> None:
    async def work(world: World) -> None:
        org = await world.pillarbox("example.org", "alice")
        peer = world.peer("example.net", Script(SEVEN))
        came = await arrives(world, org, peer, letter("Tea", From=ALICE, To=CAROL), smtputf8=True)
        assert verified(world, came) == [True, True]

    in_world(work)


def test_letters_outside_ascii_between_two_of_ours() -> None:
    async def work(world: World) -> None:
        org = await world.pillarbox("example.org", "alice")
        net = await world.pillarbox("example.net", "jürgen")
        octets = letter("Tee für zwei", From=ALICE, To="jürgen@example.net")
        await org.submit(ALICE, octets, "jürgen@example.net", smtputf8=True)
        await world.until(org.all_ended)
        (came,) = await net.mail("jürgen@example.net")
        assert "Subject: Tee für zwei".encode() in came
        assert b"with UTF8SMTP id" in came
        assert verified(world, came) == [True, True]

    in_world(work)


def test_release_by_an_instant() -> None:
    """FUTURERELEASE: accepted now, sent then, and the days of trying begin then."""

    async def work(world: World) -> None:
        org = await world.pillarbox("example.org", "alice")
        peer = world.peer("example.net", Script(SEVEN))
        until = START + timedelta(hours=30)
        async with org.dialogue(ALICE) as ask:
            wish = f"HOLDUNTIL={until:%Y-%m-%dT%H:%M:%SZ}"
            assert (await ask(f"MAIL FROM:<{ALICE}> {wish}")).startswith("250")
            await ask(f"RCPT TO:<{CAROL}>")
            await ask("DATA")
            assert (await ask(letter(From=ALICE).decode() + ".")).startswith("250")
        assert await org.states() == {CAROL: "held"}
        await world.run(29 * 3600)
        assert not peer.messages
        await world.until(org.all_ended)
        assert world.calls["example.net"] == [30 * 3600]
        assert await org.mail(ALICE) == []  # no warning of a delay that she asked for

    in_world(work)


def test_mail_can_be_taken_back_for_a_while() -> None:
    async def work(world: World) -> None:
        rules = SubmissionSettings(hold_seconds=20)
        settings = {"submission": rules}
        org = await world.pillarbox("example.org", "alice", "bob", settings=settings)
        peer = world.peer("example.net", Script(SEVEN))
        for to in (CAROL, "bob@example.org", CAROL):
            await org.submit(ALICE, letter(From=ALICE), to)
        await world.advance(10)
        assert {row.state.value for row in await org.rows()} == {"held"}
        assert await org.mail("bob@example.org") == []
        await org.store.write(lambda tx: steer(tx, [(3, 0)], Steer.DROP))
        await world.run(60)
        assert [row.state.value for row in await org.rows()] == ["relayed", "delivered", "dropped"]
        assert world.calls["example.net"] == [20]
        assert len(peer.messages) == 1
        assert await org.count("bob@example.org") == 1
        assert await org.mail(ALICE) == []

    in_world(work)
