"""Which messages are made 7-bit before they are signed, and which say SMTPUTF8."""

from __future__ import annotations

import asyncio

import pytest

from pillarbox.accounts.directory import LocalTarget, RemoteTarget
from pillarbox.flow.delivery.envelope import Envelope, Origin, Recipient, Sender
from pillarbox.flow.submission.seven_bit import body_of, is_plain, leaves, plan_seven_bit
from pillarbox.ids import AccountId

PLAIN = b"Subject: Tea\r\n\r\nWords.\r\n"
EIGHT = "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nGrüße\r\n".encode()
UTF8 = "Subject: Grüße\r\n\r\nWords.\r\n".encode()
SEALED = (
    b"Content-Type: multipart/signed; boundary=b\r\n\r\n"
    b"--b\r\n\r\nGr\xc3\xbc\xc3\x9fe\r\n--b\r\n\r\nx\r\n--b--\r\n"
)
BINARY = b"Content-Type: application/x\r\nContent-Transfer-Encoding: binary\r\n\r\na\nb\r"


def envelope(*paths: str, sender: str = "alice@example.org", local: bool = False) -> Envelope:
    return Envelope(
        journey="0123456789ab",
        origin=Origin("192.0.2.3", "x", "ESMTPA", "0123456789ab"),
        sender=Sender(sender, smtputf8=True),
        recipients=tuple(
            Recipient(path, (LocalTarget(AccountId(1), path) if local else RemoteTarget(path),))
            for path in paths
        ),
    )


@pytest.mark.parametrize(
    ("octets", "body", "changes"),
    [
        (PLAIN, "7BIT", False),
        (PLAIN, "8BITMIME", False),
        (EIGHT, "8BITMIME", True),
        (EIGHT, "7BIT", True),  # some programs do not say it
        (UTF8, "8BITMIME", False),  # only its header, which stays
        (SEALED, "8BITMIME", False),
        (BINARY, "BINARYMIME", True),
        (b"", "7BIT", False),
    ],
)
def test_what_is_rewritten(octets: bytes, body: str, changes: bool) -> None:
    plan = asyncio.run(plan_seven_bit(octets, len(octets), body))
    assert (plan is not None) == changes
    if plan is not None:
        text = b"".join(plan.pieces())
        assert text.isascii()
        assert b"\n" not in text.replace(b"\r\n", b"")


def test_the_body_that_is_declared() -> None:
    assert body_of(EIGHT, len(EIGHT), "8BITMIME") == "7BIT"
    assert body_of(UTF8, len(UTF8), "8BITMIME") == "8BITMIME"


@pytest.mark.parametrize(
    ("octets", "paths", "sender", "plain"),
    [
        (PLAIN, ("bob@example.net",), "alice@example.org", True),
        (PLAIN, ("bob@example.net", "jürgen@example.net"), "alice@example.org", False),
        (PLAIN, ("bob@example.net",), "jürgen@example.org", False),
        (UTF8, ("bob@example.net",), "alice@example.org", False),
    ],
)
def test_who_needs_smtputf8(
    octets: bytes, paths: tuple[str, ...], sender: str, plain: bool
) -> None:
    found = asyncio.run(is_plain(envelope(*paths, sender=sender), octets, len(octets)))
    assert found == plain


def test_what_stays_here_stays_as_it_is() -> None:
    assert leaves(envelope("bob@example.net"))
    assert not leaves(envelope("bob@example.org", local=True))
