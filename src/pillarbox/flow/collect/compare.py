"""Whether everything that another place has is here, too: counts, flags and octets, by folder.

Either every message is read there and its octets compared, or, where the source tells Message-IDs
at small cost, only those are read whose Message-ID, size and date do not settle it. What is not in
the folder where it belongs is looked for in the whole account before it is called missing.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

import msgspec

from pillarbox.flow.collect.folders import FolderPlan, PlannedFolder
from pillarbox.flow.collect.pairing import Pool, flags_differ
from pillarbox.flow.collect.progress import Progress, TroubleNote, Watch
from pillarbox.flow.collect.source import (
    Arrived,
    OpenFolder,
    RemoteFolder,
    RemoteMessage,
    Source,
)
from pillarbox.ids import AccountId, BlobId
from pillarbox.message.part import Octets
from pillarbox.store.database import Reader
from pillarbox.store.sql import mailboxes, messages
from pillarbox.store.sql.comparison import Held, held, mailboxes_with
from pillarbox.store.sql.threads import id_hash
from pillarbox.store.store import Store

MOST_NOTES = 1000  # differences that a report names; the counts go on
_HASH_INLINE = 128 * 1024  # octets hashed on the loop's own thread (a tenth of a millisecond)


@runtime_checkable
class Identifying(Protocol):
    """A source that tells Message-IDs without sending the messages."""

    async def message_ids(self, messages: Sequence[RemoteMessage]) -> dict[str, bytes]:
        """By key, of messages of the open folder; b"" for one that has none."""


class Difference(msgspec.Struct, frozen=True):
    """A message that is not as it should be."""

    folder: str  # path there
    key: str
    what: str  # a sentence
    size: int = 0
    received_at: int | None = None


class FolderCompared(msgspec.Struct, kw_only=True):
    """One folder there and its mailbox here."""

    folder: str
    mailbox: str
    there: int = 0
    here: int = 0  # of those that other folders there did not claim before
    is_view: bool = False  # it shows there what other folders have: Gmail's "All Mail"
    equal: int = 0  # found in the mailbox where they belong
    copies: int = 0  # the same octets are there more often than here
    elsewhere: int = 0  # in another mailbox of the account: moved since, or filed by a rule
    missing: int = 0
    unread: int = 0  # could not be read there, so that nothing can be said
    only_here: int = 0
    flags_differ: int = 0
    dates_differ: int = 0


class LeftOut(msgspec.Struct, frozen=True):
    """A folder with messages that is not wanted here."""

    folder: str
    why: str


class Comparison(msgspec.Struct, kw_only=True):
    """What came of it."""

    by_octets: bool  # every message was read; False: those alone that needed it
    folders: list[FolderCompared] = msgspec.field(default_factory=list)
    left_out: list[LeftOut] = msgspec.field(default_factory=list)  # folders
    unknown: list[str] = msgspec.field(default_factory=list)  # named, and not there
    missing: list[Difference] = msgspec.field(default_factory=list)
    unread: list[Difference] = msgspec.field(default_factory=list)
    flags: list[Difference] = msgspec.field(default_factory=list)
    elsewhere: list[Difference] = msgspec.field(default_factory=list)
    read: int = 0  # messages whose octets were compared

    def total(self, name: str) -> int:
        """The sum of one of FolderCompared's counts."""
        return sum(getattr(one, name) for one in self.folders)

    @property
    def complete(self) -> bool:
        """Nothing is missing, nothing is left in doubt, and something was compared."""
        in_doubt = self.unknown or not self.folders
        return not in_doubt and self.total("missing") == 0 and self.total("unread") == 0


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """What is compared, and how."""

    store: Store
    account: AccountId
    plan: Callable[[Sequence[RemoteFolder]], FolderPlan]  # which mailbox each of them is here
    label: str = ""  # a keyword that everything brought got here
    by_octets: bool = False


class _Open(msgspec.Struct, frozen=True):
    """A message there that is not found in its mailbox yet."""

    note: FolderCompared
    message: RemoteMessage
    octets: BlobId


async def compare(ask: Ask, source: Source, progress: Progress, watch: Watch) -> Comparison:
    """Compare all folders of the source that have a place here. Raises SourceFailure."""
    progress.phase = "listing"
    watch(progress)
    plan = ask.plan(await source.folders())
    left_out = [LeftOut(one.remote.path, one.why) for one in plan.skipped if one.remote.selectable]
    by_octets = ask.by_octets or not isinstance(source, Identifying)
    found = Comparison(by_octets=by_octets, left_out=left_out, unknown=list(plan.unknown))
    comparing = _Comparing(ask, source, found, progress, watch)
    comparing.expect(plan.folders)
    for folder in plan.folders:
        await comparing.folder(folder)
        progress.folders_done += 1
        watch(progress)
    await comparing.look_elsewhere()
    progress.phase = "ended"
    watch(progress)
    return found


class _Comparing:
    """The state of one comparison."""

    def __init__(
        self, ask: Ask, source: Source, found: Comparison, progress: Progress, watch: Watch
    ) -> None:
        self._ask = ask
        self._source = source
        self._found = found
        self._progress = progress
        self._watch = watch
        self._open: list[_Open] = []
        self._to_come: Counter[str] = Counter()  # folders by the mailbox that they are here
        self._pools: dict[str, Pool] = {}  # of mailboxes that more folders come to

    def expect(self, planned: Sequence[PlannedFolder]) -> None:
        """What is going to be compared."""
        progress = self._progress
        progress.folders = len(planned)
        progress.messages = sum(one.remote.messages or 0 for one in planned)
        progress.octets = sum(one.remote.octets or 0 for one in planned)
        progress.phase = "bringing"
        self._to_come.update(one.path for one in planned)

    async def folder(self, planned: PlannedFolder) -> None:
        """Compare one."""
        folder, path = planned.remote, planned.path
        self._progress.folder = folder.path
        opened = await self._source.open(folder)
        self._progress.messages += len(opened.messages) - (folder.messages or 0)
        self._progress.octets += sum(m.size for m in opened.messages) - (folder.octets or 0)
        pool = self._pools.pop(path, None) or Pool(await self._held(path))
        note = FolderCompared(
            folder=folder.path,
            mailbox=path,
            there=len(opened.messages),
            here=len(pool),
            is_view=planned.is_view,
        )
        self._found.folders.append(note)
        unsettled: Sequence[RemoteMessage] = opened.messages
        if not self._found.by_octets:
            unsettled = await self._by_identity(note, opened, pool)
        await self._by_octets(note, unsettled, pool)
        self._to_come[path] -= 1
        if self._to_come[path]:
            self._pools[path] = pool
        else:
            note.only_here = len(pool)

    async def _held(self, path: str) -> list[Held]:
        async def read(db: Reader) -> list[Held]:
            mailbox = await mailboxes.find(db, self._ask.account, path)
            return [] if mailbox is None else await held(db, self._ask.account, mailbox.id)

        return await self._ask.store.scan(read)

    async def _by_identity(
        self, note: FolderCompared, opened: OpenFolder, pool: Pool
    ) -> list[RemoteMessage]:
        """Pair what Message-ID, size and date pair without doubt; the rest."""
        assert isinstance(self._source, Identifying)
        named = await self._source.message_ids(opened.messages)
        rest: list[RemoteMessage] = []
        for message in opened.messages:
            there = pool.take_identical(message, id_hash(named.get(message.key, b"")))
            if there is None:
                rest.append(message)
            else:
                self._paired(note, message, there)
        self._step()
        return rest

    async def _by_octets(
        self, note: FolderCompared, unsettled: Sequence[RemoteMessage], pool: Pool
    ) -> None:
        most = self._ask.store.settings.max_message_octets
        for message in (one for one in unsettled if one.size > most):
            note.missing += 1
            told = f"It has {message.size} octets; this server keeps {most} at most."
            self._note(self._found.missing, note, message, told)
            self._step(message)
        fitting = [one for one in unsettled if one.size <= most]
        if not fitting:
            return
        async for arrived in self._source.fetch(fitting, self._ask.store.spool):
            if not isinstance(arrived, Arrived):
                if not arrived.gone:
                    note.unread += 1
                    self._note(self._found.unread, note, arrived.message, arrived.why)
                    self._progress.note(TroubleNote(note.folder, arrived.message.key, arrived.why))
                self._step(arrived.message)
                continue
            with arrived.spool as spool:
                octets, size = await _digest(spool.octets()), spool.size
            self._found.read += 1
            there = pool.take(octets) or await self._with_trace(pool, octets, size)
            if there is None:
                self._open.append(_Open(note, arrived.message, octets))
                self._step(arrived.message)
            else:
                self._paired(note, arrived.message, there)

    async def _with_trace(self, pool: Pool, octets: BlobId, size: int) -> Held | None:
        """One that came here by SMTP is read with our trace fields in front: those count, too."""
        for there in pool.traced(size):
            row = await self._ask.store.read(
                lambda db, there=there: messages.get(db, self._ask.account, there.message)  # type: ignore[misc]  # of a default, mypy infers nothing
            )
            whole = b"".join([part async for part in self._ask.store.content(row).chunks()])
            if await _digest(whole) == octets:
                pool.drop(there)
                return there
        return None

    def _paired(self, note: FolderCompared, message: RemoteMessage, there: Held) -> None:
        note.equal += 1
        if message.received_at is not None and message.received_at != there.received_at:
            note.dates_differ += 1
        told = flags_differ(message, there, self._ask.label)
        if told:
            note.flags_differ += 1
            self._note(self._found.flags, note, message, told)
        self._step(message)

    def _step(self, message: RemoteMessage | None = None) -> None:
        if message is not None:
            self._progress.messages_done += 1
            self._progress.octets_done += message.size
        self._watch(self._progress)

    async def look_elsewhere(self) -> None:
        """What is not in its mailbox is moved, a copy of one that is, or missing."""
        account = self._ask.account
        blobs = {one.octets for one in self._open}
        lies = await self._ask.store.scan(lambda db: mailboxes_with(db, account, blobs))
        for one in self._open:
            paths = lies.get(one.octets, [])
            if one.note.mailbox in paths:
                one.note.copies += 1
            elif paths:
                one.note.elsewhere += 1
                if not one.note.is_view:
                    told = f"It is in {paths[0]}."
                    self._note(self._found.elsewhere, one.note, one.message, told)
            else:
                one.note.missing += 1
                self._note(self._found.missing, one.note, one.message, "It is not here.")

    def _note(
        self, notes: list[Difference], note: FolderCompared, message: RemoteMessage, what: str
    ) -> None:
        if len(notes) < MOST_NOTES:
            notes.append(
                Difference(note.folder, message.key, what, message.size, message.received_at)
            )


async def _digest(octets: Octets) -> BlobId:
    if len(octets) <= _HASH_INLINE:
        return BlobId(hashlib.sha256(octets).digest())
    loop = asyncio.get_running_loop()
    return BlobId(await loop.run_in_executor(None, lambda: hashlib.sha256(octets).digest()))
