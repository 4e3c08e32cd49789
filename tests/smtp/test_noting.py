"""What the doors note of a message, so that `pillarbox trace` can tell where it went."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from pillarbox.cli.output import plain
from pillarbox.cli.trace import tell
from pillarbox.store.journeys import Note, Step
from support.smtp_bench import Bench, MemoryPeer, open_bench

LETTER = (
    "From: Carol <carol@example.net>\r\nTo: alice@example.org\r\nSubject: Hello\r\n"
    "Date: Mon, 23 Nov 2026 08:00:00 +0000\r\nMessage-ID: <one@example.net>\r\n{}\r\n"
    "Words.\r\n.\r\n"
)


def _journeys(
    folder: Path, key: str, work: Callable[[MemoryPeer], Awaitable[None]]
) -> list[list[Note]]:
    async def run() -> list[list[Note]]:
        async with open_bench(folder) as bench:
            peer = MemoryPeer(bench, peer="192.0.2.9")
            await peer.reply()
            await peer.ask("EHLO mail.example.net")
            await work(peer)
            peer.close()
            return await _found(bench, key)

    return asyncio.run(run())


async def _found(bench: Bench, key: str) -> list[list[Note]]:
    return await bench.store.journeys.find(key, since=0, limit=10)


async def _bring(peer: MemoryPeer, *recipients: str, more: str = "") -> str:
    await peer.ask("MAIL FROM:<carol@example.net>")
    for one in recipients:
        await peer.ask(f"RCPT TO:<{one}>")
    await peer.ask("DATA")
    await peer.send(LETTER.format(more).encode())
    return await peer.reply()


def test_an_accepted_message_is_found_by_its_id_and_told_in_words(tmp_path: Path) -> None:
    async def work(peer: MemoryPeer) -> None:
        assert (await _bring(peer, "far@example.org", "bob@example.org")).startswith("250")

    ((note,),) = _journeys(tmp_path, "<one@example.net>", work)
    assert note.step is Step.ACCEPTED
    assert note.queue_id > 0
    title, line = tell([note])
    assert title.endswith(f"<one@example.net>, queue number {note.queue_id}")
    assert "mail.example.net at 192.0.2.9 by ESMTP brought" in line
    assert "from <carol@example.net> for <far@example.org>, <bob@example.org>" in line
    assert "it was put into the mailbox of bob@example.org" in line
    assert "and went to the queue for carol@example.net" in line


def test_a_refused_recipient_is_found_by_address(tmp_path: Path) -> None:
    async def work(peer: MemoryPeer) -> None:
        await peer.ask("MAIL FROM:<carol@example.net>")
        assert (await peer.ask("RCPT TO:<nobody@example.org>")).startswith("550")

    ((note,),) = _journeys(tmp_path, "nobody@example.org", work)
    assert note.step is Step.REFUSED
    line = tell([note])[1]
    assert (
        "was refused at RCPT, mail from <carol@example.net> for <nobody@example.org>: 550" in line
    )
    assert line.endswith("(unknown-recipient)")


def test_a_refused_message_is_found_by_its_id(tmp_path: Path) -> None:
    async def work(peer: MemoryPeer) -> None:
        loop = "Received: by mx\r\n" * 101
        assert (await _bring(peer, "alice@example.org", more=loop)).startswith("554")

    ((note,),) = _journeys(tmp_path, "one@example.net", work)
    assert (note.step, note.facts["at"], note.facts["reason"]) == (Step.REFUSED, "DATA", "loop")


def test_a_text_that_could_steer_a_terminal_is_shown_harmless() -> None:
    note = Note(step=Step.FAILED, journey="a", at=1.0, facts={"reply": "550 \x1b]0;boo\x07"})
    assert "\x1b" not in plain(tell([note])[1])


def test_every_step_has_words() -> None:
    for step in Step:
        (_, line) = tell([Note(step=step, journey="a", at=1.0)])
        assert line.startswith("  1970-01-01 00:00:01  ")


def test_a_reply_of_several_lines_stays_in_its_line() -> None:
    reply = "550-5.1.1 No such user\n550 5.1.1 Good-bye."
    note = Note(step=Step.FAILED, journey="a", at=1.0, facts={"mx": "mx.x.example", "reply": reply})
    line = tell([note])[1]
    assert line.endswith(": 550-5.1.1 No such user / 550 5.1.1 Good-bye.")
    assert plain(line) == line
