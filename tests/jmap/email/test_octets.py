"""Sizes of decoded parts, and what is read for them."""

from __future__ import annotations

import asyncio
import base64
import random

import pytest

from pillarbox.jmap.email.octets import Source
from pillarbox.message import transfer
from pillarbox.message.part import Part

SIZES = [300_000, 300_001, 300_002, 57 * 6000, 57 * 6000 + 1]


class Counted:
    """Octets that count what is read of them."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self.size = len(octets)
        self.was_read = 0

    async def read(self, start: int, end: int) -> bytes:
        self.was_read += end - start
        return self._octets[start:end]


def sized(raw: bytes, encoding: str = "base64") -> tuple[int, int, int]:
    """The size that is told, the true one, and how many octets were read for it."""
    octets = Counted(b"trace: x\r\n" + raw)
    lines = raw.count(b"\n") + (not raw.endswith(b"\n"))
    part = Part(0, 0, len(raw), lines, encoding=encoding)
    told = asyncio.run(Source(octets, part, 10).decoded_size(part))
    return told, len(transfer.decode(raw, encoding)), octets.was_read


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
@pytest.mark.parametrize("last", [b"", b"end"])
def test_a_large_file_is_not_read(size: int, end: bytes, last: bytes) -> None:
    raw = base64.encodebytes(random.Random(size).randbytes(size)).replace(b"\n", end)
    told, true, was_read = sized(raw if last else raw.removesuffix(end))
    assert told == true == size
    assert was_read < 5_000


@pytest.mark.parametrize(
    "spoil",
    [
        lambda raw: raw.replace(b"\r\n", b"\r\n\r\n", 1),
        lambda raw: raw[:5000] + b" " + raw[5000:],
        lambda raw: raw + b"\r\n\r\n",
        lambda raw: raw + b"A footer of a list.\r\n",
        lambda raw: raw[:-10] + b"\r\n" + raw[-10:],
        lambda raw: b"\r\n" + raw,
        lambda raw: raw.replace(b"\r\n", b""),
    ],
)
def test_odd_lines_are_decoded(spoil: object) -> None:
    raw = base64.encodebytes(random.Random(1).randbytes(300_000)).replace(b"\n", b"\r\n")
    assert callable(spoil)
    told, true, _ = sized(spoil(raw))
    assert told == true


@pytest.mark.parametrize("encoding", ["quoted-printable", "7bit", "uuencode", "x-unknown", "8bit"])
@pytest.mark.parametrize("size", [0, 10, 400_000])
def test_other_encodings(encoding: str, size: int) -> None:
    raw = (b"caf=C3=A9 und so weiter\r\n" * (size // 20))[:size]
    told, true, _ = sized(raw, encoding)
    assert told == true
