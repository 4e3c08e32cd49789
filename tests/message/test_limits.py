"""Each bound of [store.message] is met; what is beyond stays in the message, untaken."""

from __future__ import annotations

import msgspec
import pytest

from pillarbox.config.message import MessageSettings
from pillarbox.message.structure import Node, scan

SETTINGS = {field.name for field in msgspec.structs.fields(MessageSettings)}


def multipart(parts: int, boundary: bytes = b"b", part: bytes = b"\r\nx") -> bytes:
    head = b"Content-Type: multipart/mixed; boundary=%b\r\n\r\n" % boundary
    return head + (b"--%b\r\n%b\r\n" % (boundary, part)) * parts + b"--%b--\r\n" % boundary


def nested(levels: int) -> bytes:
    message = b"Subject: x\r\n\r\nx"
    for level in range(levels):
        message = (
            b"Content-Type: multipart/mixed; boundary=b%d-\r\n\r\n--b%d-\r\n" % (level, level)
            + message
        )
    return message


def found(message: bytes, **changes: int) -> list[Node]:
    return scan(message, msgspec.structs.replace(MessageSettings(), **changes))


def depth(nodes: list[Node]) -> int:
    return max(node.depth for node in nodes)


def test_max_depth() -> None:
    assert depth(found(nested(9))) == 9
    assert depth(found(nested(9), max_depth=4)) == 5  # the unopened one


def test_max_parts() -> None:
    assert len(found(multipart(50))) == 51
    nodes = found(multipart(50), max_parts=10)
    assert len(nodes) == 10
    assert nodes[-1].body_end > nodes[-1].body_start + 100, "the last holds the rest"


def test_max_part_header_octets() -> None:
    message = b"X: %b\r\nSubject: late\r\n\r\n" % (b"x" * 5000)
    assert found(message)[0].first(b"subject") == b"late"
    assert found(message, max_part_header_octets=4096)[0].first(b"subject") is None


def test_max_headers_octets_and_short_header_octets() -> None:
    part = b"X: %b\r\nContent-Type: text/html\r\n\r\nx" % (b"x" * 500)
    subtypes = [node.subtype for node in found(multipart(20, part=part))[1:]]
    assert subtypes == [b"html"] * 20
    limited = found(multipart(20, part=part), max_headers_octets=4096, short_header_octets=128)
    subtypes = [node.subtype for node in limited[1:]]
    assert subtypes[0] == b"html"
    assert subtypes[-1] == b"plain", "its type stands beyond the first 128 octets"


def test_max_boundary_octets() -> None:
    message = multipart(3, boundary=b"b" * 80)
    assert len(found(message)) == 4
    assert len(found(message, max_boundary_octets=79)) == 2


def test_max_near_boundaries() -> None:
    message = multipart(1, part=b"\r\n" + b"--b is no boundary\r\n" * 150)
    message = message.replace(b"--b--\r\n", b"--b\r\n\r\nsecond\r\n--b--\r\n")
    assert len(found(message)) == 3
    assert len(found(message, max_near_boundaries=100)) == 2


@pytest.mark.parametrize(("factor", "octets", "levels"), [(1, 0, 2), (2, 0, 3), (1, 8000, 3)])
def test_search_factor_and_search_octets(factor: int, octets: int, levels: int) -> None:
    """Each level of this message is nearly as long as all of it; one may pass the bound."""
    message = nested(12) + b"x" * 4000
    assert 4000 < len(message) < 5000
    nodes = found(message, search_factor=factor, search_octets=octets)
    assert depth(nodes) == levels + 1, "below the last opened one is a part that stays closed"
    assert depth(found(message)) == 12


def test_each_setting_is_met_here() -> None:
    named = " ".join(name for name in globals() if name.startswith("test_"))
    assert {name for name in SETTINGS if name not in named} == set()
