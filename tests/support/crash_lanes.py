"""The load of the crash test: lanes that remember what was asked and what was acknowledged.

Each lane owns its mailboxes, so that after a crash it can say alone what must be there: all that
was acknowledged, and of the one command under way all or nothing.
"""

from __future__ import annotations

import itertools
import random
from abc import ABC, abstractmethod
from collections import Counter

from support.imap_client import ImapClient, literal
from support.imap_mirror import format_set, parse_set
from support.imap_sessions import Session, code_numbers
from support.line_client import pop3_connect, smtp_connect, smtp_send
from support.mailing import sample
from support.server import Account, MailServer

NUMBERS = itertools.count(1)


class Lane(ABC):
    """One connection's endless work between crashes."""

    def __init__(self, server: MailServer, account: Account, rng: random.Random) -> None:
        self.server = server
        self.account = account
        self.rng = rng
        self.acknowledged = 0

    async def prepare(self) -> None:  # noqa: B027 - most lanes need nothing
        """Once, before the first round."""

    @abstractmethod
    async def work(self) -> None:
        """Until the connection breaks."""

    @abstractmethod
    async def check(self) -> None:
        """After the restart: assert, and take what is there as the new state."""

    async def session(self, mailbox: str | None = None) -> Session:
        """A signed-in IMAP session."""
        session = await Session.open(self.server, self.account, name=type(self).__name__)
        if mailbox is not None:
            await session.select(mailbox)
        return session

    async def numbers(self, mailbox: str, account: Account | None = None) -> dict[int, int]:
        """UID → sample number of everything in a mailbox."""
        session = await Session.open(self.server, account or self.account)
        await session.select(mailbox)
        field = "BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]"
        answer = await session.command(f"UID FETCH 1:* (UID {field})")
        found: dict[int, int] = {}
        for items in answer.fetched.values():
            text = b"".join(one for one in items.values() if isinstance(one, bytes) and b"<" in one)
            found[int(items["UID"])] = int(text.split(b"<sample-")[1].split(b"@")[0])
        await session.close()
        return found


class Deliveries(Lane):
    """SMTP to two accounts at once: both get it or none, and a 250 means both."""

    def __init__(
        self, server: MailServer, account: Account, other: Account, rng: random.Random
    ) -> None:
        super().__init__(server, account, rng)
        self.other = other
        self.sent: set[int] = set()
        self.asked: int | None = None

    async def work(self) -> None:
        client = await smtp_connect(self.server.host, self.server.ports.smtp)
        while True:
            number = next(NUMBERS)
            self.asked = number
            size = self.rng.choice([0, 0, 0, 50_000, 700_000])
            text = "".join(f"line {n} of the text\r\n" for n in range(size // 20))
            people = [self.account.address, self.other.address]
            await smtp_send(client, people, sample(number, text=text + "end"))
            self.sent.add(number)
            self.acknowledged += 1
            self.asked = None

    async def check(self) -> None:
        mine = Counter((await self.numbers("INBOX")).values())
        others = Counter((await self.numbers("INBOX", self.other)).values())
        assert mine == others, f"one of two recipients: {mine - others} {others - mine}"
        assert set(mine.values()) <= {1}, "delivered twice"
        assert self.sent <= mine.keys(), f"acknowledged and lost: {self.sent - mine.keys()}"
        assert mine.keys() - self.sent <= {self.asked}, "mail that nobody sent"
        self.sent, self.asked = set(mine), None


class Appends(Lane):
    """APPEND and MULTIAPPEND: a UID that was told holds for ever, several come together."""

    def __init__(self, server: MailServer, account: Account, rng: random.Random) -> None:
        super().__init__(server, account, rng)
        self.there: dict[int, int] = {}  # UID → number
        self.asked: list[int] = []

    async def work(self) -> None:
        session = await self.session()
        while True:
            self.asked = [next(NUMBERS) for _ in range(self.rng.choice([1, 1, 3]))]
            parts: list[object] = []
            for number in self.asked:
                parts += [" ", literal(sample(number))]
            answer = await session.command("APPEND Drafts", *parts)  # type: ignore[arg-type]
            assert answer.ok, answer
            uids = parse_set(code_numbers(answer, "APPENDUID")[1])
            assert not self.there.keys() & set(uids), "a UID was given twice"
            self.there.update(zip(uids, self.asked, strict=True))
            self.acknowledged += 1
            self.asked = []

    async def check(self) -> None:
        found = await self.numbers("Drafts")
        lost = {uid: number for uid, number in self.there.items() if found.get(uid) != number}
        assert not lost, f"acknowledged and lost: {lost}"
        more = sorted(number for uid, number in found.items() if uid not in self.there)
        assert more in ([], sorted(self.asked)), f"half an APPEND: {more} of {self.asked}"
        self.there, self.asked = found, []


class Stores(Lane):
    """One STORE over many messages: all have the same flags, the last ones acknowledged."""

    COUNT = 20

    def __init__(self, server: MailServer, account: Account, rng: random.Random) -> None:
        super().__init__(server, account, rng)
        self.now: frozenset[str] = frozenset()
        self.asked: frozenset[str] | None = None

    async def prepare(self) -> None:
        session = await self.session()
        for _ in range(self.COUNT):
            assert (await session.command("APPEND Sent ", literal(sample(next(NUMBERS))))).ok
        await session.close()

    async def work(self) -> None:
        session = await self.session("Sent")
        while True:
            words = [*self.rng.sample(["\\Seen", "\\Flagged", "\\Draft"], 2)]
            words.append(f"k{self.rng.randrange(20)}")
            self.asked = frozenset(words)
            answer = await session.command(f"STORE 1:* FLAGS.SILENT ({' '.join(words)})")
            assert answer.ok, answer
            self.now, self.asked = self.asked, None
            self.acknowledged += 1

    async def check(self) -> None:
        session = await self.session("Sent")
        flags = set(session.mirror.picture().values())
        await session.close()
        assert len(flags) == 1, f"half a STORE: {flags}"
        (found,) = flags
        assert found in (self.now, self.asked), f"{found} instead of {self.now} or {self.asked}"
        self.now, self.asked = found, None


class Moves(Lane):
    """MOVE to and fro: each message is in exactly one place, and where it was said to be."""

    COUNT = 10

    def __init__(self, server: MailServer, account: Account, rng: random.Random) -> None:
        super().__init__(server, account, rng)
        self.place: dict[int, str] = {}  # number → mailbox
        self.asked: tuple[set[int], str] | None = None

    async def prepare(self) -> None:
        session = await self.session()
        for _ in range(self.COUNT):
            number = next(NUMBERS)
            assert (await session.command("APPEND Trash ", literal(sample(number)))).ok
            self.place[number] = "Trash"
        await session.close()

    async def work(self) -> None:
        boxes = ["Trash", "Archive"]
        session = await self.session()
        while True:
            source, target = self.rng.sample(boxes, 2)
            here = [number for number, box in self.place.items() if box == source]
            if not here:
                continue
            some = set(self.rng.sample(here, self.rng.randint(1, len(here))))
            uids = {number: uid for uid, number in (await self.numbers(source)).items()}
            await session.select(source)
            self.asked = (some, target)
            chosen = format_set(sorted(uids[number] for number in some))
            answer = await session.command(f"UID MOVE {chosen} {target}")
            assert answer.ok, answer
            self.place.update(dict.fromkeys(some, target))
            self.asked = None
            self.acknowledged += 1

    async def check(self) -> None:
        found: dict[int, str] = {}
        for box in ("Trash", "Archive"):
            for number in (await self.numbers(box)).values():
                assert number not in found, f"message {number} is in two places"
                found[number] = box
        some, target = self.asked or (set(), "")
        done = {**self.place, **dict.fromkeys(some, target)}
        assert found in (self.place, done), f"{found}: before {self.place}, asked {self.asked}"
        self.place, self.asked = found, None


class Expunges(Lane):
    """APPEND three, mark and EXPUNGE: gone when it was said, and all together."""

    def __init__(self, server: MailServer, account: Account, rng: random.Random) -> None:
        super().__init__(server, account, rng)
        self.gone: set[int] = set()
        self.three: set[int] = set()
        self.asked = False

    async def work(self) -> None:
        session = await self.session("Junk")
        while True:
            self.three = {next(NUMBERS) for _ in range(3)}
            for number in self.three:
                assert (await session.command("APPEND Junk ", literal(sample(number)))).ok
            assert (await session.command("STORE 1:* +FLAGS.SILENT (\\Deleted)")).ok
            self.asked = True
            answer = await session.command("EXPUNGE")
            assert answer.ok, answer
            self.gone |= self.three
            self.asked = False
            self.acknowledged += 1

    async def check(self) -> None:
        found = set((await self.numbers("Junk")).values())
        assert not found & self.gone, "expunged and back again"
        if self.asked:
            assert found in (set(), self.three), f"half an EXPUNGE: {found} of {self.three}"
        self.three, self.asked = set(), False
        await _empty(self, "Junk")


class Pop3Deletes(Lane):
    """LMTP brings three, POP3 deletes them: QUIT's +OK means gone; without it all or none."""

    def __init__(self, server: MailServer, account: Account, rng: random.Random) -> None:
        super().__init__(server, account, rng)
        self.gone: set[int] = set()
        self.there: set[int] = set()
        self.asked = False  # QUIT is under way
        self.delivering: int | None = None

    async def work(self) -> None:
        lmtp = await smtp_connect(self.server.host, self.server.ports.lmtp, lmtp=True)
        while True:
            for _ in range(3):
                self.delivering = next(NUMBERS)
                await smtp_send(lmtp, [self.account.address], sample(self.delivering))
                self.there.add(self.delivering)
                self.delivering = None
            client = await pop3_connect(
                self.server.host, self.server.ports.pop3, self.account.login, self.account.password
            )
            count = int((await client.pop3(b"STAT")).split()[1])
            assert count == len(self.there)
            for number in range(1, count + 1):
                await client.pop3(b"DELE %d" % number)
            self.asked = True
            await client.pop3(b"QUIT")
            await client.close()
            self.gone |= self.there
            self.there, self.asked = set(), False
            self.acknowledged += 1

    async def check(self) -> None:
        found = set((await self.numbers("INBOX")).values())
        assert not found & self.gone, "deleted and back again"
        extra = {self.delivering} - {None}
        if self.asked:
            assert found in (set(), self.there), f"half a QUIT: {found} of {self.there}"
        else:
            assert self.there <= found <= self.there | extra, (found, self.there, extra)
        self.there, self.asked, self.delivering = found, False, None


async def _empty(lane: Lane, mailbox: str) -> None:
    client: ImapClient | Session = await lane.session(mailbox)
    await client.command("STORE 1:* +FLAGS.SILENT (\\Deleted)")
    await client.command("EXPUNGE")
    await client.close()
