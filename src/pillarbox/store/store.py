"""The store: the one owner of state. It knows no protocol."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from pillarbox.clock import Clock
from pillarbox.config.store import StoreSettings
from pillarbox.ids import AccountId, BlobId, MailboxId, Uid
from pillarbox.store.arrivals import Arrivals
from pillarbox.store.blobs.content import Content
from pillarbox.store.blobs.spool import Spool
from pillarbox.store.database import ReadFunction, WriteFunction
from pillarbox.store.feed import Feed
from pillarbox.store.journeys import Journeys
from pillarbox.store.maintenance import Maintained
from pillarbox.store.model import MessageRow, QueuedRow
from pillarbox.store.query import Query
from pillarbox.store.search.account_wide import AskFunction
from pillarbox.store.verify import VerifyReport

T = TypeVar("T")
Progress = Callable[[int, int], None]

SHORT_WRITE = 20  # messages that a short write adds or changes at most: some milliseconds


def _no_progress(_done: int, _of: int) -> None:
    """Nobody looks."""


class Engine(Protocol):
    """What differs between SQLite with segments and a second engine."""

    feed: Feed

    @property
    def journeys(self) -> Journeys:
        """What became of each message."""

    async def read(self, function: ReadFunction[T]) -> T:
        """One short snapshot."""

    async def read_one(self, function: ReadFunction[T]) -> T:
        """One statement."""

    async def scan(self, function: ReadFunction[T]) -> T:
        """One long snapshot, beside the loop's thread."""

    async def write(self, function: WriteFunction[T], *, short: bool, patient: bool) -> T:
        """One transaction."""

    @property
    def busy_at(self) -> float:
        """See `Store.busy_at`."""

    def spool(self, max_octets: int) -> Spool:
        """A place for a message's octets while they arrive."""

    def content(self, trace: bytes, blob: BlobId, size: int) -> Content:
        """A message's octets."""

    def contents(self, rows: Sequence[MessageRow]) -> list[Content]:
        """The octets of several."""

    async def search(self, account: AccountId, mailbox: MailboxId, query: Query) -> list[Uid]:
        """The messages that a query holds for."""

    async def ask_account(self, account: AccountId, function: AskFunction[T]) -> T:
        """What a function finds out about all messages of an account."""

    async def index_now(self) -> int:
        """Bring the search index up to date."""

    async def maintain(self) -> Maintained:
        """End retention, give room back."""

    async def verify(self, progress: Progress) -> VerifyReport:
        """Read and compare everything."""

    async def close(self) -> None:
        """Give everything back."""


class Store:
    """What the rest of Pillarbox sees; made by `store.open.open_store`."""

    def __init__(self, engine: Engine, settings: StoreSettings, clock: Clock) -> None:
        self._engine = engine
        self.settings = settings
        self.clock = clock
        self.feed = engine.feed
        self.arrivals = Arrivals()
        self.journeys = engine.journeys

    async def read(self, function: ReadFunction[T]) -> T:
        """`await function(reader)` in one consistent snapshot. Keep it short: the loop waits."""
        return await self._engine.read(function)

    async def read_one(self, function: ReadFunction[T]) -> T:
        """The same for one statement, which is a snapshot of its own: it costs a third less.

        Raises RuntimeError at a second one, which might see another state.
        """
        return await self._engine.read_one(function)

    async def scan(self, function: ReadFunction[T]) -> T:
        """The same in a reader thread, for what takes longer than a millisecond or two."""
        return await self._engine.scan(function)

    async def write(
        self, function: WriteFunction[T], *, short: bool = False, patient: bool = False
    ) -> T:
        """`await function(transaction)` in the next group commit.

        `short`: it adds or changes at most `SHORT_WRITE` messages, found by their keys, so that it
        may run on the loop's thread, where it is cheaper than beside a busy loop.
        `patient`: a step of something long, in a commit of its own, behind all others that wait.
        Returns its value when the commit is durable. Raises what it raised, with nothing changed,
        or Unavailable. The function may be run twice: it must change nothing but the transaction.
        """
        return await self._engine.write(function, short=short, patient=patient)

    @property
    def busy_at(self) -> float:
        """When anybody last wrote anything but steps of long work of this process; monotonic."""
        return self._engine.busy_at

    def spool(self, max_octets: int | None = None) -> Spool:
        """A place for a message's octets while they arrive."""
        return self._engine.spool(max_octets or self.settings.max_message_octets)

    def content(self, row: MessageRow | QueuedRow) -> Content:
        """The message as it is read: trace, then octets as received."""
        return self._engine.content(row.trace, row.blob, row.size)

    def octets(self, blob: BlobId, size: int) -> Content:
        """Stored octets that are no message."""
        return self._engine.content(b"", blob, size)

    def contents(self, rows: Sequence[MessageRow]) -> list[Content]:
        """The same of several; within the `read` that brought the rows it costs least."""
        return self._engine.contents(rows)

    async def search(self, account: AccountId, mailbox: MailboxId, query: Query) -> list[Uid]:
        """The UIDs of the messages that a query holds for, ascending; runs beside the loop."""
        return await self._engine.search(account, mailbox, query)

    async def ask_account(self, account: AccountId, function: AskFunction[T]) -> T:
        """`await function(search)` in one snapshot, beside the loop; see `search.email_list`."""
        return await self._engine.ask_account(account, function)

    async def index_now(self) -> int:
        """Bring the search index up to date; how many messages were added."""
        return await self._engine.index_now()

    async def maintain(self) -> Maintained:
        """Delete what has been expunged for longer than the retention, and compact segments.

        Safe at any time; returns at once with zeros when another process is at it.
        """
        return await self._engine.maintain()

    async def verify(self, progress: Progress = _no_progress) -> VerifyReport:
        """Read every blob and index entry, recompute every counter, and tell what is wrong.

        `progress(done, of)` is called on the loop's thread. Runs beside the store's work; cancel
        the task to stop it.
        """
        return await self._engine.verify(progress)

    async def close(self) -> None:
        """Finish the writes that wait and give everything back."""
        await self._engine.close()
