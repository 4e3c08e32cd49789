"""A Source over a folder or archive of .eml files, and of Apple Mail's .emlx."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pillarbox.clock import Clock
from pillarbox.config.collect_files import CollectFileSettings
from pillarbox.flow.collect.files import status
from pillarbox.flow.collect.files.file_source import FileSource, Write
from pillarbox.flow.collect.files.mbox_body import copy_message
from pillarbox.flow.collect.files.tree import FileEntry, Tree, Unreadable
from pillarbox.flow.collect.files.window import Window
from pillarbox.flow.collect.files.words import path_of, readable, role_of
from pillarbox.flow.collect.source import RemoteFolder, RemoteMessage
from pillarbox.message.header import header_end
from pillarbox.store.model import Flag

SUFFIXES = (".eml", ".emlx")
_COUNT_OCTETS = 32  # the first line of an .emlx: how long the message is
_PLIST_OCTETS = 64 * 1024
_FLAGS = re.compile(rb"<key>flags</key>\s{0,99}<integer>(\d{1,18})</integer>")
_RECEIVED = re.compile(rb"<key>date-received</key>\s{0,99}<(?:integer|real)>(\d{1,12})")
_APPLE = {1: Flag.SEEN, 2: Flag.DELETED, 4: Flag.ANSWERED, 16: Flag.FLAGGED, 64: Flag.DRAFT,
          256: Flag.FORWARDED}  # fmt: skip
# Apple Mail keeps "Work.mbox/<UUID>/Data/1/Messages/17.emlx".
_APPLE_LEVEL = re.compile(r"Data|Messages|\d|[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}")
_TOP = "Imported"  # mail that lies in no folder


class EmlSource(FileSource):
    """Folders are those of the files; what lies at the top goes to "Imported"."""

    sought = "no .eml or .emlx file"

    def __init__(
        self, tree: Tree, settings: CollectFileSettings, clock: Clock, top: str = _TOP
    ) -> None:
        super().__init__(tree, settings, clock)
        self._top = top
        self._folders: dict[str, list[FileEntry]] = {}
        self._places: dict[str, FileEntry] = {}

    def list_folders(self) -> list[RemoteFolder]:
        """In the order of their paths."""
        self._folders = {}
        others = 0
        for entry in sorted(self._tree.files(), key=_place):
            if entry.name.lower().endswith(SUFFIXES):
                self._folders.setdefault(self._path(entry), []).append(entry)
            else:
                others += 1
        if others:
            self._notes = [f"{others} file(s) that are no .eml or .emlx left out."]
        found = [
            RemoteFolder(path, path, role_of(path), messages=len(entries),
                         octets=sum(entry.size for entry in entries))
            for path, entries in self._folders.items()
        ]  # fmt: skip
        return sorted(found, key=lambda one: one.path.split("/"))

    def _path(self, entry: FileEntry) -> str:
        levels = [readable(level) for level in entry.folder]
        if entry.name.lower().endswith(".emlx"):
            levels = [
                one.removesuffix(".mbox") for one in levels if not _APPLE_LEVEL.fullmatch(one)
            ]
        path = path_of(levels) if levels else self._top
        return "INBOX" if path.lower() == "inbox" else path

    def list_one(self, folder: RemoteFolder) -> Sequence[RemoteMessage]:
        """Reads each file's header; what cannot be read is listed all the same."""
        if not self._folders:
            self.list_folders()
        self._places = {}
        found: list[RemoteMessage] = []
        for entry in self._folders.get(folder.key, ()):
            key = "/".join(readable(level) for level in entry.levels)
            self._places[key] = entry
            found.append(self._listed(key, entry))
        return found

    def _listed(self, key: str, entry: FileEntry) -> RemoteMessage:
        try:
            with self._tree.open(entry) as file:
                window = Window(file, entry.size, self._settings.header_octets)
                start, end, plist = _span(window, entry)
                raw = window.slice(start, min(end, start + self._settings.header_octets))
        except (Unreadable, OSError):
            return RemoteMessage(key, entry.size)
        fields = status.picked(raw[: header_end(raw, 0, len(raw))])
        state = status.status_of(fields)
        # Somebody saved it out of a mail program, so somebody has seen it.
        flags = state.flags if state.told else state.flags | Flag.SEEN
        received = status.header_date(fields)
        if plist:
            flags, told = _apple(plist)
            received = told or received
        if received is None:
            received = entry.modified_at
        return RemoteMessage(key, end - start, flags, state.keywords, received)

    def copy(self, message: RemoteMessage, write: Write) -> None:
        """Octet by octet where there is any CR; raises Unreadable."""
        entry = self._places.get(message.key)
        if entry is None:
            raise Unreadable("it is no longer there")
        with self._tree.open(entry) as file:
            window = Window(file, entry.size, self._settings.piece_octets)
            start, end, plist = _span(window, entry)
            if plist or window.find(b"\r", start, end) < 0:
                copy_message(window, (start, end), None, write, self._settings.piece_octets)
                return
            while start < end:
                piece = window.slice(start, min(start + self._settings.piece_octets, end))
                if not piece:
                    raise Unreadable("the file became shorter while it was read")
                write(piece)
                start += len(piece)


def _place(entry: FileEntry) -> tuple[tuple[str, ...], int, str]:
    """Files named by numbers in the order of these."""
    digits = re.match(r"\d{1,18}", entry.name)
    return entry.folder, int(digits[0]) if digits else 0, entry.name


def _span(window: Window, entry: FileEntry) -> tuple[int, int, bytes]:
    """Where the message is in the file, and for an .emlx what Apple Mail says behind it."""
    if not entry.name.lower().endswith(".emlx"):
        return 0, window.size, b""
    first, end, _ = window.slice(0, _COUNT_OCTETS).partition(b"\n")
    if not end or not first.strip().isdigit():
        return 0, window.size, b""
    start = len(first) + 1
    stop = min(start + int(first), window.size)
    return start, stop, window.slice(stop, stop + _PLIST_OCTETS) or b"\n"


def _apple(plist: bytes) -> tuple[int, int | None]:
    flags = _FLAGS.search(plist)
    bits = int(flags[1]) if flags else 1
    received = _RECEIVED.search(plist)
    made = 0
    for bit, flag in _APPLE.items():
        if bits & bit:
            made |= flag
    return made, int(received[1]) if received else None
