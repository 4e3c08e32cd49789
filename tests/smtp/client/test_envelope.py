"""MAIL and RCPT as each peer is sent them, and who cannot be served."""

from __future__ import annotations

from typing import Any

import pytest

from pillarbox.smtp.client.capabilities import Capabilities
from pillarbox.smtp.client.envelope import encode_mail, plan_transaction
from pillarbox.smtp.client.transaction import (
    HeldMessage,
    OutgoingRecipient,
    OutgoingTransaction,
)

ALL = Capabilities(
    extended=True,
    size=0,
    pipelining=True,
    chunking=True,
    eightbitmime=True,
    binarymime=True,
    smtputf8=True,
    dsn=True,
    requiretls=True,
)
NONE = Capabilities(extended=True)
EIGHT = Capabilities(extended=True, eightbitmime=True)
DSN_ONLY = Capabilities(extended=True, dsn=True)
B = "b@example.net"
BAD_ADDRESSES = ["", "b", "b@", "@example.net", f"{B}\r\nDATA", f"<{B}>", "b@" + "x" * 300]


def lines(
    peer: Capabilities,
    *to: OutgoingRecipient | str,
    secured: bool = True,
    most: int = 100,
    **more: Any,
) -> tuple[list[str], dict[int, str]]:
    """The commands, and kind and status of who is left out."""
    recipients = tuple(OutgoingRecipient(one) if isinstance(one, str) else one for one in to)
    transaction = OutgoingTransaction(
        **{"reverse_path": "alice@example.org", "message": HeldMessage(b"x" * 10), **more},
        recipients=recipients,
    )
    plan = plan_transaction(transaction, peer, secured=secured, max_recipients=most)
    commands = (
        [encode_mail(plan, transaction, peer, 10), *plan.rcpts.values()] if plan.rcpts else []
    )
    refused = {place: f"{one.kind} {one.status}" for place, one in plan.refused.items()}
    assert sorted([*plan.rcpts, *refused]) == list(range(len(to)))
    return [one.decode().removesuffix("\r\n") for one in commands], refused


def mail(peer: Capabilities, **more: Any) -> str:
    return lines(peer, "bob@example.net", **more)[0][0]


@pytest.mark.parametrize(
    ("peer", "more", "expected"),
    [
        (NONE, {}, "<alice@example.org>"),
        (NONE, {"reverse_path": ""}, "<>"),
        (NONE, {"reverse_path": '"a b"@example.org'}, '<"a b"@example.org>'),
        (ALL, {}, "<alice@example.org> SIZE=10"),
        (NONE, {"ret": "HDRS", "envid": "x+2B"}, "<alice@example.org>"),
        (ALL, {"ret": "HDRS", "envid": "x+2B"}, "<alice@example.org> SIZE=10 RET=HDRS ENVID=x+2B"),
        (ALL, {"body": "8BITMIME"}, "<alice@example.org> SIZE=10 BODY=8BITMIME"),
        (ALL, {"body": "BINARYMIME"}, "<alice@example.org> SIZE=10 BODY=BINARYMIME"),
        (NONE, {"body": "8BITMIME"}, "<alice@example.org>"),
        (
            Capabilities(eightbitmime=True),
            {"body": "BINARYMIME"},
            "<alice@example.org> BODY=8BITMIME",
        ),
        (ALL, {"smtputf8": True}, "<alice@example.org> SIZE=10 SMTPUTF8"),
        (ALL, {"reverse_path": "élise@example.org"}, "<élise@example.org> SIZE=10 SMTPUTF8"),
        (NONE, {"reverse_path": "a@bücher.example"}, "<a@xn--bcher-kva.example>"),
        (ALL, {"requiretls": True}, "<alice@example.org> SIZE=10 REQUIRETLS"),
        (ALL, {"requiretls": True, "reverse_path": ""}, "<> SIZE=10 REQUIRETLS"),
        (NONE, {"requiretls": True, "reverse_path": ""}, "<>"),  # a report: RFC 8689 §5
        (ALL, {"envid": "x\r\nRSET"}, "<alice@example.org> SIZE=10"),
    ],
)
def test_mail(peer: Capabilities, more: dict[str, Any], expected: str) -> None:
    assert mail(peer, **more) == f"MAIL FROM:{expected}"


@pytest.mark.parametrize(
    ("peer", "recipient", "expected"),
    [
        (NONE, (B, "NEVER", "rfc822;b"), ""),
        (ALL, (B, "SUCCESS,DELAY"), " NOTIFY=SUCCESS,DELAY"),
        (ALL, (B, "", "rfc822;x+2Bb@example.org"), " ORCPT=rfc822;x+2Bb@example.org"),
        (DSN_ONLY, (B, "", "utf-8;é@example.org"), r" ORCPT=utf-8;\x{E9}@example.org"),
        (ALL, (B, "NEVER\r\nDATA"), ""),
    ],
)
def test_rcpt(peer: Capabilities, recipient: tuple[str, ...], expected: str) -> None:
    assert lines(peer, OutgoingRecipient(*recipient))[0][1] == f"RCPT TO:<{B}>{expected}"


@pytest.mark.parametrize(
    ("peer", "address", "written"),
    [
        (ALL, "Postmaster", "Postmaster"),
        (NONE, "b@bücher.example", "b@xn--bcher-kva.example"),
        (ALL, "b@bücher.example", "b@bücher.example"),
    ],
)
def test_addresses(peer: Capabilities, address: str, written: str) -> None:
    assert lines(peer, address)[0][1] == f"RCPT TO:<{written}>"


def test_utf8_in_one_recipient_keeps_back_only_that_one() -> None:
    """RFC 6531 §3.5."""
    found, refused = lines(NONE, "b@example.net", "jürgen@example.net")
    assert found == ["MAIL FROM:<alice@example.org>", "RCPT TO:<b@example.net>"]
    assert refused == {1: "failed 5.6.7"}
    found, refused = lines(ALL, "b@example.net", "jürgen@example.net")
    assert found[0].endswith(" SMTPUTF8")
    assert not refused


@pytest.mark.parametrize(
    ("peer", "more", "status"),
    [
        (NONE, {"smtputf8": True}, "5.6.9"),
        (NONE, {"reverse_path": "élise@example.org"}, "5.6.7"),
        (ALL, {"requiretls": True, "secured": False}, "5.7.10"),
        (NONE, {"requiretls": True}, "5.7.30"),
        (Capabilities(size=9), {}, "5.3.4"),
        (ALL, {"reverse_path": "no address"}, "5.1.7"),
        (ALL, {"reverse_path": "a@example.org> SIZE=1\r\nRCPT TO:<x@example.org"}, "5.1.7"),
    ],
)
def test_what_keeps_everybody_back(peer: Capabilities, more: dict[str, Any], status: str) -> None:
    """ASCII recipients too: the message is the same for all."""
    assert lines(peer, "b@example.net", "c@example.net", **more) == (
        [],
        {0: f"failed {status}", 1: f"failed {status}"},
    )


@pytest.mark.parametrize("address", BAD_ADDRESSES)
def test_addresses_that_cannot_be_written(address: str) -> None:
    assert lines(ALL, address, "c@example.net")[1] == {0: "failed 5.1.3"}


def test_limits() -> None:
    """RFC 9422: what is too much for this transaction is for the next."""
    again = "again 4.5.3"
    four = ("a@example.net", "b@example.com", "c@example.net", "d@example.com")
    assert lines(ALL, *four, most=3)[1] == {3: again}
    assert lines(Capabilities(rcpt_max=1), *four)[1] == {1: again, 2: again, 3: again}
    assert lines(Capabilities(rcpt_domain_max=1), *four)[1] == {1: again, 3: again}
