"""Which folders of a source come, and which mailbox each of them becomes. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from pillarbox.config.store import StoreSettings
from pillarbox.flow.collect.naming import fit_path, make_free
from pillarbox.flow.collect.settings import FolderChoice, RemoteSettings
from pillarbox.flow.collect.source import RemoteFolder
from pillarbox.store.model import DELIMITER, Role
from pillarbox.store.sql.names import INBOX, normal_path

# Folders that show what other folders have: Gmail's "All Mail", "Starred", "Important".
_VIEWS = frozenset({Role.ALL, Role.FLAGGED, Role.IMPORTANT})
# What a mailbox is called here that is made for a special use. Mail that lies in no folder but
# "All Mail" was archived.
_NAMES: dict[Role, tuple[str, Role]] = {
    Role.DRAFTS: ("Drafts", Role.DRAFTS),
    Role.SENT: ("Sent", Role.SENT),
    Role.TRASH: ("Trash", Role.TRASH),
    Role.JUNK: ("Junk", Role.JUNK),
    Role.ARCHIVE: ("Archive", Role.ARCHIVE),
    Role.ALL: ("Archive", Role.ARCHIVE),
}


class PlannedFolder(Struct, frozen=True):
    """A folder that comes."""

    remote: RemoteFolder
    path: str  # of the mailbox here
    role: Role | None = None  # that the mailbox is given when it is made
    subscribe: bool = False
    is_view: bool = False  # only what no other folder brings is taken
    renamed: bool = False  # the path differs from the one at the source because it had to


class SkippedFolder(Struct, frozen=True):
    """One that does not, and why."""

    remote: RemoteFolder
    why: str


class FolderPlan(Struct, frozen=True):
    """What becomes of each folder, in the order in which they are read."""

    folders: tuple[PlannedFolder, ...]
    skipped: tuple[SkippedFolder, ...]
    unknown: tuple[str, ...] = ()  # folders that were named and are not there


class Here(Struct, frozen=True):
    """What the account has already."""

    roles: Mapping[Role, str]  # path of the mailbox of each special use
    known: Mapping[str, str]  # key of a folder → path of the mailbox that it became before


def plan_folders(
    remote: Sequence[RemoteFolder], settings: RemoteSettings, here: Here, store: StoreSettings
) -> FolderPlan:
    """Special uses first, so that they get the names; views last, since they only fill gaps."""
    has_all = any(
        one.role is Role.ALL and one.selectable and is_wanted(one.path, settings.folders)
        for one in remote
    )
    planner = _Planner(settings, here, store, _inbox_prefix(remote), has_all=has_all)
    ordered = sorted(remote, key=_rank)  # stable: else in the source's order, parents first
    for folder in ordered:
        planner.place(folder)
    order = {folder.key: number for number, folder in enumerate(remote)}
    planned = sorted(planner.planned, key=lambda one: (one.is_view, order[one.remote.key]))
    unknown = find_unknown(settings.folders, remote)
    return FolderPlan(tuple(planned), tuple(planner.skipped), unknown)


def _rank(folder: RemoteFolder) -> int:
    if normal_path(folder.path) == INBOX:
        return 0
    if folder.role is None:
        return 2
    return 3 if folder.role in _VIEWS else 1


def _inbox_prefix(remote: Sequence[RemoteFolder]) -> str:
    """ "INBOX/" where a server keeps all folders below INBOX, as Courier and Cyrus do."""
    prefix = INBOX + DELIMITER
    others = [path for one in remote if (path := normal_path(one.path)) != INBOX]
    return prefix if others and all(path.startswith(prefix) for path in others) else ""


def is_wanted(path: str, choice: FolderChoice) -> bool:
    """Whether the owner wants a folder, by its path at the source."""
    return (not choice.include or _lies_in(path, choice.include)) and not _lies_in(
        path, choice.exclude
    )


def find_unknown(choice: FolderChoice, remote: Sequence[RemoteFolder]) -> tuple[str, ...]:
    """Names of the choice that no folder of the source has, nor lies below: misspelt, perhaps."""
    named = dict.fromkeys((*choice.include, *choice.exclude, *choice.mapped))
    return tuple(top for top in named if not any(_lies_in(one.path, (top,)) for one in remote))


def tell_unknown(path: str) -> str:
    """A sentence for each of those."""
    return f"There is no folder {path!r} at the source. Check how it is written."


def _lies_in(path: str, tops: Sequence[str]) -> bool:
    path = normal_path(path)
    return any(
        path == top or path.startswith(top + DELIMITER)
        for top in (normal_path(one) for one in tops)
    )


class _Planner:
    """Places folders one by one; `paths` has where each went, for those below it."""

    def __init__(
        self,
        settings: RemoteSettings,
        here: Here,
        store: StoreSettings,
        prefix: str,
        *,
        has_all: bool,
    ) -> None:
        self.planned: list[PlannedFolder] = []
        self.skipped: list[SkippedFolder] = []
        self._settings = settings
        self._here = here
        self._store = store
        self._prefix = prefix
        self._paths: dict[str, str] = {}  # path there → path here
        self._taken: set[str] = set(here.known.values())
        self._mapped = {normal_path(a): b for a, b in settings.folders.mapped.items()}
        self._has_all = has_all  # a folder with everything comes

    def place(self, folder: RemoteFolder) -> None:
        why = self._reason_to_skip(folder)
        if why:
            self.skipped.append(SkippedFolder(folder, why))
            return
        wished, role = self._wished(folder)
        path = self._here.known.get(folder.key)
        if path is None:
            shared = self._settings.target or self._is_mapped(folder) or folder.role is Role.ALL
            path = wished if shared else make_free(wished, self._taken, self._store)
        self._taken.add(path)
        self._paths[normal_path(folder.path)] = path
        has_new_name = role is None and path != self._stripped(folder.path)
        self.planned.append(
            PlannedFolder(
                remote=folder,
                path=path,
                role=role if path == wished else None,
                subscribe=folder.subscribed,
                is_view=folder.role in _VIEWS,
                renamed=has_new_name and not self._settings.target,
            )
        )

    def _reason_to_skip(self, folder: RemoteFolder) -> str:
        settings = self._settings
        if not folder.selectable:
            return "It holds folders only, no messages."
        if not is_wanted(folder.path, settings.folders):
            return "It was not asked for."
        if folder.role is Role.JUNK and settings.skip_spam:
            return "It is the folder for spam."
        if self._has_all and folder.role in (Role.FLAGGED, Role.IMPORTANT):
            return "It only shows messages of other folders."
        if settings.at_source.action == "move" and _lies_in(
            folder.path, (settings.at_source.folder,)
        ):
            return "Messages are moved there once they are safe here."
        return ""

    def _is_mapped(self, folder: RemoteFolder) -> bool:
        return normal_path(folder.path) in self._mapped

    def _wished(self, folder: RemoteFolder) -> tuple[str, Role | None]:
        """The path that it should have, and the use of a mailbox that is made there."""
        path = normal_path(folder.path)
        if self._settings.target:
            return fit_path(self._settings.target, self._store), None
        if path in self._mapped:
            return fit_path(self._mapped[path], self._store), None
        if path == INBOX:
            return INBOX, None
        if folder.role in _NAMES:
            name, role = _NAMES[folder.role]
            there = self._here.roles.get(role, name)
            if there not in self._taken or folder.role is Role.ALL:
                return there, role if role not in self._here.roles else None
        return fit_path(self._under_parent(path), self._store), None

    def _under_parent(self, path: str) -> str:
        """A folder goes where the one that holds it went."""
        above = path.rpartition(DELIMITER)[0]
        while above:
            if above in self._paths and above != INBOX:
                return self._paths[above] + path[len(above) :]
            if above in self._mapped:
                return self._mapped[above] + path[len(above) :]
            above = above.rpartition(DELIMITER)[0]
        return self._stripped(path)

    def _stripped(self, path: str) -> str:
        return normal_path(path).removeprefix(self._prefix)
