"""A Source over Maildir and Maildir++, as Dovecot, Courier, mutt and mbsync leave it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from pillarbox.clock import Clock
from pillarbox.config.collect_files import CollectFileSettings
from pillarbox.flow.collect.files.file_source import FileSource, Write
from pillarbox.flow.collect.files.mbox_body import copy_message
from pillarbox.flow.collect.files.tree import FileEntry, Tree, Unreadable
from pillarbox.flow.collect.files.window import Window
from pillarbox.flow.collect.files.words import (
    as_keywords,
    from_modified_utf7,
    path_of,
    readable,
    role_of,
)
from pillarbox.flow.collect.source import RemoteFolder, RemoteMessage
from pillarbox.store.model import Flag

_LETTERS = {
    "P": Flag.FORWARDED,
    "R": Flag.ANSWERED,
    "S": Flag.SEEN,
    "T": Flag.DELETED,
    "D": Flag.DRAFT,
    "F": Flag.FLAGGED,
}
_WITH_MAIL = ("cur", "new")
_SUBSCRIPTIONS = ("subscriptions", "courierimapsubscribed")
_LONGEST_NOTE = 16 * 1024 * 1024  # octets of subscriptions, dovecot-keywords and -uidlist

Levels = tuple[str, ...]


class _Folder(msgspec.Struct):
    """One Maildir: where it is and its files."""

    levels: Levels  # on disk
    path: str
    entries: list[FileEntry] = []
    notes: dict[str, FileEntry] = {}  # dovecot-keywords and its like


class MaildirSource(FileSource):
    """The top may be a Maildir itself (then it is INBOX) or a folder with Maildirs in it."""

    sought = "no Maildir (a folder with cur and new)"

    def __init__(self, tree: Tree, settings: CollectFileSettings, clock: Clock) -> None:
        super().__init__(tree, settings, clock)
        self._folders: dict[str, _Folder] = {}
        self._places: dict[str, FileEntry] = {}  # key → file, of the open folder

    def list_folders(self) -> list[RemoteFolder]:
        """Those with `cur` or `new` in them; `.A.B` and A/B alike are B inside A."""
        entries = self._tree.files()
        dirs = {levels[:-1] for levels in self._tree.folders() if levels and _is_mail(levels)}
        # An archive has "Maildir/cur": what all others lie in is INBOX there, too.
        top = min(dirs, key=len, default=())
        if any(levels[: len(top)] != top for levels in dirs):
            top = ()
        self._folders = {
            "/".join(readable(level) for level in levels): _Folder(
                levels, _path(levels[len(top) :]), [], {}
            )
            for levels in sorted(dirs)
        }
        by_levels = {folder.levels: folder for folder in self._folders.values()}
        tops: dict[str, FileEntry] = {}
        for entry in entries:
            if _is_mail(entry.folder) and (found := by_levels.get(entry.folder[:-1])):
                if not entry.name.startswith("."):
                    found.entries.append(entry)
            elif found := by_levels.get(entry.folder):
                found.notes[entry.name] = entry
            if entry.folder == top:
                tops[entry.name] = entry
        subscribed = self._subscribed(tops)
        listed = [
            RemoteFolder(
                key,
                folder.path,
                role_of(folder.path),
                subscribed=folder.path in subscribed,
                messages=len(folder.entries),
                octets=sum(entry.size for entry in folder.entries),
            )
            for key, folder in self._folders.items()
        ]
        return sorted(listed, key=lambda one: (one.path != "INBOX", one.path.split("/")))

    def _subscribed(self, tops: dict[str, FileEntry]) -> set[str]:
        paths: set[str] = set()
        for name in _SUBSCRIPTIONS:
            if name not in tops:
                continue
            lines = self._note(tops[name]).split("\n")
            if lines[0].startswith("V\t2"):  # Dovecot's second form: levels parted by tabs
                paths.update(
                    path_of(map(from_modified_utf7, line.split("\t"))) for line in lines[1:]
                )
                continue
            for line in lines:
                levels = line.replace("/", ".").split(".")
                if len(levels) > 1 and levels[0] == "INBOX":
                    levels = levels[1:]
                paths.add(path_of(map(from_modified_utf7, levels)))
        return paths

    def _note(self, entry: FileEntry | None) -> str:
        """A short text file beside the mail; "" where it cannot be read."""
        if entry is None:
            return ""
        try:
            with self._tree.open(entry) as file:
                return file.read(_LONGEST_NOTE).decode("utf-8", "replace")
        except (Unreadable, OSError):
            self._notes.append(f"{readable(entry.name)!r} cannot be read and was left out.")
            return ""

    def list_one(self, folder: RemoteFolder) -> Sequence[RemoteMessage]:
        """By UID where Dovecot has given some, else by the names, which begin with the time."""
        if not self._folders:
            self.list_folders()
        here = self._folders.get(folder.key)
        if here is None:
            raise Unreadable("it is no longer there")
        letters = _keyword_letters(self._note(here.notes.get("dovecot-keywords")))
        uids = _uids(self._note(here.notes.get("dovecot-uidlist")))
        last = len(uids) + 1
        ordered = sorted(
            here.entries, key=lambda one: (uids.get(_unique(one.name), last), one.name)
        )
        self._places = {}
        found: list[RemoteMessage] = []
        for entry in ordered:
            key = readable(_unique(entry.name))
            if key in self._places:  # seen twice while somebody moved it from new to cur
                continue
            self._places[key] = entry
            flags, keywords = _flags(entry, letters)
            found.append(RemoteMessage(key, entry.size, flags, keywords, entry.modified_at))
        return found

    def copy(self, message: RemoteMessage, write: Write) -> None:
        """Raises Unreadable."""
        entry = self._places.get(message.key)
        if entry is None:
            raise Unreadable("it is no longer there")
        with self._tree.open(entry) as file:
            window = Window(file, entry.size, self._settings.piece_octets)
            copy_message(window, (0, entry.size), None, write, self._settings.piece_octets)


def _is_mail(levels: Levels) -> bool:
    return bool(levels) and levels[-1] in _WITH_MAIL


def _path(levels: Levels) -> str:
    """The path of a Maildir by where it lies below the top."""
    names: list[str] = []
    for level in levels:
        if level.startswith(".") and len(level) > 1:  # Maildir++: all levels in one name
            names += [from_modified_utf7(part) for part in level[1:].split(".")]
        else:
            names.append(from_modified_utf7(level))
    path = path_of(names) if names else "INBOX"
    return "INBOX" if path.lower() == "inbox" else path


def _unique(name: str) -> str:
    """A file's name without its flags: it stays the same for ever."""
    for mark in (":2,", ";2,", "!2,"):
        base, found, _ = name.rpartition(mark)
        if found:
            return base
    return name.removesuffix(":2")


def _flags(entry: FileEntry, letters: dict[str, str]) -> tuple[int, str]:
    marks = entry.name[len(_unique(entry.name)) + 3 :] if entry.folder[-1] == "cur" else ""
    flags = 0
    words: list[str] = []
    for mark in marks:
        flags |= _LETTERS.get(mark, 0)
        if mark in letters:
            words.append(letters[mark])
    more, keywords = as_keywords(words)
    return flags | more, keywords


def _keyword_letters(text: str) -> dict[str, str]:
    """Dovecot's lines "0 $Forwarded": the letter a stands for the first."""
    letters: dict[str, str] = {}
    for line in text.split("\n"):
        number, _, word = line.strip().partition(" ")
        if number.isascii() and number.isdigit() and len(number) <= 2 and int(number) < 26:
            letters[chr(ord("a") + int(number))] = word
    return letters


def _uids(text: str) -> dict[str, int]:
    """The place of each file in Dovecot's list: lines "3 W1234 :1700000000.M1P2.host"."""
    places: dict[str, int] = {}
    for place, line in enumerate(text.split("\n")[1:]):
        name = line.partition(":")[2] if " :" in line else line.partition(" ")[2]
        places[_unique(name)] = place
    return places
