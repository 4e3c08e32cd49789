"""What POP3 shows and leaves: the choice itself, what it shows, and that nothing of it stays."""

from __future__ import annotations

import pytest

from pillarbox.clock import unix_seconds
from pillarbox.ids import AccountId, MessageId
from pillarbox.store.sql import accounts, messages, pop_view
from pillarbox.store.sql.pop_view import AfterFetching, PopView
from support.store_box import Box

DAY = 86_400


async def put(box: Box, view: PopView, account: AccountId | None = None) -> None:
    await box.store.write(lambda tx: pop_view.put(tx, account or box.alice.id, view))


async def shown(box: Box, view: PopView) -> frozenset[int] | None:
    now = unix_seconds(box.clock.now())
    return await box.store.read(
        lambda db: pop_view.shown_uids(db, box.alice.id, box.inbox.id, view, now)
    )


async def fetched(box: Box) -> list[int]:
    rows = await box.store.read(lambda db: db.rows("SELECT message_id FROM pop_fetched"))
    return sorted(row[0] for row in rows)


async def test_who_never_chose_sees_all_and_deletes(box: Box) -> None:
    view = await box.store.read(lambda db: pop_view.get(db, box.alice.id))
    assert view == PopView(days=None, after=AfterFetching.DELETE, hides_fetched=False)
    await box.append(received_at=0)
    assert await shown(box, view) is None


@pytest.mark.parametrize("after", list(AfterFetching))
@pytest.mark.parametrize("days", [None, 1, 30])
async def test_the_last_choice_counts_for_one_account(
    box: Box, after: AfterFetching, days: int | None
) -> None:
    bob = await box.new_account("bob@example.org")
    await put(box, PopView(7, AfterFetching.READ, True))
    await put(box, PopView(days, after, days is None))
    assert await box.store.read(lambda db: pop_view.get(db, box.alice.id)) == PopView(
        days, after, days is None
    )
    assert await box.store.read(lambda db: pop_view.get(db, bob.id)) == PopView()


async def test_days_count_from_the_arrival(box: Box) -> None:
    now = unix_seconds(box.clock.now())
    ages = (0, 30 * DAY, 30 * DAY + 1, 400 * DAY)
    uids = [(await box.append(received_at=now - age)).uid for age in ages]
    assert await shown(box, PopView(days=30)) == frozenset(uids[:2])
    assert await shown(box, PopView(days=pop_view.LONGEST_DAYS)) == frozenset(uids)


async def test_what_was_fetched_is_hidden_only_by_choice(box: Box) -> None:
    one, two = await box.append(), await box.append()
    for _ in range(2):  # noted once
        await box.store.write(lambda tx: pop_view.note_fetched(tx, box.alice.id, [one.message]))
    assert await fetched(box) == [one.message]
    assert await shown(box, PopView(hides_fetched=True)) == frozenset({two.uid})
    assert await shown(box, PopView(days=30, hides_fetched=False)) == frozenset({one.uid, two.uid})
    bob = await box.new_account("bob@example.org")
    await box.store.write(lambda tx: pop_view.note_fetched(tx, bob.id, [two.message]))
    assert await shown(box, PopView(hides_fetched=True)) == frozenset({two.uid})


async def test_nothing_of_it_outlives_the_message(box: Box) -> None:
    kept, gone = await box.append(), await box.append()
    numbers = [kept.message, gone.message, MessageId(99_999)]
    await box.store.write(lambda tx: pop_view.note_fetched(tx, box.alice.id, numbers[:2]))
    await box.store.write(
        lambda tx: messages.expunge(tx, box.alice.id, box.inbox.id, [gone.uid], force=True)
    )
    assert await fetched(box) == [kept.message, gone.message]  # it may be restored
    await box.clock.advance(400 * DAY)
    await box.store.maintain()
    assert await fetched(box) == [kept.message]


async def test_nothing_of_it_outlives_the_account(box: Box) -> None:
    bob = await box.new_account("bob@example.org")
    for account in (box.alice.id, bob.id):
        await put(box, PopView(30), account)
        await box.store.write(
            lambda tx, account=account: pop_view.note_fetched(tx, account, [MessageId(1)])
        )
    await box.store.write(lambda tx: accounts.remove(tx, box.alice.id))
    for table in ("pop_view", "pop_fetched"):
        rows = await box.store.read(lambda db, table=table: db.rows(f"SELECT * FROM {table}"))
        assert [row[0] for row in rows] == [bob.id]
