"""Mail both ways between Pillarbox, Postfix and Exim, with and without TLS, over real sockets."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path

import pytest

from pillarbox.store.model import RecipientState
from support.exchange import (
    ACCENTED,
    ALICE,
    TLS_ALICE,
    Exchange,
    FarServer,
    missing_far,
    passed,
    running_exchange,
)
from support.mailing import body_of, header_of
from support.programs import REQUIRE_ALL
from support.server import Account, wait_until

pytestmark = [pytest.mark.interop, pytest.mark.slow]

FAR = ("postfix", "exim")
WAYS = ("mx", "plain", "tls")
EIGHT_BIT = b"".join(
    bytes(octet for octet in range(first, first + 64) if octet not in b"\0\r\n") + b"\r\n"
    for first in range(0, 256, 64)
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    """One of each for the whole file."""
    missing = {name: why for name in FAR if (why := missing_far(name)) is not None}
    if missing and os.environ.get(REQUIRE_ALL):
        pytest.fail(str(missing))
    if missing:
        pytest.skip(str(missing))
    # Not pytest's own folder: it is closed to others, and the servers run as other users.
    with tempfile.TemporaryDirectory(prefix="exchange-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        with running_exchange(folder, FAR) as running:
            yield running
            assert b"Traceback" not in running.server.log.read_bytes()


@pytest.fixture(params=FAR)
def far(world: Exchange, request: pytest.FixtureRequest) -> FarServer:
    """Each of the two."""
    return world.far[request.param]


def letter(subject: str, body: bytes = b"A few words.\r\n.\r\n..x\r\n", more: bytes = b"") -> bytes:
    """From alice; header and body."""
    head = f"From: alice@example.org\r\nTo: undisclosed:;\r\nSubject: {subject}\r\n".encode()
    return head + more + b"\r\n" + body


def their_letter(far: FarServer, subject: str, body: bytes = b"A few words.\r\n.\r\n") -> bytes:
    """The same from one of theirs."""
    return (
        f"From: user@{far.name}.example\r\nTo: undisclosed:;\r\nSubject: {subject}\r\n"
        f"Message-ID: <{subject}@{far.name}.example>\r\n"
        "Date: Mon, 23 Nov 2026 10:00:00 +0000\r\n\r\n"
    ).encode() + body


@pytest.mark.parametrize("way", WAYS)
def test_to_them(world: Exchange, far: FarServer, way: str) -> None:
    to = far.address(way, f"user-{way}")
    world.submit([to], letter("out"))
    (got,) = far.wait_for(to)
    assert body_of(got) == b"A few words.\r\n.\r\n..x\r\n"
    assert header_of(got, "Return-Path") == "<alice@example.org>"
    received = re.sub(r"\s+", " ", header_of(got, "Received"))
    assert re.search(r"^from (\[127.0.0.1\] \(helo=)?mail\.example\.org", received), received
    assert ("TLS" in received) == (way != "plain"), received


def test_who_cannot_prove_its_name_gets_nothing(world: Exchange, far: FarServer) -> None:
    """Their certificates are their own word; a route that wants them verified waits."""
    to = far.address("verified", "user-verified")
    world.submit([to], letter("verified"))
    domain = to.partition("@")[2]
    wait_until(lambda: world.rows(domain)[0].attempts > 0)
    (row,) = world.rows(domain)
    assert row.state is RecipientState.WAITING
    assert "certificate" in row.reply, row
    assert "user-verified" not in far.log.read_text(errors="replace")


@pytest.mark.parametrize("account", [ALICE, TLS_ALICE], ids=["plain", "tls"])
def test_to_us(world: Exchange, far: FarServer, account: Account) -> None:
    subject = f"in-{far.name}"
    far.send([account.address], their_letter(far, subject))
    (got,) = world.wait_for(f"Subject: {subject}", account)
    assert body_of(got) == b"A few words.\r\n.\r\n"
    received = re.sub(r"\s+", " ", header_of(got, "Received"))
    assert f"from mail.{far.name}.example" in received
    assert ("ESMTPS" in received) == (account is TLS_ALICE), received
    assert passed(got, "mail.example.org", "spf=pass")


def test_what_we_sign_verifies_there(world: Exchange) -> None:
    far = world.far["exim"]
    for number, body in enumerate([b"words\r\n", b"", b"  two  words \t\r\n\r\n\r\n", EIGHT_BIT]):
        to = far.address("mx", f"user-signed-{number}")
        world.submit([to], letter("signed", body), mail=["BODY=8BITMIME"])
        (got,) = far.wait_for(to)
        assert passed(got, "mail.exim.example", "dkim=pass header.d=example.org"), got
        log = far.log.read_text(errors="replace")
        assert len(re.findall(r"DKIM: d=example\.org .*\[verification succeeded\]", log)) > number
    assert "verification failed" not in log, log


def test_what_they_sign_verifies_here(world: Exchange) -> None:
    far = world.far["exim"]
    for number, body in enumerate([b"words\r\n", b"", b"  two  words \t\r\n\r\n\r\n", EIGHT_BIT]):
        far.send([ALICE.address], their_letter(far, f"exim-signed-{number}", body))
        (got,) = world.wait_for(f"Subject: exim-signed-{number}")
        assert passed(got, "mail.example.org", "dkim=pass header.d=exim.example"), got


def test_eight_bits_arrive(world: Exchange, far: FarServer) -> None:
    """What our users send is made 7-bit before it is signed; its content is the same."""
    to = far.address("mx", "user-octets")
    world.submit([to], letter("octets", EIGHT_BIT), mail=["BODY=8BITMIME"])
    (got,) = far.wait_for(to)
    assert message_from_bytes(got).get_payload(decode=True) == EIGHT_BIT
    message = their_letter(far, f"octets-{far.name}", EIGHT_BIT)
    far.send([ALICE.address], message, mail=["BODY=8BITMIME"])
    (got,) = world.wait_for(f"Subject: octets-{far.name}")
    assert body_of(got) == EIGHT_BIT


def test_what_is_passed_on_stays_as_it_is(world: Exchange, far: FarServer) -> None:
    """An alias leads from one of them over us to the other: octets, and whose word it is."""
    onward = world.far[FAR[1 - FAR.index(far.name)]]
    message = their_letter(far, f"forward-{far.name}", EIGHT_BIT)
    far.send([f"to-{onward.name}@example.org"], message, mail=["BODY=8BITMIME"])
    (got,) = onward.wait_for(onward.address("mx", "user-forwarded"))
    assert body_of(got) == EIGHT_BIT
    assert re.fullmatch(r"<srs0=\w+@example\.org>", header_of(got, "Return-Path"))
    assert header_of(got, "ARC-Seal")


def test_addresses_beyond_ascii(world: Exchange, far: FarServer) -> None:
    to = far.address("mx", "user-josé")
    message, wishes = letter("Grüße", b"\xc3\xa4\r\n"), ["SMTPUTF8", "BODY=8BITMIME"]
    world.submit([to], message, sender=ACCENTED, mail=wishes)
    (got,) = far.wait_for(to)
    assert header_of(got, "Subject") == "Grüße"
    assert header_of(got, "Return-Path") == f"<{ACCENTED}>"
    sender = f"user-ø@{far.name}.example"
    message = their_letter(far, f"grüße-{far.name}", b"\xc3\xa4\r\n").replace(
        b"user@", "user-ø@".encode()
    )
    far.send([ACCENTED], message, sender=sender, mail=wishes)
    (got,) = world.wait_for(f"Subject: grüße-{far.name}")
    assert header_of(got, "Return-Path") == f"<{sender}>"


def test_fifty_people_in_three_domains(world: Exchange) -> None:
    ways = [(world.far["postfix"], "mx"), (world.far["exim"], "mx"), (world.far["exim"], "plain")]
    people = [
        (far, far.address(way, f"user-fifty-{number}")) for far, way in ways for number in range(16)
    ] + [(far, far.address(way, "user-fifty-last")) for far, way in ways[:2]]
    assert len(people) == 50
    world.submit([address for _, address in people], letter("fifty"))
    bodies = set()
    for far, address in people:
        (got,) = far.wait_for(address)
        bodies.add(body_of(got))
        assert header_of(got, "Bcc") == ""
    assert bodies == {b"A few words.\r\n.\r\n..x\r\n"}
    # One message with many recipients, not one for each (LIMITS and RFC 5321 §4.5.3.1.8 let us).
    exim = world.far["exim"].log.read_text(errors="replace")
    assert len(re.findall(r"<= alice@example\.org .*user-fifty", exim)) == 2


def test_a_large_message(world: Exchange, far: FarServer) -> None:
    line = b"0123456789abcdef" * 4 + b"\r\n"
    body = line * (8 * 1024 * 1024 // len(line))
    to = far.address("tls", "user-large")
    world.submit([to], letter("large", body))
    (got,) = far.wait_for(to)
    assert body_of(got) == body
    far.send([TLS_ALICE.address], their_letter(far, f"large-{far.name}", body))
    (got,) = world.wait_for(f"Subject: large-{far.name}", TLS_ALICE)
    assert body_of(got) == body


def test_in_chunks(world: Exchange, far: FarServer) -> None:
    """They say themselves that BDAT was used (RFC 3030)."""
    to = far.address("plain", "user-chunks")
    world.submit([to], letter("chunks"))
    far.wait_for(to)
    log = far.log.read_text(errors="replace")
    if far.name == "postfix":  # it says so at the end of the session
        wait_until(lambda: bool(re.search(r"disconnect from .* bdat=\d", far.log.read_text())))
    else:
        assert re.search(r"<= alice@example\.org .* K .*user-chunks", log), log


def test_nobody_there(world: Exchange, far: FarServer) -> None:
    to = far.address("mx", "nobody")
    known = far.address("mx", "user-known")
    world.submit([known, to], letter(f"nobody-{far.name}"))
    far.wait_for(known)
    (got,) = world.wait_for(f"Final-Recipient: rfc822; {to}")
    assert header_of(got, "Return-Path") == "<>"
    text, _, machine = got.partition(b"message/delivery-status")
    assert to.encode() in text
    assert known.encode() not in text
    assert b"Action: failed" in machine
    assert re.search(rb"Status: 5\.[01]\.\d", machine), machine
    assert re.search(rb"Diagnostic-Code: smtp; ?550", machine), machine
    assert f"Remote-MTA: dns; mail.{far.name}.example".encode() in machine, machine
    assert f"Subject: nobody-{far.name}".encode() in machine


def test_nobody_here(world: Exchange, far: FarServer) -> None:
    sender = f"user-asks@{far.name}.example"
    far.send(["nobody@example.org"], their_letter(far, "nobody"), sender=sender)
    (got,) = far.wait_for(sender)
    words = b" ".join(got.split())  # they fold what we said
    assert b"nobody@example.org" in words
    assert b"550 5.1.1 There is no such account" in words, got
    assert header_of(got, "Return-Path") == "<>"


def test_success_is_told_to_us(world: Exchange, far: FarServer) -> None:
    """The far server took over the duty to report (RFC 3461 §5.2.2), so we say nothing."""
    to, envelope = far.address("mx", "user-success"), f"E-{far.name}"
    wishes = ["NOTIFY=SUCCESS,FAILURE", f"ORCPT=rfc822;{to}"]
    world.submit([to], letter("success"), mail=["RET=HDRS", f"ENVID={envelope}"], rcpt=wishes)
    (got,) = world.wait_for(f": {envelope}\r\n")
    assert f"Reporting-MTA: dns; mail.{far.name}.example".encode() in got, got
    assert b"Action: delivered" in got, got
    assert f"Original-Recipient: rfc822;{to}".encode() in got.replace(b"rfc822; ", b"rfc822;")


def test_success_is_told_to_them(world: Exchange, far: FarServer) -> None:
    sender = f"user-success-asks@{far.name}.example"
    far.send([ALICE.address], their_letter(far, "tell"), sender=sender, rcpt=["NOTIFY=SUCCESS"])
    (got,) = far.wait_for(sender)
    assert b"Action: delivered" in got, got
    assert b"Reporting-MTA: dns; mail.example.org" in got, got


def test_a_drain_counts(world: Exchange) -> None:
    wanted = 200
    with world.signed_in() as client:
        for number in range(wanted):
            client.sendmail(ALICE.address, [f"user{number}@sink.example"], letter("drain"))
    wait_until(lambda: len(world.drained("sink.example")) >= wanted, what="all of them")
    got = world.drained("sink.example")
    people = {found[1] for one in got if (found := re.search(rb"X-Rcpt-Args: <(\S+)>", one))}
    assert len(got) == len(people) == wanted


def test_a_server_without_extensions(world: Exchange) -> None:
    """HELO only: we answer for what it cannot tell, and refuse what it cannot carry."""
    world.submit(["user@old.example"], letter("old"), rcpt=["NOTIFY=SUCCESS"])
    (got,) = world.wait_for("Final-Recipient: rfc822; user@old.example")
    assert b"Action: relayed" in got, got
    (kept,) = world.drained("old.example")
    assert kept.endswith(b"\n\nA few words.\n.\n..x\n\n"), kept
    wishes = ["SMTPUTF8", "BODY=8BITMIME"]
    message = letter("Grüße an niemanden", b"\xc3\xa4\r\n")
    world.submit(["user-ä@old.example"], message, mail=wishes)
    (got,) = world.wait_for("Action: failed\r\nStatus: 5.6.7")
    assert "user-ä@old.example".encode() in got, got
    assert len(world.drained("old.example")) == 1
