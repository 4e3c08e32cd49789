"""Lines of an exchange: base64, "=" and "*"."""

from __future__ import annotations

import pytest

from pillarbox.errors import PillarboxError
from pillarbox.sasl.errors import Cancelled, NotBase64
from pillarbox.sasl.line import decode_initial, decode_line, encode_line


@pytest.mark.parametrize(
    ("line", "octets"), [(b"", b""), (b"AGEAYg==", b"\0a\0b"), (b"YQ==", b"a")]
)
def test_lines(line: bytes, octets: bytes) -> None:
    assert decode_line(line) == decode_initial(line) == octets
    assert encode_line(octets) == line


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b"*", Cancelled),
        (b"=", NotBase64),
        (b"a", NotBase64),
        (b"YQ", NotBase64),
        (b"Y Q==", NotBase64),
        (b"\xff\xff==", NotBase64),
    ],
)
def test_other_lines(line: bytes, error: type[PillarboxError]) -> None:
    with pytest.raises(error):
        decode_line(line)


def test_no_initial_response_and_an_empty_one() -> None:
    assert decode_initial(None) is None
    assert decode_initial(b"=") == b""
