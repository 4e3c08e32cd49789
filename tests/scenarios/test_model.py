"""The model test over real sockets: thousands of random steps, an oracle beside each."""

from __future__ import annotations

import asyncio
import random

import pytest

from support.imap_sessions import Session
from support.model_walk import Walk
from support.recount import check_counts
from support.seeds import seeds
from support.server import Account, MailServer

pytestmark = [pytest.mark.interop, pytest.mark.slow, pytest.mark.timeout(14400)]

EVERYONE = 40  # steps between comparisons of every session


def test_random_steps(
    mail_server: MailServer, account: Account, seed: int, request: pytest.FixtureRequest
) -> None:
    steps = request.config.getoption("--model-steps")
    walk = Walk(mail_server, account, random.Random(seed))
    try:
        asyncio.run(_scenario(walk, steps))
    except BaseException:
        print(f"seed {seed}; the last steps:", *walk.trail, sep="\n  ")
        for session in walk.sessions:
            print(f"{session.name} in {session.mailbox} heard:", *session.heard, sep="\n  ")
            print("and believes in", session.mirror.uids)
        raise
    print(f"{check_counts(mail_server)} placements counted anew")


@pytest.mark.parametrize("known", seeds("model"))
def test_seeds_that_once_failed(mail_server: MailServer, account: Account, known: int) -> None:
    asyncio.run(_scenario(Walk(mail_server, account, random.Random(known)), 300))
    check_counts(mail_server)


async def _scenario(walk: Walk, steps: int) -> None:
    await walk.begin()
    try:
        for number in range(steps):
            await walk.step()
            if number % EVERYONE == 0:
                await walk.compare_everyone()
        await walk.compare_everyone()
        await _compare_contents(walk)
    finally:
        await walk.end()


async def _compare_contents(walk: Walk) -> None:
    """At the end a new client finds under every UID the message that was put there."""
    session = await Session.open(walk.server, walk.account, name="last")
    for box in walk.oracle.boxes:
        await session.select(box)
        fields = "BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]"
        answer = await session.command(f"UID FETCH 1:* ({fields})")
        found = {
            int(items["UID"]): b"".join(
                value for value in items.values() if isinstance(value, bytes) and b"<" in value
            )
            for items in answer.fetched.values()
        }
        kept = walk.oracle.boxes[box].kept
        assert found.keys() == kept.keys()
        for uid, one in kept.items():
            letter = walk.jmap.emails.letter(one.number) if walk.jmap else one.number
            assert f"<sample-{letter}@example.net>".encode() in found[uid]
    await session.close()
