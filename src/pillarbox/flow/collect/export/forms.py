"""How each form of an export lays out folders and messages in the archive. For threads."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

import msgspec

from pillarbox.flow.collect.export.names import SafeNames
from pillarbox.flow.collect.export.octets import has_plain_line_ends, quote_from, with_lf
from pillarbox.flow.collect.export.snapshot import Place
from pillarbox.flow.collect.export.zip_writer import ZipWriter
from pillarbox.flow.collect.files.manifest import Form
from pillarbox.imap.wire import modified_utf7
from pillarbox.store.model import FLAG_NAMES, Flag, Mailbox

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_MAILDIR_LETTERS = (
    (Flag.DRAFT, "D"),
    (Flag.FLAGGED, "F"),
    (Flag.FORWARDED, "P"),
    (Flag.ANSWERED, "R"),
    (Flag.SEEN, "S"),
    (Flag.DELETED, "T"),
)  # in the order of the alphabet, as names of a Maildir want it
_X_STATUS = (
    (Flag.ANSWERED, "A"),
    (Flag.DELETED, "D"),
    (Flag.FLAGGED, "F"),
    (Flag.DRAFT, "T"),
)
# Dovecot knows no P: there $Forwarded is a keyword like others.
_IN_MAILDIR_NAMES = sum(flag for flag, _ in _MAILDIR_LETTERS if flag is not Flag.FORWARDED)
_IN_STATUS = Flag.SEEN + sum(flag for flag, _ in _X_STATUS)


class Message(msgspec.Struct, frozen=True):
    """A message to be written."""

    place: Place
    received_at: int
    octets: bytes


class Written(msgspec.Struct, frozen=True):
    """Where it is now: as in ManifestMessage."""

    file: str = ""
    start: int = 0
    length: int = 0
    added: int = 0
    exact: bool = False


class FormWriter(Protocol):
    """A form; folders come one after the other, each after its parent."""

    def begin_folder(self, mailbox: Mailbox) -> str:
        """Where the folder is in the archive; "" for one that can hold no messages."""

    def add(self, message: Message) -> Written:
        """A message of the present folder."""

    def end_folder(self) -> None:
        """The folder is whole."""

    def finish(self, subscriptions: set[str]) -> None:
        """All folders are."""


class MboxForm:
    """A file for each folder, in mboxrd; flags are in Status fields that are put in front."""

    def __init__(self, archive: ZipWriter, now: int) -> None:
        self._archive = archive
        self._now = now
        self._names = SafeNames("/")
        self._at = 0

    def begin_folder(self, mailbox: Mailbox) -> str:
        """ "Mail/Work/Plans.mbox"."""
        name = f"Mail/{self._names.name_of(mailbox.path)}.mbox"
        if not mailbox.selectable:
            return ""
        self._archive.begin(name, self._now, long=True)
        self._at = 0
        return name

    def add(self, message: Message) -> Written:
        """Behind the last one."""
        exact = not has_plain_line_ends(message.octets)
        octets = message.octets if exact else with_lf(message.octets)
        status = _status_fields(message.place)
        octets = quote_from(status + octets)
        line = f"From MAILER-DAEMON {time.asctime(time.gmtime(message.received_at))}\n".encode()
        self._archive.write(line + octets + (b"\n" if octets.endswith(b"\n") else b"\n\n"))
        start = self._at + len(line)
        self._at = start + len(octets) + (1 if octets.endswith(b"\n") else 2)
        added = len(status) + (0 if exact else status.count(b"\n"))
        return Written(start=start, length=len(octets), added=added, exact=exact)

    def end_folder(self) -> None:
        """End the file."""
        self._archive.end()

    def finish(self, subscriptions: set[str]) -> None:
        """There is no place for subscriptions in mbox; the manifest has them."""


class MaildirForm:
    """A Maildir++ as Dovecot and Courier have it; INBOX is its top."""

    def __init__(self, archive: ZipWriter, now: int) -> None:
        self._archive = archive
        self._now = now
        # A dot parts levels there, and Dovecot takes "~" at the begin for a home.
        self._names = SafeNames(".", forbidden=".~")
        self._folder = ""
        self._validity = 0
        self._letters: dict[str, str] = {}

    def begin_folder(self, mailbox: Mailbox) -> str:
        """ "Maildir/.Work.Plans", in modified UTF-7."""
        name = self._name(mailbox.path)
        if not mailbox.selectable:
            return ""
        self._folder = f"Maildir/.{name}" if name else "Maildir"
        self._validity = mailbox.uid_validity
        self._letters = {}
        for inner in ("cur", "new", "tmp"):
            self._archive.add_folder(f"{self._folder}/{inner}/", self._now)
        if name:
            self._archive.add(f"{self._folder}/maildirfolder", b"", self._now)
        return self._folder

    def _name(self, path: str) -> str:
        if path == "INBOX":
            return ""
        return modified_utf7.encode(self._names.name_of(path)).decode("ascii")

    def add(self, message: Message) -> Written:
        """A file whose time is that of the arrival, as Dovecot wants it."""
        exact = not has_plain_line_ends(message.octets)
        octets = message.octets if exact else with_lf(message.octets)
        wire = len(octets) + octets.count(b"\n") - octets.count(b"\r\n")
        place = message.place
        unique = f"{max(message.received_at, 0)}.V{self._validity}U{place.uid}.pillarbox"
        name = f"{unique},S={len(octets)},W={wire}:2,{self._marks(place)}"
        self._archive.add(f"{self._folder}/cur/{name}", octets, message.received_at)
        return Written(file=f"cur/{name}", length=len(octets), exact=exact)

    def _marks(self, place: Place) -> str:
        marks = "".join(mark for flag, mark in _MAILDIR_LETTERS if place.flags & flag)
        for word in _words(place, _IN_MAILDIR_NAMES):
            if word not in self._letters and len(self._letters) < len(_LETTERS):
                self._letters[word] = _LETTERS[len(self._letters)]
            marks += self._letters.get(word, "")  # of more than 26 the manifest tells
        return "".join(sorted(marks))

    def end_folder(self) -> None:
        """What the letters stand for."""
        lines = "".join(f"{number} {word}\n" for number, word in enumerate(self._letters))
        if lines:
            self._archive.add(f"{self._folder}/dovecot-keywords", lines.encode(), self._now)

    def finish(self, subscriptions: set[str]) -> None:
        """Dovecot's list."""
        names = sorted(self._name(path) or "INBOX" for path in subscriptions)
        lines = "".join(f"{name}\n" for name in names)
        self._archive.add("Maildir/subscriptions", lines.encode(), self._now)


class PillarboxForm:
    """A file for each message with exactly its octets."""

    def __init__(self, archive: ZipWriter, now: int) -> None:
        self._archive = archive
        self._now = now
        self._names = SafeNames("/")
        self._folder = ""

    def begin_folder(self, mailbox: Mailbox) -> str:
        """ "Mail/Work/Plans"."""
        self._folder = f"Mail/{self._names.name_of(mailbox.path)}"
        if not mailbox.selectable:
            return ""
        self._archive.add_folder(f"{self._folder}/", self._now)
        return self._folder

    def add(self, message: Message) -> Written:
        """Named by its UID."""
        file = f"{message.place.uid}.eml"
        self._archive.add(f"{self._folder}/{file}", message.octets, message.received_at)
        return Written(file=file, length=len(message.octets), exact=True)

    def end_folder(self) -> None:
        """There is nothing else."""

    def finish(self, subscriptions: set[str]) -> None:
        """The manifest has them."""


def form_writer(form: Form, archive: ZipWriter, now: int) -> FormWriter:
    """The writer of a form."""
    writers: dict[Form, Callable[[ZipWriter, int], FormWriter]] = {
        "mbox": MboxForm,
        "maildir": MaildirForm,
        "pillarbox": PillarboxForm,
    }
    return writers[form](archive, now)


def _status_fields(place: Place) -> bytes:
    """Flags as mutt, Dovecot and Courier look for them in an mbox."""
    lines = "Status: RO\n" if place.flags & Flag.SEEN else "Status: O\n"
    marks = "".join(mark for flag, mark in _X_STATUS if place.flags & flag)
    if marks:
        lines += f"X-Status: {marks}\n"
    words = _words(place, _IN_STATUS)
    if words:
        lines += f"X-Keywords: {' '.join(words)}\n"
    return lines.encode()


def _words(place: Place, left_out: int) -> list[str]:
    """Keywords, those with a bit of their own too."""
    named = [name for flag, name in FLAG_NAMES.items() if place.flags & flag & ~left_out]
    return sorted([*named, *place.keywords.split()])
