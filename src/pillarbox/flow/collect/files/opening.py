"""A path becomes a Source: what it is shows in what it holds, or the person says so."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from pillarbox.clock import Clock, SystemClock
from pillarbox.config.collect_files import CollectFileSettings
from pillarbox.flow.collect.files.archive import TarTree, ZipTree
from pillarbox.flow.collect.files.eml import SUFFIXES, EmlSource
from pillarbox.flow.collect.files.exported import ExportSource
from pillarbox.flow.collect.files.file_source import FileSource
from pillarbox.flow.collect.files.maildir import MaildirSource
from pillarbox.flow.collect.files.manifest import MANIFEST
from pillarbox.flow.collect.files.mbox import MboxSource
from pillarbox.flow.collect.files.mbox_split import Dialect, looks_like_mbox
from pillarbox.flow.collect.files.takeout import TakeoutSource
from pillarbox.flow.collect.files.tree import (
    DiskTree,
    FileEntry,
    FileTree,
    Tree,
    Unreadable,
    open_plain,
    why,
)
from pillarbox.flow.collect.source import SourceFailure

FileKind = Literal["auto", "mbox", "maildir", "eml", "takeout", "pillarbox"]

_LABELS = b"\nX-Gmail-Labels:"
_BEGIN = 64 * 1024  # octets of a file that tell what it is
_TRIED = 50  # files that are looked into


async def open_files(
    path: Path,
    kind: FileKind = "auto",
    *,
    clock: Clock | None = None,
    dialect: Dialect | Literal["auto"] = "auto",
    settings: CollectFileSettings | None = None,
    temporary: Path | None = None,
) -> FileSource:
    """The Source over a file, a folder or an archive. Raises SourceFailure.

    `dialect`: of mbox files. `temporary`: a folder on disk where archives may be unpacked.
    """
    settings = settings or CollectFileSettings()
    clock = clock or SystemClock()

    def look() -> tuple[Tree, FileKind]:
        tree = _tree(path, settings, temporary)
        try:
            return tree, _recognise(tree) if kind == "auto" else kind
        except BaseException:
            tree.close()
            raise

    tree, found = await asyncio.to_thread(look)
    makers: dict[FileKind, Callable[[], FileSource]] = {
        "mbox": lambda: MboxSource(tree, settings, clock, dialect),
        "maildir": lambda: MaildirSource(tree, settings, clock),
        "eml": lambda: EmlSource(tree, settings, clock),
        "takeout": lambda: TakeoutSource(tree, settings, clock),
        "pillarbox": lambda: ExportSource(tree, settings, clock),
    }
    return makers[found]()


def _tree(path: Path, settings: CollectFileSettings, temporary: Path | None) -> Tree:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise SourceFailure("file", f"{path.name or path} cannot be read: {why(error)}.") from error
    if stat.S_ISDIR(mode):
        return DiskTree(path, settings)
    with open_plain(path) as file:
        begin = file.read(4)
    if begin in (b"PK\x03\x04", b"PK\x05\x06"):
        return ZipTree(path, settings, temporary)
    if begin.startswith(b"\x1f\x8b"):
        return TarTree(path, settings, temporary)
    return FileTree(path)


def _recognise(tree: Tree) -> FileKind:
    entries = tree.files()
    names = {entry.levels for entry in entries}
    if (MANIFEST,) in names:
        return "pillarbox"
    if any(levels[-1:] == ("cur",) for levels in tree.folders()):
        return "maildir"
    likely = sorted(entries, key=lambda one: not one.name.lower().endswith(".mbox"))
    for entry in likely[:_TRIED]:
        begin = _begin(tree, entry)
        if looks_like_mbox(begin):
            return "takeout" if _LABELS in begin else "mbox"
    if any(entry.name.lower().endswith(SUFFIXES) for entry in entries):
        return "eml"
    raise SourceFailure(
        "file",
        "No mail was found there: neither mbox, Maildir, .eml, Google Takeout nor an export of "
        "Pillarbox. If it is one of them, say which.",
    )


def _begin(tree: Tree, entry: FileEntry) -> bytes:
    try:
        return tree.peek(entry, _BEGIN)
    except Unreadable:
        return b""
