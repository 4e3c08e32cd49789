"""One run: every folder of a source, one after the other; what is here already is left alone.

All that a run knows stands in rows that are committed with the messages themselves. So it may be
broken off at any instant, and the next one goes on where it was.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from pillarbox.errors import BadName, LimitReached
from pillarbox.flow.collect.folders import FolderPlan, PlannedFolder, plan_folders, tell_unknown
from pillarbox.flow.collect.intake import Intake, OpenPlace
from pillarbox.flow.collect.job import Full, Job, Outcome
from pillarbox.flow.collect.matching import ByContent, doubtful, unclaimed
from pillarbox.flow.collect.oddities import Oddities
from pillarbox.flow.collect.places import Account, ensure, look
from pillarbox.flow.collect.progress import Progress, TroubleNote, Watch
from pillarbox.flow.collect.settle import settle
from pillarbox.flow.collect.source import OpenFolder, RemoteMessage, Source, SourceFailure
from pillarbox.flow.collect.two_way import synchronize
from pillarbox.store import Reader
from pillarbox.store.sql import accounts, collected, remote_runs
from pillarbox.store.sql.remote_runs import FolderState


def _unwatched(_progress: Progress) -> None:
    """Nobody looks."""


async def run(job: Job, source: Source, progress: Progress, watch: Watch = _unwatched) -> Outcome:
    """Bring everything that is not here yet; settle and synchronize as the settings say.

    Raises SourceFailure when the source as a whole fails, NotAllowed when the run is no longer the
    running one, Unavailable when the store is. What came before it is here.
    """
    return await _Run(job, source, progress, watch).all()


class _Run:
    def __init__(self, job: Job, source: Source, progress: Progress, watch: Watch) -> None:
        self._job = job
        self._source = source
        self._progress = progress
        self._watch = watch
        self._outcome = Outcome()
        self._states: dict[str, FolderState] = {}
        self._dropped: set[str] = set()
        self._oddities = Oddities()

    async def all(self) -> Outcome:
        progress = self._progress
        progress.phase = "listing"
        self._watch(progress)
        plan = await self._plan()
        progress.folders = len(plan.folders)
        progress.skipped += sum(1 for one in plan.skipped if one.remote.selectable)
        progress.messages = sum(one.remote.messages or 0 for one in plan.folders)
        progress.octets = sum(one.remote.octets or 0 for one in plan.folders)
        try:
            for planned in plan.folders:
                await self._folder(planned)
                progress.folders_done += 1
                self._watch(progress)
        except Full:
            await self._tell_full(plan.folders[progress.folders_done + 1 :])
        self._tell_dropped()
        self._outcome.remarks += self._oddities.sentences()
        progress.phase = "ended"
        self._watch(progress)
        return self._outcome

    async def _plan(self) -> FolderPlan:
        job = self._job
        remote = await self._source.folders()
        found: Account = await job.store.read(lambda db: look(db, job))
        self._states = found.states
        plan = plan_folders(remote, job.settings, found.here, job.store.settings)
        self._outcome.remarks += map(tell_unknown, plan.unknown)
        return plan

    async def _folder(self, planned: PlannedFolder) -> None:
        """One folder, opened again when it is numbered anew meanwhile."""
        progress = self._progress
        progress.folder = planned.remote.path
        done, octets = progress.messages_done, progress.octets_done
        expected = (planned.remote.messages or 0, planned.remote.octets or 0)
        place: OpenPlace | None = None
        why = ""
        for _ in range(self._job.limits.reopenings + 1):
            progress.messages_done, progress.octets_done = done, octets
            brought = 0 if place is None else place.brought
            try:
                opened = await self._source.open(planned.remote)
                expected = self._expect(expected, opened)
                place = await self._place(planned, opened)
                place.brought = brought
                await self._bring(place, opened)
            except SourceFailure as failure:
                if failure.trouble != "gone":
                    raise
                why = str(failure)
            except (LimitReached, BadName) as refusal:
                why = str(refusal)
                break
            else:
                return
        progress.note(TroubleNote(planned.remote.path, "", why))
        self._watch(progress)

    def _expect(self, before: tuple[int, int], opened: OpenFolder) -> tuple[int, int]:
        """Now it is known how much there is."""
        now = (len(opened.messages), sum(one.size for one in opened.messages))
        self._progress.messages += now[0] - before[0]
        self._progress.octets += now[1] - before[1]
        return now

    async def _place(self, planned: PlannedFolder, opened: OpenFolder) -> OpenPlace:
        """What is known of the folder; it has a mailbox from here on."""
        job, key, validity = self._job, planned.remote.key, opened.validity
        state = self._states.get(key)
        seen = await job.store.scan(lambda db: collected.seen(db, job.remote, key, validity))
        if not planned.is_view and (state is None or state.mailbox is None):
            state = await job.store.write(
                lambda tx: ensure(tx, job, planned, state, validity), short=True
            )
            self._states[key] = state
        place = OpenPlace(planned, validity, seen, state)
        if state is not None and state.validity and state.validity != validity:
            self._oddities.note_renumbered(planned.remote.path)
            before = await job.store.scan(
                lambda db: collected.seen_before(db, job.remote, key, validity)
            )
            if job.settings.at_source.action in ("delete", "move"):
                # What left the source is not among what is there now.
                before = [(old, row) for old, row in before if not row.settled]
            place.matches = ByContent(before)
        elif job.settings.kind == "pop3":
            place.doubtful = frozenset(doubtful(opened.messages, seen))
            self._oddities.repeated = len(place.doubtful)
            place.matches = ByContent(unclaimed(opened.messages, seen, place.doubtful))
        return place

    async def _bring(self, place: OpenPlace, opened: OpenFolder) -> None:
        progress = self._progress
        progress.phase = "bringing"
        wanted = self._wanted(place, opened.messages)
        self._watch(progress)
        try:
            if wanted:
                await Intake(self._job, place, progress, self._watch).bring(self._source, wanted)
        finally:
            self._dropped |= place.dropped_keywords
            self._oddities.sizes += place.other_sizes
            if place.state is not None:
                self._states[place.planned.remote.key] = place.state
        if place.failed == 0:
            await self._renumbered(place)
        await settle(self._job, self._source, place, opened.messages, progress, self._watch)
        if self._job.settings.two_way or self._job.settings.mirror:
            remarks = await synchronize(
                self._job, self._source, place, opened, progress, self._watch
            )
            self._outcome.remarks += remarks

    def _wanted(self, place: OpenPlace, listed: Sequence[RemoteMessage]) -> list[RemoteMessage]:
        progress = self._progress
        wanted = []
        already = 0
        for message in listed:
            if message.key in place.seen and message.key not in place.doubtful:
                place.rows[message.key] = message.key
                already += 1
                progress.octets_done += message.size
            else:
                wanted.append(message)
        progress.messages_done += already
        progress.already += max(0, already - place.brought)
        return wanted

    async def _renumbered(self, place: OpenPlace) -> None:
        """Every message has its new key: the old numbers are done with."""
        job, key, validity = self._job, place.planned.remote.key, place.validity
        state = place.state or FolderState(key)
        if state.validity != validity:
            new = replace(state, validity=validity)
            await job.store.write(
                lambda tx: remote_runs.put_folder(tx, job.remote, new), short=True
            )
            place.state = self._states[key] = new

    async def _tell_full(self, unopened: Sequence[PlannedFolder]) -> None:
        """With numbers only where all folders tell them before they are opened."""
        job, progress = self._job, self._progress

        async def ask(db: Reader) -> tuple[int, int]:
            row = await accounts.get(db, job.account)
            return row.used_octets, row.quota_octets

        used, quota = await job.store.read(ask)
        left = [one.remote for one in unopened if one.remote.messages != 0]
        messages = max(progress.messages - progress.messages_done, 0)
        octets = max(progress.octets - progress.octets_done, 0)
        least = "at least" if any(one.messages is None for one in left) else "about"
        with_octets = ""
        if not any(one.octets is None for one in left):
            with_octets = f" with {_mebioctets(octets)}"
        still = "message{} is still" if messages == 1 else "messages{} are still"
        room = f"{_mebioctets(used)} of {_mebioctets(quota)} are used; " if quota else ""
        self._outcome.complete = False
        self._outcome.stopped = "quota"
        self._outcome.why = progress.why = (
            f"The account is full: {room}{least} {messages} {still.format(with_octets)} to come. "
            "Delete some messages or ask for more room."
        )

    def _tell_dropped(self) -> None:
        if self._dropped:
            some = ", ".join(sorted(self._dropped)[:10])
            self._outcome.remarks.append(
                f"{len(self._dropped)} keywords were left out, since an account and a message may "
                f"have only so many: {some}. Their messages are here."
            )


def _mebioctets(octets: int) -> str:
    return f"{octets / 2**20:.1f} MiB"
