"""Random steps of several sessions, and deliveries behind their backs, beside a plain oracle.

Every client believes only what it is told; after a NOOP its picture is the oracle's. `--seed` and
`--model-steps` make it another or a longer walk (a quarter of the socket model's steps).
"""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from pillarbox.imap.server import older
from pillarbox.imap.server.commands import select
from pillarbox.imap.server.picture import Picture, Pictures
from pillarbox.store.model import Mailbox
from support.imap_bench import ImapBench, imap_bench
from support.imap_client import Answer, ImapClient
from support.imap_mirror import Mirror, format_set, parse_set
from support.mail_oracle import Box, Oracle, Snapshot
from support.store_box import letter

BOXES = ("INBOX", "Other")
FLAGS = ("\\Seen", "\\Flagged", "\\Deleted", "\\Deleted", "$Junk", "blue", "Green")
ENABLED = ("QRESYNC", "CONDSTORE", "IMAP4REV2", None)
FULL = 40


class Session:
    """A client, its mailbox and what it believes."""

    def __init__(
        self, client: ImapClient, enabled: str | None, curious: random.Random | None = None
    ) -> None:
        self.client = client
        self.curious = curious  # None: asks for all messages; else for one now and then
        self.enabled = enabled
        self.box = ""
        self.mirror = Mirror()
        self.idling: bytes | None = None

    async def say(self, command: str) -> Answer:
        """A command; what it tells goes into the mirror."""
        await self.wake()
        answer = await self.client.command(command)
        self.mirror.apply(answer)
        if self.enabled == "QRESYNC" and not command.startswith("FETCH"):
            await self.learn()  # VANISHED names UIDs, so a client has to know them
        return answer

    async def wake(self) -> None:
        """End IDLE, if it is on."""
        if self.idling is not None:
            await self.client.raw(b"DONE\r\n")
            answer = await self.client.finish(self.idling)
            self.idling = None
            assert answer.ok
            self.mirror.apply(answer)

    async def idle(self) -> None:
        if self.idling is None:
            await self.learn()
            self.idling = await self.client.start("IDLE")
            # Changes may come before "+": everything up to DONE is read when it is over.

    async def select(self, box: str) -> Answer:
        await self.wake()
        self.mirror, self.box = Mirror(), box
        answer = await self.say(f"SELECT {box}")
        assert answer.ok
        await self.learn()
        return answer

    async def learn(self) -> None:
        """Ask for the messages that were only announced, or for one of them."""
        if self.curious is not None:
            await self.look_at_one(self.curious)
            return
        await self.learn_all()

    async def look_at_one(self, curious: random.Random) -> None:
        numbers = self.mirror.unknown()
        if not numbers or curious.random() < 0.5:
            return
        number = curious.choice([*numbers, numbers[-1]])
        what = "*" if number == len(self.mirror.entries) else str(number)
        self.mirror.apply(await self.client.command(f"FETCH {what} (UID FLAGS)"))

    async def learn_all(self) -> None:
        while self.mirror.unknown():
            numbers = self.mirror.unknown()
            assert (await self.say(f"FETCH {format_set(numbers)} (UID FLAGS)")).ok

    async def picture(self) -> dict[int, frozenset[str]]:
        assert (await self.say("NOOP")).ok
        await self.learn_all()
        return self.mirror.picture()


class Walk:
    """One run."""

    def __init__(self, bench: ImapBench, rng: random.Random, *, lazy: bool = False) -> None:
        self.bench = bench
        self.lazy = lazy
        self.rng = rng
        self.oracle = Oracle()
        self.sessions: list[Session] = []
        self.snapshots: list[Snapshot] = []
        self.modseqs: dict[str, int] = {}

    async def begin(self) -> None:
        for enabled in ENABLED:
            if self.lazy and enabled == "QRESYNC":
                continue  # it asks for all, and the others would be spared it
            curious = self.rng if self.lazy else None
            session = Session(await self.bench.client(), enabled, curious)
            self.sessions.append(session)
            if enabled is not None:
                assert (await session.say(f"ENABLE {enabled}")).ok
        await self.sessions[0].say("CREATE Other")
        for box in BOXES:
            answer = await self.sessions[0].client.command(f"STATUS {box} (UIDVALIDITY)")
            validity = int(answer.named("STATUS")[0][1][1])
            self.oracle.boxes[box] = Box(validity)
        for session in self.sessions:
            await session.select("INBOX")

    async def step(self) -> None:
        self.oracle.tick()
        session = self.rng.choice(self.sessions)
        kind = self.rng.choices(
            (self.deliver, self.append, self.store, self.expunge, self.transfer, self.check,
             self.change_box, self.idle, self.remember, self.return_, self.status, self.look),
            (8, 3, 12, 4, 4, 6, 8 if self.lazy else 2, 4, 2, 3, 2, 12),
        )[0]  # fmt: skip
        await kind(session)

    def some_uids(self, session: Session) -> list[int]:
        known = [uid for uid in session.mirror.uids if uid is not None]
        return sorted(self.rng.sample(known, min(len(known), self.rng.randint(1, 4))))

    def some_flags(self) -> list[str]:
        return sorted(set(self.rng.sample(FLAGS, self.rng.randint(1, 3))))

    async def deliver(self, session: Session) -> None:
        box, flags = self.rng.choice(BOXES), self.some_flags()
        flags = [flag for flag in flags if flag != "\\Deleted"]
        uid = await self.bench.deliver(letter("new"), box, " ".join(flags))
        assert uid == self.oracle.add(box, 0, flags)

    async def append(self, session: Session) -> None:
        await session.wake()
        box, flags = self.rng.choice(BOXES), self.some_flags()
        answer = await session.client.append(box, letter("appended"), " ".join(flags))
        session.mirror.apply(answer)
        await session.learn()
        assert answer.code.split()[2] == str(self.oracle.add(box, 0, flags))

    async def store(self, session: Session) -> None:
        await session.wake()
        uids, flags, sign = self.some_uids(session), self.some_flags(), self.rng.choice("+-+ ")
        if not uids:
            return
        item = f"{sign.strip()}FLAGS ({' '.join(flags)})"
        if self.rng.random() < 0.5:
            command = f"UID STORE {format_set(uids)} {item}"
        else:
            numbers = [session.mirror.uids.index(uid) + 1 for uid in uids]
            command = f"STORE {format_set(numbers)} {item}"
        assert (await session.say(command)).ok
        self.oracle.store(session.box, uids, sign.strip(), flags)

    async def expunge(self, session: Session) -> None:
        await session.wake()
        if self.rng.random() < 0.5:
            assert (await session.say("EXPUNGE")).ok
            self.oracle.expunge(session.box)
        elif uids := self.some_uids(session):
            assert (await session.say(f"UID EXPUNGE {format_set(uids)}")).ok
            self.oracle.expunge(session.box, uids)

    async def transfer(self, session: Session) -> None:
        await session.wake()
        uids, target = self.some_uids(session), self.rng.choice(BOXES)
        move = len(self.oracle.boxes[target].kept) > FULL or self.rng.random() < 0.5
        if not uids:
            return
        by_uid = self.rng.random() < 0.5
        named = uids if by_uid else [session.mirror.uids.index(uid) + 1 for uid in uids]
        name = f"{'UID ' if by_uid else ''}{'MOVE' if move else 'COPY'}"
        here = self.oracle.boxes[session.box].kept.keys() & set(uids)
        answer = await session.say(f"{name} {format_set(named)} {target}")
        done = bool(here) and (by_uid or move or len(here) == len(uids))  # COPY: all or none
        assert answer.ok == done, answer
        if done:
            (self.oracle.move if move else self.oracle.copy)(session.box, sorted(here), target)

    async def check(self, session: Session) -> None:
        truth = self.oracle.boxes[session.box].picture()
        if session.curious is None or self.rng.random() < 0.05:
            assert await session.picture() == truth
            return
        assert (await session.say("NOOP")).ok
        here = session.mirror.entries
        assert len(here) == len(truth)
        for entry, uid in zip(here, sorted(truth), strict=True):
            assert entry.uid in (None, uid)
            assert entry.flags in (None, truth[uid])

    async def look(self, session: Session) -> None:
        """The next thing that this client does is to ask for a message that it does not know."""
        if session.curious is not None:
            await session.wake()
            await session.look_at_one(session.curious)

    async def change_box(self, session: Session) -> None:
        await session.select(self.rng.choice(BOXES))
        await self.check(session)

    async def idle(self, session: Session) -> None:
        if session.enabled != "QRESYNC":  # it could be told of UIDs that it never asked for
            await session.idle()

    async def status(self, session: Session) -> None:
        box = self.rng.choice(BOXES)
        answer = await session.say(f"STATUS {box} (MESSAGES UIDNEXT UNSEEN DELETED HIGHESTMODSEQ)")
        flat = answer.named("STATUS")[0][1]
        told = dict(zip(flat[::2], map(int, flat[1::2]), strict=True))
        here = self.oracle.boxes[box]
        flags = [one.flags for one in here.kept.values()]
        assert told[b"MESSAGES"] == len(flags)
        assert told[b"UIDNEXT"] == here.uid_next
        assert told[b"UNSEEN"] == sum("\\Seen" not in one for one in flags)
        assert told[b"DELETED"] == sum("\\Deleted" in one for one in flags)
        assert told[b"HIGHESTMODSEQ"] >= self.modseqs.get(box, 0)
        self.modseqs[box] = told[b"HIGHESTMODSEQ"]

    async def remember(self, session: Session) -> None:
        """What a client knows now, as if it went away."""
        box = session.box
        answer = await session.say(f"STATUS {box} (HIGHESTMODSEQ)")
        modseq = int(answer.named("STATUS")[0][1][1])
        self.snapshots.append(self.oracle.snapshot(box, modseq))

    async def return_(self, session: Session) -> None:
        """QRESYNC from any earlier state gives exactly the difference."""
        if not self.snapshots or session.enabled != "QRESYNC":
            return
        await session.wake()
        old = self.rng.choice(self.snapshots)
        session.box, session.mirror = old.box, Mirror()
        parameter = f"(QRESYNC ({old.uid_validity} {max(old.modseq, 1)}))"
        answer = await session.client.command(f"SELECT {old.box} {parameter}")
        assert answer.ok
        gone = {uid for values in answer.named("VANISHED") for uid in parse_set(values[1])}
        told = {
            int(items["UID"]): frozenset(flag.decode() for flag in items["FLAGS"])
            for items in answer.fetched.values()
        }
        assert gone == self.oracle.expunged_since(old)
        assert told.keys() == self.oracle.changed_since(old)
        patched = {uid: flags for uid, flags in {**old.picture, **told}.items() if uid not in gone}
        assert patched == self.oracle.boxes[old.box].picture()
        session.mirror.apply(answer)
        await session.learn()

    async def end(self) -> None:
        for session in self.sessions:
            await self.check(session)
            assert await session.picture() == self.oracle.boxes[session.box].picture()
            await session.client.close()


@pytest.mark.parametrize("n", range(2))
def test_every_client_sees_the_mailbox_that_the_oracle_has(
    tmp_path: Path, request: pytest.FixtureRequest, n: int
) -> None:
    walk(tmp_path, request, n)


@pytest.mark.parametrize("n", range(4))
def test_so_it_is_when_messages_are_only_counted_at_first(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, n: int
) -> None:
    """As of mailboxes that are large: none is read at SELECT, and three at once are many."""
    monkeypatch.setattr(select, "READ_WHOLE", 0)
    monkeypatch.setattr(older, "PIECE", 3)
    find, dice = Pictures.find, random.Random(n)

    def find_seldom(self: Pictures, mailbox: Mailbox) -> Picture | None:
        return find(self, mailbox) if dice.random() < 0.2 else None

    monkeypatch.setattr(Pictures, "find", find_seldom)
    walk(tmp_path, request, n, lazy=True)


def walk(tmp_path: Path, request: pytest.FixtureRequest, n: int, *, lazy: bool = False) -> None:
    seed = request.config.getoption("--seed")
    seed = random.randrange(10**6) if seed is None else seed + n
    steps = request.config.getoption("--model-steps") // 4

    async def play() -> None:
        async with imap_bench(tmp_path) as bench:
            walk = Walk(bench, random.Random(seed), lazy=lazy)
            await walk.begin()
            for number in range(steps):
                try:
                    await walk.step()
                except Exception as error:
                    error.add_note(f"--seed {seed - n}, step {number}")
                    raise
            await walk.end()

    asyncio.run(play())
