"""What every engine offers to the modules under `sql/`: reading and writing rows.

SQLite answers at once, so its awaits never wait; an engine on the network really awaits. The
functions in `sql/` are written once and cannot tell the difference.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar

from pillarbox.config.store import StoreSettings
from pillarbox.ids import AccountId, BlobId, ModSeq
from pillarbox.store.blobs.record import SealedBlob

Value = None | int | float | str | bytes
Row = tuple[Any, ...]
T = TypeVar("T")


class Reader(Protocol):
    """One consistent snapshot."""

    async def rows(self, sql: str, params: Sequence[Value] = ()) -> list[Row]:
        """All rows of a query."""

    async def row(self, sql: str, params: Sequence[Value] = ()) -> Row | None:
        """The first row of a query, or None."""


class Transaction(Reader, Protocol):
    """One write: all of it happens, durably, or nothing."""

    @property
    def settings(self) -> StoreSettings:
        """Caps that the write functions enforce."""

    async def run(self, sql: str, params: Sequence[Value] = ()) -> list[Row]:
        """Execute a statement; the rows of its RETURNING clause."""

    async def run_many(self, sql: str, sets: Iterable[Sequence[Value]]) -> None:
        """Execute a statement once for each set of parameters."""

    async def keep(self, blob: SealedBlob) -> BlobId:
        """Make the octets part of this write and count one more reference to them."""

    async def copy_of(self, blob: BlobId) -> BlobId:
        """Count one more reference to octets that are stored already."""

    def now(self) -> int:
        """The instant of this write, Unix seconds."""

    def changed(self, account: AccountId, modseq: ModSeq) -> None:
        """Wake those who watch the account, after the commit."""


ReadFunction = Callable[[Reader], Awaitable[T]]
WriteFunction = Callable[[Transaction], Awaitable[T]]
