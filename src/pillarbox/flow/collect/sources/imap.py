"""An account on an IMAP server as a Source.

It is read without a trace (EXAMINE, BODY.PEEK) until something is to be done there. Connections
that are cut are made anew; what was open is opened again, and must be what it was.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import TypeVar

from pillarbox.clock import Clock
from pillarbox.flow.collect.refusals import source_failure
from pillarbox.flow.collect.source import (
    Arrived,
    AtSource,
    FlagsNow,
    FolderChanges,
    Missed,
    OpenFolder,
    RemoteFolder,
    RemoteMessage,
    SourceFailure,
)
from pillarbox.flow.collect.sources import imap_listing, imap_settling
from pillarbox.flow.collect.sources.imap_bringing import Bringing
from pillarbox.flow.collect.sources.imap_folders import folder_name, plan_remote_folders
from pillarbox.imap.client.connection import ImapConnection
from pillarbox.imap.client.failure import ImapFailure
from pillarbox.imap.client.mailboxes import MailboxEntry
from pillarbox.imap.client.selected import Selected
from pillarbox.store.blobs.spool import Spool

T = TypeVar("T")

_WHO = {"name": "Pillarbox"}
_LONGEST_PAUSE = 60.0  # seconds before a connection is made anew


class ImapSource:
    """Dials when it is first needed, and again when the connection was cut."""

    def __init__(
        self,
        dial: Callable[[], Awaitable[ImapConnection]],
        clock: Clock,
        *,
        host: str = "",
        compress: bool = False,
    ) -> None:
        """`dial`: gives a connection that is signed in. `host`: its name in sentences.

        `compress`: deflate what goes over the line, where the server can; for slow lines.
        """
        self._dial = dial
        self._clock = clock
        self._host = host
        self._compress = compress
        self._connection: ImapConnection | None = None
        self._entries: dict[str, MailboxEntry] = {}  # by path
        self._open: OpenFolder | None = None
        self._news = False  # the open folder is not what it was when it was open before
        self._marks: dict[str, tuple[str, int, int]] = {}  # by folder: what tells that

    # What a Source can

    async def folders(self) -> list[RemoteFolder]:
        """All of the account's own folders."""
        return await self._twice(self._list_folders)

    async def open(self, folder: RemoteFolder) -> OpenFolder:
        """List it: one line of the server's for each message."""
        self._open = None

        async def work() -> OpenFolder:
            connection = await self._ready()
            selected = await self._select(connection, folder, write=False)
            return await imap_listing.list_messages(connection, selected, folder)

        opened = self._open = await self._twice(work)
        selected = self._selected()
        mark = (opened.validity, len(opened.messages), selected.uid_next)
        self._news = self._marks.get(folder.key, mark) != mark
        self._marks[folder.key] = mark
        selected.touched = False
        return opened

    async def fetch(
        self, messages: Sequence[RemoteMessage], spool: Callable[[], Spool]
    ) -> AsyncIterator[Arrived | Missed]:
        """Several sets on the way at a time; one message that fails does not end it."""
        limits = (await self._box(write=None)).limits
        bringing = Bringing(messages, spool, limits)
        in_vain = 0
        while True:
            connection = await self._box(write=None)
            came = bringing.came
            try:
                async with aclosing(bringing.run(connection)) as stream:
                    async for one in stream:
                        yield one
                self._check_validity()
                return
            except ImapFailure as failure:
                if not self._was_cut(failure):
                    raise self._failed(failure) from failure
                in_vain = 0 if bringing.came > came else in_vain + 1
                missed = bringing.blame(connection, failure)
                if in_vain > limits.max_redials:
                    raise self._failed(failure) from failure
            if missed is not None:
                yield missed
            await self._pause(in_vain)

    async def settle(self, keys: Sequence[str], what: AtSource) -> list[str]:
        """Mark, move or delete; those for which the server said OK."""
        if what.action == "leave":
            return list(keys)
        connection = await self._box(write=True)
        uids = sorted(map(int, keys))
        try:
            if what.action == "mark":
                done = await imap_settling.mark(connection, uids)
            elif what.action == "move":
                target = imap_settling.target_name(what.folder, self._entries)
                done = await imap_settling.move(connection, uids, target)
            else:
                done = await imap_settling.delete(connection, uids)
        except ImapFailure as failure:
            raise self._failed(failure) from failure
        return [str(uid) for uid in done]

    async def changes(self, since: str) -> FolderChanges:
        """Flags that changed since, and messages listed by `open` that are gone."""

        async def work() -> FolderChanges:
            connection = await self._box(write=None)
            assert self._open is not None
            return await imap_listing.find_changes(connection, self._open, since)

        changes = await self._twice(work)
        self._selected().touched = False
        return changes

    async def set_flags(self, changes: Sequence[FlagsNow]) -> list[str]:
        """Replace them; nothing is done where the folder can only be read."""
        connection = await self._box(write=True)
        try:
            return await imap_settling.set_flags(connection, changes)
        except ImapFailure as failure:
            raise self._failed(failure) from failure

    async def wait(self, seconds: float) -> bool:
        """IDLE. What changed between the last two times that the folder was open counts, too."""
        if self._news:
            self._news = False
            return True
        connection = await self._box(write=None)
        try:
            return await connection.idle(seconds)
        except ImapFailure as failure:
            raise self._failed(failure) from failure

    async def message_ids(self, messages: Sequence[RemoteMessage]) -> dict[str, bytes]:
        """Message-IDs of the open folder's messages by key, without angle brackets."""

        async def work() -> dict[str, bytes]:
            connection = await self._box(write=None)
            return await imap_listing.find_message_ids(connection, messages)

        return await self._twice(work)

    async def close(self) -> None:
        """Take leave."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.logout()

    # Small parts

    async def _list_folders(self) -> list[RemoteFolder]:
        connection = await self._ready()
        namespaces = await connection.namespace()
        entries = await connection.list()
        by_key = {entry.name: entry for entry in entries}
        folders = plan_remote_folders(entries, namespaces)
        self._entries = {one.path: by_key[folder_name(one.key)] for one in folders}
        return folders

    async def _ready(self) -> ImapConnection:
        """A connection that is signed in."""
        connection = self._connection
        if connection is not None and connection.is_usable:
            return connection
        self._connection = None
        connection = self._connection = await self._dial()
        # Some answer nothing before they know who asks; and who can tell is helped in his log.
        await connection.id(_WHO)
        if "UTF8=ONLY" in connection.capabilities:
            await connection.enable("UTF8=ACCEPT")
        if "QRESYNC" in connection.capabilities:
            await connection.enable("QRESYNC")
        if self._compress:
            await connection.compress()
        return connection

    async def _box(self, *, write: bool | None) -> ImapConnection:
        """The open folder, open there; `write` None: either way will do."""
        opened = self._open
        if opened is None:
            raise SourceFailure("gone", "No folder is open.")
        try:
            connection = await self._ready()
            selected = connection.selected
            if (
                selected is None
                or selected.name != folder_name(opened.folder.key)
                or (write and not selected.for_writing)
            ):
                await self._select(connection, opened.folder, write=bool(write))
        except ImapFailure as failure:
            raise self._failed(failure) from failure
        self._check_validity()
        return connection

    async def _select(
        self, connection: ImapConnection, folder: RemoteFolder, *, write: bool
    ) -> Selected:
        name = folder_name(folder.key)
        try:
            if write:
                return await connection.select(name, condstore=True)
            return await connection.examine(name, condstore=True)
        except ImapFailure as failure:
            found = self._failed(failure)
            if failure.ended or found.trouble == "throttled":
                raise
            raise SourceFailure(
                "gone", f"The folder “{folder.path}” cannot be opened: {failure.why}"
            ) from failure

    def _selected(self) -> Selected:
        assert self._connection is not None
        selected = self._connection.selected
        assert selected is not None
        return selected

    def _check_validity(self) -> None:
        assert self._open is not None
        if str(self._selected().uid_validity) != self._open.validity:
            path = self._open.folder.path
            raise SourceFailure(
                "gone", f"The server numbered the folder “{path}” anew while it was read."
            )

    async def _twice(self, work: Callable[[], Awaitable[T]]) -> T:
        """Once more where the connection was cut."""
        try:
            return await work()
        except ImapFailure as failure:
            if not self._was_cut(failure):
                raise self._failed(failure) from failure
        await self._pause(0)
        try:
            return await work()
        except ImapFailure as failure:
            raise self._failed(failure) from failure

    async def _pause(self, in_vain: int) -> None:
        connection = self._connection
        seconds = connection.timeouts.redial_seconds if connection is not None else 0.0
        await self._clock.sleep(min(seconds * 2**in_vain, _LONGEST_PAUSE))

    def _was_cut(self, failure: ImapFailure) -> bool:
        """The connection is over, and nobody asked us to stay away."""
        return failure.ended and self._failed(failure).trouble in ("cut", "protocol")

    def _failed(self, failure: ImapFailure) -> SourceFailure:
        return source_failure(failure, self._host)
