"""How many connections each network has at all workers together, in memory that they share.

One shared file holds a column of counters for each worker. A worker writes in its own column only
and reads all, so there is nothing to lock: it counts itself in first and looks at the sum then, so
two workers can never both take the last place (both may find it taken, and the peer tries again).

A network counts in two counters of its worker's column, chosen by a keyed hash; the smaller of the
two sums is its number. So memory is bounded whoever comes, and a peer is only taken for another,
busier one if it meets busy ones in both, which nobody can arrange without the key.
"""

from __future__ import annotations

import hashlib
import mmap
import os

COLUMNS = 1024  # workers of one machine, those that leave after a reload included
_ROW = 16_384  # counters in one row
_HEAD = 1  # counters before the rows: the total
_COLUMN = _HEAD + 2 * _ROW
_WORD = 4  # octets of a counter
_HIGHEST = 0  # the counter before all columns: how many columns were ever in use
_BEGIN = 1


class TallyBoard:
    """The shared memory as the supervisor sees it: it hands columns out and clears them."""

    def __init__(self) -> None:
        self.descriptor = os.memfd_create("pillarbox-tally", os.MFD_CLOEXEC)
        size = (_BEGIN + COLUMNS * _COLUMN) * _WORD
        os.ftruncate(self.descriptor, size)  # pages that nobody touched take no memory
        self.key = os.urandom(32)
        self._cells = memoryview(mmap.mmap(self.descriptor, size)).cast("I")
        self._taken: set[int] = set()

    def take(self) -> int:
        """A column for a new worker."""
        column = next(n for n in range(COLUMNS) if n not in self._taken)
        self._taken.add(column)
        self._clear(column)
        self._cells[_HIGHEST] = max(self._cells[_HIGHEST], column + 1)
        return column

    def give_back(self, column: int) -> None:
        """Its worker is dead, and so are its connections."""
        self._clear(column)
        self._taken.discard(column)

    def close(self) -> None:
        """The supervisor ends."""
        self._cells.release()
        os.close(self.descriptor)

    def _clear(self, column: int) -> None:
        start = _BEGIN + column * _COLUMN
        self._cells[start : start + _COLUMN] = memoryview(bytes(_COLUMN * _WORD)).cast("I")


class Tally:
    """The shared memory as one worker sees it."""

    def __init__(self, descriptor: int, column: int, key: bytes) -> None:
        size = (_BEGIN + COLUMNS * _COLUMN) * _WORD
        self._cells = memoryview(mmap.mmap(descriptor, size)).cast("I")
        self._own = _BEGIN + column * _COLUMN
        self._key = key

    def add(self, network: str, number: int) -> tuple[int, int]:
        """Count `number` more (or fewer) here; all workers' total and this network's sum then."""
        first, second = self._places(network)
        cells, own = self._cells, self._own
        for place in (0, first, second):
            cells[own + place] = max(0, cells[own + place] + number)
        return self._sum(0), min(self._sum(first), self._sum(second))

    def _places(self, network: str) -> tuple[int, int]:
        digest = hashlib.blake2b(network.encode(), key=self._key, digest_size=8).digest()
        first = int.from_bytes(digest[:4]) % _ROW
        second = int.from_bytes(digest[4:]) % _ROW
        return _HEAD + first, _HEAD + _ROW + second

    def _sum(self, place: int) -> int:
        cells = self._cells
        end = _BEGIN + cells[_HIGHEST] * _COLUMN
        return sum(cells[at] for at in range(_BEGIN + place, end, _COLUMN))
