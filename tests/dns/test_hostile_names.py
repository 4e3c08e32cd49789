"""Answers that are made to cost time."""

from __future__ import annotations

import struct
import time

import pytest

from pillarbox.dns.wire import MAX_RECORDS, Question, parse_reply
from pillarbox.dns.wire_names import MAX_HOPS, MalformedReply, NameReader
from support.machine import cpu_bound

DEEP = b"\1a" * 120 + b"\0"
TOP = struct.pack("!HHHHHH", 1, 0x8180, 1, MAX_RECORDS - 1, 0, 0)


@pytest.mark.timed
def test_thousands_of_deep_names_take_little_time() -> None:
    """dnspython takes seconds for this one, in which the whole server stands still."""
    record = b"\xc0\x0c" + struct.pack("!HHIH", 5, 1, 60, 2) + b"\xc0\x0e"
    octets = TOP + DEEP + struct.pack("!HH", 1, 1) + record * (MAX_RECORDS - 1)
    started = time.process_time()
    reply = parse_reply(octets, Question(".".join("a" * 120), "A"))
    assert time.process_time() - started < cpu_bound(0.5)
    assert reply is not None
    assert [found.rdtype for found in reply.chain] == ["CNAME"]


@pytest.mark.parametrize("hops", [MAX_HOPS, MAX_HOPS + 1, 8000])
def test_chains_of_pointers(hops: int) -> None:
    octets = b"\1a\0" + b"".join(
        struct.pack("!H", 0xC000 | (0 if n == 0 else 1 + 2 * n)) for n in range(hops)
    )
    reader = NameReader(octets)
    if hops <= MAX_HOPS:
        assert reader.read(len(octets) - 2) == ((b"a",), len(octets))
    else:
        with pytest.raises(MalformedReply):
            reader.read(len(octets) - 2)


@pytest.mark.parametrize(
    "octets",
    [b"\xc0\0", b"\xc0\2\xc0\0", b"\1a\xc0\0", b"\xff\xff", b"\x40a\0", b"\x3fabc\0",
     b"\1a" * 127 + b"\1b\0", b"\1a", b"", b"\xc0"],
)  # fmt: skip
def test_what_is_no_name(octets: bytes) -> None:
    with pytest.raises((MalformedReply, IndexError)):
        NameReader(octets).read(0)


def test_names_of_255_octets_and_not_more() -> None:
    assert len(NameReader(b"\1a" * 127 + b"\0").read(0)[0]) == 127
    shared = b"\1a" * 100 + b"\0"
    longer = shared + b"\1b" * 28 + b"\xc0\0"
    with pytest.raises(MalformedReply):
        NameReader(longer).read(len(shared))
