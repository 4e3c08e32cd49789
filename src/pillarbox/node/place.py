"""The `run/` folder: who runs on these data, where it listens, and the workers' numbers."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from pillarbox.errors import Unavailable
from pillarbox.node.privileges import Person, prepare_folder


class RunningNode(msgspec.Struct, frozen=True):
    """What `run/node.json` tells other programs of the same computer."""

    pid: int
    workers: tuple[int, ...]
    listeners: dict[str, list[str]]


class Place:
    """One node's `run/` folder."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.run = data_dir / "run"
        self.metrics = self.run / "metrics"
        self._node = self.run / "node.json"

    @contextlib.contextmanager
    def taken(self, person: Person | None) -> Iterator[None]:
        """Hold the folder for this node alone. Raises Unavailable when that cannot be."""
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        try:
            prepare_folder(self.run, person)
            prepare_folder(self.metrics, person)
            descriptor = os.open(self.run / "node.lock", flags, 0o600)
        except OSError as error:
            raise Unavailable(f"{error.filename} cannot be written: {error.strerror}.") from error
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Unavailable(self._taken_by()) from None
            for old in self.metrics.glob("*.db"):
                old.unlink(missing_ok=True)
            yield
        finally:
            os.close(descriptor)

    def remember_node(self, workers: Sequence[int], listeners: Mapping[str, list[str]]) -> None:
        """Write who runs here; the file appears whole."""
        node = RunningNode(os.getpid(), tuple(workers), dict(listeners))
        fresh = self._node.with_suffix(".new")
        fresh.write_bytes(msgspec.json.encode(node))
        fresh.replace(self._node)

    def forget_node(self) -> None:
        """Nobody runs here any more."""
        self._node.unlink(missing_ok=True)

    def find_node(self) -> RunningNode | None:
        """Who runs here; None for nobody, though a killed node leaves its last words."""
        try:
            return msgspec.json.decode(self._node.read_bytes(), type=RunningNode)
        except (FileNotFoundError, msgspec.DecodeError):
            return None

    def forget_worker(self, pid: int) -> None:
        """A dead worker's gauges count no longer; its counters do."""
        for gauge in self.metrics.glob(f"gauge_live*_{pid}.db"):
            gauge.unlink(missing_ok=True)

    def _taken_by(self) -> str:
        node = self.find_node()
        who = f" (process {node.pid})" if node else ""
        return (
            f"Pillarbox runs already on the data folder {self.data_dir}{who}. Stop it first, or "
            "use another folder."
        )
