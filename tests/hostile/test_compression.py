"""COMPRESS=DEFLATE: small octets that stand for very many (RFC 4978)."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import pytest

from pillarbox.testing import RunningServer
from support.hostile_bounds import BYSTANDER, PASSWORD, PROMPT
from support.raw_peer import RawPeer, bystander, imap_peer, watched

MIB = 1 << 20


def deflated(pieces: Iterator[bytes]) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return b"".join([*map(packer.compress, pieces), packer.flush(zlib.Z_SYNC_FLUSH)])


def compressed_peer(server: RunningServer, login: str) -> RawPeer:
    peer = imap_peer(server.imap, login, PASSWORD)
    assert b" OK " in peer.imap(b"COMPRESS DEFLATE")
    return peer


def repeated(first: bytes, piece: bytes, times: int) -> bytes:
    def pieces() -> Iterator[bytes]:
        yield first
        for _ in range(times):
            yield piece

    return deflated(pieces())


BOMBS = {
    "one line of 1 GiB": lambda: repeated(b"a NOOP ", b"x" * MIB, 1024),
    "empty lines": lambda: repeated(b"", b"\r\n" * (MIB // 2), 256),
    "an unwanted literal": lambda: repeated(b"a SEARCH TEXT {130000000+}\r\n", b"x" * MIB, 512),
    "a message": lambda: repeated(b"a APPEND INBOX {52428800+}\r\n", b"x" * MIB, 200),
    "a thousand messages": lambda: repeated(
        b"", b"a APPEND INBOX {1000000+}\r\n" + b"x" * 1_000_000 + b"\r\n", 300
    ),
    "a great many commands": lambda: repeated(b"", b"a NOOP\r\n" * 100_000, 3),
}


@pytest.mark.timed
@pytest.mark.parametrize("bomb", BOMBS)
def test_octets_that_stand_for_very_many(
    server: RunningServer, login: str, worker: int, bomb: str
) -> None:
    octets = BOMBS[bomb]()
    with (
        compressed_peer(server, login) as peer,
        watched(worker) as peak,
        bystander(server.imap, BYSTANDER, PASSWORD) as other,
    ):
        peer.push(octets, 2)
        peer.is_closed(1)
    print(
        f"{bomb}: {len(octets)} octets, +{peak.growth_mib:.0f} MiB, others waited "
        f"{other.longest:.2f} s at most"
    )
    assert peak.growth_mib < 40
    assert other.longest < PROMPT


@pytest.mark.parametrize(
    "octets", [b"\xff" * 100, b"NOOP\r\n", b"\x07" * 9, b"\0" * 1000], ids=repr
)
def test_what_is_no_deflate_ends_the_connection(
    server: RunningServer, login: str, octets: bytes
) -> None:
    with compressed_peer(server, login) as peer:
        peer.send(octets)
        assert peer.is_closed(5)


def test_the_end_of_the_stream_ends_the_connection(server: RunningServer, login: str) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    ended = packer.compress(b"a NOOP\r\n") + packer.flush(zlib.Z_FINISH)
    with compressed_peer(server, login) as peer:
        peer.send(ended + b"evil NOOP\r\n")
        assert peer.is_closed(5)
        answers = zlib.decompressobj(-15).decompress(peer.rest())
    assert b"evil" not in answers


def test_plain_commands_behind_compress_are_no_commands(server: RunningServer, login: str) -> None:
    with imap_peer(server.imap, login, PASSWORD) as peer:
        peer.send(b"c COMPRESS DEFLATE\r\nevil NOOP\r\nevil LOGOUT\r\n")
        assert b"c OK" in peer.line()
        assert peer.is_closed(5)
        assert b"evil" not in zlib.decompressobj(-15).decompress(peer.rest())
