"""A Source over Google Takeout: mbox files whose messages say their labels in X-Gmail-Labels."""

from __future__ import annotations

from collections.abc import Sequence

from pillarbox.clock import Clock
from pillarbox.config.collect_files import CollectFileSettings
from pillarbox.flow.collect.files.file_source import FileSource, Write
from pillarbox.flow.collect.files.gmail_labels import ROLES, parse_labels, sort_labels
from pillarbox.flow.collect.files.listing import Listing, Located
from pillarbox.flow.collect.files.mbox import FoundMessage, MboxFiles
from pillarbox.flow.collect.files.tree import FileEntry, Tree, Unreadable
from pillarbox.flow.collect.source import RemoteFolder, RemoteMessage, SourceFailure

_LABELS = b"x-gmail-labels"


class TakeoutSource(FileSource):
    """Folders are made of labels, so all files are read once before the first message comes.

    An export of single labels holds a message in the file of each: it is taken from the first.
    """

    def __init__(self, tree: Tree, settings: CollectFileSettings, clock: Clock) -> None:
        super().__init__(tree, settings, clock)
        # Google quotes as mboxrd does, and its Content-Length came with the mail.
        self._files = MboxFiles(self, settings, "mboxrd")
        self._entries: list[FileEntry] = []
        self._listings: dict[str, Listing] = {}

    def list_folders(self) -> list[RemoteFolder]:
        """Reads everything."""
        self._entries = []
        self._listings = {}
        self._notes = []
        taken: set[int] = set()
        repeated = 0
        for entry in sorted(self._tree.files(), key=lambda one: (one.number, one.levels)):
            try:
                if not entry.name.lower().endswith(".mbox") and not self._files.is_mbox(entry):
                    continue
                self._entries.append(entry)
                for one in self._files.messages(entry):
                    if one.key in taken:
                        repeated += 1
                    else:
                        taken.add(one.key)
                        self._add(one)
            except Unreadable as error:
                self._notes.append(f"A file of mail cannot be read ({error}): it was left out.")
        if not self._entries:
            raise SourceFailure(
                "file", "There is no mail in that export; choose Mail when you make one at Google."
            )
        if repeated:
            self._notes.append(
                f"{repeated} copies of messages with several labels left out: each comes once."
            )
        return [
            RemoteFolder(path, path, ROLES.get(path), messages=len(listing),
                         octets=listing.octets())
            for path, listing in sorted(self._listings.items())
        ]  # fmt: skip

    def _add(self, one: FoundMessage) -> None:
        value = b"".join(one.fields.get(_LABELS, [])[:1])
        labelled = sort_labels(parse_labels(value))
        listing = self._listings.setdefault(labelled.path, Listing())
        place = (len(self._entries) - 1, one.cut.start, one.cut.end)
        listing.add(one.key, place, labelled.flags, labelled.keywords, one.received_at)

    def list_one(self, folder: RemoteFolder) -> Sequence[RemoteMessage]:
        """Out of what was read."""
        if not self._listings:
            self.list_folders()
        listing = self._listings.get(folder.key)
        if listing is None:
            raise Unreadable("it is no longer there")
        return listing

    def copy(self, message: RemoteMessage, write: Write) -> None:
        """Raises Unreadable."""
        if not isinstance(message, Located):
            raise Unreadable("it is no message of the open folder")
        self._files.copy(self._entries[message.file], message, write)
