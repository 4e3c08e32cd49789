"""Remote accounts in the store: leases between processes, steering by hand, removal in pieces."""

from __future__ import annotations

from functools import partial

import pytest

from pillarbox.errors import AlreadyExists, NotAllowed
from pillarbox.ids import AccountId, MailboxId, MessageId, ModSeq, RemoteId, RunId, Uid
from pillarbox.store.database import Transaction
from pillarbox.store.sql import accounts, collected, remote_lease, remote_runs, remotes
from pillarbox.store.sql.collected import SeenFlags, SeenKey
from pillarbox.store.sql.remote_lease import Ended
from pillarbox.store.sql.remote_runs import FolderState
from pillarbox.store.sql.remotes import REMOTES, NoSuchRemote, RemoteState
from support.store_box import Box

NOW = 1793534400  # FakeClock's beginning
ROWS = (
    "SELECT count(*) FROM remote",
    "SELECT count(*) FROM remote_run",
    "SELECT count(*) FROM remote_folder",
    "SELECT count(*) FROM collected",
)


async def make(
    box: Box,
    label: str = "work",
    *,
    account: AccountId | None = None,
    host: str = "imap.example.org",
    state: RemoteState = RemoteState.ACTIVE,
    due_at: int | None = 0,
) -> RemoteId:
    return await box.store.write(
        lambda tx: remotes.add(
            tx, account or box.alice.id, label, "{}", host=host, state=state, due_at=due_at
        )
    )


async def take(box: Box, remote: RemoteId, owner: str = "a") -> bool:
    row = await box.store.write(lambda tx: remote_lease.lease_one(tx, remote, owner, 60))
    return row is not None


async def due(box: Box, *full: str, limit: int = 10) -> list[RemoteId]:
    now = int(box.clock.now().timestamp())
    found = await box.store.read(lambda db: remote_lease.due(db, now, but_at=full, limit=limit))
    return [number for number, _ in found]


async def begin(box: Box, remote: RemoteId) -> RunId:
    return await box.store.write(lambda tx: remote_runs.begin_run(tx, remote, "schedule"))


def seen(key: str, *, message: int | None = 1, digest: bytes = b"") -> SeenKey:
    number = MessageId(message) if message is not None else None
    return SeenKey(key, digest, number, MailboxId(1), Uid(int(key)), 0, "")


async def note(
    box: Box, remote: RemoteId, run: RunId, *rows: SeenKey, folder: str = "f", validity: str = "1"
) -> None:
    await box.store.write(lambda tx: collected.note(tx, remote, run, folder, validity, rows))


async def keys(box: Box, remote: RemoteId, folder: str = "f", validity: str = "1") -> list[str]:
    return sorted(await box.store.read(lambda db: collected.seen(db, remote, folder, validity)))


# Leases


async def test_one_process_at_a_time(box: Box) -> None:
    remote = await make(box)
    assert await due(box) == [remote]
    assert await take(box, remote, "a")
    assert await due(box) == []
    assert not await take(box, remote, "b")
    assert not await take(box, remote, "a"), "the same process has two tasks"
    await box.clock.advance(61)
    assert await due(box) == [remote], "its holder died"
    assert await take(box, remote, "b")
    renewed = await box.store.write(lambda tx: remote_lease.renew(tx, remote, "a", 60))
    assert renewed is None, "the one that came back has it no longer"
    assert not await box.store.write(lambda tx: remote_lease.end(tx, remote, "a", Ended(due_at=5)))
    await box.store.write(lambda tx: remote_lease.give_back(tx, remote, "a"))
    assert await due(box) == []
    await box.store.write(lambda tx: remote_lease.give_back(tx, remote, "b"))
    assert await due(box) == [remote]


async def test_a_renewed_lease_lasts(box: Box) -> None:
    remote = await make(box)
    await take(box, remote)
    for _ in range(5):
        await box.clock.advance(50)
        assert await box.store.write(lambda tx: remote_lease.renew(tx, remote, "a", 60))
        assert not await take(box, remote, "b")


@pytest.mark.parametrize(
    ("state", "due_at", "is_due"),
    [
        (RemoteState.ACTIVE, NOW, True),
        (RemoteState.ACTIVE, NOW + 1, False),
        (RemoteState.ACTIVE, None, False),
        (RemoteState.PAUSED, NOW, False),
        (RemoteState.ATTENTION, NOW, False),
        (RemoteState.DONE, NOW, False),
    ],
)
async def test_what_is_due(box: Box, state: RemoteState, due_at: int | None, is_due: bool) -> None:
    remote = await make(box, state=state, due_at=due_at)
    assert await due(box) == ([remote] if is_due else [])
    assert await take(box, remote), "by hand it goes all the same"


async def test_the_longest_due_come_first_but_for_full_hosts(box: Box) -> None:
    young = await make(box, "young", due_at=NOW)
    old = await make(box, "old", due_at=NOW - 100)
    other = await make(box, "other", host="imap.example.net", due_at=NOW - 50)
    assert await due(box) == [old, other, young]
    assert await due(box, limit=1) == [old]
    assert await due(box, "imap.example.org") == [other]


@pytest.mark.parametrize(
    ("before", "ended", "after"),
    [
        (RemoteState.ACTIVE, RemoteState.ACTIVE, RemoteState.ACTIVE),
        (RemoteState.ACTIVE, RemoteState.ATTENTION, RemoteState.ATTENTION),
        (RemoteState.ACTIVE, RemoteState.DONE, RemoteState.DONE),
        (RemoteState.ATTENTION, RemoteState.ACTIVE, RemoteState.ACTIVE),
        (RemoteState.PAUSED, RemoteState.ACTIVE, RemoteState.PAUSED),
        (RemoteState.PAUSED, RemoteState.ATTENTION, RemoteState.PAUSED),
        (RemoteState.PAUSED, RemoteState.DONE, RemoteState.DONE),
        (RemoteState.DONE, RemoteState.ACTIVE, RemoteState.DONE),
        (RemoteState.DONE, RemoteState.ATTENTION, RemoteState.DONE),
    ],
)
async def test_how_a_run_ends(
    box: Box, before: RemoteState, ended: RemoteState, after: RemoteState
) -> None:
    remote = await make(box, state=before)
    await take(box, remote)
    how = Ended(state=ended, due_at=NOW + 900, trouble="cut", why="It was cut.", failures=2)
    assert await box.store.write(lambda tx: remote_lease.end(tx, remote, "a", how))
    row = await box.store.read(lambda db: remotes.get(db, remote))
    assert row.state is after
    assert row.due_at == (NOW + 900 if after is RemoteState.ACTIVE else None)
    assert (row.trouble, row.why, row.failures) == ("cut", "It was cut.", 2)
    assert row.succeeded_at is None
    assert await take(box, remote, "b"), "the lease was given back"


async def test_success_is_remembered(box: Box) -> None:
    remote = await make(box)
    await take(box, remote)
    await box.store.write(lambda tx: remote_lease.end(tx, remote, "a", Ended(due_at=NOW + 9)))
    row = await box.store.read(lambda db: remotes.get(db, remote))
    assert (row.succeeded_at, row.trouble, row.failures) == (NOW, "", 0)


# By hand


async def test_labels_are_unique_within_an_account(box: Box) -> None:
    first = await make(box, "work")
    with pytest.raises(AlreadyExists):
        await make(box, "work")
    bob = await box.new_account("bob@example.org")
    await make(box, "work", account=bob.id)
    second = await make(box, "home")
    rename = partial(remotes.set_settings, remote=second, label="work", settings="{}", host="h")
    with pytest.raises(AlreadyExists):
        await box.store.write(rename)
    await box.store.write(lambda tx: remotes.remove(tx, first))
    await box.store.write(rename)
    found = await box.store.read(lambda db: remotes.find_label(db, box.alice.id, "work"))
    assert found is not None
    assert found.id == second


async def test_those_who_collect_hear_of_each_change(box: Box) -> None:
    heard: list[ModSeq] = []
    box.store.feed.subscribe(REMOTES, heard.append)
    remote = await make(box)
    await box.store.write(lambda tx: remotes.steer(tx, remote, RemoteState.PAUSED, None))
    await box.store.write(lambda tx: remotes.steer(tx, remote, RemoteState.ACTIVE, NOW))
    await box.store.write(lambda tx: remotes.remove(tx, remote))
    assert heard == [1, 2, 3, 4]


async def test_what_was_removed_is_not_there_and_its_number_is_not_used_again(box: Box) -> None:
    remote = await make(box)
    run = await begin(box, remote)
    await note(box, remote, run, *(seen(str(n)) for n in range(1, 26)))
    await box.store.write(lambda tx: remotes.set_sealed(tx, remote, b"sealed"))
    await box.store.write(lambda tx: remotes.remove(tx, remote))
    gone: list[object] = [
        partial(remotes.get, remote=remote),
        partial(remotes.sealed, remote=remote),
    ]
    for function in gone:
        with pytest.raises(NoSuchRemote):
            await box.store.read(function)  # type: ignore[arg-type]
    assert await due(box) == []
    with pytest.raises(NotAllowed):
        await note(box, remote, run, seen("99"))
    with pytest.raises(NoSuchRemote):
        await take(box, remote)
    pieces = 0
    while await box.store.write(lambda tx: remotes.sweep(tx, 10)):
        pieces += 1
    assert pieces == 3
    assert await count(box) == [0, 0, 0, 0]
    assert await make(box) > remote


async def count(box: Box) -> list[int]:
    return [(await box.store.read(partial(_first, sql=sql))) for sql in ROWS]


async def _first(db: Transaction, sql: str) -> int:
    row = await db.row(sql)
    assert row is not None
    return int(row[0])


async def test_an_account_takes_its_remote_accounts_along(box: Box) -> None:
    mine = await make(box)
    bob = await box.new_account("bob@example.org")
    his = await make(box, account=bob.id)
    for remote in (mine, his):
        await note(box, remote, await begin(box, remote), seen("1"))
    await box.store.write(lambda tx: accounts.remove(tx, bob.id))
    assert await count(box) == [1, 1, 1, 1]
    assert await keys(box, mine) == ["1"]
    with pytest.raises(AlreadyExists):
        await make(box, account=bob.id)  # nobody's


# Runs


async def test_a_run_that_died_can_write_nothing_more(box: Box) -> None:
    remote = await make(box)
    dead = await begin(box, remote)
    await note(box, remote, dead, seen("1"))
    alive = await begin(box, remote)
    with pytest.raises(NotAllowed):
        await note(box, remote, dead, seen("2"))
    assert not await box.store.write(lambda tx: remote_runs.update_run(tx, dead, "{}"))
    assert await box.store.write(lambda tx: remote_runs.update_run(tx, alive, '{"a":1}'))
    await note(box, remote, alive, seen("2"))
    newest, oldest = await box.store.read(lambda db: remote_runs.runs(db, remote, 10))
    assert (newest.id, newest.outcome, newest.progress) == (alive, "running", '{"a":1}')
    assert (oldest.id, oldest.outcome) == (dead, "interrupted")


async def test_the_history_keeps_what_happened(box: Box) -> None:
    remote = await make(box)
    for eventful in (True, True, True, False, False, True, False):
        run = await begin(box, remote)
        ended = await box.store.write(
            partial(
                remote_runs.end_run,
                run=run,
                outcome="done",
                eventful=eventful,
                progress="{}",
                keep=3,
            )
        )
        assert ended
    found = await box.store.read(lambda db: remote_runs.runs(db, remote, 10))
    assert [(one.id, one.eventful) for one in found] == [
        (7, False),
        (6, True),
        (3, True),
        (2, True),
    ]


# What was brought


async def test_nothing_is_brought_twice(box: Box) -> None:
    remote = await make(box)
    run = await begin(box, remote)
    await note(box, remote, run, seen("1"), seen("2", message=None))
    with pytest.raises(AlreadyExists):
        await note(box, remote, run, seen("3"), seen("1", message=9))
    assert await keys(box, remote) == ["1", "2"], "of a batch nothing or all"
    await note(box, remote, run, seen("2", message=5))  # it could not be had before
    found = await box.store.read(lambda db: collected.seen(db, remote, "f", "1"))
    assert await box.store.read(lambda db: collected.count_brought(db, remote)) == 2
    assert found["2"].message == 5
    assert found["2"].brought_at == NOW


async def test_folders_validities_and_remotes_are_apart(box: Box) -> None:
    one, two = await make(box, "one"), await make(box, "two")
    run, other = await begin(box, one), await begin(box, two)
    await note(box, one, run, seen("1", digest=b"d"))
    await note(box, one, run, seen("1"), folder="g")
    await note(box, one, run, seen("1"), validity="2")
    await note(box, two, other, seen("1"))
    assert await keys(box, one) == await keys(box, one, "g") == ["1"]
    assert await keys(box, one, "h") == []
    before = await box.store.read(lambda db: collected.seen_before(db, one, "f", "2"))
    assert [(validity, row.key) for validity, row in before] == [("1", "1")]
    found = await box.store.read(lambda db: collected.by_digest(db, one, [b"d", b"e", b""]))
    assert {digest: row.key for digest, row in found.items()} == {b"d": "1"}
    assert await box.store.read(lambda db: collected.by_digest(db, two, [b"d"])) == {}


async def test_new_keys_for_what_is_known(box: Box) -> None:
    remote = await make(box)
    run = await begin(box, remote)
    await note(box, remote, run, seen("1", digest=b"a"), seen("2"), seen("3"))
    await box.store.write(
        lambda tx: collected.rekey(tx, remote, "f", "1", "2", [("1", "11"), ("3", "13")])
    )
    assert await keys(box, remote, validity="2") == ["11", "13"]
    assert await keys(box, remote, validity="1") == ["2"]


async def test_what_is_settled_and_flags_that_agree(box: Box) -> None:
    remote = await make(box)
    await note(box, remote, await begin(box, remote), seen("1"), seen("2"), seen("3"))
    await box.store.write(lambda tx: collected.set_settled(tx, remote, "f", "1", ["1", "3"]))
    await box.store.write(
        lambda tx: collected.set_flags(tx, remote, "f", "1", [SeenFlags("2", 5, "red")])
    )
    found = await box.store.read(lambda db: collected.seen(db, remote, "f", "1"))
    assert [found[key].settled for key in "123"] == [True, False, True]
    assert (found["2"].flags, found["2"].keywords) == (5, "red")


async def test_what_a_run_brought_and_forgetting_it(box: Box) -> None:
    remote = await make(box)
    first = await begin(box, remote)
    await note(box, remote, first, seen("1"), seen("2", message=None))
    second = await begin(box, remote)
    await note(box, remote, second, seen("3", message=3), folder="g")
    everything = await box.store.read(lambda db: collected.brought_by(db, remote))
    assert [(one.folder_key, one.key, one.run) for one in everything] == [
        ("f", "1", first),
        ("g", "3", second),
    ]
    (one,) = await box.store.read(lambda db: collected.brought_by(db, remote, second))
    assert (one.message, one.uid) == (3, 3)
    await box.store.write(lambda tx: collected.forget(tx, remote, "g", "1", ["3"]))
    assert await keys(box, remote, "g") == []
    assert await keys(box, remote) == ["1", "2"]


async def test_folders_and_their_places(box: Box) -> None:
    remote = await make(box)
    await note(box, remote, await begin(box, remote), seen("1"))
    places = [
        FolderState("f", MailboxId(3), "1", "77", made=True),
        FolderState("g", MailboxId(4)),
    ]
    for place in places:
        await box.store.write(partial(remote_runs.put_folder, remote=remote, folder=place))
    found = await box.store.read(lambda db: remote_runs.folders(db, remote))
    assert list(found.values()) == places
    for key in ("f", "g", "h"):
        await box.store.write(partial(remote_runs.forget_folder, remote=remote, folder_key=key))
    found = await box.store.read(lambda db: remote_runs.folders(db, remote))
    assert list(found.values()) == [FolderState("f")], "what is known of its messages stays"
    assert await keys(box, remote) == ["1"]
