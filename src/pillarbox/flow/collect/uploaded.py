"""Files of mail that people gave to the account's pages: kept until their mail is here.

Each lies alone in a folder that is named by its account and its octets, so the same file given
again is known: what was brought from it does not come twice. Paths are told from the data folder.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from pillarbox.clock import Clock, unix_seconds
from pillarbox.flow.collect.remotes import Remote, Remotes
from pillarbox.flow.collect.settings import RemoteSettings
from pillarbox.ids import AccountId
from pillarbox.store.sql.remotes import RemoteState

_FOLDER = "uploaded"
_COMING = ".coming"  # end of a file's name while it is given
_COMING_SECONDS = 3600  # after its last octet nobody gives the rest
_DAY = 86_400
_LONGEST_NAME = 200  # octets; file systems take 255
_NAMELESS = "mail"


class Uploaded:
    """The folder of them all. Its methods wait for the disk."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self.folder = data_dir / _FOLDER

    def new(self, account: AccountId, salt: str) -> Path:
        """Where a file is written while it comes."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        return self.folder / f"{account}-{salt}{_COMING}"

    def settle(self, coming: Path, account: AccountId, digest: str, name: str) -> str:
        """It is whole: its path from now on, with the name of the first that was the same."""
        place = self.folder / f"{account}-{digest}"
        place.mkdir(mode=0o700, exist_ok=True)
        before = next(place.iterdir(), None)
        whole = before or place / plain_name(name)
        coming.replace(whole)
        for folder in (place, self.folder, self._data_dir):  # or a power cut takes the name back
            _write_down(folder)
        return str(whole.relative_to(self._data_dir))

    def is_here(self, settings: RemoteSettings) -> bool:
        """Whether it can be read still."""
        return settings.uploaded and (self._data_dir / settings.path).is_file()

    def discard(self, settings: RemoteSettings) -> None:
        """It is needed no more; others than those of the pages are left alone."""
        if settings.uploaded:
            shutil.rmtree((self._data_dir / settings.path).parent, ignore_errors=True)

    def octets_of(self, account: AccountId) -> int:
        """Of all files that an account gave and that are not brought yet."""
        files = (self._files(place) for place in self._places() if _account_of(place) == account)
        return sum(size for found in files for size, _ in found)

    def places(self, now: int, days: int) -> tuple[list[Path], list[tuple[AccountId, Path]]]:
        """What has ended by its age, and others that may still be wanted, or were not added."""
        ended: list[Path] = []
        others: list[tuple[AccountId, Path]] = []
        for place in self._places():
            account, is_coming = _account_of(place), place.name.endswith(_COMING)
            seconds = _COMING_SECONDS if is_coming else days * _DAY
            if account is None or self._changed_before(place, now - seconds):
                ended.append(place)
            elif self._changed_before(place, now - _COMING_SECONDS) and not is_coming:
                others.append((account, place))
        return ended, others

    def delete(self, place: Path, now: int) -> None:
        """One that `places` told of, unless the same file was given again meanwhile."""
        if not self._changed_before(place, now - _COMING_SECONDS):
            return
        if place.is_dir():
            shutil.rmtree(place, ignore_errors=True)
        else:
            place.unlink(missing_ok=True)

    def _changed_before(self, place: Path, instant: int) -> bool:
        """A folder without a file waits for one: it was made just now, or was left over."""
        times = [at for _, at in self._files(place)] or [at for _, at in _stated([place])]
        return max(times, default=0) < instant

    def _places(self) -> Iterator[Path]:
        if self.folder.is_dir():
            yield from self.folder.iterdir()

    def _files(self, place: Path) -> list[tuple[int, int]]:
        """Size and time of each; what is gone meanwhile has none."""
        try:
            return _stated(list(place.iterdir()))
        except FileNotFoundError:
            return []
        except NotADirectoryError:
            return _stated([place])


def plain_name(given: str) -> str:
    """A file's name without ways to elsewhere, as long as file systems take."""
    last = given.replace("\\", "/").rpartition("/")[2]
    shown = "".join(one for one in last if one.isprintable()).lstrip(". ").strip()
    stem, dot, suffix = shown.rpartition(".")
    stem, suffix = (stem, dot + suffix) if stem else (shown, "")
    room = _LONGEST_NAME - len(suffix.encode(errors="replace"))
    if room <= 0:
        return _NAMELESS
    stem = stem.encode(errors="replace")[:room].decode(errors="ignore")
    return f"{stem}{suffix}".encode(errors="replace").decode() or _NAMELESS


def find_same(remotes: list[Remote], path: str) -> Remote | None:
    """The one that brought from the very same file."""
    for one in remotes:
        if one.settings.uploaded and one.settings.path == path:
            return one
    return None


async def sweep(uploaded: Uploaded, remotes: Remotes, clock: Clock, days: int) -> None:
    """Delete those whose mail is here, that nobody wants any more, or that are too old."""
    now = unix_seconds(clock.now())
    ended, others = await asyncio.to_thread(uploaded.places, now, days)
    for account, place in others:
        wanted = {
            Path(one.settings.path).parent.name
            for one in await remotes.list_remotes(account)
            if one.settings.uploaded and one.state is not RemoteState.DONE
        }
        if place.name not in wanted:
            ended.append(place)
    for place in ended:
        await asyncio.to_thread(uploaded.delete, place, now)


def _stated(paths: list[Path]) -> list[tuple[int, int]]:
    found = []
    for path in paths:
        try:
            stat = path.stat()
        except FileNotFoundError:
            continue
        found.append((stat.st_size, int(stat.st_mtime)))
    return found


def _write_down(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _account_of(place: Path) -> AccountId | None:
    digits = place.name.partition("-")[0]
    return AccountId(int(digits)) if digits.isascii() and digits.isdecimal() else None
