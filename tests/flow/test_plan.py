"""Envelope → copies and queue; the trace in front; what is refused for going round."""

from __future__ import annotations

import pytest

from pillarbox.accounts.directory import LocalTarget, RemoteTarget
from pillarbox.config.smtp import SmtpSettings
from pillarbox.flow.delivery import trace
from pillarbox.flow.delivery.envelope import Envelope, Origin, Recipient, Sender
from pillarbox.flow.delivery.expand import check_account
from pillarbox.flow.delivery.notice import find_action
from pillarbox.flow.delivery.plan import LocalCopy, plan_delivery
from pillarbox.flow.delivery.verdict import Reason
from pillarbox.flow.inbound.policy import decide, gather_facts
from pillarbox.ids import AccountId, ModSeq
from pillarbox.store.model import Account, QueuedRecipient

ALICE = LocalTarget(AccountId(1), "alice@example.org")
BOB = LocalTarget(AccountId(2), "bob@example.org")
FAR = RemoteTarget("carol@example.net")
ORIGIN = Origin("192.0.2.7", "mail.example.net", "ESMTPS", "5e55")


def _envelope(*recipients: Recipient) -> Envelope:
    return Envelope("a1b2", ORIGIN, Sender("dave@example.com"), recipients)


def test_one_copy_an_account_however_it_was_named() -> None:
    plan = plan_delivery(
        _envelope(
            Recipient("alice@example.org", (ALICE,)),
            Recipient("sales@example.org", (ALICE, BOB)),
            Recipient("alice+x@example.org", (LocalTarget(AccountId(1), ALICE.login, "x"),)),
        )
    )
    assert plan.copies == (
        LocalCopy(AccountId(1), "alice@example.org"),
        LocalCopy(AccountId(2), "sales@example.org"),
    )
    assert plan.accounts_of == ((1,), (1, 2), (1,))
    assert plan.remote == ()


def test_far_recipients_are_queued_once_with_their_wishes() -> None:
    plan = plan_delivery(
        _envelope(
            Recipient("far@example.org", (FAR,), notify="SUCCESS", orcpt="rfc822;f@x"),
            Recipient("carol@example.net", (FAR,)),
        )
    )
    assert plan.copies == ()
    assert plan.remote == (QueuedRecipient("carol@example.net", "SUCCESS", "rfc822;f@x"),)


@pytest.mark.parametrize(
    ("notify", "onward"),
    [("SUCCESS", "NEVER"), ("SUCCESS,DELAY", "DELAY"), ("NEVER", "NEVER"), ("", "")],
)
def test_success_behind_an_expanded_alias_is_told_by_us(notify: str, onward: str) -> None:
    both = Recipient("sales@example.org", (ALICE, FAR), notify=notify)
    assert plan_delivery(_envelope(both)).remote[0].notify == onward
    assert find_action(both) == ("expanded" if "SUCCESS" in notify else None)


def test_received_names_its_one_recipient_only() -> None:
    one = Recipient("alice@example.org", (ALICE,))
    text = trace.received(_envelope(one), "mx.example.org", 1_795_392_000)
    assert text == (
        b"Received: from mail.example.net ([192.0.2.7])\r\n"
        b"\tby mx.example.org with ESMTPS id a1b2\r\n"
        b"\tfor <alice@example.org>;\r\n"
        b"\tMon, 23 Nov 2026 00:00:00 +0000\r\n"
    )
    two = trace.received(_envelope(one, Recipient("bob@example.org", (BOB,))), "mx", 0)
    assert b"for <" not in two


@pytest.mark.parametrize(
    ("peer", "shown"), [("2001:db8::1", b"([IPv6:2001:db8::1])"), ("local", b"(local socket)")]
)
def test_received_shows_the_peer(peer: str, shown: bytes) -> None:
    origin = Origin(peer, "x", "LMTP", "5e55")
    envelope = Envelope("a1b2", origin, Sender(""), (Recipient("alice@example.org", (ALICE,)),))
    assert shown in trace.received(envelope, "mx", 0)


@pytest.mark.parametrize(
    ("message", "count"),
    [
        (b"Received: a\r\nreceived: b\r\n c\r\n\r\nReceived: body\r\n", 2),
        (b"Subject: x\r\n\r\n", 0),
        (b"X-Received: a\r\n\r\n", 0),
    ],
)
def test_received_fields_are_counted_in_the_header(message: bytes, count: int) -> None:
    assert gather_facts(message, len(message), 1 << 20).received_fields == count


def test_a_loop_is_refused() -> None:
    settings = SmtpSettings(max_received_fields=30)
    for count, reason in ((30, None), (31, Reason.LOOP)):
        message = b"Received: x\r\n" * count + b"\r\n"
        verdict = decide(gather_facts(message, len(message), 1 << 20), settings)
        assert (verdict.reason if verdict else None) == reason


@pytest.mark.parametrize(
    ("quota", "used", "size", "reason"),
    [
        ((0, 0), (10**12, 10**6), 10**9, None),
        ((1000, 0), (0, 0), 1000, None),
        ((1000, 0), (0, 0), 1001, Reason.LARGER_THAN_MAILBOX),
        ((1000, 0), (500, 1), 501, Reason.MAILBOX_FULL),
        ((1000, 0), (1000, 1), 0, Reason.MAILBOX_FULL),
        ((0, 5), (0, 4), 10, None),
        ((0, 5), (0, 5), 10, Reason.MAILBOX_FULL),
    ],
)
def test_room(
    quota: tuple[int, int], used: tuple[int, int], size: int, reason: Reason | None
) -> None:
    account = Account(
        id=AccountId(1),
        login="alice@example.org",
        name="",
        enabled=True,
        modseq=ModSeq(1),
        quota_octets=quota[0],
        quota_messages=quota[1],
        used_octets=used[0],
        used_messages=used[1],
        created_at=0,
    )
    verdict = check_account(account, size)
    assert (verdict.reason if verdict else None) == reason


@pytest.mark.parametrize(("octets", "reason"), [(70_000, None), (70_001, Reason.HEADER_TOO_LARGE)])
def test_a_header_bomb_is_refused(octets: int, reason: Reason | None) -> None:
    settings = SmtpSettings(max_header_octets=70_000)
    message = b"X: " + b"y" * (octets - 7) + b"\r\n\r\n" + b"body\r\n" * 20_000
    facts = gather_facts(message, len(message), settings.max_header_octets)
    verdict = decide(facts, settings)
    assert (verdict.reason if verdict else None) == reason
