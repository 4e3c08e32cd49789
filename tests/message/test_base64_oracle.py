"""Base64 beside the slow, obvious form: what is no digit goes, padding ends a run."""

from __future__ import annotations

import base64
import re

from hypothesis import given
from hypothesis import strategies as st

from pillarbox.message.transfer import Decoder, decode

PIECES = st.lists(
    st.sampled_from([b"QUJD", b"AB", b"=", b"==", b"\r\n", b"-", b"\xff", b"\0", b"x"])
)


def slowly(raw: bytes) -> bytes:
    decoded = b""
    for run in re.split(rb"=+", re.sub(rb"[^A-Za-z0-9+/=]", b"", raw)):
        whole = run[:-1] if len(run) % 4 == 1 else run  # six bits are no octet
        decoded += base64.b64decode(whole + b"=" * (-len(whole) % 4))
    return decoded


@given(PIECES)
def test_any_octets(pieces: list[bytes]) -> None:
    raw = b"".join(pieces)
    assert decode(raw, "base64") == slowly(raw)


@given(PIECES, st.integers(1, 9))
def test_in_steps(pieces: list[bytes], step: int) -> None:
    raw = b"".join(pieces)
    decoder = Decoder("base64")
    fed = [decoder.feed(raw[at : at + step], last=False) for at in range(0, len(raw), step)]
    assert b"".join([*fed, decoder.feed(b"", last=True)]) == slowly(raw)
