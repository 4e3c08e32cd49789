"""`pillarbox import undo`: exactly what an import brought, and nothing else."""

from __future__ import annotations

import argparse
from collections import defaultdict

import msgspec

from pillarbox.cli.collect_named import Named, find_remote
from pillarbox.cli.collect_told import count
from pillarbox.cli.interrupting import INTERRUPTED, until_interrupted
from pillarbox.cli.opened import Opened, run_opened
from pillarbox.cli.options import confirm
from pillarbox.cli.output import answer
from pillarbox.clock import SystemClock
from pillarbox.errors import NotAllowed
from pillarbox.flow.collect.holding import Holder
from pillarbox.flow.collect.remotes import Remote
from pillarbox.flow.collect.undo import Undone, undo
from pillarbox.ids import MailboxId, MessageId, Uid
from pillarbox.node.collecting_one import new_owner
from pillarbox.store import Reader
from pillarbox.store.sql import changes, collected, mailboxes


class Foreseen(msgspec.Struct, frozen=True):
    """What undo would do."""

    brought: int
    still_there: int  # where they were put


def undo_now(options: argparse.Namespace) -> int:
    """`pillarbox import undo`."""

    async def look(opened: Opened) -> tuple[Named, Foreseen]:
        named = await find_remote(opened, options, once=True)
        return named, await opened.store.scan(lambda db: foresee(db, named.remote))

    named, foreseen = run_opened(options, look)
    moved = foreseen.brought - foreseen.still_there
    stay = f" {count(moved)} that were moved or deleted since stay as they are." if moved else ""
    told: dict[str, object] = {"number": named.remote.id, "brought": foreseen.brought}
    if options.dry_run:
        value = told | {"would_remove": foreseen.still_there, "removed": 0}
        sentence = f"{count(foreseen.still_there)} would be removed.{stay}"
        return answer(options.json, value, sentence)
    confirm(options, f"Remove {count(foreseen.still_there)} that this import brought?{stay}")
    undone = run_opened(options, lambda opened: _undone(opened, named.remote))
    if undone is None:
        print("Stopped. The same command again removes the rest.")
        return INTERRUPTED
    value = told | {"removed": undone.removed, "mailboxes": undone.mailboxes}
    sentence = f"Removed {count(undone.removed)}.{stay}"
    if undone.mailboxes:
        sentence += f" Mailboxes that were made for them are gone: {', '.join(undone.mailboxes)}."
    return answer(options.json, value, sentence)


async def foresee(db: Reader, remote: Remote) -> Foreseen:
    """How much was brought, and how much of it is where it was put."""
    brought = await collected.brought_by(db, remote.id)
    by_mailbox: dict[MailboxId, set[tuple[MessageId, Uid]]] = defaultdict(set)
    for one in brought:
        by_mailbox[one.mailbox].add((one.message, one.uid))
    still_there = 0
    there = {one.id for one in await mailboxes.tree(db, remote.account)}
    for mailbox, places in by_mailbox.items():
        if mailbox in there:
            placed = await changes.placed(db, remote.account, mailbox)
            still_there += sum(1 for one in placed if (one.message, one.uid) in places)
    return Foreseen(len(brought), still_there)


async def _undone(opened: Opened, remote: Remote) -> Undone | None:
    """Nobody brings anything from there meanwhile. Raises NotAllowed, Stopped."""
    holder = Holder(opened.store, opened.settings.collect, SystemClock(), new_owner())
    row = await holder.take(remote.id)
    if row is None:
        raise NotAllowed("That import is under way in another process just now. Stop it first.")
    try:
        work = holder.keep(row, undo(opened.store, remote.account, remote.id))
        return await until_interrupted(work)
    finally:
        await holder.give_back(remote.id)
