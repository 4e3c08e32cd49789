"""A Source over what `pillarbox export` wrote, in any of its forms: everything as it was."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec

from pillarbox.clock import Clock
from pillarbox.config.collect_files import CollectFileSettings
from pillarbox.flow.collect.files.file_source import FileSource, Write
from pillarbox.flow.collect.files.manifest import FORMAT, MANIFEST, Manifest, ManifestFolder
from pillarbox.flow.collect.files.manifest import ManifestMessage as Line
from pillarbox.flow.collect.files.mbox_body import copy_message
from pillarbox.flow.collect.files.mbox_split import Dialect
from pillarbox.flow.collect.files.tree import FileEntry, Tree, Unreadable
from pillarbox.flow.collect.files.window import Window
from pillarbox.flow.collect.files.words import as_keywords
from pillarbox.flow.collect.source import RemoteFolder, RemoteMessage, SourceFailure
from pillarbox.store.model import Role

_LONGEST_LINE = 64 * 1024  # of a folder's list: one message
_ROLES = {role.value: role for role in Role}


class Exported(RemoteMessage, frozen=True):
    """A message with its line of the list."""

    line: Line | None = None


class ExportSource(FileSource):
    """Keys are UIDs, and UIDVALIDITY says whether they mean the same in two exports."""

    def __init__(self, tree: Tree, settings: CollectFileSettings, clock: Clock) -> None:
        super().__init__(tree, settings, clock)
        self._entries: dict[str, FileEntry] = {}
        self._folders: dict[str, ManifestFolder] = {}
        self._place = ""

    def list_folders(self) -> list[RemoteFolder]:
        """As the account had them."""
        self._entries = {"/".join(entry.levels): entry for entry in self._tree.files()}
        manifest = self._manifest()
        if manifest.failed:
            self._notes = [
                f"{manifest.failed} message(s) could not be read when the export was made."
            ]
        self._folders = {folder.path: folder for folder in manifest.folders}
        return [
            RemoteFolder(
                folder.path,
                folder.path,
                _ROLES.get(folder.role),
                subscribed=folder.subscribed,
                selectable=folder.selectable,
                messages=folder.messages,
                octets=folder.octets,
            )
            for folder in manifest.folders
        ]

    def _manifest(self) -> Manifest:
        try:
            raw = self._octets(MANIFEST, self._settings.max_manifest_octets)
            manifest = msgspec.json.decode(raw, type=Manifest)
        except (Unreadable, msgspec.DecodeError) as error:
            raise SourceFailure(
                "file", f"The {MANIFEST} of that export cannot be read; fetch or make it again."
            ) from error
        if manifest.format > FORMAT:
            raise SourceFailure(
                "file", "A newer Pillarbox made that export; use one as new to bring it back."
            )
        return manifest

    def _octets(self, name: str, most: int) -> bytes:
        entry = self._entries.get(name)
        if entry is None or entry.size > most:
            raise Unreadable("it is not there")
        with self._tree.open(entry) as file:
            return file.read(most)

    def validity_of(self, folder: RemoteFolder) -> str:
        """UIDVALIDITY."""
        known = self._folders.get(folder.key)
        return str(known.uid_validity) if known else ""

    def list_one(self, folder: RemoteFolder) -> Sequence[RemoteMessage]:
        """Out of the folder's list; raises Unreadable."""
        if not self._folders:
            self.list_folders()
        known = self._folders.get(folder.key)
        entry = self._entries.get(known.list) if known else None
        if known is None or entry is None:
            raise Unreadable("its list is not in the export")
        self._place = known.place
        found: list[RemoteMessage] = []
        with self._tree.open(entry) as lines:
            while text := lines.readline(_LONGEST_LINE):
                try:
                    line = msgspec.json.decode(text, type=Line)
                except msgspec.DecodeError as error:
                    raise Unreadable("its list in the export is damaged") from error
                found.append(_listed(line))
        return found

    def copy(self, message: RemoteMessage, write: Write) -> None:
        """Checked by its SHA-256; raises Unreadable."""
        line = message.line if isinstance(message, Exported) else None
        if line is None:
            raise Unreadable("it is no message of the open folder")
        entry = self._entries.get(f"{self._place}/{line.file}" if line.file else self._place)
        if entry is None:
            raise Unreadable("it is not in the export")
        digest = hashlib.sha256()
        left = line.added

        def check(piece: bytes) -> None:
            nonlocal left
            piece, left = piece[left:], max(left - len(piece), 0)
            digest.update(piece)
            write(piece)

        window = Window(self.reading(entry), entry.size, self._settings.piece_octets)
        span = (line.start, line.start + line.length)
        dialect: Dialect | None = None if line.file else "mboxrd"
        step = self._settings.piece_octets
        copy_message(window, span, dialect, check, step, exact=line.exact)
        if digest.hexdigest() != line.sha256:
            raise Unreadable("its octets are not those that were exported")


def _listed(line: Line) -> Exported:
    flags, keywords = as_keywords([*line.flags, *line.keywords])
    return Exported(
        key=str(line.uid),
        size=line.size,
        flags=flags,
        keywords=keywords,
        received_at=line.received_at,
        line=line,
    )
