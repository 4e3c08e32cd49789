"""Decoding in steps gives what decoding at once gives, and holds little."""

from __future__ import annotations

import base64
import binascii
import os
import quopri

import pytest

from pillarbox.message.transfer import Decoder, decode

PLAIN = os.urandom(3000) + b"some text = \r\n" * 40


def uuencoded(octets: bytes) -> bytes:
    lines = [binascii.b2a_uu(octets[at : at + 45]) for at in range(0, len(octets), 45)]
    return b"a word before\r\nbegin 644 a.bin\r\n" + b"".join(lines) + b"`\nend\r\nand behind\r\n"


ENCODED = {
    "base64": base64.encodebytes(PLAIN).replace(b"\n", b"\r\n"),
    "quoted-printable": quopri.encodestring(PLAIN),
    "x-uuencode": uuencoded(PLAIN),
    "": PLAIN,
}


@pytest.mark.parametrize("step", [1, 7, 64, 1000, 100_000])
@pytest.mark.parametrize("encoding", ENCODED)
def test_steps_do_not_matter(encoding: str, step: int) -> None:
    raw = ENCODED[encoding]
    decoder = Decoder(encoding)
    pieces = [
        decoder.feed(raw[at : at + step], last=at + step >= len(raw))
        for at in range(0, len(raw), step)
    ]
    assert b"".join(pieces) == decode(raw, encoding)
    if encoding != "quoted-printable":
        assert b"".join(pieces) == PLAIN


@pytest.mark.parametrize("raw", [b"no begin here\r\n" * 9, b"begin 644 x", b""])
def test_uuencode_that_is_none(raw: bytes) -> None:
    assert decode(raw, "x-uue") == raw


@pytest.mark.parametrize("encoding", ENCODED)
def test_a_line_without_end_is_not_gathered(encoding: str) -> None:
    decoder = Decoder(encoding)
    decoder.feed(b"begin 644 x\n", last=False)
    for _ in range(200):
        decoder.feed(b"A" * 65_536, last=False)
        assert len(decoder._kept) < 2048
