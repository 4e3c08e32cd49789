"""Known tricks to have a server pass mail on for strangers: nothing is ever queued for them."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from pillarbox.node.administration import Opened
from pillarbox.store.sql.queue_steer import Filter, Listed, list_recipients
from pillarbox.testing import RunningServer, running_server
from support.hostile_bounds import PASSWORD
from support.raw_peer import HOST, RawPeer

ALICE, BOB = "alice@example.org", "bob@example.org"
STRANGER = b"carol@stranger.example"
FAR = "dave@forwarded.example"  # where an alias of ours leads

# The forward path as it is written; some mean a mailbox of ours, none leads anywhere else.
PATHS = [
    # Somebody else's address, in the open and dressed up.
    b"<user@theirs.example>",
    b"<user@THEIRS.EXAMPLE>",
    b"<user@theirs.example.>",
    b"<user@theirs.example..>",
    b"<postmaster@theirs.example>",
    b"<abuse@theirs.example>",
    b'<"user"@theirs.example>',
    b'<"us\\er"@theirs.example>',
    b'<"alice@example.org"@theirs.example>',
    b"<alice%example.org@theirs.example>",
    b"<user@theirs.example.example.org>",
    b"<user@example.org.theirs.example>",
    b"<user@sub.example.org>",
    b"<user@.example.org>",
    b"<user@org>",
    b"<user@*>",
    b"<user@mx>",
    b"<user@localhost>",
    b"<user@localhost.localdomain>",
    # Percent hack, bang paths, and other old gateways.
    b"<user%theirs.example@example.org>",
    b"<user%theirs.example%example.org>",
    b"<user%theirs.example@[127.0.0.1]>",
    b"<user%[192.0.2.1]@example.org>",
    b"<user%theirs.example%theirs.example@example.org>",
    b"<%theirs.example@example.org>",
    b'<"user%theirs.example"@example.org>',
    b'<"user%theirs.example">',
    b"<user%theirs.example>",
    b"<theirs.example!user>",
    b"<theirs.example!user@example.org>",
    b"<example.org!theirs.example!user>",
    b"<example.org!user@theirs.example>",
    b'<"theirs.example!user"@example.org>',
    b"<user=theirs.example@example.org>",
    b"<user#theirs.example@example.org>",
    b"<user+theirs.example@example.org>",
    b"<bounces+user=theirs.example@example.org>",
    b"<srs0=HHH=TT=theirs.example=user@example.org>",
    b"<SRS0=HHH=TT=theirs.example=user@example.org>",
    b"<srs1=HHH=example.org==HHH=TT=theirs.example=user@example.org>",
    b"<prvs=0123456789=user@theirs.example>",
    # Two signs in one address.
    b"<user@theirs.example@example.org>",
    b"<user@example.org@theirs.example>",
    b'<"user@theirs.example"@example.org>',
    b'<"user\\@theirs.example"@example.org>',
    b"<user\\@theirs.example@example.org>",
    b'<"user@theirs.example">',
    b"<@example.org@theirs.example>",
    b"<@theirs.example@example.org>",
    b"<@example.org>",
    b"<@theirs.example>",
    b"<user@>",
    # Source routes (RFC 5321 Appendix C).
    b"<@example.org:user@theirs.example>",
    b"<@theirs.example:user@example.org>",
    b"<@theirs.example:alice@example.org>",
    b"<@a.example,@b.example:user@theirs.example>",
    b"<@a.example,@example.org:user@theirs.example>",
    b"<@theirs.example,@example.org:alice@example.org>",
    b"<@example.org:user%theirs.example@example.org>",
    b"<@example.org:@theirs.example:user@example.org>",
    b"<@[127.0.0.1]:user@theirs.example>",
    # Addresses of hosts.
    b"<user@[192.0.2.1]>",
    b"<user@[127.0.0.1]>",
    b"<user@[IPv6:::1]>",
    b"<user@[theirs.example]>",
    b"<user@[example.org]>",
    b"<user@192.0.2.1>",
    b"<user@2130706433>",
    b"<user@[::ffff:192.0.2.1]>",
    # Syntax between the lines.
    b"user@theirs.example",
    b" <user@theirs.example>",
    b"\t<user@theirs.example>",
    b"<user@theirs.example> <alice@example.org>",
    b"<alice@example.org> <user@theirs.example>",
    b"<alice@example.org>,<user@theirs.example>",
    b"<alice@example.org,user@theirs.example>",
    b"<alice@example.org user@theirs.example>",
    b"<alice@example.org\tuser@theirs.example>",
    b"<alice@example.org\0user@theirs.example>",
    b"<user@theirs.example\0@example.org>",
    b"<user@theirs.example\0.example.org>",
    b"<user@theirs.example(@example.org)>",
    b"<user@example.org(comment)@theirs.example>",
    b"<user@theirs.example;alice@example.org>",
    b"<Alice <user@theirs.example>>",
    b"<<user@theirs.example>>",
    b"<alice@example.org><user@theirs.example>",
    b"<|/bin/sh@example.org>",
    b'<"|/bin/sh">',
    b"<:include:/etc/passwd@example.org>",
    b"<alice@example.org> ORCPT=rfc822;user@theirs.example",
    b"<alice@example.org> NOTIFY=SUCCESS ORCPT=rfc822;user@theirs.example",
    # Look-alikes of our domain: letters of other scripts, full-width forms, invisible ones.
    "<user@еxample.org>".encode(),
    "<user@exаmple.org>".encode(),
    "<user@ex\u00adample.org.theirs.example>".encode(),
    "<user@theirs.example\uff0eexample.org.theirs.example>".encode(),
    "<user\uff20theirs.example@example.org>".encode(),
    "<user%theirs。example@example.org>".encode(),
    b"<user@xn--xample-2of.org>",
    b"<user@\xff\xfe.theirs.example>",
]
OURS = (  # what may be taken: their mailbox is here
    b"<@theirs.example:alice@example.org>",
    b"<@theirs.example,@example.org:alice@example.org>",
    b"<alice@example.org> ORCPT=rfc822;user@theirs.example",
    b"<alice@example.org> NOTIFY=SUCCESS ORCPT=rfc822;user@theirs.example",
)
SENDERS = [b"<>", b"<carol@stranger.example>", b"<alice@example.org>", b"<user@theirs.example>"]


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """One server for the file: two accounts, a catch-all domain, an alias that leads away."""

    async def addresses(opened: Opened) -> None:
        await opened.admin.add_domain("all.example")
        await opened.admin.add_alias("@all.example", [BOB])
        await opened.admin.add_alias("away@example.org", [FAR])

    folder: Path = tmp_path_factory.mktemp("relay")
    settings: dict[str, dict[str, object]] = {
        "dns": {"servers": [f"{HOST}:1"]},  # nobody: no question leaves this computer
        "smtp": {"max_bad_commands": 1000},
    }
    accounts = {ALICE: PASSWORD, BOB: PASSWORD}
    with running_server(folder, accounts=accounts, settings=settings) as server:
        server.administer(addresses)
        yield server
        assert b"Traceback" not in server.log.read_bytes()


def queued(server: RunningServer) -> list[Listed]:
    """All that was ever queued."""

    async def work(opened: Opened) -> list[Listed]:
        chosen = Filter(open_only=False)
        return await opened.store.read(lambda db: list_recipients(db, chosen, 10_000))

    return server.administer(work)


def outward(server: RunningServer) -> set[str]:
    """Whom all that was ever queued is for."""
    return {one.recipient.forward_path for one in queued(server)}


def greeted(server: RunningServer, door: str) -> RawPeer:
    """Behind EHLO at "smtp", "smtp+tls", "lmtp", "submission", or "signed in" there."""
    peer = RawPeer(server.ports[{"smtp+tls": "smtp", "signed in": "submission"}.get(door, door)])
    peer.smtp()
    hello = b"LHLO example.org" if door == "lmtp" else b"EHLO example.org"  # says that it is us
    assert peer.smtp(hello).startswith(b"250")
    if door in ("smtp+tls", "signed in"):
        assert peer.smtp(b"STARTTLS").startswith(b"220")
        peer.start_tls()
        peer.smtp(hello)
    if door == "signed in":
        secret = base64.b64encode(f"\0{ALICE}\0{PASSWORD}".encode())
        assert peer.smtp(b"AUTH PLAIN " + secret).startswith(b"235")
    return peer


def attempt(peer: RawPeer, sender: bytes, path: bytes, header: bytes = b"") -> bytes:
    """A transaction as far as the server lets it come; the last reply."""
    utf8 = b" SMTPUTF8" if max(path) > 127 else b""
    for line in (b"MAIL FROM:" + sender + utf8, b"RCPT TO:" + path, b"DATA"):
        reply = peer.smtp(line)
        if not reply.startswith((b"2", b"3")):
            peer.smtp(b"RSET")
            return reply
    peer.send(b"From: alice@example.org\r\n" + header + b"Subject: relay\r\n\r\nx\r\n.\r\n")
    return peer.smtp()


def attempts(
    server: RunningServer, door: str, sender: bytes, paths: Iterable[bytes]
) -> Iterator[tuple[bytes, bytes]]:
    """All of these paths, in one session; the last reply to each."""
    with greeted(server, door) as peer:
        for path in paths:
            reply = attempt(peer, sender, path)
            assert reply, path
            assert not reply.startswith(b"421"), (path, reply)
            yield path, reply


@pytest.mark.parametrize("door", ["smtp", "smtp+tls", "lmtp", "submission"])
@pytest.mark.parametrize("sender", SENDERS, ids=bytes.decode)
def test_strangers_reach_our_mailboxes_only(relay: RunningServer, door: str, sender: bytes) -> None:
    before = outward(relay)
    for path, reply in attempts(relay, door, sender, PATHS):
        if door == "submission":
            assert reply.startswith(b"530"), (path, reply)
        elif path not in OURS:
            assert reply.startswith(b"5"), (path, reply)
        else:
            assert reply.startswith(b"250"), (path, reply)
    # A report that NOTIFY=SUCCESS asks for goes back to where the message says it is from.
    assert outward(relay) - before <= {sender.strip(b"<>").decode()}


@pytest.mark.parametrize("door", ["smtp", "lmtp"])
def test_a_catch_all_catches_and_sends_nothing_on(relay: RunningServer, door: str) -> None:
    """Every odd name in such a domain is a name in it."""
    before, had, taken = outward(relay), relay.message_count(BOB), 0
    caught = [path.replace(b"example.org", b"all.example") for path in PATHS]
    for path, reply in attempts(relay, door, b"<" + STRANGER + b">", caught):
        taken += reply.startswith(b"250") and b"ORCPT" not in path
    assert taken > 10
    assert relay.message_count(BOB) >= had + taken
    assert outward(relay) - before <= {STRANGER.decode()}


def test_a_user_may_send_anywhere_and_only_as_written(relay: RunningServer) -> None:
    """Signed in, tricks in our own domain are unknown names, not gateways to others."""
    before = outward(relay)
    refused = [path for path in PATHS if path.endswith(b"@example.org>") and path not in OURS]
    assert len(refused) > 15
    for path, reply in attempts(relay, "signed in", b"<alice@example.org>", refused):
        assert reply.startswith(b"5"), (path, reply)
    assert outward(relay) == before
    # And that this test would see it: two addresses that are meant to leave.
    meant = [b"<user%elsewhere.example@theirs.example>", b'<"a@b"@theirs.example>']
    for path, reply in attempts(relay, "signed in", b"<alice@example.org>", meant):
        assert reply.startswith(b"250"), (path, reply)
    assert outward(relay) - before == {
        "user%elsewhere.example@theirs.example",
        '"a@b"@theirs.example',
    }


@pytest.mark.parametrize(
    "sender",
    [
        b"<bob@example.org>",
        b"<carol@stranger.example>",
        b"<user@theirs.example>",
        b"<postmaster@example.org>",
        b"<postmaster>",
        b'<"alice@example.org"@theirs.example>',
        b'<"alice "@example.org>',
        b"<alice@example.org.theirs.example>",
        b"<alice%example.org@theirs.example>",
        b"<alice@sub.example.org>",
        b"<@example.org:carol@stranger.example>",
        b"<srs0=x@example.org>",
        b"<alice@[127.0.0.1]>",
    ],
    ids=bytes.decode,
)
def test_a_user_sends_under_its_own_names_only(relay: RunningServer, sender: bytes) -> None:
    before = outward(relay)
    with greeted(relay, "signed in") as peer:
        reply = attempt(peer, sender, b"<someone@theirs.example>")
    assert reply.startswith(b"5"), reply
    assert outward(relay) == before


def test_signing_in_ends_with_the_connection(relay: RunningServer) -> None:
    with greeted(relay, "signed in") as peer:
        assert peer.smtp(b"RSET").startswith(b"250")
    with greeted(relay, "submission") as peer:
        assert peer.smtp(b"MAIL FROM:<alice@example.org>").startswith(b"530")
    with greeted(relay, "smtp") as peer:
        # AUTH= in MAIL is somebody's word for it (RFC 4954 §5), and no sign-in.
        reply = attempt(peer, b"<alice@example.org> AUTH=alice@example.org", b"<u@theirs.example>")
        assert reply.startswith(b"5"), reply


def test_the_header_names_no_recipients(relay: RunningServer) -> None:
    fields = b"To Cc Bcc Resent-To Resent-Cc Resent-Bcc Apparently-To X-Envelope-To Return-Path "
    fields += b"Delivered-To X-Original-To Return-Receipt-To Disposition-Notification-To Errors-To"
    header = b"".join(b"%b: user@theirs.example\r\n" % name for name in fields.split())
    before, had = outward(relay), relay.message_count(ALICE)
    for door, sender in itertools.product(("smtp", "lmtp", "signed in"), (b"<>", STRANGER)):
        if door == "signed in" and sender:
            sender = b"<alice@example.org>"
        with greeted(relay, door) as peer:
            reply = attempt(peer, b"<" + sender.strip(b"<>") + b">", b"<alice@example.org>", header)
        assert reply.startswith(b"250"), (door, sender, reply)
    assert relay.message_count(ALICE) == had + 6
    assert outward(relay) == before


def test_the_way_back_of_a_forward_serves_reports_only(relay: RunningServer) -> None:
    """What an alias sends on comes under a name of ours; that name is no gateway."""
    with greeted(relay, "smtp") as peer:
        assert attempt(peer, b"<" + STRANGER + b">", b"<away@example.org>").startswith(b"250")
    (forward,) = [one for one in queued(relay) if one.recipient.forward_path == FAR]
    name, _, domain = forward.sender.rpartition("@")
    assert name.startswith("srs0=") and domain == "example.org"
    before = len(queued(relay))
    others = [
        f"{name}x@{domain}", f"{name[:-1]}@{domain}", f"{name}@theirs.example", "srs0=@example.org",
        f"{name}%theirs.example@{domain}", f'"{name}@theirs.example"@{domain}',
        f"{name}=a@{domain}", f"{name}@all.example.theirs.example",
    ]  # fmt: skip
    with greeted(relay, "smtp") as peer:
        for sender in (STRANGER, b"alice@example.org", b"postmaster@theirs.example"):
            reply = attempt(peer, b"<" + sender + b">", f"<{forward.sender}>".encode())
            assert reply.startswith(b"550"), reply
    for path, reply in attempts(relay, "smtp", b"<>", [f"<{one}>".encode() for one in others]):
        assert reply.startswith(b"5"), (path, reply)
    assert len(queued(relay)) == before
    with greeted(relay, "smtp") as peer:
        assert attempt(peer, b"<>", f"<{forward.sender}>".encode()).startswith(b"250")
    report = queued(relay)[-1]
    assert (report.sender, report.recipient.forward_path) == ("", STRANGER.decode())
