"""Twenty connections in one mailbox, spread over two worker processes, each doing as it likes.

Each connection keeps its own picture from untagged data and asks for UIDs by sequence number, so a
wrong number shows at once. At the end, what was acknowledged must be there: every connection owns
one keyword, and no other touches it.
"""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field

import pytest

from support.imap_client import Answer, literal
from support.imap_mirror import parse_set
from support.imap_sessions import Session, code_numbers
from support.mailing import sample
from support.recount import check_counts
from support.seeds import seeds
from support.server import Account, MailServer

pytestmark = [pytest.mark.interop, pytest.mark.slow, pytest.mark.timeout(7200)]

CONNECTIONS = 20
START = 60
MOST = 250  # messages; APPEND waits above it
OTHER = "Elsewhere"


@dataclass
class Ledger:
    """What the server acknowledged to anyone."""

    appended: set[int] = field(default_factory=set)
    marked: set[int] = field(default_factory=set)  # \\Deleted was asked for
    expunged: set[int] = field(default_factory=set)  # UID EXPUNGE was answered OK
    moved: dict[int, int] = field(default_factory=dict)  # UID here → UID there
    keyword: dict[tuple[str, int], bool] = field(default_factory=dict)  # (owner, UID) → set?
    commands: int = 0


class Worker:
    """One connection's random walk."""

    def __init__(self, session: Session, ledger: Ledger, rng: random.Random) -> None:
        self.session = session
        self.ledger = ledger
        self.rng = rng
        self.keyword = f"k{session.name}"

    async def run(self, until: float) -> None:
        """Do things until the time is over."""
        steps = [
            (self.fetch, 6),
            (self.store_own_keyword, 8),
            (self.mark_deleted, 2),
            (self.expunge, 1),
            (self.uid_expunge, 1),
            (self.append, 4),
            (self.move, 1),
            (self.noop, 2),
            (self.idle, 1),
        ]
        actions = [step for step, weight in steps for _ in range(weight)]
        while time.monotonic() < until:
            await self.rng.choice(actions)()
            self.ledger.commands += 1

    def pick(self) -> tuple[int, int] | None:
        """A sequence number and the UID that we believe it has."""
        known = [
            (number, entry.uid)
            for number, entry in enumerate(self.session.mirror.entries, 1)
            if entry.uid is not None
        ]
        return self.rng.choice(known) if known else None

    async def fetch(self) -> None:
        if chosen := self.pick():
            number, uid = chosen
            answer = await self.session.command(f"FETCH {number} (UID FLAGS BODY.PEEK[TEXT]<0.9>)")
            self.check(answer)
            for fetched, items in answer.fetched.items():
                if fetched == number and "UID" in items:
                    assert int(items["UID"]) == uid

    async def store_own_keyword(self) -> None:
        if chosen := self.pick():
            number, uid = chosen
            present = self.rng.random() < 0.6
            sign = "+" if present else "-"
            answer = await self.session.command(f"STORE {number} {sign}FLAGS ({self.keyword})")
            self.check(answer)
            self.ledger.keyword[self.keyword, uid] = present

    async def mark_deleted(self) -> None:
        if chosen := self.pick():
            number, uid = chosen
            self.ledger.marked.add(uid)  # before: another's EXPUNGE may follow at once
            answer = await self.session.command(f"STORE {number} +FLAGS.SILENT (\\Deleted)")
            self.check(answer)
            if answer.ok:
                self.session.mirror.added_silently(uid, "\\Deleted")

    async def expunge(self) -> None:
        self.check(await self.session.command("EXPUNGE"))
        await self.session.learn()

    async def uid_expunge(self) -> None:
        if chosen := self.pick():
            _, uid = chosen
            self.ledger.marked.add(uid)
            self.check(await self.session.command(f"UID STORE {uid} +FLAGS.SILENT (\\Deleted)"))
            self.session.mirror.added_silently(uid, "\\Deleted")
            self.check(await self.session.command(f"UID EXPUNGE {uid}"))
            self.ledger.expunged.add(uid)

    async def append(self) -> None:
        if len(self.session.mirror.entries) > MOST:
            return await self.expunge()
        number = self.rng.randrange(10**9)
        answer = await self.session.command("APPEND INBOX ", literal(sample(number)))
        assert answer.ok, answer
        _, uid = code_numbers(answer, "APPENDUID")
        assert int(uid) not in self.ledger.appended
        self.ledger.appended.add(int(uid))
        return None

    async def move(self) -> None:
        if chosen := self.pick():
            number, _ = chosen
            answer = await self.session.command(f"MOVE {number} {OTHER}")
            self.check(answer)
            if codes := code_numbers(answer, "COPYUID"):
                for here, there in zip(parse_set(codes[1]), parse_set(codes[2]), strict=True):
                    assert here not in self.ledger.moved, f"UID {here} was moved twice"
                    self.ledger.moved[here] = there

    async def noop(self) -> None:
        await self.session.noop()
        await self.session.learn()

    async def idle(self) -> None:
        await self.session.idle()
        await asyncio.sleep(self.rng.random() * 0.05)
        await self.session.wake()

    def check(self, answer: Answer) -> None:
        """OK, or NO because another expunged the message first (RFC 9051 §7.1 EXPUNGEISSUED)."""
        assert answer.ok or "EXPUNGEISSUED" in answer.code, (self.session.name, answer)


def test_twenty_connections(
    mail_server: MailServer, account: Account, seed: int, request: pytest.FixtureRequest
) -> None:
    seconds = request.config.getoption("--soak-seconds")
    asyncio.run(_scenario(mail_server, account, random.Random(seed), seconds))
    print(f"{check_counts(mail_server)} placements counted anew")


@pytest.mark.parametrize("known", seeds("concurrency"))
def test_seeds_that_once_failed(mail_server: MailServer, account: Account, known: int) -> None:
    asyncio.run(_scenario(mail_server, account, random.Random(known), 3.0))
    check_counts(mail_server)


async def _scenario(
    server: MailServer, account: Account, rng: random.Random, seconds: float
) -> None:
    sessions = [
        await Session.open(server, account, name=str(number)) for number in range(CONNECTIONS)
    ]
    ledger = Ledger()
    first = sessions[0]
    assert (await first.command(f"CREATE {OTHER}")).ok
    for number in range(START):
        answer = await first.command("APPEND INBOX ", literal(sample(number)))
        ledger.appended.add(int(code_numbers(answer, "APPENDUID")[1]))
    for session in sessions:
        await session.select("INBOX")
    workers = [Worker(one, ledger, random.Random(rng.random())) for one in sessions]
    until = time.monotonic() + seconds
    async with asyncio.TaskGroup() as group:
        for worker in workers:
            group.create_task(worker.run(until))
    print(f"{ledger.commands} commands, {len(ledger.appended)} appended, {len(ledger.moved)} moved")

    fresh = await Session.open(server, account, name="fresh")
    await fresh.select("INBOX")
    truth = fresh.mirror.picture()
    for session in sessions:
        assert await session.refresh() == truth, f"connection {session.name} sees another mailbox"
    _check_ledger(ledger, truth)
    await fresh.select(OTHER)
    assert set(fresh.mirror.picture()) == set(ledger.moved.values())
    for session in [*sessions, fresh]:
        await session.close()


def _check_ledger(ledger: Ledger, truth: dict[int, frozenset[str]]) -> None:
    here = set(truth)
    gone = ledger.appended - here
    assert here <= ledger.appended, "a message that nobody appended"
    assert gone <= ledger.marked | set(ledger.moved), "a message went that nobody removed"
    assert not (ledger.expunged | set(ledger.moved)) & here, "a removed message is still there"
    lost = [
        (keyword, uid, wanted)
        for (keyword, uid), wanted in ledger.keyword.items()
        if uid in truth and (keyword in truth[uid]) != wanted
    ]
    assert not lost, f"acknowledged flag changes that are not there: {lost}"
