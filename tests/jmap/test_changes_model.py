"""Clients that follow /changes, however few at a time, against random work in the store.

Whatever happens between two pages, and whenever a client comes back, it ends with what is there.
"""

from __future__ import annotations

import random
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pillarbox.ids import MailboxId, MessageId, Uid
from pillarbox.jmap.ids import email_id, mailbox_id, thread_id
from pillarbox.jmap.mailbox_view import COUNTS
from pillarbox.store.database import Transaction
from pillarbox.store.model import Flag, FlagChange
from pillarbox.store.sql import mailboxes, messages
from pillarbox.store.sql.modseq import next_modseq
from pillarbox.store.sql.placing import NewPlace, place_again
from pillarbox.store.sql.renumbering import renumber
from support.jmap_bench import JmapBox
from support.store_box import letter

STEPS = 120
CLIENTS = 3
KINDS = ("Email", "Thread", "Mailbox")
_SHOWN = "FROM placement WHERE account_id = ? AND flags & 8 = 0"  # \\Deleted is for IMAP alone
_EMAILS = f"SELECT message_id, mailbox_id, flags {_SHOWN}"
_THREADS = f"SELECT DISTINCT thread_id, message_id {_SHOWN}"
_GONE = """
    SELECT DISTINCT message_id FROM expunged WHERE account_id = ?1 AND message_id NOT IN (
        SELECT message_id FROM placement WHERE account_id = ?1)
"""
Things = dict[str, Any]


class Worker:
    """Does something or other, as IMAP and deliveries do."""

    def __init__(self, box: JmapBox, chance: random.Random, flags: list[Flag]) -> None:
        self.box = box
        self.chance = chance
        self.number = 0
        self.flags = flags  # that are set and taken away

    async def step(self) -> None:
        work = (
            *(self.deliver, self.deliver, self.mark, self.place, self.expunge, self.revive),
            self.rearrange,
        )
        await self.chance.choice(work)()

    async def _mailbox(self) -> MailboxId:
        tree = await self.box.store.read(lambda db: mailboxes.tree(db, self.box.alice.id))
        return self.chance.choice([one for one in tree if one.selectable]).id

    async def _some(self, mailbox: MailboxId) -> list[Uid]:
        uids = [one.uid for one in await self.box.placed(mailbox)]
        return self.chance.sample(uids, self.chance.randint(0, len(uids)))

    async def deliver(self) -> None:
        for _ in range(self.chance.randint(1, 4)):
            self.number += 1
            thread = self.chance.randint(1, 12)
            fields = {"Message_ID": f"<{self.number}@a>", "In_Reply_To": f"<thread{thread}@a>"}
            await self.box.append(letter(f"Re: Plan {thread}", **fields), await self._mailbox())

    async def mark(self) -> None:
        mailbox = await self._mailbox()
        uids = await self._some(mailbox)
        change = self.chance.choice([FlagChange.ADD, FlagChange.REMOVE])
        store = partial(
            messages.store_flags, account=self.box.alice.id, mailbox=mailbox, uids=uids,
            change=change, flags=int(self.chance.choice(self.flags)),
        )  # fmt: skip
        await self.box.store.write(store)

    async def place(self) -> None:
        source, target = await self._mailbox(), await self._mailbox()
        uids, act = await self._some(source), self.chance.choice([messages.copy, messages.move])
        await self.box.store.write(lambda tx: act(tx, self.box.alice.id, source, uids, target))

    async def expunge(self) -> None:
        mailbox = await self._mailbox()
        uids = await self._some(mailbox)
        await self.box.store.write(
            lambda tx: messages.expunge(tx, self.box.alice.id, mailbox, uids, force=True)
        )

    async def revive(self) -> None:
        """As an undo does: some of what went has a place again."""
        rows = await self.box.store.read(lambda db: db.rows(_GONE, (self.box.alice.id,)))
        some = self.chance.sample(rows, min(len(rows), self.chance.randint(0, 3)))
        mailbox = await self._mailbox()
        new = [NewPlace(MessageId(number), 0, "") for (number,) in some]
        if new:
            await self.box.store.write(lambda tx: place_again(tx, self.box.alice.id, mailbox, new))

    async def rearrange(self) -> None:
        account, tree = (
            self.box.alice.id,
            await self.box.store.read(lambda db: mailboxes.tree(db, self.box.alice.id)),
        )
        own = [one.path for one in tree if one.role is None]
        self.number += 1
        if len(own) < 4:
            above = self.chance.choice(["", *(f"{path}/" for path in own)])
            path = f"{above}Box {self.number}"
            await self.box.store.write(lambda tx: mailboxes.create(tx, account, path))
            return
        path = self.chance.choice(own)
        if self.chance.random() < 0.1:
            await self._renumber(path)
        elif self.chance.random() < 0.5:
            new = f"Box {self.number}"
            await self.box.store.write(lambda tx: mailboxes.rename(tx, account, path, new))
        elif await self._may_go(path):
            await self.box.store.write(lambda tx: mailboxes.delete(tx, account, path))

    async def _renumber(self, path: str) -> None:
        account, old = self.box.alice.id, await self.box.mailbox(path)

        async def work(tx: Transaction) -> None:
            await renumber(tx, account, old.id, await next_modseq(tx, account))

        await self.box.store.write(work)

    async def _may_go(self, path: str) -> bool:
        there = await self.box.mailbox(path)
        has_children = await self.box.store.read(lambda db: mailboxes.has_children(db, there))
        return there.selectable or not has_children


async def truth(box: JmapBox, kind: str) -> Things:
    """What is there, by id, read without JMAP's ways to tell what changed."""
    if kind == "Mailbox":
        answer = await box.call("Mailbox/get", ids=None)
        return {one["id"]: one for one in answer["list"]}
    sql = _EMAILS if kind == "Email" else _THREADS
    rows = await box.store.read(lambda db: db.rows(sql, (box.alice.id,)))
    found: Things = {}
    for number, *content in sorted(rows):
        name = email_id(number) if kind == "Email" else thread_id(number)
        found.setdefault(name, []).append(content)
    return found


class Client:
    """Knows what it was told."""

    def __init__(self, box: JmapBox, chance: random.Random, worker: Worker) -> None:
        self.box = box
        self.chance = chance
        self.worker = worker
        self.known: dict[str, Things] = {}
        self.states: dict[str, str] = {}

    async def start(self) -> None:
        state = str((await self.box.account()).modseq)
        for kind in KINDS:
            self.known[kind], self.states[kind] = await truth(self.box, kind), state

    async def sync(self) -> None:
        """Sometimes there is work between two pages."""
        for kind in KINDS:
            more = True
            while more:
                more = await self._page(kind, self.chance.choice([1, 2, 5, 1000]))
                if more and self.chance.random() < 0.2:
                    await self.worker.step()
            assert self.known[kind] == await truth(self.box, kind), kind

    async def _page(self, kind: str, limit: int) -> bool:
        known = self.known[kind]
        told = await self.box.call(
            f"{kind}/changes", sinceState=self.states[kind], maxChanges=limit
        )
        ids = [*told["created"], *told["updated"], *told["destroyed"]]
        assert len(ids) == len(set(ids)) <= limit
        # What was gone for a while is made again, and so is what was \\Deleted.
        if kind == "Mailbox":
            assert not known.keys() & set(told["created"])
        assert set(told["updated"]) <= known.keys()
        now = await truth(self.box, kind)
        for one in told["created"]:
            known[one] = now[one]
        for one in told["updated"]:
            self._update(kind, one, now[one], told.get("updatedProperties"))
        for one in told["destroyed"]:
            known.pop(one, None)
        assert told["oldState"] == self.states[kind]
        self.states[kind] = told["newState"]
        return bool(told["hasMoreChanges"])

    def _update(self, kind: str, one: str, now: Any, names: list[str] | None) -> None:
        if names is None:
            self.known[kind][one] = now
        else:
            assert names == list(COUNTS)
            self.known[kind][one] = self.known[kind][one] | {name: now[name] for name in names}


async def check_counts(box: JmapBox, shown: Things) -> None:
    """By hand from the rows, as RFC 8621 §2 says it."""
    sql = f"SELECT mailbox_id, thread_id, flags & 17 = 0, message_id {_SHOWN}"
    rows = await box.store.read(lambda db: db.rows(sql, (box.alice.id,)))
    trash = (await box.mailbox("Trash")).id
    for one in await box.store.read(lambda db: mailboxes.tree(db, box.alice.id)):
        own = [row for row in rows if row[0] == one.id]
        threads = {thread for _, thread, _, _ in own}
        emails = {message for _, _, _, message in own}  # IMAP may have put one there twice
        read = {message for _, _, is_unread, message in own if not is_unread}
        unread = {
            thread for where, thread, is_unread, _ in rows
            if is_unread and (where == trash) == (one.id == trash)
        }  # fmt: skip
        wanted = [len(emails), len(emails - read), len(threads), len(threads & unread)]
        assert [shown[mailbox_id(one.id)][name] for name in COUNTS] == wanted, one.path


@pytest.mark.parametrize("flags", [[Flag.SEEN], [Flag.SEEN, Flag.DELETED, Flag.DELETED]])
@pytest.mark.parametrize("seed", range(4))
async def test_clients_end_with_what_is_there(tmp_path: Path, seed: int, flags: list[Flag]) -> None:
    chance = random.Random(seed)
    async with JmapBox(tmp_path) as box:
        worker = Worker(box, chance, flags)
        clients = [Client(box, chance, worker) for _ in range(CLIENTS)]
        for client in clients:
            await client.start()
        for _ in range(STEPS):
            await worker.step()
            if chance.random() < 0.2:
                await chance.choice(clients).sync()
        for client in clients:
            await client.sync()
        await check_counts(box, await truth(box, "Mailbox"))
        assert not (await box.store.verify()).problems
