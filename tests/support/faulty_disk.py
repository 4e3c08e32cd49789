"""A disk that refuses when told to."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence

from pillarbox.store.blobs.disk import RealDisk


class FaultyDisk(RealDisk):
    """`fail["write"] = errno.ENOSPC` makes every write fail until it is taken away."""

    def __init__(self) -> None:
        self.fail: dict[str, int] = {}
        self.refuse_next_over: int | None = None  # octets: the next longer write fails
        self.calls: list[str] = []

    def _do(self, what: str) -> None:
        self.calls.append(what)
        if what in self.fail:
            raise OSError(self.fail[what], os.strerror(self.fail[what]))

    def create(self, path: os.PathLike[str]) -> int:  # type: ignore[override]
        self._do("create")
        return super().create(path)  # type: ignore[arg-type]

    def write(self, fd: int, buffers: Sequence[bytes]) -> None:
        if "write" in self.fail and self.fail["write"] == errno.ENOSPC:
            whole = b"".join(buffers)
            os.write(fd, whole[: len(whole) // 2])  # a full disk takes the first part
        self._do("write")
        if self.refuse_next_over is not None and sum(map(len, buffers)) > self.refuse_next_over:
            self.refuse_next_over = None
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        super().write(fd, buffers)

    def sync(self, fd: int) -> None:
        self._do("sync")
        super().sync(fd)

    def sync_folder(self, path: os.PathLike[str]) -> None:  # type: ignore[override]
        self._do("sync_folder")
        super().sync_folder(path)  # type: ignore[arg-type]

    def link(self, path: os.PathLike[str], name: os.PathLike[str]) -> None:  # type: ignore[override]
        self._do("link")
        super().link(path, name)  # type: ignore[arg-type]
