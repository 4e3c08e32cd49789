"""A batch becomes rows: messages, what is noted of them, and places, in one transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from pillarbox.flow.collect.folders import PlannedFolder
from pillarbox.flow.collect.job import Job
from pillarbox.flow.collect.keywords import KeywordRoom, without
from pillarbox.flow.collect.matching import Known
from pillarbox.flow.collect.places import ensure
from pillarbox.flow.collect.source import RemoteMessage
from pillarbox.flow.delivery.keep import Sealed
from pillarbox.ids import MailboxId, Uid
from pillarbox.store import Transaction
from pillarbox.store.blobs.spool import Spool
from pillarbox.store.model import Account, Role
from pillarbox.store.sql import accounts, collected, mailboxes, messages
from pillarbox.store.sql.collected import SeenKey
from pillarbox.store.sql.remote_runs import FolderState


class Item(Struct, frozen=True, kw_only=True):
    """A message that came, ready to be kept."""

    message: RemoteMessage
    key: str  # of its row
    known: Known | None  # it was brought before, under this key or another one
    sealed: Sealed
    spool: Spool  # of which large messages are kept
    received_at: int
    flags: int
    keywords: str
    junk: bool = False

    @property
    def size(self) -> int:
        """Octets that really came."""
        return self.sealed.blob.size

    def discard(self) -> None:
        """Give memory and files back."""
        self.spool.discard()


class Written(Struct, frozen=True):
    """What a transaction did: rows for the first items of the batch, in their order."""

    rows: list[SeenKey]
    is_full: bool  # there was no room for the others
    state: FolderState | None
    dropped_keywords: set[str]


class _Room:
    """How much more the account may hold."""

    def __init__(self, account: Account) -> None:
        self._octets = account.quota_octets - account.used_octets if account.quota_octets else None
        self._messages = (
            account.quota_messages - account.used_messages if account.quota_messages else None
        )

    def take(self, octets: int) -> bool:
        """Whether one more fits; then it is counted."""
        if (self._octets is not None and octets > self._octets) or self._messages == 0:
            return False
        if self._octets is not None:
            self._octets -= octets
        if self._messages is not None:
            self._messages -= 1
        return True


async def put(
    tx: Transaction,
    job: Job,
    planned: PlannedFolder,
    state: FolderState | None,
    validity: str,
    batch: Sequence[Item],
) -> Written:
    """All of it, or as much as the quota lets in; may be run twice.

    Raises NotAllowed when the run is no longer the running one, AlreadyExists when a message of
    the batch is here already: then nothing was changed.
    """
    room = _Room(await accounts.get(tx, job.account))
    keywords = await _keyword_room(tx, job, batch)
    elsewhere = await _shown_elsewhere(tx, job, planned, batch)
    rows: list[SeenKey] = []
    fresh: list[SeenKey] = []
    is_full = is_ensured = False
    for item in batch:
        if item.known is not None:
            rows.append(replace(item.known.row, key=item.key))
            continue
        if item.sealed.blob.id in elsewhere:
            row = _shown_only(tx, item)
        elif not room.take(item.size):
            is_full = True
            break
        else:
            if not is_ensured or state is None:
                state = await ensure(tx, job, planned, state, validity)
                is_ensured = True
            into = (await _junk_of(tx, job) if item.junk else None) or state.mailbox
            row = await _append(tx, job, item, into, keywords)
        rows.append(row)
        fresh.append(row)
    await _rekey(tx, job, planned, validity, batch[: len(rows)])
    await collected.note(tx, job.remote, job.run, planned.remote.key, validity, fresh)
    return Written(rows, is_full, state, keywords.dropped if keywords else set())


async def _keyword_room(tx: Transaction, job: Job, batch: Sequence[Item]) -> KeywordRoom | None:
    if not job.settings.keyword and not any(item.keywords for item in batch):
        return None
    return await KeywordRoom.load(tx, job.account, tx.settings)


async def _shown_elsewhere(
    tx: Transaction, job: Job, planned: PlannedFolder, batch: Sequence[Item]
) -> set[bytes]:
    """Contents that a folder only shows, while they came from the folder where they lie."""
    if not planned.is_view:
        return set()
    digests = {bytes(item.sealed.blob.id) for item in batch}
    return set(await collected.by_digest(tx, job.remote, digests))


async def _junk_of(tx: Transaction, job: Job) -> MailboxId | None:
    found = await mailboxes.by_role(tx, job.account, Role.JUNK)
    return found.id if found is not None else None


async def _append(
    tx: Transaction,
    job: Job,
    item: Item,
    into: MailboxId | None,
    room: KeywordRoom | None,
) -> SeenKey:
    label = job.settings.keyword
    labelled = room.fit(item.keywords, label) if room is not None else ""
    appended = await messages.append(
        tx,
        messages.NewMessage(
            account=job.account,
            mailbox=into,
            blob=item.sealed.blob,
            digest=item.sealed.digest,
            flags=item.flags,
            keywords=labelled,
            received_at=item.received_at,
            check_quota=False,  # it was, with all that is in this transaction
        ),
    )
    return SeenKey(
        key=item.key,
        digest=bytes(item.sealed.blob.id),
        message=appended.message,
        mailbox=appended.mailbox,
        uid=appended.uid,
        flags=item.flags,
        keywords=without(labelled, label),
        brought_at=tx.now(),
        listed=item.message.size,
    )


def _shown_only(tx: Transaction, item: Item) -> SeenKey:
    """What is here already, from the folder where it lies."""
    return SeenKey(
        key=item.key,
        digest=bytes(item.sealed.blob.id),
        message=None,
        mailbox=MailboxId(0),
        uid=Uid(0),
        flags=item.flags,
        keywords="",
        brought_at=tx.now(),
        listed=item.message.size,
    )


async def _rekey(
    tx: Transaction, job: Job, planned: PlannedFolder, validity: str, batch: Sequence[Item]
) -> None:
    """What was brought under another key has this one from now on."""
    pairs: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for item in batch:
        known = item.known
        if known is not None and (known.validity, known.row.key) != (validity, item.key):
            pairs[known.validity].append((known.row.key, item.key))
    for old, changed in pairs.items():
        await collected.rekey(tx, job.remote, planned.remote.key, old, validity, changed)
