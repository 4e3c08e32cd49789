"""What a worker has to write down next, gathered until its next write. No I/O."""

from __future__ import annotations

from collections.abc import Sequence

from pillarbox.flow.queue.backlog import Chunk
from pillarbox.store.sql.queue_lease import Ask, Finish, Key, Leased, Stop, Turn

SHORT_TURN = 256  # rows: a few milliseconds on the loop's thread, which is cheaper than beside it


class Ledger:
    """Grows on the loop while a write is under way; one write takes all of it."""

    def __init__(self) -> None:
        self.ends: list[tuple[Leased, Finish]] = []
        self.give_back: list[tuple[Key, int]] = []
        self.stops: list[Stop] = []
        self.resume: list[str] = []
        self.renew: list[Key] = []

    @property
    def empty(self) -> bool:
        """Nothing is to be written."""
        return not (self.ends or self.give_back or self.stops or self.resume or self.renew)

    def put_back(self, older: Ledger) -> None:
        """A write failed: its part comes first in the next one."""
        self.ends[:0] = older.ends
        self.give_back[:0] = older.give_back
        self.stops[:0] = older.stops
        self.resume[:0] = older.resume

    def turn(self, worker: str, until: int, chunks: Sequence[Chunk], asks: Sequence[Ask]) -> Turn:
        """Everything as one write."""
        return Turn(
            worker=worker,
            until=until,
            finished=[finish for _, finish in self.ends],
            start=[key for chunk in chunks for key in chunk.leased],
            give_back=self.give_back,
            renew=self.renew,
            stop=self.stops,
            resume=self.resume,
            ask=asks,
        )


def is_short(turn: Turn) -> bool:
    """Whether it may run on the loop's thread."""
    rows = len(turn.finished) + len(turn.start) + len(turn.give_back) + len(turn.renew)
    return rows + sum(ask.limit for ask in turn.ask) <= SHORT_TURN
