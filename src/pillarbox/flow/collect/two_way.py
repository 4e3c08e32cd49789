"""Flags and deletions go both ways, or from the source to here (a mirror).

Messages themselves only come from there. What is moved here to another mailbox has left this one:
two ways, it is deleted there, and is safe here.
"""

from __future__ import annotations

from pillarbox.flow.collect.intake import OpenPlace
from pillarbox.flow.collect.job import Job
from pillarbox.flow.collect.keywords import ALL_FLAGS, KeywordRoom, normal_keywords
from pillarbox.flow.collect.merging import (
    Merged,
    Sides,
    by_place,
    compare,
    is_too_much,
)
from pillarbox.flow.collect.progress import Progress, Watch
from pillarbox.flow.collect.source import AtSource, FlagsNow, OpenFolder, Source
from pillarbox.ids import MailboxId, MessageId, Uid
from pillarbox.store import Reader, Transaction
from pillarbox.store.model import FlagChange, Placed
from pillarbox.store.sql import changes, collected, messages
from pillarbox.store.sql.collected import SeenFlags, SeenKey

_AT_ONCE = 1000  # messages that are removed here in one transaction


async def synchronize(
    job: Job,
    source: Source,
    place: OpenPlace,
    opened: OpenFolder,
    progress: Progress,
    watch: Watch,
) -> list[str]:
    """Make both sides of an open folder alike; sentences about what was not done unasked."""
    if place.planned.is_view:
        return []
    work = _Work(job, source, place, progress, watch, opened.state)
    there = await _now_there(source, opened)
    merged = compare(await work.sides(there))
    await work.push(merged)
    await work.pull(merged)
    remarks = await work.remove_here(merged)
    remarks += await work.remove_there(merged)
    await work.forget(merged.forgotten)
    return remarks


async def _now_there(source: Source, opened: OpenFolder) -> dict[str, FlagsNow]:
    """As listed, and what changed since, for messages may have come for hours."""
    there = {one.key: FlagsNow(one.key, one.flags, one.keywords) for one in opened.messages}
    if opened.state:
        since = await source.changes(opened.state)
        there.update({one.key: one for one in since.flags if one.key in there})
        for key in since.vanished:
            there.pop(key, None)
    return there


class _Work:
    def __init__(
        self,
        job: Job,
        source: Source,
        place: OpenPlace,
        progress: Progress,
        watch: Watch,
        state: str,
    ) -> None:
        self._state = state
        self._job = job
        self._source = source
        self._place = place
        self._progress = progress
        self._watch = watch
        self._folder = place.planned.remote.key

    async def sides(self, there: dict[str, FlagsNow]) -> Sides:
        job, rows = self._job, self._place.seen
        mailboxes = {row.mailbox for row in rows.values() if row.message is not None}

        async def look(db: Reader) -> tuple[dict[tuple[int, MessageId], Placed], KeywordRoom]:
            here: dict[tuple[int, MessageId], Placed] = {}
            for mailbox in mailboxes:
                here.update(by_place(mailbox, await changes.placed(db, job.account, mailbox)))
            return here, await KeywordRoom.load(db, job.account, job.store.settings)

        here, room = await job.store.scan(look)
        one_way = job.settings.mirror
        return Sides(rows, there, here, job.settings.keyword, room.fit, one_way)

    async def push(self, merged: Merged) -> None:
        """First there, then here: what was agreed on is written down when both have it."""
        if not merged.there:
            return
        done = set(await self._source.set_flags(merged.there))
        refused = {one.key for one in merged.there} - done
        if refused:
            merged.agreed = [one for one in merged.agreed if one.key not in refused]
            merged.agreed += await self._kept(refused)
        self._progress.flags_changed += len(done)
        self._watch(self._progress)

    async def _kept(self, refused: set[str]) -> list[SeenFlags]:
        """What the source made of it: flags that it cannot keep are ours alone."""
        if not self._state:
            return []
        now = await self._source.changes(self._state)
        return [
            SeenFlags(one.key, one.flags & ALL_FLAGS, normal_keywords(one.keywords))
            for one in now.flags
            if one.key in refused
        ]

    async def pull(self, merged: Merged) -> None:
        if not merged.here and not merged.agreed:
            return
        job, folder, validity = self._job, self._folder, self._place.validity
        mailbox_of = {row.message: row.mailbox for row in self._place.seen.values()}
        of_message = {row.message: row.key for row in self._place.seen.values()}

        async def change(tx: Transaction) -> int:
            late: set[str] = set()
            for placed, marks in merged.here:
                mailbox = mailbox_of[placed.message]
                outcome = await messages.store_flags(
                    tx,
                    job.account,
                    mailbox,
                    [placed.uid],
                    FlagChange.REPLACE,
                    marks.flags,
                    marks.keywords,
                    placed.modseq,
                )
                if outcome.failed or outcome.missing:
                    late.add(of_message[placed.message])  # changed meanwhile: the next run sees it
            agreed = [one for one in merged.agreed if one.key not in late]
            await collected.set_flags(tx, job.remote, folder, validity, agreed)
            return len(merged.here) - len(late)

        self._progress.flags_changed += await job.store.write(change)
        self._watch(self._progress)

    async def remove_here(self, merged: Merged) -> list[str]:
        """What is no longer there."""
        gone = merged.gone_there
        if not gone:
            return []
        if self._is_too_much(len(gone), merged.total):
            return [
                f"{len(gone)} of {merged.total} messages of {self._path!r} are no longer at the "
                "source. They stay here until you confirm that they are to be deleted here, too."
            ]
        for start in range(0, len(gone), _AT_ONCE):
            await self._remove_rows(gone[start : start + _AT_ONCE])
        return []

    async def _remove_rows(self, rows: list[SeenKey]) -> None:
        job, folder, validity = self._job, self._folder, self._place.validity
        wanted: dict[MailboxId, set[MessageId]] = {}
        for row in rows:
            assert row.message is not None
            wanted.setdefault(row.mailbox, set()).add(row.message)

        async def change(tx: Transaction) -> int:
            removed = 0
            for mailbox, found in wanted.items():
                uids: list[Uid] = [
                    one.uid
                    for one in await changes.placed(tx, job.account, mailbox)
                    if one.message in found
                ]
                removed += len(await messages.expunge(tx, job.account, mailbox, uids, force=True))
            await collected.forget(tx, job.remote, folder, validity, [row.key for row in rows])
            return removed

        self._progress.removed += await job.store.write(change)
        self._watch(self._progress)

    async def remove_there(self, merged: Merged) -> list[str]:
        """What is no longer here."""
        gone = merged.gone_here
        if not gone:
            return []
        if self._job.settings.mirror:
            return [
                f"{len(gone)} messages of {self._path!r} were deleted or moved here and are not "
                "brought again; at the source they are still there."
            ]
        if self._is_too_much(len(gone), merged.total):
            return [
                f"{len(gone)} of {merged.total} messages of {self._path!r} were deleted or moved "
                "here. They stay at the source until you confirm that they are to be deleted."
            ]
        done = set(await self._source.settle(gone, AtSource("delete"))) & set(gone)
        if done:
            job, folder, validity = self._job, self._folder, self._place.validity
            await job.store.write(
                lambda tx: collected.set_settled(tx, job.remote, folder, validity, done)
            )
        self._progress.removed += len(done)
        self._watch(self._progress)
        return []

    async def forget(self, keys: list[str]) -> None:
        """What neither side has any more."""
        if keys:
            job, folder, validity = self._job, self._folder, self._place.validity
            await job.store.write(
                lambda tx: collected.forget(tx, job.remote, folder, validity, keys)
            )

    def _is_too_much(self, count: int, total: int) -> bool:
        limits = self._job.limits
        return not self._job.confirmed and is_too_much(
            count, total, limits.deletions_unasked, limits.deletions_unasked_percent
        )

    @property
    def _path(self) -> str:
        return self._place.planned.remote.path
