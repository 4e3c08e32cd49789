"""A run is taken back exactly; what it would do is told before."""

from __future__ import annotations

from msgspec.structs import replace

from pillarbox.flow.collect.plan import forecast
from pillarbox.flow.collect.progress import Progress
from pillarbox.flow.collect.source import AtSource
from pillarbox.flow.collect.undo import undo
from pillarbox.ids import RemoteId, RunId, Uid
from pillarbox.store.model import Role
from pillarbox.store.sql import accounts, mailboxes, messages
from support.collecting import Collection, held
from support.fake_source import Elsewhere, FakeSource
from support.store_box import Box, letter


def small() -> Elsewhere:
    there = Elsewhere()
    for path in ("INBOX", "Work", "Work/Deep/Deeper", "Archive/2020"):
        there.folder(path).put(letter(path), received_at=1)
    there.folder("Empty", subscribed=True)
    return there


async def test_all_of_it(box: Box) -> None:
    await box.create("Mine")
    await box.append(letter("mine"), received_at=1)
    await box.append(letter("Work"), received_at=1)  # the same content as one that comes
    before = await held(box)
    subscribed = await box.store.read(lambda db: mailboxes.subscriptions(db, box.alice.id))
    collection, there = await Collection.add(box), small()
    await collection.run(FakeSource(there))
    steps: list[tuple[int, int]] = []
    undone = await undo(
        box.store, box.alice.id, collection.remote, watch=lambda done, of: steps.append((done, of))
    )
    assert (undone.removed, undone.moved, undone.settled) == (4, 0, 0)
    assert set(undone.mailboxes) == {
        "Work", "Work/Deep", "Work/Deep/Deeper", "Archive/2020", "Empty",
    }  # fmt: skip
    assert steps[-1] == (4, 4)
    assert await held(box) == before
    assert await box.store.read(lambda db: mailboxes.subscriptions(db, box.alice.id)) == subscribed
    again = await undo(box.store, box.alice.id, collection.remote)
    assert (again.removed, again.mailboxes) == (0, [])
    _, progress = await collection.run(FakeSource(there))
    assert progress.brought == 4


async def test_a_copy_in_the_same_mailbox_stays(box: Box) -> None:
    """It is the same message, and somebody else's doing."""
    collection, there = await Collection.add(box), small()
    await collection.run(FakeSource(there))
    inbox, work = box.inbox.id, await box.mailbox("Work")
    await box.store.write(lambda tx: messages.copy(tx, box.alice.id, inbox, [Uid(1)], inbox))
    await box.store.write(lambda tx: messages.copy(tx, box.alice.id, work.id, [Uid(1)], inbox))
    undone = await undo(box.store, box.alice.id, collection.remote)
    assert (undone.removed, undone.moved) == (4, 0)
    assert (await box.mailbox("INBOX")).messages == 2


async def test_an_empty_folder_above_a_full_one_goes_once(box: Box) -> None:
    before, there = await held(box), Elsewhere()
    there.folder("Work")
    there.folder("Work/Deep").put(letter("deep"), received_at=1)
    collection = await Collection.add(box)
    await collection.run(FakeSource(there))
    undone = await undo(box.store, box.alice.id, collection.remote)
    assert sorted(undone.mailboxes) == ["Work", "Work/Deep"]
    assert await held(box) == before


async def test_only_one_run_and_what_was_moved_stays(box: Box) -> None:
    collection, there = await Collection.add(box), small()
    await collection.run(FakeSource(there))
    there.folder("INBOX").put(letter("second"), received_at=1)
    there.folder("Work").put(letter("moved"), received_at=1)
    await collection.run(FakeSource(there))
    second = collection.run_id
    work = await box.mailbox("Work")
    await box.store.write(
        lambda tx: messages.move(tx, box.alice.id, work.id, [Uid(2)], box.inbox.id)
    )
    undone = await undo(box.store, box.alice.id, collection.remote, second)
    assert (undone.removed, undone.moved, undone.mailboxes) == (1, 1, [])
    found = await held(box)
    assert (len(found["INBOX"]), len(found["Work"])) == (2, 1)
    _, progress = await collection.run(FakeSource(there))
    assert progress.brought == 1  # the moved one is here


async def test_what_may_be_nowhere_else_stays(box: Box) -> None:
    collection, there = await Collection.add(box, at_source=AtSource("delete")), small()
    await collection.run(FakeSource(there))
    undone = await undo(box.store, box.alice.id, collection.remote)
    assert (undone.removed, undone.settled) == (0, 4)
    undone = await undo(box.store, box.alice.id, collection.remote, force=True)
    assert undone.removed == 4


async def test_a_mailbox_with_other_mail_stays(box: Box) -> None:
    collection, there = await Collection.add(box), small()
    await collection.run(FakeSource(there))
    await box.append(letter("mine"), (await box.mailbox("Work")).id)
    undone = await undo(box.store, box.alice.id, collection.remote)
    assert "Work" not in undone.mailboxes
    assert len((await held(box))["Work"]) == 1


async def test_forecast_writes_nothing(box: Box) -> None:
    collection, there = await Collection.add(box), small()
    there.folder("Spam", role=Role.JUNK).put(letter("spam"))
    there.folder("Work").put(letter("huge"), listed_size=10**12)
    job = await collection.job()
    before = await held(box)
    unknown = replace(job, remote=RemoteId(0), run=RunId(0))
    for one in (job, unknown):
        found = await forecast(one, FakeSource(there), Progress())
        assert await held(box) == before
        assert (found.messages, found.to_come, found.suffices) == (5, 4, True)
        assert [(one.here, one.is_new) for one in found.folders] == [
            ("INBOX", False),
            ("Work", True),
            ("Work/Deep/Deeper", True),
            ("Archive/2020", True),
            ("Empty", True),
        ]
        assert [one.remote.path for one in found.skipped] == ["Spam"]
        assert found.folders[1].too_large == 1

    size = sum(len(letter(one)) for one in ("INBOX", "Work", "Work/Deep/Deeper", "Archive/2020"))
    assert found.octets_to_come == size
    await box.store.write(lambda tx: accounts.set_quota(tx, box.alice.id, size - 10, 3))
    found = await forecast(job, FakeSource(there), Progress())
    assert (found.suffices, found.missing_octets, found.missing_messages) == (False, 10, 1)

    await box.store.write(lambda tx: accounts.set_quota(tx, box.alice.id, 0))
    await collection.run(FakeSource(there))
    there.folder("INBOX").renumber()
    found = await forecast(await collection.job(), FakeSource(there), Progress())
    assert [one.already for one in found.folders] == [0, 1, 1, 1, 0]
    assert found.folders[0].renumbered
