"""A message opened, cleaned beside the server and kept for the next look."""

from __future__ import annotations

import asyncio
import re
import secrets
from dataclasses import dataclass

from msgspec.structs import replace

from pillarbox.config.bodies import BodySettings
from pillarbox.errors import NotFound, Unavailable
from pillarbox.ids import AccountId
from pillarbox.jmap.ids import account_id
from pillarbox.store import Store
from pillarbox.web.bodies.cache import Cache, Key, Shown
from pillarbox.web.bodies.cleaning import clean_message
from pillarbox.web.bodies.job import Bounds, Job, Piece
from pillarbox.web.bodies.opened import Oddity, Opened, open_message, pieces_of
from pillarbox.web.bodies.pool import Cleaning, GaveUp

_GROWTH = 8  # octets of markup for one of the message: escapes and links
_LEAST_RESULT = 4 << 20
_FALLBACK_OCTETS = 128 << 10  # of text made on a thread of our own, when the process was killed
_FALLBACK_SECONDS = 0.4  # that is left for it
_SHEET = re.compile(rb"<(style|script)(?=[\s>/])", re.IGNORECASE)
_SHEET_END = {
    name: re.compile(rb"</%b(?:[\s/][^>]{0,1000})?>" % name, re.IGNORECASE)
    for name in (b"style", b"script")
}
_NO_MESSAGE = "That message is no longer here."


@dataclass(frozen=True, slots=True)
class Seen:
    """A message, and how it is shown."""

    opened: Opened
    shown: Shown

    @property
    def oddities(self) -> tuple[Oddity, ...]:
        """What a person is told."""
        facts = self.shown.cleaned.facts
        more = (
            (Oddity.UNREADABLE, facts.unreadable > 0),
            (Oddity.NOT_SHOWN_AS_HTML, facts.text_only),
            (Oddity.ENCRYPTED, facts.pgp),
            (Oddity.EMPTY, facts.is_empty),
            (Oddity.TRUNCATED, self.shown.is_truncated),
        )
        found = [*self.opened.oddities, *(oddity for oddity, holds in more if holds)]
        return tuple(dict.fromkeys(found))


class Showing:
    """One for a worker."""

    def __init__(self, store: Store, settings: BodySettings, cleaning: Cleaning) -> None:
        self._store = store
        self._settings = settings
        self._cleaning = cleaning
        self._cache = Cache(settings.cache_octets)
        self._under_way: dict[Key, asyncio.Task[Seen]] = {}

    async def open(self, account: AccountId, blob_id: str) -> Opened:
        """Raises NotFound, Damaged."""
        opened = await open_message(self._store, account, blob_id)
        if opened is None:
            raise NotFound(_NO_MESSAGE)
        return opened

    async def see(self, key: Key) -> Seen:
        """Cleaned, in time. Raises NotFound, Damaged, Unavailable."""
        kept = self._cache.find(key)
        if kept is not None:
            return Seen(await self.open(key.account, key.blob_id), kept)
        task = self._under_way.get(key)
        if task is None:
            task = asyncio.create_task(self._see(key))
            self._under_way[key] = task
            task.add_done_callback(lambda _: self._under_way.pop(key, None))
        # Who asks first may leave; others may wait for the same.
        return await asyncio.shield(task)

    async def _see(self, key: Key) -> Seen:
        ends_at = asyncio.get_running_loop().time() + self._settings.answer_seconds
        try:
            async with asyncio.timeout_at(ends_at):
                opened = await self.open(key.account, key.blob_id)
                job, is_truncated = await self._job(key, opened)
        except TimeoutError:
            raise Unavailable from None
        shown = await self._clean(job, is_truncated, ends_at)
        self._cache.keep(key, shown)
        return Seen(opened, shown)

    async def _job(self, key: Key, opened: Opened) -> tuple[Job, bool]:
        settings = self._settings
        most = settings.whole_octets if key.whole else settings.shown_octets
        parts = opened.bodies.text if key.as_text else opened.bodies.html
        found = await pieces_of(opened, parts, most, settings)
        size = sum(len(piece.octets) for piece in found.pieces)
        job = Job(
            pieces=tuple(found.pieces),
            as_text=key.as_text,
            marker=secrets.token_hex(16),
            part_path=part_path(key.account, key.blob_id),
            inline={} if key.as_text else opened.inline,
            bounds=Bounds(
                settings.style_octets, settings.nesting, max(_GROWTH * size, _LEAST_RESULT)
            ),
        )
        return job, found.is_truncated

    async def _clean(self, job: Job, is_truncated: bool, ends_at: float) -> Shown:
        seconds = ends_at - asyncio.get_running_loop().time() - _FALLBACK_SECONDS
        try:
            cleaned = await self._cleaning.clean(job, max(seconds, 0.05))
        except GaveUp:
            short = _shortened(job)
            cleaned = await asyncio.to_thread(clean_message, short)
            cleaned = replace(cleaned, facts=replace(cleaned.facts, text_only=True))
            is_cut = is_truncated or short.pieces != job.pieces
            return Shown(cleaned, job.marker, is_cut)
        return Shown(cleaned, job.marker, is_truncated)


def part_path(account: AccountId, blob_id: str) -> str:
    """Before the number of a part that is shown inline."""
    return f"/m/{account_id(account)}/{blob_id}/part/"


def _shortened(job: Job) -> Job:
    left = _FALLBACK_OCTETS
    pieces: list[Piece] = []
    for piece in job.pieces:
        octets = _without_sheets(piece.octets) if piece.kind == "html" else piece.octets
        pieces.append(replace(piece, octets=octets[:left]))
        left -= min(len(octets), left)
    return replace(job, pieces=tuple(pieces), as_text=True)


def _without_sheets(octets: bytes) -> bytes:
    """What is no text would take the place of what is."""
    kept: list[bytes] = []
    at = 0
    while (opened := _SHEET.search(octets, at)) is not None:
        kept.append(octets[at : opened.start()])
        closed = _SHEET_END[opened[1].lower()].search(octets, opened.end())
        if closed is None:
            return b"".join(kept)
        at = closed.end()
    return b"".join((*kept, octets[at:]))
