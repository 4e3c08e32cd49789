"""Author domains, as From fields name them."""

from __future__ import annotations

import pytest

from pillarbox.flow.inbound.checks import find_authors
from pillarbox.flow.inbound.facts import Authors


@pytest.mark.parametrize(
    ("header", "authors"),
    [
        (b"From: Carol <carol@example.net>\r\n", Authors(1, ("example.net",))),
        (b"from : carol@example.net (Carol)\r\n", Authors(1, ("example.net",))),
        (b'From: "alice@example.org" <carol@example.net>\r\n', Authors(1, ("example.net",))),
        (b"From: a@example.net, b@example.org, c@example.net\r\n",
         Authors(1, ("example.net", "example.org"))),
        (b"From: Friends: a@example.net, b@example.org;\r\n",
         Authors(1, ("example.net", "example.org"))),
        (b"From: a@example.net\r\nFROM: b@example.org\r\n",
         Authors(2, ("example.net", "example.org"))),
        (b"From: undisclosed:;\r\n", Authors(1, (), False)),
        (b"From: carol\r\n", Authors(1, (), False)),
        (b"From: carol, a@example.net\r\n", Authors(1, ("example.net",), False)),
        (b"From:\r\n", Authors(1, (), False)),
        (b"To: a@example.net\r\n", Authors(0, (), False)),
        (b"", Authors(0, (), False)),
        ("From: a@bücher.example\r\n".encode(), Authors(1, ("bücher.example",))),
        (b"From: a@b\xff.example\r\n", Authors(1, ("b\ufffd.example",), False)),
        (b"From: a@b..example, c@example.net\r\n",
         Authors(1, ("b..example", "example.net"), False)),
        # What other readers may take for somebody else's.
        (b"From: <a@example.org> <c@example.net>\r\n", Authors(1, ("example.net",), False)),
        (b"From: a@example.org c@example.net\r\n", Authors(1, ("example.net",), False)),
        (b"From: " + b"a@example.net, " * 10_000 + b"\r\n", Authors(1, (), False)),
    ],
)  # fmt: skip
def test_authors(header: bytes, authors: Authors) -> None:
    assert find_authors(header + b"Subject: x\r\n\r\n") == authors
