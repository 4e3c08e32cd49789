"""A random walk of JMAP, IMAP and POP3 sessions and deliveries, with an oracle beside each step."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import poplib
import random
import re
import smtplib
from collections.abc import Awaitable, Callable, Sequence

from support.email_places import plan_of
from support.imap_client import Answer, literal
from support.imap_mirror import format_set, parse_set
from support.imap_sessions import Session, code_numbers
from support.jmap_bulk_walk import BulkWalk
from support.jmap_walk import JmapWalk
from support.mail_oracle import Box, Oracle, Snapshot
from support.mailing import SENDER, expect_count, sample
from support.server import Account, MailServer

BOXES = ("INBOX", "One", "Two")
SPECIAL = ("Trash", "Sent")  # that Pillarbox has from the start
RECREATED = "Two"
FLAGS = ("\\Seen", "\\Flagged", "\\Answered", "\\Deleted", "\\Draft", "blue", "Green")
FULL = 60  # messages a mailbox, above which the walk expunges
ENABLED = ("QRESYNC", "CONDSTORE", None, None)


class Walk:
    """The sessions of one account and what should be true of it."""

    def __init__(self, server: MailServer, account: Account, rng: random.Random) -> None:
        self.server = server
        self.account = account
        self.rng = rng
        self.oracle = Oracle()
        self.sessions: list[Session] = []
        self.snapshots: list[Snapshot] = []
        self.trail: list[str] = []  # the last steps, for a failure's message
        self._numbers = 0
        self._smtp: smtplib.SMTP | None = None
        self._pop: tuple[poplib.POP3, list[int], set[int]] | None = None
        self.jmap: JmapWalk | None = None
        self._choices = self._actions()

    async def begin(self) -> None:
        """Connect everyone and make the mailboxes."""
        for number, enabled in enumerate(ENABLED):
            session = await Session.open(
                self.server, self.account, name=f"{number}/{enabled}", enable=enabled
            )
            self.sessions.append(session)
        pillarbox = self.server.is_pillarbox
        for box in (*BOXES, *SPECIAL) if pillarbox else BOXES:
            if box in BOXES and box != "INBOX":
                assert (await self.sessions[0].command(f"CREATE {box}")).ok
            await self._new_box(self.sessions[0], box)
        for session in self.sessions:
            await session.select("INBOX")
        if pillarbox:
            # From now on the account spells these keywords so, however JMAP folds them.
            await self._append(self.sessions[0], "INBOX", FLAGS)
            self.jmap = JmapWalk(self.server, self.account, self.rng, self.oracle)
            await self.jmap.begin()
            self._choices += self._jmap_actions(self.jmap)

    async def end(self) -> None:
        """Hang up."""
        for session in self.sessions:
            await session.close()
        if self.jmap is not None:
            await self.jmap.end()
        if self._smtp is not None:
            self._smtp.close()
        if self._pop is not None:
            self._pop[0].close()

    async def step(self) -> None:
        """One random thing, checked against the oracle."""
        self.oracle.tick()
        action, _ = self.rng.choices(self._choices, [weight for _, weight in self._choices])[0]
        session = self.rng.choice(self.sessions)
        self.trail = [*self.trail[-40:], f"{self.oracle.step}: {action.__name__} {session.name}"]
        await session.wake()
        await action(session)
        if session.mailbox is not None and self.rng.random() < 0.3:
            await self.compare(session)
        if self.jmap is not None and self.rng.random() < 0.05:
            await self.jmap.compare()

    async def compare_everyone(self) -> None:
        """Every client's picture."""
        for session in self.sessions:
            await self.compare(session)
        for mirror in self.jmap.mirrors if self.jmap is not None else ():
            await self.jmap.compare(mirror)

    async def compare(self, session: Session) -> None:
        """After a NOOP the client's picture is the oracle's."""
        assert session.mailbox is not None
        told = await session.refresh()
        wanted = self.oracle.boxes[session.mailbox].picture()
        differing = {
            uid: (told.get(uid), wanted.get(uid))
            for uid in told.keys() | wanted.keys()
            if told.get(uid) != wanted.get(uid)
        }
        assert not differing, f"{session.name} in {session.mailbox}: {differing}"

    def _actions(self) -> list[tuple[Callable[[Session], Awaitable[None]], int]]:
        return [
            (self.store, 12),
            (self.store_unchanged_since, 3),
            (self.append, 8),
            (self.deliver, 5),
            (self.expunge, 3),
            (self.uid_expunge, 2),
            (self.copy, 4),
            (self.move, 4),
            (self.select, 3),
            (self.close, 1),
            (self.search, 3),
            (self.status, 4),
            (self.idle, 3),
            (self.pop3, 5),
            (self.resync, 3),
            (self.recreate, 1),
        ]

    def _jmap_actions(
        self, jmap: JmapWalk
    ) -> list[tuple[Callable[[Session], Awaitable[None]], int]]:
        bulk = BulkWalk(jmap)
        return [
            (_of(jmap.update), 12),
            (_of(jmap.destroy), 3),
            (self.draft, 2),
            (self.bring, 3),
            (self.submit, 2),
            (_of(jmap.make), 2),
            (self.rename, 2),
            (self.drop, 2),
            (_of(bulk.operate), 4),
            (_of(bulk.undo_later), 2),
            (_of(bulk.restore), 1),
        ]

    # IMAP

    async def store(self, session: Session) -> None:
        if not (chosen := self._choose(session)):
            return
        sign = self.rng.choice("++-=").replace("=", "")
        flags = self.rng.sample(FLAGS, self.rng.randint(1, 3))
        numbers, uids, prefix = chosen
        answer = await session.command(f"{prefix}STORE {numbers} {sign}FLAGS ({' '.join(flags)})")
        _check(answer)
        self.oracle.store(_box(session), uids, sign, flags)

    async def store_unchanged_since(self, session: Session) -> None:
        """RFC 7162 §3.1.3: what changed since then is left alone and named."""
        before = [one for one in self.snapshots if one.box == session.mailbox]
        chosen = self._choose(session)
        if not before or not chosen or session.name.endswith("None"):
            return
        snapshot = self.rng.choice(before)
        _, uids, _ = chosen
        flag = self.rng.choice(FLAGS)
        since = f"(UNCHANGEDSINCE {snapshot.modseq})"
        answer = await session.command(f"UID STORE {format_set(uids)} {since} +FLAGS ({flag})")
        here = self.oracle.boxes[snapshot.box].kept
        failed = {uid for uid in uids if uid in self.oracle.changed_since(snapshot)}
        told = parse_set(code_numbers(answer, "MODIFIED")[0]) if failed else []
        assert set(told) & here.keys() == failed, (answer, failed)
        self.oracle.store(snapshot.box, set(uids) - failed, "+", [flag])

    async def append(self, session: Session) -> None:
        box = self._any_box()
        if len(self.oracle.boxes[box].kept) <= FULL:
            await self._append(session, box, self.rng.sample(FLAGS, self.rng.randint(0, 2)))

    async def _append(self, session: Session, box: str, flags: Sequence[str]) -> None:
        number = self._number()
        answer = await session.command(
            f"APPEND {box} ({' '.join(flags)}) ", literal(letter(number))
        )
        assert answer.ok, answer
        validity, uid = code_numbers(answer, "APPENDUID")
        assert int(validity) == self.oracle.boxes[box].uid_validity
        assert int(uid) == self.oracle.add(box, number, flags)

    async def expunge(self, session: Session) -> None:
        if session.mailbox is None:
            return
        _check(await session.command("EXPUNGE"))
        self.oracle.expunge(session.mailbox)

    async def uid_expunge(self, session: Session) -> None:
        if chosen := self._choose(session):
            _, uids, _ = chosen
            _check(await session.command(f"UID EXPUNGE {format_set(uids)}"))
            self.oracle.expunge(_box(session), uids)

    async def copy(self, session: Session) -> None:
        target = self._any_box()
        chosen = self._choose(session)
        if chosen and len(self.oracle.boxes[target].kept) <= FULL:
            numbers, uids, prefix = chosen
            answer = await session.command(f"{prefix}COPY {numbers} {target}")
            _check(answer)
            if answer.ok:
                _same_uids(answer, self.oracle.copy(_box(session), uids, target))

    async def move(self, session: Session) -> None:
        target = self._any_box()
        chosen = self._choose(session)
        if chosen and target != session.mailbox:
            numbers, uids, prefix = chosen
            answer = await session.command(f"{prefix}MOVE {numbers} {target}")
            _check(answer)
            if answer.ok:
                _same_uids(answer, self.oracle.move(_box(session), uids, target))

    async def select(self, session: Session) -> None:
        await session.select(self._any_box())

    async def close(self, session: Session) -> None:
        """CLOSE expunges, UNSELECT does not (RFC 9051 §6.4.1, §6.4.2)."""
        if session.mailbox is None:
            return
        verb = self.rng.choice(["CLOSE", "UNSELECT"])
        assert (await session.command(verb)).ok
        if verb == "CLOSE":
            self.oracle.expunge(session.mailbox)
        session.mailbox = None
        await session.select(self._any_box())

    async def search(self, session: Session) -> None:
        await self.compare(session)
        key, flag, wanted = self.rng.choice(
            [
                ("SEEN", "\\Seen", True),
                ("UNDELETED", "\\Deleted", False),
                ("KEYWORD blue", "blue", True),
                ("UNKEYWORD Green", "Green", False),
            ]
        )
        answer = await session.command(f"UID SEARCH {key}")
        found = {int(uid) for row in answer.named("SEARCH") for uid in row if uid.isdigit()}
        here = self.oracle.boxes[_box(session)].picture()
        assert found == {uid for uid, flags in here.items() if (flag in flags) == wanted}

    async def status(self, session: Session) -> None:
        """Counters and HIGHESTMODSEQ, which never falls; sometimes remembered for later."""
        name = self._any_box()
        if not self.server.is_pillarbox:
            await session.noop()  # Dovecot answers STATUS of the open mailbox from its old view
        items = "MESSAGES UNSEEN UIDNEXT UIDVALIDITY HIGHESTMODSEQ"
        answer = await session.command(f"STATUS {name} ({items})")
        box = self.oracle.boxes[name]
        told = _status(answer)
        assert told["MESSAGES"] == len(box.kept)
        assert told["UNSEEN"] == sum("\\Seen" not in kept.flags for kept in box.kept.values())
        assert told["UIDNEXT"] == box.uid_next
        assert told["UIDVALIDITY"] == box.uid_validity
        assert told["HIGHESTMODSEQ"] >= box.highest_modseq, "HIGHESTMODSEQ fell"
        box.highest_modseq = told["HIGHESTMODSEQ"]
        self.snapshots.append(self.oracle.snapshot(name, box.highest_modseq))
        if len(self.snapshots) > 200:
            self.snapshots.pop(self.rng.randrange(200))

    async def idle(self, session: Session) -> None:
        if session.mailbox is not None:
            await session.idle()

    async def resync(self, session: Session) -> None:
        """RFC 7162 §3.2.5: exactly what came, went and changed since any earlier state."""
        if not self.snapshots:
            return
        snapshot = self.rng.choice(self.snapshots)
        fresh = await Session.open(self.server, self.account, name="resync", enable="QRESYNC")
        more = f" (QRESYNC ({snapshot.uid_validity} {snapshot.modseq}))"
        answer = await fresh.command(f'SELECT "{snapshot.box}"{more}')
        await fresh.close()
        assert answer.ok, answer
        earlier = [one.values[2] for one in answer.untagged if _is_earlier(one.values)]
        vanished = {uid for octets in earlier for uid in parse_set(octets)}
        fetched = {
            int(items["UID"]): frozenset(flag.decode() for flag in items["FLAGS"]) - {"\\Recent"}
            for items in answer.fetched.values()
        }
        here = self.oracle.boxes[snapshot.box].picture()
        rebuilt = {
            uid: f for uid, f in {**snapshot.picture, **fetched}.items() if uid not in vanished
        }
        assert rebuilt == here
        assert fetched.keys() >= self.oracle.changed_since(snapshot)
        assert vanished >= snapshot.picture.keys() - here.keys()
        if self.server.is_pillarbox:
            assert fetched.keys() == self.oracle.changed_since(snapshot)
            assert vanished <= self.oracle.expunged_since(snapshot)

    async def recreate(self, session: Session) -> None:
        """A mailbox of an old name is a new mailbox: its UIDVALIDITY tells."""
        name = RECREATED
        if any(one.mailbox == name for one in self.sessions):
            return
        assert (await session.command(f"DELETE {name}")).ok
        assert (await session.command(f"CREATE {name}")).ok
        before = self.oracle.boxes[name].uid_validity
        self.oracle.drop(name)
        await self._new_box(session, name)
        assert self.oracle.boxes[name].uid_validity > before
        self.snapshots = [one for one in self.snapshots if one.box != name]

    # The other doors

    async def deliver(self, session: Session) -> None:
        if len(self.oracle.boxes["INBOX"].kept) > FULL:
            return
        if self._smtp is None:
            self._smtp = smtplib.SMTP(self.server.host, self.server.ports.smtp, timeout=30)
        for _ in range(self.rng.randint(1, 3)):
            number = self._number()
            self._smtp.sendmail(SENDER, [self.account.address], letter(number))
            self.oracle.add("INBOX", number)
            if not self.server.is_pillarbox:
                wanted = len(self.oracle.boxes["INBOX"].kept)
                await asyncio.to_thread(expect_count, self.server, self.account, wanted)

    async def pop3(self, session: Session) -> None:
        """A POP3 session that stays open over several steps."""
        if self._pop is None:
            client = poplib.POP3(self.server.host, self.server.ports.pop3, timeout=30)
            client.user(self.account.login)
            client.pass_(self.account.password)
            uids = sorted(self.oracle.boxes["INBOX"].kept)
            assert client.stat()[0] == len(uids)
            self._pop = (client, uids, set())
            return
        client, uids, deleted = self._pop
        left = [uid for uid in uids if uid not in deleted]
        if left and self.rng.random() < 0.6:
            uid = self.rng.choice(left)
            client.dele(uids.index(uid) + 1)
            deleted.add(uid)
            return
        self._pop = None
        if self.rng.random() < 0.3:
            client.close()
            return
        # RFC 1939 §6: -ERR when something could not be removed; another had done it already.
        with contextlib.suppress(poplib.error_proto):
            client.quit()
        self.oracle.expunge("INBOX", deleted, force=True)

    # JMAP, as far as others are concerned

    async def draft(self, _session: Session) -> None:
        assert self.jmap is not None
        await self.jmap.draft(self._number())

    async def bring(self, _session: Session) -> None:
        assert self.jmap is not None
        number = self._number()
        await self.jmap.bring(number, letter(number))

    async def submit(self, _session: Session) -> None:
        assert self.jmap is not None
        await self.jmap.submit(self._number())

    async def rename(self, session: Session) -> None:
        """By JMAP or IMAP; who has the mailbox open goes on with it."""
        assert self.jmap is not None
        own = self.jmap.own_boxes()
        if own and self.rng.random() < 0.3:
            old, new = self.rng.choice(own), self.jmap.new_name()
            assert (await session.command(f"RENAME {old} {new}")).ok
        elif (renamed := self.jmap.rename()) is not None:
            old, new = renamed
        else:
            return
        names = {one: new + one[len(old) :] for one in own if f"{one}/".startswith(f"{old}/")}
        boxes = self.oracle.boxes
        self.oracle.boxes = {names.get(name, name): box for name, box in boxes.items()}
        for one in self.sessions:
            one.mailbox = one.mailbox and names.get(one.mailbox, one.mailbox)
        self.snapshots = [
            dataclasses.replace(one, box=names.get(one.box, one.box)) for one in self.snapshots
        ]

    async def drop(self, _session: Session) -> None:
        """A mailbox that nobody has open."""
        assert self.jmap is not None
        opened = {one.mailbox for one in self.sessions}
        gone = self.jmap.drop(one for one in self.jmap.own_boxes() if one not in opened)
        if gone is not None:
            self.oracle.drop(gone)
            self.snapshots = [one for one in self.snapshots if one.box != gone]

    # Choices

    def _any_box(self) -> str:
        return self.rng.choice(list(self.oracle.boxes))

    def _choose(self, session: Session) -> tuple[str, list[int], str] | None:
        """Some messages as the client knows them: (set, UIDs, "" or "UID ")."""
        known = [
            (number, entry.uid)
            for number, entry in enumerate(session.mirror.entries, 1)
            if entry.uid is not None
        ]
        if session.mailbox is None or not known:
            return None
        some = self.rng.sample(known, min(len(known), self.rng.randint(1, 5)))
        uids = [uid for _, uid in some]
        if self.rng.random() < 0.5:
            return format_set(uids), uids, "UID "
        return format_set(number for number, _ in some), uids, ""

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers

    async def _new_box(self, session: Session, name: str) -> None:
        more = " MAILBOXID" if self.server.is_pillarbox else ""
        answer = await session.command(f"STATUS {name} (UIDVALIDITY UIDNEXT{more})")
        told = _status(answer)
        found = re.search(r"MAILBOXID \((\w+)\)", "\n".join(answer.lines))
        self.oracle.boxes[name] = Box(
            told["UIDVALIDITY"], told["UIDNEXT"], mailbox_id=found[1] if found else ""
        )


def letter(number: int) -> bytes:
    """A message; some are of one thread."""
    plan = plan_of(number)
    if not plan:
        return sample(number)
    refers = f"References: <{plan.replace(' ', '-')}@example.net>\r\n"
    return refers.encode() + sample(number, plan)


def _of(act: Callable[[], Awaitable[None]]) -> Callable[[Session], Awaitable[None]]:
    async def acted(_session: Session) -> None:
        await act()

    acted.__name__ = act.__name__
    return acted


def _box(session: Session) -> str:
    assert session.mailbox is not None
    return session.mailbox


def _check(answer: Answer) -> None:
    assert answer.ok or "EXPUNGEISSUED" in answer.code, answer


def _status(answer: Answer) -> dict[str, int]:
    assert answer.ok, answer
    (line,) = (line for line in answer.lines if line.startswith("* STATUS"))
    return {name: int(value) for name, value in re.findall(r"([A-Z]+) (\d+)", line)}


def _same_uids(answer: Answer, wanted: dict[int, int]) -> None:
    codes = code_numbers(answer, "COPYUID")
    told = dict(zip(parse_set(codes[1]), parse_set(codes[2]), strict=True)) if codes else {}
    assert told == wanted, answer


def _is_earlier(values: list[object]) -> bool:
    return values[:2] == [b"VANISHED", [b"EARLIER"]]
