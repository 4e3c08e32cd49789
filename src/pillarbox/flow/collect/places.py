"""The mailbox that a folder of the source has here: found, or made in the transaction at hand."""

from __future__ import annotations

from msgspec import Struct

from pillarbox.errors import NoSuchMailbox
from pillarbox.flow.collect.folders import Here, PlannedFolder
from pillarbox.flow.collect.job import Job
from pillarbox.ids import MailboxId
from pillarbox.store import Reader, Transaction
from pillarbox.store.model import Mailbox
from pillarbox.store.sql import mailboxes, remote_runs
from pillarbox.store.sql.remote_runs import FolderState


class Account(Struct, frozen=True):
    """What a plan is made from."""

    here: Here
    paths: frozenset[str]  # of all mailboxes
    states: dict[str, FolderState]  # by the folder's key at the source


async def look(db: Reader, job: Job) -> Account:
    """What the account has now, and what its remote account's folders became."""
    there = await mailboxes.tree(db, job.account)
    paths = {one.id: one.path for one in there if one.selectable}
    states = await remote_runs.folders(db, job.remote)
    known = {
        key: paths[state.mailbox]
        for key, state in states.items()
        if state.mailbox is not None and state.mailbox in paths
    }
    roles = {one.role: one.path for one in there if one.role is not None}
    return Account(Here(roles, known), frozenset(paths.values()), states)


async def ensure(
    tx: Transaction, job: Job, planned: PlannedFolder, state: FolderState | None, validity: str
) -> FolderState:
    """The folder's place, made where there is none. Raises LimitReached.

    A mailbox that somebody deleted here is made again only when a new message comes to it.
    """
    if state is not None and state.mailbox is not None:
        try:
            there = await mailboxes.get(tx, job.account, state.mailbox)
        except NoSuchMailbox:
            pass
        else:
            if there.selectable:
                return state
    found = await mailboxes.find(tx, job.account, planned.path)
    made = found is None or not found.selectable
    mailbox = await _make(tx, job, planned) if made else found
    assert mailbox is not None
    if planned.subscribe and state is None:
        await mailboxes.subscribe(tx, job.account, mailbox.path)
    kept = state.validity if state is not None and state.validity else validity
    new = FolderState(planned.remote.key, MailboxId(mailbox.id), kept, made=made)
    await remote_runs.put_folder(tx, job.remote, new)
    return new


async def _make(tx: Transaction, job: Job, planned: PlannedFolder) -> Mailbox:
    role = planned.role
    if role is not None and await mailboxes.by_role(tx, job.account, role) is not None:
        role = None
    return await mailboxes.create(tx, job.account, planned.path, role)
