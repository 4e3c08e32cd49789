"""What people want done with mail that arrives, through a real door and a real store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest

from pillarbox.store.model import Role
from pillarbox.store.sql import changes, mailboxes, rules
from pillarbox.store.sql.rules import Forward, MailRules, Vacation
from support.fake_clock import FakeClock
from support.smtp_bench import Bench, MemoryPeer, open_bench

AWAY = Vacation(is_enabled=True, text="I am away until Monday.")
LETTER = "From: Carol <carol@example.net>\r\nTo: alice@example.org\r\nSubject: Tuesday\r\n"


def run(folder: Path, work: Callable[[Bench, FakeClock], Awaitable[None]]) -> None:
    async def whole() -> None:
        clock = FakeClock()
        async with open_bench(folder, clock=clock) as bench:
            await work(bench, clock)

    asyncio.run(whole())


NONE, HERE = MailRules(), Vacation()


async def give(bench: Bench, given: MailRules = NONE, away: Vacation = HERE) -> None:
    account = await bench.account("alice@example.org")
    await bench.store.write(lambda tx: rules.put(tx, account, given, away))


async def send(
    bench: Bench,
    head: str = LETTER,
    sender: str = "carol@example.net",
    to: str = "alice@example.org",
) -> None:
    peer = MemoryPeer(bench, "mx")
    await peer.reply()
    await peer.ask("EHLO x.example.net")
    assert (await peer.ask(f"MAIL FROM:<{sender}>")).startswith("250")
    assert (await peer.ask(f"RCPT TO:<{to}>")).startswith("250")
    assert (await peer.ask("DATA")).startswith("354")
    await peer.send(head.encode() + b"Message-ID: <1@example.net>\r\n\r\nHello.\r\n.\r\n")
    assert (await peer.reply()).startswith("250")
    peer.close()


async def in_junk(bench: Bench) -> int:
    account = await bench.account("alice@example.org")

    async def count(db: Any) -> int:
        junk = await mailboxes.by_role(db, account, Role.JUNK)
        assert junk is not None
        return len(await changes.placed(db, account, junk.id))

    return await bench.store.read(count)


@pytest.mark.parametrize(
    ("blocked", "sender", "junk"),
    [
        ("carol@example.net", "carol@example.net", 1),
        ("carol@example.net", "bounces@lists.example.net", 1),  # the author counts, too
        ("@example.net", "dave@elsewhere.example", 1),
        ("dave@example.net", "carol@example.net", 0),
        ("@ample.net", "carol@example.net", 0),
    ],
)
def test_blocked_senders_go_to_junk(tmp_path: Path, blocked: str, sender: str, junk: int) -> None:
    async def work(bench: Bench, _clock: FakeClock) -> None:
        await give(bench, MailRules(blocked=(blocked,)), AWAY)
        await send(bench, sender=sender)
        assert await in_junk(bench) == junk
        assert len(await bench.octets("alice@example.org")) == 1 - junk
        assert len(await bench.queued()) == (0 if junk else 1)  # who is blocked gets no answer

    run(tmp_path, work)


@pytest.mark.parametrize("keep", [True, False])
def test_forwarding_keeps_a_copy_or_not(tmp_path: Path, keep: bool) -> None:
    async def work(bench: Bench, _clock: FakeClock) -> None:
        there = Forward("alice@elsewhere.example", keep, verified=True)
        not_yet = Forward("other@elsewhere.example", keep_copy=False)
        await give(bench, MailRules(forward=(there, not_yet)))
        await send(bench)
        (queued,) = await bench.queued()
        assert [one.forward_path for one, _ in queued.recipients] == ["alice@elsewhere.example"]
        assert queued.reverse_path.endswith("@example.org")  # ours: their SPF knows us
        assert len(await bench.octets("alice@example.org")) == int(keep)

    run(tmp_path, work)


def test_forwarding_to_a_neighbour_and_round_in_circles(tmp_path: Path) -> None:
    async def work(bench: Bench, _clock: FakeClock) -> None:
        onward = Forward("bob@example.org", keep_copy=False, verified=True)
        await give(bench, MailRules(forward=(onward,)))
        await send(bench)
        assert await bench.octets("alice@example.org") == []
        (copy,) = await bench.octets("bob@example.org")
        returned = copy.split(b"\r\n\r\n")[0].decode().replace("\r\n\t", " ") + "\r\n"
        await send(bench, head=returned)
        assert len(await bench.octets("alice@example.org")) == 1  # it was here before: it stays

    run(tmp_path, work)


def test_one_answer_a_week_to_each_sender(tmp_path: Path) -> None:
    async def work(bench: Bench, clock: FakeClock) -> None:
        await give(bench, away=AWAY)
        await send(bench)
        await send(bench)
        await send(bench, sender="dave@example.net")
        assert len(await bench.octets("alice@example.org")) == 3
        first, second = await bench.queued()
        assert [one.forward_path for one, _ in first.recipients] == ["carol@example.net"]
        assert [one.forward_path for one, _ in second.recipients] == ["dave@example.net"]
        assert first.reverse_path == ""
        content = bench.store.content(first)
        answer = message_from_bytes(await content.read(0, content.size))
        assert answer["Auto-Submitted"] == "auto-replied"
        assert answer["In-Reply-To"] == answer["References"] == "<1@example.net>"
        assert answer["Subject"] == "Auto: Tuesday"
        assert answer["From"] == "alice@example.org"
        assert answer.get_payload() == "I am away until Monday.\r\n"
        await clock.advance(8 * 86_400)
        await send(bench)
        assert len(await bench.queued()) == 3

    run(tmp_path, work)


TO_NOBODY = [
    ("", LETTER),
    ("noreply@example.net", LETTER),
    ("news-request@example.net", LETTER),
    ("bounce-123@example.net", LETTER),
    ("alice@example.org", LETTER),
    ("carol@example.net", LETTER + "List-Id: <news.example.net>\r\n"),
    ("carol@example.net", LETTER + "Auto-Submitted: auto-generated; x=y\r\n"),
    ("carol@example.net", LETTER + "Precedence: Bulk\r\n"),
    ("carol@example.net", LETTER.replace("To: alice@", "To: everyone@")),
]


@pytest.mark.parametrize(("sender", "head"), TO_NOBODY)
def test_programs_and_lists_get_no_answer(tmp_path: Path, sender: str, head: str) -> None:
    async def work(bench: Bench, _clock: FakeClock) -> None:
        await give(bench, away=AWAY)
        await send(bench, head=head, sender=sender)
        assert len(await bench.octets("alice@example.org")) == 1
        assert await bench.queued() == []

    run(tmp_path, work)


@pytest.mark.parametrize(
    ("begins", "ends", "answers"),
    [(0, 0, 1), (-60, 60, 1), (60, 0, 0), (0, -60, 0)],
)
def test_an_absence_has_a_beginning_and_an_end(
    tmp_path: Path, begins: int, ends: int, answers: int
) -> None:
    async def work(bench: Bench, clock: FakeClock) -> None:
        now = int(clock.now().timestamp())
        away = Vacation(
            is_enabled=True,
            begins_at=now + begins if begins else 0,
            ends_at=now + ends if ends else 0,
            html="<p>away</p>",
        )
        await give(bench, away=away)
        await send(bench, head=LETTER.replace("alice@", "Alice+shop@"), to="alice@example.org")
        assert len(await bench.queued()) == answers

    run(tmp_path, work)
