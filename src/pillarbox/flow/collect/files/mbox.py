"""A Source over mbox files: one, or a folder or archive of them, each a folder of mail."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import msgspec

from pillarbox.clock import Clock
from pillarbox.config.collect_files import CollectFileSettings
from pillarbox.flow.collect.files import status
from pillarbox.flow.collect.files.file_source import FileSource, Write
from pillarbox.flow.collect.files.from_line import date_of, sender_of
from pillarbox.flow.collect.files.listing import Listing, Located
from pillarbox.flow.collect.files.mbox_body import copy_message
from pillarbox.flow.collect.files.mbox_split import Cut, Dialect, detect, looks_like_mbox, split
from pillarbox.flow.collect.files.tree import FileEntry, Tree, Unreadable
from pillarbox.flow.collect.files.window import Window
from pillarbox.flow.collect.files.words import path_of, readable, role_of
from pillarbox.flow.collect.source import RemoteFolder, RemoteMessage

_SAMPLE = 16 * 1024  # octets of a file that tell whether it is an mbox
_SUFFIXES = (".mbox", ".mbx", ".mbs")
_NEVER = (".msf", ".dat", ".html", ".json", ".sqlite", ".db", ".log")


class FoundMessage(msgspec.Struct, frozen=True):
    """A message of an mbox with what its header tells."""

    cut: Cut
    fields: status.Picked
    status: status.Status
    key: int
    received_at: int | None


class MboxFiles:
    """Reads mbox files of a tree; what `MboxSource` and Takeout have in common."""

    def __init__(self, source: FileSource, settings: CollectFileSettings, dialect: str) -> None:
        self._source = source
        self._settings = settings
        self._wished = dialect
        self._dialects: dict[FileEntry, Dialect] = {}
        self._window: tuple[FileEntry, Window] | None = None
        self.left_out: dict[str, int] = {}

    def is_mbox(self, entry: FileEntry) -> bool:
        """By its first octets; an empty file with a usual name is an empty folder."""
        name = entry.name.lower()
        if name.endswith(_NEVER) or name.startswith("."):
            return False
        if entry.size == 0:
            return name.endswith(_SUFFIXES)
        return looks_like_mbox(self._source.peek(entry, _SAMPLE))

    def begins_with_from(self, entry: FileEntry) -> bool:
        """For a file of which it was said that it is an mbox; an empty one is an empty folder."""
        begin = self._source.peek(entry, _SAMPLE).lstrip(b"\r\n")
        return begin.startswith(b"From ") or not begin

    def window(self, entry: FileEntry) -> Window:
        """The file to be looked at by offsets; raises Unreadable."""
        if self._window is None or self._window[0] != entry:
            self._window = None  # its file is closed by what follows
            file = self._source.reading(entry)
            self._window = (entry, Window(file, entry.size, self._settings.piece_octets))
        return self._window[1]

    def messages(self, entry: FileEntry) -> Iterator[FoundMessage]:
        """All that are none of a mail program's own notes, and that none has deleted."""
        window = self.window(entry)
        dialect = self._dialect(entry, window)
        for cut in split(window, dialect, self._settings.header_octets):
            fields = status.picked(cut.header)
            state = status.status_of(fields)
            if status.is_internal_data(fields):
                self._leave_out("note(s) of a mail program to itself")
            elif state.expunged:
                self._leave_out("message(s) that Mozilla has deleted")
            else:
                yield FoundMessage(cut, fields, state, _key(cut), _received(cut, fields))

    def copy(self, entry: FileEntry, message: Located, write: Write) -> None:
        """Write a message's octets as they were on the way."""
        window = self.window(entry)
        span = (message.start, message.end)
        dialect = self._dialect(entry, window)
        copy_message(window, span, dialect, write, self._settings.piece_octets)

    def _dialect(self, entry: FileEntry, window: Window) -> Dialect:
        if entry not in self._dialects:
            found = detect(window, self._settings.header_octets)
            for name in ("mboxo", "mboxrd", "mboxcl", "mboxcl2"):
                if name == self._wished:
                    found = name
            self._dialects[entry] = found
        return self._dialects[entry]

    def _leave_out(self, what: str) -> None:
        self.left_out[what] = self.left_out.get(what, 0) + 1


def _key(cut: Cut) -> int:
    """Out of the header, but for what programs change in place: the same wherever it lies."""
    octets = status.lasting(cut.header) or cut.from_line
    return int.from_bytes(hashlib.sha256(octets).digest()[:8], "big")


def _received(cut: Cut, fields: status.Picked) -> int | None:
    """The From_ line says when a message came; Mozilla's says when it was last copied."""
    told = date_of(cut.from_line)
    if told is None or sender_of(cut.from_line) == b"-":
        from_header = status.header_date(fields)
        return told if from_header is None else from_header
    return told


class MboxSource(FileSource):
    """Every mbox file is a folder; folders on the way and `.sbd` are its levels."""

    sought = "no mbox file (one begins with a line like “From alice Mon Nov …”)"

    def __init__(
        self, tree: Tree, settings: CollectFileSettings, clock: Clock, dialect: str = "auto"
    ) -> None:
        super().__init__(tree, settings, clock)
        self._files = MboxFiles(self, settings, dialect)
        self._entries: dict[str, FileEntry] = {}
        self._open: FileEntry | None = None

    def list_folders(self) -> list[RemoteFolder]:
        """In the order of their paths."""
        found: list[RemoteFolder] = []
        self._entries = {}
        entries = sorted(self._tree.files(), key=lambda one: one.levels)
        for entry in entries:
            if self._is_wanted(entry, alone=len(entries) == 1):
                key = "/".join(readable(level) for level in entry.levels)
                self._entries[key] = entry
                path = _path(entry, alone=len(entries) == 1)
                found.append(RemoteFolder(key, path, role_of(path), octets=entry.size))
        return sorted(found, key=lambda folder: folder.path.split("/"))

    def _is_wanted(self, entry: FileEntry, *, alone: bool) -> bool:
        try:
            if alone:
                return self._files.begins_with_from(entry)
            return self._files.is_mbox(entry)
        except Unreadable:
            return entry.name.endswith(_SUFFIXES)  # it is told when it is opened

    def list_one(self, folder: RemoteFolder) -> Sequence[RemoteMessage]:
        """Reads all of the file once; raises Unreadable."""
        if not self._entries:
            self.list_folders()
        entry = self._entries.get(folder.key)
        if entry is None:
            raise Unreadable("it is no longer there")
        self._open = entry
        self._files.left_out.clear()
        listing = Listing()
        for one in self._files.messages(entry):
            place = (0, one.cut.start, one.cut.end)
            state = one.status
            listing.add(one.key, place, state.flags, state.keywords, one.received_at)
        listing.finish()
        for what, count in self._files.left_out.items():
            note = f"{count} {what} in {folder.path!r} left out."
            if note not in self._notes:
                self._notes.append(note)
        return listing

    def copy(self, message: RemoteMessage, write: Write) -> None:
        """Raises Unreadable."""
        if self._open is None or not isinstance(message, Located):
            raise Unreadable("it is no message of the open folder")
        self._files.copy(self._open, message, write)


def _path(entry: FileEntry, *, alone: bool) -> str:
    """A file "Mail/Work.sbd/Plans" is the folder "Mail/Work/Plans"."""
    levels = [readable(level).removesuffix(".sbd") for level in entry.levels]
    for suffix in _SUFFIXES:
        if levels[-1].lower().endswith(suffix) and len(levels[-1]) > len(suffix):
            levels[-1] = levels[-1][: -len(suffix)]
    # Apple Mail exports a folder "Work.mbox" with a file "mbox" in it.
    if len(levels) > 1 and levels[-1].lower() == "mbox":
        levels = [*levels[:-2], levels[-2].removesuffix(".mbox")]
    path = path_of(levels)
    if path.lower() == "inbox" or (alone and path.lower() in ("mbox", "mail", "mailbox")):
        return "INBOX"
    return path
