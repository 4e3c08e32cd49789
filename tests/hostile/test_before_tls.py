"""Commands behind STARTTLS, in one packet and in two: none is obeyed (CVE-2011-0411)."""

from __future__ import annotations

import time

import pytest

from pillarbox.testing import RunningServer
from support.raw_peer import RawPeer, imap_peer, pop3_peer, smtp_peer

DOORS = {
    "smtp": (b"STARTTLS\r\n", b"NOOP\r\nMAIL FROM:<a@example.net>\r\n", b"NOOP\r\n"),
    "submission": (b"STARTTLS\r\n", b"NOOP\r\n", b"NOOP\r\n"),
    "imap": (b"s STARTTLS\r\n", b"evil NOOP\r\n", b"ask NOOP\r\n"),
    "pop3": (b"STLS\r\n", b"CAPA\r\n", b"CAPA\r\n"),
}


def greeted(server: RunningServer, door: str) -> RawPeer:
    open_door = {"imap": imap_peer, "pop3": pop3_peer}.get(door, smtp_peer)
    return open_door(server.ports[door])


@pytest.mark.parametrize("door", DOORS)
def test_commands_in_the_same_packet_close_the_connection(server: RunningServer, door: str) -> None:
    start, evil, _ = DOORS[door]
    with greeted(server, door) as peer:
        peer.send(start + evil)
        said = peer.rest()
    assert b"evil" not in said
    assert said.count(b"\r\n") <= 1, said  # the go-ahead, or a refusal; not a second answer


@pytest.mark.parametrize("door", DOORS)
def test_commands_in_a_second_packet_break_the_handshake(server: RunningServer, door: str) -> None:
    start, evil, _ = DOORS[door]
    with greeted(server, door) as peer:
        peer.send(start)
        peer.line()
        peer.send(evil)
        assert peer.is_closed(5)
        assert b"evil OK" not in peer.rest()


@pytest.mark.parametrize("door", DOORS)
def test_a_split_start_leaves_nothing_over(server: RunningServer, door: str) -> None:
    """The line in two packets, then a real handshake: the first answer inside is to what was asked
    inside."""
    start, _, ask = DOORS[door]
    with greeted(server, door) as peer:
        peer.send(start[:4])
        time.sleep(0.02)
        peer.send(start[4:])
        peer.line()
        peer.start_tls()
        peer.send(ask)
        answer = peer.line()
        assert answer[:3] in (b"250", b"ask", b"+OK", b"503", b"530"), answer


@pytest.mark.parametrize("door", ["imaps", "pop3s", "submissions"])
@pytest.mark.parametrize("octets", [b"NOOP\r\n", b"\0" * 300, b"\x16\x03\x01\xff\xff" + b"A" * 300])
def test_plain_octets_at_a_tls_port(server: RunningServer, door: str, octets: bytes) -> None:
    with RawPeer(server.ports[door]) as peer:
        peer.send(octets)
        peer.socket.shutdown(1)
        assert peer.is_closed(5)
        assert b"OK" not in peer.rest()
