"""What an account holds at one instant, noted in a file: messages come and go while it is read."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import msgspec

from pillarbox.errors import NoSuchMailbox
from pillarbox.ids import MAX_UID, AccountId, MailboxId, MessageId, ModSeq, Uid
from pillarbox.store import Store
from pillarbox.store.database import Reader
from pillarbox.store.model import Mailbox
from pillarbox.store.sql import changes, mailboxes
from pillarbox.store.sql.names import normal_path


class Place(msgspec.Struct, frozen=True, array_like=True):
    """A message's place, as of then."""

    uid: Uid
    message: MessageId
    flags: int
    keywords: str
    modseq: ModSeq
    size: int
    saved_at: int


class SnapshotFolder(msgspec.Struct, frozen=True):
    """A mailbox and where its places are noted."""

    mailbox: Mailbox
    start: int
    messages: int
    octets: int


class Snapshot:
    """Folders and places; `close` it."""

    def __init__(self, folder: Path | None = None) -> None:
        """`folder`: where there is room for the notes; None: the system's for temporary files."""
        self.place = folder
        self._file: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 (see `close`)
        self.modseq = ModSeq(0)
        self.folders: list[SnapshotFolder] = []
        self.subscriptions: set[str] = set()

    async def take(self, store: Store, account: AccountId, paths: Sequence[str]) -> None:
        """All folders, or those named with everything below them; raises NoSuchMailbox."""
        await store.scan(lambda db: self._take(db, account, [normal_path(one) for one in paths]))

    async def _take(self, db: Reader, account: AccountId, paths: list[str]) -> None:
        self.modseq = await changes.account_modseq(db, account)
        self.subscriptions = await mailboxes.subscriptions(db, account)
        tree = await mailboxes.tree(db, account)
        for path in paths:
            if not any(_lies_in(mailbox.path, path) for mailbox in tree):
                raise NoSuchMailbox(f"There is no mailbox {path!r}.")
        for mailbox in tree:
            if not paths or any(_lies_in(mailbox.path, path) for path in paths):
                await self._take_one(db, account, mailbox)

    async def _take_one(self, db: Reader, account: AccountId, mailbox: Mailbox) -> None:
        start = self._file.tell()
        messages = octets = 0
        # Some thousands at a time: a large mailbox would fill the memory.
        async for rows in changes.placed_as_of(
            db, account, MailboxId(mailbox.id), self.modseq, low=1, high=MAX_UID + 1
        ):
            for row in rows:
                self._file.write(msgspec.json.encode(row) + b"\n")
                messages += 1
                octets += row[5]
        self.folders.append(SnapshotFolder(mailbox, start, messages, octets))

    def batches(self, folder: SnapshotFolder, count: int) -> Iterator[list[Place]]:
        """A folder's places, ascending UIDs, so many at a time."""
        left, at = folder.messages, folder.start
        while left:
            self._file.seek(at)
            lines = [self._file.readline() for _ in range(min(count, left))]
            at = self._file.tell()
            left -= len(lines)
            yield [msgspec.json.decode(line, type=Place) for line in lines]

    def close(self) -> None:
        """Give the file back."""
        self._file.close()


def _lies_in(path: str, top: str) -> bool:
    return path == top or path.startswith(top + "/")
