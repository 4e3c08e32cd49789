"""A load on a store whose disk is recorded, and what each of its steps must leave behind.

Lanes work at once, each on accounts of its own and one step after another, so that what a lane's
accounts hold is after any cut exactly what they held after one of its steps.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec

from pillarbox.config.store import StoreSettings
from pillarbox.errors import PillarboxError, Unavailable
from pillarbox.ids import AccountId, Uid
from pillarbox.message.digest import digest
from pillarbox.store import Reader, Store, Transaction
from pillarbox.store.model import FlagChange, Mailbox, QueuedMessage, QueuedRecipient
from pillarbox.store.open import open_store
from pillarbox.store.sql import accounts, changes, expunging, flags, mailboxes, messages, queue
from pillarbox.store.sql import moving as moves
from support.fake_clock import FakeClock
from support.power_cut_record import Recording, RecordingDisk, RecordingVfs
from support.store_box import letter

LANES = 6
DAY = 86400
_TABLES = (
    "account", "mailbox", "mailbox_gone", "subscription", "keyword", "message", "thread_ref",
    "placement", "expunged", "queued",
)  # fmt: skip
_VISIBLE = (
    "SELECT mailbox_id, path, uid_validity, uid_next, modseq, messages, unseen, deleted, octets "
    "FROM mailbox WHERE account_id = ? ORDER BY 1",
    "SELECT p.*, m.blob_id, m.trace FROM placement p JOIN message m USING (account_id, message_id) "
    "WHERE p.account_id = ? ORDER BY p.mailbox_id, p.uid",
    "SELECT modseq, used_octets, used_messages FROM account WHERE account_id = ?",
    "SELECT q.*, r.* FROM queued q JOIN queued_recipient r USING (queued_id) "
    "WHERE q.account_id = ? ORDER BY q.queued_id, r.number",
)
NAMES = ["INBOX", "Sent", "Trash", "One", "One/Two", "Three", "Ärger"]


class Print(msgspec.Struct, frozen=True):
    """Fingerprints of all that some accounts hold, and of what can be seen of it."""

    whole: bytes
    visible: bytes


class State(msgspec.Struct, frozen=True):
    """What a lane's accounts hold after a step."""

    started: int  # events in the recording when the step began
    acknowledged: int  # and when it was answered
    print: Print


class Lane:
    """Two accounts that nobody else touches."""

    def __init__(self, number: int, seed: int) -> None:
        self.logins = [f"{name}{number}@example.org" for name in ("alice", "bob")]
        self.states: list[State] = []
        self.rng = random.Random(seed * 1000 + number)
        self.known: list[bytes] = []  # letters that were stored before


async def print_of(store: Store, logins: list[str]) -> Print:
    """The fingerprint of accounts, whether they exist or not."""

    async def read(db: Reader) -> Print:
        whole, visible = hashlib.blake2b(digest_size=16), hashlib.blake2b(digest_size=16)
        for login in logins:
            account = await accounts.find(db, login)
            if account is None:
                continue
            for table in _TABLES:
                rows = await db.rows(f"SELECT * FROM {table} WHERE account_id = ?", (account.id,))
                whole.update(repr(sorted(rows, key=repr)).encode())
            for sql in _VISIBLE:
                visible.update(repr(await db.rows(sql, (account.id,))).encode())
        return Print(whole.digest(), visible.digest())

    return await store.read(read)


class Work:
    """Everything that is done to one recorded store, from an empty disk or an image of one."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.rng = random.Random(seed)
        self.clock = FakeClock()
        self.recording = Recording(folder)
        self.lanes = [Lane(number, seed) for number in range(LANES)]
        self.upkeep: list[tuple[int, int]] = []  # from, to: only what is visible must stand
        self.refused = 0
        self.store: Store
        self.settings = small_settings(folder)
        self._disk = RecordingDisk(self.recording)
        self._vfs = RecordingVfs(self.recording)

    async def open(self) -> None:
        self.store = await open_store(
            self.settings, self.clock, disk=self._disk, vfs=self._vfs.name
        )
        # Soon enough that a short run plays the log back and begins it anew a few times.
        writing(self.store).pragma("wal_autocheckpoint", 150)

    async def close(self) -> None:
        await self.store.close()

    async def begin(self) -> None:
        """The first state of each lane: what is there."""
        for lane in self.lanes:
            now = self.recording.position
            lane.states.append(State(0, now, await print_of(self.store, lane.logins)))

    async def steps(self, each: int) -> None:
        """So many steps of every lane."""
        await asyncio.gather(*(self._lane(lane, each) for lane in self.lanes))

    async def maintain(self) -> None:
        """Weeks later: tombstones are forgotten, segments compacted, the index brought up."""
        await self._waste(self.lanes[0])
        started = self.recording.position
        await self.store.index_now()
        await self.clock.advance(40 * DAY)
        done = await self.store.maintain()
        assert done.messages, "nothing was forgotten"
        assert done.segments, "nothing was compacted"
        now = self.recording.position
        self.upkeep.append((started, now))
        for lane in self.lanes:
            lane.states.append(State(started, now, await print_of(self.store, lane.logins)))

    async def _waste(self, lane: Lane) -> None:
        """So that there is surely something to compact."""
        raw = letter("Long", self.rng.randbytes(40_000).hex())
        await self._note(lane, deliver(self.store, lane.logins[:1], raw))
        account = await self.store.read(lambda db: accounts.find(db, lane.logins[0]))
        assert account is not None
        inbox = await self.store.read(lambda db: mailboxes.find(db, account.id, "INBOX"))
        assert inbox is not None
        await self._note(lane, _destroy_all(self.store, inbox))

    async def _lane(self, lane: Lane, count: int) -> None:
        for _ in range(count):
            await self._note(lane, step(self.store, lane))

    async def _note(self, lane: Lane, work: Awaitable[Any]) -> None:
        started = self.recording.position
        try:
            await work
        except Unavailable:
            raise
        except PillarboxError:  # no such mailbox, say: nothing was done
            self.refused += 1
        now = self.recording.position
        lane.states.append(State(started, now, await print_of(self.store, lane.logins)))


def small_settings(folder: Path) -> StoreSettings:
    """Such that a short run meets everything: long messages, many segments, compaction."""
    return StoreSettings(
        data_dir=str(folder),
        index_seconds=3600.0,
        segment_octets=60_000,
        spool_memory_octets=30_000,
        own_segment_octets=60_000,
        segment_dead_percent=20,
        read_cache_octets=256 * 1024,
    )


def writing(store: Store) -> Any:
    """The connection that the store writes with."""
    return store._engine._writer._connection  # type: ignore[attr-defined]


async def deliver(store: Store, logins: list[str], raw: bytes, path: str = "INBOX") -> list[Uid]:
    """One message to some accounts in one transaction; with two also into the queue."""
    with store.spool() as spool:
        for start in range(0, len(raw), 20_000):
            spool.write(raw[start : start + 20_000])
        blob, looked = await spool.seal(), digest(spool.octets())

        async def write(tx: Transaction) -> list[Uid]:
            uids = []
            for login in logins:
                account = await accounts.find(tx, login)
                assert account is not None
                mailbox = await mailboxes.find(tx, account.id, path) or await mailboxes.create(
                    tx, account.id, path
                )
                new = messages.NewMessage(
                    account=account.id,
                    mailbox=mailbox.id,
                    blob=blob,
                    digest=looked,
                    trace=b"Return-Path: <>\r\n",
                )
                uids.append((await messages.append(tx, new)).uid)
            if len(logins) > 1:
                onward = (QueuedRecipient("carol@example.net"), QueuedRecipient("x@example.net"))
                out = QueuedMessage(account.id, "", b"", onward, "journey")
                await queue.add(tx, out, blob)
            return uids

        return await store.write(write)


async def step(store: Store, lane: Lane) -> None:
    """One operation, as a door would ask for it."""
    rng = lane.rng
    first = await store.read(lambda db: accounts.find(db, lane.logins[0]))
    if first is None:
        await store.write(lambda tx: _create(tx, lane.logins))
        return
    source = await _some_mailbox(store, first.id, rng)
    what = rng.choices(list(_STEPS), [one[0] for one in _STEPS.values()])[0]
    await _STEPS[what][1](store, lane, source)


async def _create(tx: Transaction, logins: list[str]) -> None:
    for login in logins:
        await accounts.create(tx, login, "")


async def _some_mailbox(store: Store, account: AccountId, rng: random.Random) -> Mailbox:
    tree = await store.read(lambda db: mailboxes.tree(db, account))
    full = [one for one in tree if one.messages]
    return rng.choice(full if full and rng.random() < 0.8 else tree)


async def _deliver(store: Store, lane: Lane, source: Mailbox) -> None:
    several = lane.rng.random() < 0.3
    await deliver(store, lane.logins if several else lane.logins[:1], _letter(lane))


async def _append(store: Store, lane: Lane, source: Mailbox) -> None:
    with store.spool() as spool:
        spool.write(_letter(lane))
        new = messages.NewMessage(
            account=source.account,
            mailbox=source.id,
            blob=await spool.seal(),
            digest=digest(spool.octets()),
            flags=lane.rng.randrange(32),
            keywords=lane.rng.choice(["", "red", "red blue"]),
        )
        await store.write(lambda tx: messages.append(tx, new))


async def _flags(store: Store, lane: Lane, source: Mailbox) -> None:
    uids = await _some_uids(store, lane, source)
    change, bits = lane.rng.choice(list(FlagChange)), lane.rng.randrange(32)
    word = lane.rng.choice(["", "red", "green"])
    await store.write(
        lambda tx: flags.store_flags(tx, source.account, source.id, uids, change, bits, word)
    )


async def _copy(store: Store, lane: Lane, source: Mailbox) -> None:
    await _place(store, lane, source, moves.copy)


async def _move(store: Store, lane: Lane, source: Mailbox) -> None:
    await _place(store, lane, source, moves.move)


async def _place(
    store: Store, lane: Lane, source: Mailbox, how: Callable[..., Awaitable[Any]]
) -> None:
    uids = await _some_uids(store, lane, source)
    target = await _some_mailbox(store, source.account, lane.rng)
    await store.write(lambda tx: how(tx, source.account, source.id, uids, target.id))


async def _expunge(store: Store, lane: Lane, source: Mailbox) -> None:
    await store.write(lambda tx: expunging.expunge(tx, source.account, source.id))


async def _destroy(store: Store, lane: Lane, source: Mailbox) -> None:
    """As POP3's QUIT does."""
    uids = await _some_uids(store, lane, source)
    await store.write(lambda tx: expunging.expunge(tx, source.account, source.id, uids, force=True))


async def _destroy_all(store: Store, source: Mailbox) -> None:
    there = await store.read(lambda db: changes.placed(db, source.account, source.id))
    uids = [one.uid for one in there]
    await store.write(lambda tx: expunging.expunge(tx, source.account, source.id, uids, force=True))


async def _folders(store: Store, lane: Lane, source: Mailbox) -> None:
    old, new = lane.rng.sample(NAMES, 2)
    account = source.account
    match lane.rng.randrange(4):
        case 0 | 1:
            await store.write(lambda tx: mailboxes.create(tx, account, new))
        case 2:
            await store.write(lambda tx: mailboxes.rename(tx, account, old, new))
        case _:
            await store.write(lambda tx: mailboxes.delete(tx, account, old))


_STEPS: dict[str, tuple[int, Callable[[Store, Lane, Mailbox], Awaitable[None]]]] = {
    "deliver": (30, _deliver),
    "append": (12, _append),
    "flags": (14, _flags),
    "copy": (8, _copy),
    "move": (8, _move),
    "expunge": (8, _expunge),
    "destroy": (8, _destroy),
    "folders": (12, _folders),
}


async def _some_uids(store: Store, lane: Lane, mailbox: Mailbox) -> list[Uid]:
    there = await store.read(lambda db: changes.placed(db, mailbox.account, mailbox.id))
    uids = [one.uid for one in there]
    return sorted(lane.rng.sample(uids, lane.rng.randint(0, min(len(uids), 5))))


def _letter(lane: Lane) -> bytes:
    """Mostly short and new; sometimes long, sometimes one that is stored already."""
    rng = lane.rng
    if lane.known and rng.random() < 0.2:
        return rng.choice(lane.known)
    size = rng.choices([100, 3000, 15_000, 80_000], [60, 25, 10, 5])[0]
    raw = letter(f"Letter {rng.random()}", rng.randbytes(size).hex())
    lane.known.append(raw)
    return raw
