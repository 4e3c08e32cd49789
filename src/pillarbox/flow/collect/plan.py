"""What a run would bring, and whether there is room for it; nothing is written."""

from __future__ import annotations

from msgspec import Struct, field

from pillarbox.flow.collect.folders import PlannedFolder, SkippedFolder, plan_folders
from pillarbox.flow.collect.job import Job
from pillarbox.flow.collect.matching import REPEATED
from pillarbox.flow.collect.places import look
from pillarbox.flow.collect.progress import Progress, Watch
from pillarbox.flow.collect.source import OpenFolder, Source, SourceFailure
from pillarbox.store.model import Account
from pillarbox.store.sql import accounts, collected


class FolderForecast(Struct, frozen=True):
    """One folder."""

    there: str  # its path at the source
    here: str  # of its mailbox
    is_new: bool  # the mailbox would be made
    is_view: bool  # of its messages only those come that lie in no other folder
    renamed: bool  # its name cannot be had here as it is
    messages: int
    octets: int
    already: int  # of the messages: here from an earlier run
    octets_to_come: int
    too_large: int  # of the messages: larger than this server keeps
    renumbered: bool = False  # all are read again to see which are here
    trouble: str = ""  # why it could not be listed


class Forecast(Struct, kw_only=True):
    """The whole account."""

    folders: list[FolderForecast] = field(default_factory=list)
    skipped: list[SkippedFolder] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)  # folders that were named and are not there
    room_octets: int | None = None  # None: no limit
    room_messages: int | None = None

    @property
    def messages(self) -> int:
        """That are at the source, in folders that come."""
        return sum(one.messages for one in self.folders)

    @property
    def to_come(self) -> int:
        """Messages that a run would bring, at most."""
        return sum(one.messages - one.already - one.too_large for one in self.folders)

    @property
    def octets_to_come(self) -> int:
        """As the source lists them, at most."""
        return sum(one.octets_to_come for one in self.folders)

    @property
    def missing_octets(self) -> int:
        """By how much the quota is too small; 0: it suffices."""
        return 0 if self.room_octets is None else max(self.octets_to_come - self.room_octets, 0)

    @property
    def missing_messages(self) -> int:
        """The same for a quota on messages."""
        return 0 if self.room_messages is None else max(self.to_come - self.room_messages, 0)

    @property
    def suffices(self) -> bool:
        """Whether all of it would fit."""
        return not self.missing_octets and not self.missing_messages


def _unwatched(_progress: Progress) -> None:
    """Nobody looks."""


async def forecast(
    job: Job, source: Source, progress: Progress, watch: Watch = _unwatched
) -> Forecast:
    """List every folder; raises SourceFailure. `job.remote` and `job.run` may be 0."""
    progress.phase = "listing"
    watch(progress)
    remote = await source.folders()
    found = await job.store.read(lambda db: look(db, job))
    plan = plan_folders(remote, job.settings, found.here, job.store.settings)
    account = await job.store.read(lambda db: accounts.get(db, job.account))
    room_octets, room_messages = _room(account)
    result = Forecast(
        skipped=list(plan.skipped),
        unknown=list(plan.unknown),
        room_octets=room_octets,
        room_messages=room_messages,
    )
    progress.folders = len(plan.folders)
    for planned in plan.folders:
        progress.folder = planned.remote.path
        state = found.states.get(planned.remote.key)
        is_new = planned.path not in found.paths
        try:
            opened = await source.open(planned.remote)
        except SourceFailure as failure:
            if failure.trouble != "gone":
                raise
            result.folders.append(_unlisted(planned, is_new, str(failure)))
        else:
            old = state.validity if state is not None else ""
            renumbered = bool(old) and old != opened.validity
            result.folders.append(await _folder(job, planned, opened, is_new, renumbered))
        progress.folders_done += 1
        watch(progress)
    progress.phase = "ended"
    watch(progress)
    return result


def _room(account: Account) -> tuple[int | None, int | None]:
    octets = account.quota_octets - account.used_octets if account.quota_octets else None
    messages = account.quota_messages - account.used_messages if account.quota_messages else None
    return octets, messages


def _unlisted(planned: PlannedFolder, is_new: bool, why: str) -> FolderForecast:
    return FolderForecast(
        there=planned.remote.path,
        here=planned.path,
        is_new=is_new,
        is_view=planned.is_view,
        renamed=planned.renamed,
        messages=0,
        octets=0,
        already=0,
        octets_to_come=0,
        too_large=0,
        trouble=why,
    )


async def _folder(
    job: Job, planned: PlannedFolder, opened: OpenFolder, is_new: bool, renumbered: bool
) -> FolderForecast:
    key, validity = planned.remote.key, opened.validity
    seen = await job.store.scan(lambda db: collected.seen(db, job.remote, key, validity))
    most = job.store.settings.max_message_octets
    new = [one for one in opened.messages if one.key not in seen or REPEATED in one.key]
    fitting = [one for one in new if one.size <= most]
    return FolderForecast(
        there=planned.remote.path,
        here=planned.path,
        is_new=is_new,
        is_view=planned.is_view,
        renamed=planned.renamed,
        messages=len(opened.messages),
        octets=sum(one.size for one in opened.messages),
        already=len(opened.messages) - len(new),
        octets_to_come=sum(one.size for one in fitting),
        too_large=len(new) - len(fitting),
        renumbered=renumbered,
    )
