"""An account copied into another IMAP server, and nothing twice when that is repeated.

What is there already is known by its Message-ID together with its size or its date (servers differ
in how exactly they keep either); without a Message-ID by size and date. Two messages alike are two:
each one there stands for one of ours. Nothing is written into the messages, and the flags of what
is there already are left alone.
"""

from __future__ import annotations

import msgspec

from pillarbox.errors import Damaged
from pillarbox.flow.collect.export.export import EVERYTHING, Chosen
from pillarbox.flow.collect.export.imap_folders import TargetFolders, target_folders
from pillarbox.flow.collect.export.snapshot import Place, Snapshot, SnapshotFolder
from pillarbox.flow.collect.progress import Progress, TroubleNote, Watch
from pillarbox.flow.collect.refusals import source_failure
from pillarbox.imap.client.appending import OutgoingMessage
from pillarbox.imap.client.connection import ImapConnection
from pillarbox.imap.client.failure import ImapFailure, refusal
from pillarbox.imap.client.messages import SetEnd
from pillarbox.imap.client.responses import ServerLiteral
from pillarbox.imap.client.selected import Selected
from pillarbox.message.header import header_end, pick
from pillarbox.store import Store
from pillarbox.store.blobs.content import Content
from pillarbox.store.model import FLAG_NAMES, Account, Mailbox, MessageRow
from pillarbox.store.sql import messages

_AT_ONCE = 100  # messages whose rows are asked for together
_SENT_AT_ONCE = 50  # messages in one APPEND, where the server takes several
_OCTETS_AT_ONCE = 4 * 1024 * 1024
_HEADER_OCTETS = 256 * 1024  # of ours that are looked at for a Message-ID
_MESSAGE_ID = frozenset({b"message-id"})
_ASKED = b"(UID RFC822.SIZE INTERNALDATE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])"


class _There:
    """What a folder of the other server holds; each of its messages stands for one of ours."""

    def __init__(self) -> None:
        self._known: dict[bytes, list[tuple[int, int]]] = {}

    def add(self, message_id: bytes, size: int, received_at: int) -> None:
        """One of theirs."""
        self._known.setdefault(message_id, []).append((size, received_at))

    def take(self, message_id: bytes, size: int, received_at: int) -> bool:
        """Whether one of theirs is this one of ours; it will not stand for another."""
        alike = self._known.get(message_id, [])
        best = max(alike, key=lambda one: (one[0] == size) + (one[1] == received_at), default=None)
        if best is None:
            return False
        same = (best[0] == size) + (best[1] == received_at)
        if same < (1 if message_id else 2):
            return False
        alike.remove(best)
        return True


class _Ours(msgspec.Struct, frozen=True):
    """A message that is to be sent."""

    place: Place
    row: MessageRow
    content: Content


class _Full(Exception):
    """The other account takes no more."""


class _NotMade(Exception):
    """The other server has no such folder and takes no such name."""


class Target(msgspec.Struct, frozen=True):
    """Whither: a connection that is signed in, and the server's name as the person called it."""

    connection: ImapConnection
    host: str = ""


def _unwatched(_progress: Progress) -> None:
    """Nobody looks."""


async def to_imap(
    store: Store,
    account: Account,
    target: Target,
    *,
    chosen: Chosen = EVERYTHING,
    progress: Progress | None = None,
    watch: Watch = _unwatched,
) -> Progress:
    """Folders, messages with flags and dates, subscriptions. Raises SourceFailure, NoSuchMailbox.

    A message that is refused is in `troubles`. When the other account is full, `why` says so.
    """
    copier = _Copier(store, account, target.connection, chosen, progress or Progress(), watch)
    snapshot = Snapshot()
    try:
        await snapshot.take(store, account.id, chosen.mailboxes)
        return await copier.copy(snapshot)
    except ImapFailure as error:
        raise source_failure(error, target.host) from error
    finally:
        snapshot.close()


class _Copier:
    """One copy."""

    def __init__(
        self,
        store: Store,
        account: Account,
        connection: ImapConnection,
        chosen: Chosen,
        progress: Progress,
        watch: Watch,
    ) -> None:
        self._store = store
        self._account = account
        self._connection = connection
        self._chosen = chosen
        self._progress = progress
        self._watch = watch
        self._lost: set[str] = set()  # keywords that the server does not keep

    async def copy(self, snapshot: Snapshot) -> Progress:
        """All folders, parents first."""
        progress = self._progress
        progress.phase = "listing"
        progress.folders = len(snapshot.folders)
        progress.messages = sum(folder.messages for folder in snapshot.folders)
        progress.octets = sum(folder.octets for folder in snapshot.folders)
        self._watch(progress)
        folders = await target_folders(self._connection)
        progress.phase = "bringing"
        try:
            for folder in snapshot.folders:
                await self._folder(folders, snapshot, folder)
                progress.folders_done += 1
        except _Full:
            left = progress.messages - progress.messages_done
            progress.why = (
                f"The other account is full: {left} messages are not there yet. Make room and "
                "repeat the command; what is there is not sent again."
            )
        if self._lost and not progress.why:
            progress.why = f"The other server keeps no keywords such as {sorted(self._lost)[0]}."
        progress.phase = "ended"
        self._watch(progress)
        return progress

    async def _folder(
        self, folders: TargetFolders, snapshot: Snapshot, folder: SnapshotFolder
    ) -> None:
        mailbox = folder.mailbox
        self._progress.folder = mailbox.path
        name = folders.name_of(mailbox)
        if not mailbox.selectable:
            return
        try:
            name = await self._make(folders, mailbox, name)
        except _NotMade as error:
            self._progress.note(TroubleNote(mailbox.path, "", str(error)))
            self._progress.messages_done += folder.messages
            self._progress.skipped += folder.messages
            return
        if mailbox.path in snapshot.subscriptions:
            await self._connection.subscribe(name)
        if not folder.messages:
            return
        selected = await self._connection.select(name)
        there = await self._there(selected)
        for places in snapshot.batches(folder, _AT_ONCE):
            await self._batch(name, selected, there, places)

    async def _make(self, folders: TargetFolders, mailbox: Mailbox, name: bytes) -> bytes:
        """The name under which it is there; raises _NotMade."""
        for last in (False, True):
            entry = folders.there.get(name)
            if name == b"INBOX" or (entry is not None and entry.selectable):
                break
            try:
                await self._connection.create(name)
                break
            except ImapFailure as error:
                if error.ended:
                    raise
                if last:
                    said = error.text or str(error)
                    raise _NotMade(f"The folder cannot be made: {said}") from error
                name = folders.simpler(mailbox)
        return name

    async def _there(self, selected: Selected) -> _There:
        there = _There()
        if not selected.exists:
            return there
        async for one in self._connection.fetch([b"1:*"], _ASKED):
            if isinstance(one, SetEnd):
                if one.condition.kind != "OK":  # what is not listed would be sent a second time
                    raise refusal("fetch", one.condition)
            elif one.has_body:
                body = one.body.octets if isinstance(one.body, ServerLiteral) else one.body
                there.add(_message_id(body or b""), one.size or 0, one.received_at or 0)
        return there

    async def _batch(
        self, name: bytes, selected: Selected, there: _There, places: list[Place]
    ) -> None:
        ids = [place.message for place in places]
        rows = await self._store.read(lambda db: messages.get_many(db, self._account.id, ids))
        waiting: list[_Ours] = []
        octets = 0
        for place in places:
            ours = await self._wanted(place, rows.get(place.message), there)
            if ours is None:
                self._done(place)
                continue
            waiting.append(ours)
            octets += place.size
            if len(waiting) >= self._most or octets >= _OCTETS_AT_ONCE:
                await self._send(name, selected, waiting)
                waiting, octets = [], 0
        if waiting:
            await self._send(name, selected, waiting)

    @property
    def _most(self) -> int:
        """Without MULTIAPPEND it must be known of each message whether it was taken."""
        return _SENT_AT_ONCE if "MULTIAPPEND" in self._connection.capabilities else 1

    async def _wanted(self, place: Place, row: MessageRow | None, there: _There) -> _Ours | None:
        if row is None:
            self._miss(place, "It was deleted for good while the export ran.")
            return None
        if self._chosen.since is not None and row.received_at < self._chosen.since:
            self._progress.skipped += 1
            return None
        content = self._store.content(row)
        try:
            await content.read_ahead()
            header = await content.read(0, min(row.size, _HEADER_OCTETS))
        except (Damaged, OSError):
            self._miss(place, "Its stored octets are damaged; 'pillarbox verify' tells more.")
            return None
        if there.take(_message_id(header), row.size, row.received_at):
            content.release()
            self._progress.already += 1
            return None
        return _Ours(place, row, content)

    async def _send(self, name: bytes, selected: Selected, waiting: list[_Ours]) -> None:
        outgoing = [
            OutgoingMessage(one.content, self._flags(one.place, selected), one.row.received_at)
            for one in waiting
        ]
        try:
            await self._connection.append(name, outgoing)
        except ImapFailure as error:
            if error.ended:
                raise
            if len(waiting) > 1:  # MULTIAPPEND took none of them: which one is it?
                for one in waiting:
                    await self._send(name, selected, [one])
                return
            if error.code_name == "OVERQUOTA":
                raise _Full from error
            self._miss(waiting[0].place, f"The other server refused it: {error.text or error}")
        else:
            self._progress.brought += len(waiting)
            self._progress.octets_brought += sum(one.place.size for one in waiting)
        for one in waiting:
            one.content.release()
            self._done(one.place)

    def _flags(self, place: Place, selected: Selected) -> tuple[str, ...]:
        named = [flag_name for flag, flag_name in FLAG_NAMES.items() if place.flags & flag]
        named += place.keywords.split()
        kept = [one for one in named if selected.may_set(one)]
        self._lost.update(set(named) - set(kept))
        return tuple(kept)

    def _done(self, place: Place) -> None:
        self._progress.messages_done += 1
        self._progress.octets_done += place.size
        self._watch(self._progress)

    def _miss(self, place: Place, sentence: str) -> None:
        self._progress.note(TroubleNote(self._progress.folder, str(place.uid), sentence))


def _message_id(header: bytes) -> bytes:
    """The first Message-ID, or b""."""
    end = header_end(header, 0, len(header))
    values = pick(header[:end], _MESSAGE_ID).get(b"message-id", [b""])
    return b"".join(values[0].split())
