"""Opens what a power cut left with the real store and holds it against what was acknowledged."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import apsw
import msgspec

from pillarbox.errors import PillarboxError
from pillarbox.store import Store
from pillarbox.store.open import open_store
from pillarbox.store.sql import accounts, changes, mailboxes, messages
from support.fake_clock import FakeClock
from support.power_cut_disk import CutDisk, Fate, Image
from support.power_cut_record import (
    Create,
    Link,
    Recording,
    Rename,
    Sync,
    SyncFolder,
    Truncate,
    Unlink,
    Write,
)
from support.power_cut_work import Lane, Print, Work, deliver, print_of, small_settings
from support.store_box import letter


class Cut(msgspec.Struct, frozen=True):
    """The power goes after so many events; what was not synced has this fate."""

    after: int
    fate: Fate


class Found(msgspec.Struct, frozen=True):
    """What an image held when it was opened."""

    prints: tuple[Print, ...]  # of each lane
    problems: tuple[str, ...]


def all_cuts(recording: Recording) -> list[Cut]:
    """Each point with each fate."""
    points = range(recording.first, recording.position + 1)
    return [Cut(after, fate) for after in points for fate in Fate]


def choice_of_cuts(recording: Recording, rng: random.Random, most: int) -> list[Cut]:
    """Around everything that orders something, and here and there between."""
    chosen: set[Cut] = set()
    for at, event in enumerate(recording.events[recording.first :], recording.first):
        match event:
            case Sync() | SyncFolder():
                chosen.update(Cut(at, fate) for fate in Fate)  # all that waits is still to lose
                chosen.update({Cut(at + 1, Fate.TORN), Cut(at + 1, Fate.DROPPED)})
            case Create() | Link() | Rename() | Unlink() | Truncate():
                chosen.update(
                    {Cut(at, Fate.MIXED), Cut(at + 1, Fate.KEPT), Cut(at + 1, Fate.MIXED)}
                )
            case Write():
                if rng.random() < 0.2:
                    chosen.add(Cut(at + 1, rng.choice(list(Fate))))
    found = sorted(chosen, key=lambda cut: (cut.after, cut.fate.value))
    return found if len(found) <= most else rng.sample(found, most)


class Examination:
    """Of one recorded run."""

    def __init__(self, work: Work, folder: Path, rng: random.Random) -> None:
        self._work = work
        self._folder = folder
        self._rng = rng
        self._seen: dict[int, Found] = {}
        self.cuts = 0
        self.by_fate: Counter[str] = Counter()

    @property
    def images(self) -> int:
        """Different ones that were opened."""
        return len(self._seen)

    async def run(self, cuts: list[Cut]) -> list[str]:
        """What is wrong; an image that is at fault stays in the folder."""
        complaints: list[str] = []
        for cut, image in self._images(cuts):
            found = await self._find(image)
            wrong = [*found.problems, *self._judge(cut.after, found)]
            self.cuts += 1
            self.by_fate[cut.fate.value] += 1
            if wrong:
                kept = self._folder / f"cut-{cut.after}-{cut.fate.value}"
                write_image(image, kept)
                complaints += [f"{cut} ({kept}): {one}" for one in wrong]
                if len(complaints) > 20:
                    break
        return complaints

    def _images(self, cuts: list[Cut]) -> Iterator[tuple[Cut, Image]]:
        wanted: dict[int, list[Cut]] = {}
        for cut in cuts:
            wanted.setdefault(cut.after, []).append(cut)
        disk = CutDisk()
        for after, event in enumerate([None, *self._work.recording.events]):
            if event is not None:
                disk.take(event)
            for cut in wanted.get(after, ()):
                yield cut, disk.image(cut.fate, self._rng)

    async def _find(self, image: Image) -> Found:
        key = hash(frozenset(image.items()))
        if key not in self._seen:
            folder = self._folder / "image"
            write_image(image, folder)
            self._seen[key] = await examine(folder, self._work.lanes)
            shutil.rmtree(folder)
        return self._seen[key]

    def _judge(self, after: int, found: Found) -> Iterator[str]:
        """Each lane must be where it was acknowledged to be, or one step further."""
        for number, (lane, there) in enumerate(zip(self._work.lanes, found.prints, strict=True)):
            states = lane.states
            known = max(
                (at for at, one in enumerate(states) if one.acknowledged <= after), default=0
            )
            begun = [one.print for one in states[known:] if one.started <= after]
            if there in begun:
                continue
            if any(first < after < last for first, last in self._work.upkeep) and any(
                there.visible == one.visible for one in begun
            ):
                continue
            older = [at for at, one in enumerate(states[:known]) if one.print == there]
            what = f"is as after step {older[-1]}" if older else "is as it never was"
            yield f"lane {number} {what}; step {known} of {len(states) - 1} was acknowledged"


async def examine(folder: Path, lanes: list[Lane]) -> Found:
    """Open, look, verify, deliver, look again."""
    problems: list[str] = []
    store = None
    try:
        store = await open_store(small_settings(folder), FakeClock())
        prints = tuple([await print_of(store, lane.logins) for lane in lanes])
        problems += (await store.verify()).problems
        await _go_on(store, lanes[0].logins[0])
    except (PillarboxError, apsw.Error, OSError, AssertionError) as error:
        problems.append(f"{error!r} (from {error.__cause__!r})")
        nothing = Print(b"", b"")
        prints = tuple(nothing for _ in lanes)
    finally:
        if store is not None:
            await store.close()
    return Found(prints, tuple(problems))


async def _go_on(store: Store, login: str) -> None:
    """Deliver one more message and read it back."""
    account = await store.read(lambda db: accounts.find(db, login))
    if account is None:
        account = await store.write(lambda tx: accounts.create(tx, login, ""))
    whose = account.id
    inbox = await store.read(lambda db: mailboxes.find(db, whose, "INBOX"))
    expected = inbox.uid_next if inbox is not None else 1
    raw = letter("After the cut", "Still here.")
    uids = await deliver(store, [login], raw)
    assert uids == [expected], f"UID {uids}, expected {expected}"
    inbox = await store.read(lambda db: mailboxes.find(db, whose, "INBOX"))
    assert inbox is not None
    box = inbox.id
    placed = (await store.read(lambda db: changes.placed(db, whose, box)))[-1]
    row = await store.read(lambda db: messages.get(db, whose, placed.message))
    assert (await store.content(row).read(0, row.size)).endswith(raw), "other octets"


def write_image(image: Image, folder: Path) -> None:
    """Lay the files out."""
    for below in (".", "blobs", "tmp"):
        (folder / below).mkdir(parents=True, exist_ok=True)
    for name, octets in image.items():
        (folder / name).write_bytes(octets)
