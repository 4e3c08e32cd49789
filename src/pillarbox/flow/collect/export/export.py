"""An account as one zip archive: consistent, streamed, and there under its name only when whole."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import IO

import msgspec

from pillarbox import __version__
from pillarbox.clock import from_unix_seconds, unix_seconds
from pillarbox.errors import AlreadyExists, Damaged, PillarboxError
from pillarbox.flow.collect.export.forms import FormWriter, Message, form_writer
from pillarbox.flow.collect.export.snapshot import Place, Snapshot, SnapshotFolder
from pillarbox.flow.collect.export.zip_writer import ZipWriter
from pillarbox.flow.collect.files.manifest import (
    MANIFEST,
    Form,
    Manifest,
    ManifestFolder,
    ManifestMessage,
)
from pillarbox.flow.collect.files.tree import why
from pillarbox.flow.collect.progress import Phase, Progress, TroubleNote, Watch
from pillarbox.ids import MessageId
from pillarbox.store import Store
from pillarbox.store.model import FLAG_NAMES, Account, MessageRow
from pillarbox.store.sql import messages

_AT_ONCE = 200  # messages whose rows are asked for together
_OCTETS_AT_ONCE = 4 * 1024 * 1024  # of messages that are in memory together, but for a longer one
_LISTS = "pillarbox-lists"


class CannotWrite(PillarboxError):
    """The archive cannot be written; nothing is left under its name."""


class Chosen(msgspec.Struct, frozen=True):
    """What is wanted: everything unless said otherwise."""

    mailboxes: tuple[str, ...] = ()  # with everything below them
    since: int | None = None  # Unix seconds: only what came then or later


EVERYTHING = Chosen()


def unwatched(_progress: Progress) -> None:
    """Nobody looks."""


async def _on_the_disk() -> None:
    """What was written needs nobody who takes it."""


async def export(
    store: Store,
    account: Account,
    target: Path,
    form: Form,
    *,
    chosen: Chosen = EVERYTHING,
    progress: Progress | None = None,
    watch: Watch = unwatched,
) -> Manifest:
    """Write the archive; what could not be read is in `progress.troubles`.

    It grows as `target` with ".partial" behind, and has its name when it is whole and on the disk.
    One that was cut off is begun anew. Raises CannotWrite, AlreadyExists, NoSuchMailbox.
    """
    if await asyncio.to_thread(target.exists):
        raise AlreadyExists(f"{target.name} is there already; choose another name or remove it.")
    partial = target.with_name(target.name + ".partial")
    exporter = Exporter(store, account, chosen, progress or Progress(), watch)
    snapshot: Snapshot | None = None
    try:
        snapshot = Snapshot(target.parent)
        exporter.show("listing")
        await snapshot.take(store, account.id, chosen.mailboxes)
        with ZipWriter(partial) as archive:
            manifest = await exporter.write(archive, snapshot, form)
        await asyncio.to_thread(partial.rename, target)
    except OSError as error:
        _remove(partial)
        raise CannotWrite(f"{target.name} cannot be written: {why(error)}.") from error
    except BaseException:
        _remove(partial)
        raise
    finally:
        if snapshot is not None:
            snapshot.close()
    exporter.show("ended")
    return manifest


def _remove(partial: Path) -> None:
    with contextlib.suppress(OSError):
        partial.unlink(missing_ok=True)


class Exporter:
    """One export. `taken` is awaited after each step that made some of the archive."""

    def __init__(
        self, store: Store, account: Account, chosen: Chosen, progress: Progress, watch: Watch
    ) -> None:
        self._store = store
        self._account = account
        self._chosen = chosen
        self._progress = progress
        self._watch = watch
        self.taken: Callable[[], Awaitable[None]] = _on_the_disk

    def show(self, phase: Phase) -> None:
        """Tell whoever watches."""
        self._progress.phase = phase
        self._watch(self._progress)

    async def write(self, archive: ZipWriter, snapshot: Snapshot, form: Form) -> Manifest:
        """All folders, then what tells of them."""
        progress = self._progress
        progress.folders = len(snapshot.folders)
        progress.messages = sum(folder.messages for folder in snapshot.folders)
        progress.octets = sum(folder.octets for folder in snapshot.folders)
        self.show("bringing")
        now = unix_seconds(self._store.clock.now())
        writer = form_writer(form, archive, now)
        folders: list[ManifestFolder] = []
        for number, folder in enumerate(snapshot.folders, 1):
            progress.folder = folder.mailbox.path
            with tempfile.TemporaryFile(dir=snapshot.place) as lines:
                made = await self._folder(writer, snapshot, folder, lines)
                if made.place:
                    made = msgspec.structs.replace(made, list=f"{_LISTS}/{number:05}.jsonl")
                    await self._steps(archive.adding(made.list, lines, now))
            folders.append(made)
            progress.folders_done += 1
            self.show("bringing")
        subscribed = {one for one in snapshot.subscriptions if self._is_chosen(one)}
        await asyncio.to_thread(writer.finish, subscribed)
        manifest = self._manifest(snapshot, form, folders, subscribed, now)
        raw = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
        await asyncio.to_thread(archive.add, MANIFEST, raw, now)
        await self._steps(archive.finishing())
        return manifest

    async def _steps(self, steps: Iterator[int]) -> None:
        while await asyncio.to_thread(next, steps, 0):
            await self.taken()
        await self.taken()

    def _is_chosen(self, path: str) -> bool:
        tops = self._chosen.mailboxes
        return not tops or any(path == top or path.startswith(top + "/") for top in tops)

    def _manifest(
        self,
        snapshot: Snapshot,
        form: Form,
        folders: list[ManifestFolder],
        subscribed: set[str],
        now: int,
    ) -> Manifest:
        since = self._chosen.since
        return Manifest(
            version=__version__,
            form=form,
            account=self._account.login,
            made_at=from_unix_seconds(now).isoformat(),
            modseq=snapshot.modseq,
            since="" if since is None else from_unix_seconds(since).isoformat(),
            folders=folders,
            subscriptions=sorted(subscribed),
            failed=self._progress.failed,
        )

    async def _folder(
        self, writer: FormWriter, snapshot: Snapshot, folder: SnapshotFolder, lines: IO[bytes]
    ) -> ManifestFolder:
        mailbox = folder.mailbox
        place = await asyncio.to_thread(writer.begin_folder, mailbox)
        count = octets = 0
        if place:
            for places in snapshot.batches(folder, _AT_ONCE):
                async for some in self._read(places):
                    count += len(some)
                    octets += await asyncio.to_thread(_write_some, writer, some, lines)
                    await self.taken()
                    self.show("bringing")
            await asyncio.to_thread(writer.end_folder)
        return ManifestFolder(
            path=mailbox.path,
            role=mailbox.role.value if mailbox.role else "",
            subscribed=mailbox.path in snapshot.subscriptions,
            selectable=mailbox.selectable,
            uid_validity=mailbox.uid_validity,
            modseq=mailbox.modseq,
            messages=count,
            octets=octets,
            place=place,
        )

    async def _read(self, places: Sequence[Place]) -> AsyncIterator[list[Message]]:
        """The messages of some places, as many at a time as fit into the memory meant for them."""
        ids = [place.message for place in places]
        rows = await self._store.read(lambda db: messages.get_many(db, self._account.id, ids))
        held: list[Message] = []
        octets = 0
        for place in places:
            message = await self._message(place, rows)
            self._progress.messages_done += 1
            self._progress.octets_done += place.size
            if message is None:
                continue
            held.append(message)
            octets += len(message.octets)
            if octets >= _OCTETS_AT_ONCE:
                yield held
                held, octets = [], 0
        if held:
            yield held

    async def _message(self, place: Place, rows: dict[MessageId, MessageRow]) -> Message | None:
        row = rows.get(place.message)
        if row is None:
            self._miss(place, "It was deleted for good while the export ran.")
            return None
        if self._chosen.since is not None and row.received_at < self._chosen.since:
            self._progress.skipped += 1
            return None
        try:
            octets = await self._store.content(row).read(0, row.size)
        except (Damaged, OSError):
            self._miss(place, "Its stored octets are damaged; 'pillarbox verify' tells more.")
            return None
        self._progress.brought += 1
        self._progress.octets_brought += len(octets)
        return Message(place, row.received_at, octets)

    def _miss(self, place: Place, sentence: str) -> None:
        self._progress.note(TroubleNote(self._progress.folder, str(place.uid), sentence))


def _write_some(writer: FormWriter, some: list[Message], lines: IO[bytes]) -> int:
    """Into the archive and the folder's list; how many octets."""
    octets = 0
    for message in some:
        written = writer.add(message)
        place = message.place
        line = ManifestMessage(
            uid=place.uid,
            size=len(message.octets),
            sha256=hashlib.sha256(message.octets).hexdigest(),
            received_at=message.received_at,
            flags=[name for flag, name in FLAG_NAMES.items() if place.flags & flag],
            keywords=place.keywords.split(),
            modseq=place.modseq,
            saved_at=place.saved_at,
            file=written.file,
            start=written.start,
            length=written.length,
            added=written.added,
            exact=written.exact,
        )
        lines.write(msgspec.json.encode(line) + b"\n")
        octets += len(message.octets)
    return octets
