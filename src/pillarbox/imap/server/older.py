"""Reading the older messages of a large mailbox, which its view only counted so far (ADR 0018)."""

from __future__ import annotations

from array import array

from pillarbox.imap.server.picture import Picture
from pillarbox.imap.server.view import Reach, View
from pillarbox.store import Reader
from pillarbox.store.sql import changes
from pillarbox.store.sql.placed_columns import columns_as_of

PIECE = 2_000  # messages read on the loop's thread; whoever wants more waits for all of them


async def lowest(db: Reader, view: View, reaches: tuple[Reach, ...]) -> tuple[int | None, bool]:
    """The UID down to which to read, None for nothing; False if that is too far for a short read.

    A client that takes a look at the newest messages costs a look at those. One that goes further
    will go on, so it gets all, once, beside the loop's thread.
    """
    lacking = [reach for reach in reaches if view.lacks(reach)]
    if not lacking:
        return None, True
    account, mailbox = view.mailbox.account, view.mailbox.id
    floor, below = view.picture.floor, view.below
    edge = await changes.uid_below(db, account, mailbox, floor, PIECE)
    if edge is None:
        return 0, True
    lows = [reach.uid for reach in lacking]
    count = below - min(reach.number for reach in lacking) + 1
    if count > PIECE or min(lows) < edge:
        return 0, False
    if count > 0:
        found = await changes.uid_below(db, account, mailbox, floor, count)
        lows.append(edge if found is None else found)
    return min(lows), True


async def read_uids(db: Reader, view: View) -> array[int] | None:
    """The UIDs of the messages below the floor; None where the mailbox changed meanwhile."""
    account, mailbox = view.mailbox.account, view.mailbox.id
    found = await changes.uids_under(db, account, mailbox, view.picture.floor, view.modseq)
    return array("I", found) if len(found) == view.below else None


async def read_down_to(db: Reader, view: View, low: int) -> Picture:
    """The messages below the floor from a UID on, as the view counts them."""
    account, mailbox = view.mailbox.account, view.mailbox.id
    older = Picture()
    async for columns in columns_as_of(
        db, account, mailbox, view.modseq, low=low, high=view.picture.floor
    ):
        older.extend_columns(columns)
    older.floor = low
    return older
