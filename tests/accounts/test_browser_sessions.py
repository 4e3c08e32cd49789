"""Sessions of browsers: made anew, found, renewed, ended; by hand and by age."""

from __future__ import annotations

from typing import Any

import pytest

from pillarbox.accounts.browser_sessions import BrowserSession, BrowserSessions
from pillarbox.accounts.identity import Identity
from pillarbox.config.browser import BrowserSettings
from pillarbox.errors import NotFound
from pillarbox.ids import ModSeq
from pillarbox.store.sql import accounts, ended
from support.store_box import Box

HOUR, DAY = 3600, 86_400


def sessions_of(box: Box, **settings: Any) -> BrowserSessions:
    return BrowserSessions(box.store, box.clock, BrowserSettings(**settings))


async def begin(
    box: Box, sessions: BrowserSessions, *, stays: bool = False
) -> tuple[BrowserSession, str]:
    identity = Identity(box.alice.id, box.alice.login, "password")
    session, cookie = await sessions.begin(
        identity, peer="192.0.2.1", agent="Browser/1 \x00(x)" + "y" * 500, stays=stays
    )
    return session, cookie.reveal().decode()


async def test_a_session_is_found_by_its_cookie_alone(box: Box) -> None:
    sessions = sessions_of(box)
    session, cookie = await begin(box, sessions)
    assert await sessions.find(cookie) == session
    assert session.identity == Identity(box.alice.id, box.alice.login, f"session:{session.id}")
    assert "\x00" not in session.agent and len(session.agent) == 200
    for other in ("", "x", cookie[:-1], cookie + "A", "A" * 43, cookie[::-1], "é" * 43):
        assert await sessions.find(other) is None
    stored = await box.store.read(lambda db: db.rows("SELECT * FROM browser_session"))
    assert cookie not in repr(stored) and cookie.encode() not in repr(stored).encode()


async def test_each_sign_in_has_a_cookie_and_a_word_of_its_own(box: Box) -> None:
    sessions = sessions_of(box)
    made = [await begin(box, sessions) for _ in range(20)]
    assert len({cookie for _, cookie in made}) == 20
    assert len({session.csrf for session, _ in made}) == 20
    assert all(len(cookie) == 43 for _, cookie in made)  # 256 bits


@pytest.mark.parametrize(
    ("stays", "idle", "most"), [(False, 12 * HOUR, 7 * DAY), (True, 30 * DAY, 180 * DAY)]
)
async def test_it_ends_by_silence_and_by_age(box: Box, stays: bool, idle: int, most: int) -> None:
    sessions = sessions_of(box)
    _, cookie = await begin(box, sessions, stays=stays)
    await box.clock.advance(idle - 1)
    assert await sessions.find(cookie) is not None
    await box.clock.advance(idle)
    assert await sessions.find(cookie) is None
    _, cookie = await begin(box, sessions, stays=stays)
    lived = 0
    while await sessions.find(cookie) is not None:
        await box.clock.advance(idle // 2)
        lived += idle // 2
    assert most <= lived < most + idle
    assert await sessions.all(box.alice.id) == []
    await sessions.forget()
    assert await box.store.read(lambda db: db.rows("SELECT 1 FROM browser_session")) == []


async def test_forgetting_keeps_what_lives(box: Box) -> None:
    sessions = sessions_of(box)
    _, short = await begin(box, sessions)
    _, long = await begin(box, sessions, stays=True)
    await box.clock.advance(13 * HOUR)
    await sessions.forget()
    assert await sessions.find(short) is None
    assert await sessions.find(long) is not None


async def test_a_new_token_a_day_and_the_old_one_dies_a_minute_after_its_use(box: Box) -> None:
    sessions = sessions_of(box)
    session, first = await begin(box, sessions, stays=True)
    assert await sessions.renewed_cookie(first) is None
    await box.clock.advance(24 * HOUR)
    renewed = await sessions.renewed_cookie(first)
    assert renewed is not None
    second = renewed.reveal().decode()
    await box.clock.advance(HOUR)  # the answer was lost: the browser has only the first
    found = await sessions.find(first)
    assert found is not None and found.id == session.id and found.csrf == session.csrf
    assert await sessions.find(second) is not None
    await box.clock.advance(59)
    assert await sessions.find(first) is not None
    await box.clock.advance(2)
    assert await sessions.find(first) is None
    assert await sessions.find(second) is not None


async def test_an_answer_that_was_lost_is_repeated(box: Box) -> None:
    sessions = sessions_of(box)
    _, first = await begin(box, sessions, stays=True)
    await box.clock.advance(25 * HOUR)
    lost = await sessions.renewed_cookie(first)
    again = await sessions.renewed_cookie(first)
    assert lost is not None and again is not None and lost != again
    assert await sessions.find(first) is not None
    assert await sessions.find(again.reveal().decode()) is not None


async def test_confirming_makes_it_fresh_with_another_token(box: Box) -> None:
    sessions = sessions_of(box)
    session, cookie = await begin(box, sessions)
    assert sessions.is_fresh(session)
    await box.clock.advance(11 * 60)
    stale = await sessions.find(cookie)
    assert stale is not None and not sessions.is_fresh(stale)
    renewed = await sessions.confirm(stale, cookie)
    assert renewed is not None
    fresh = await sessions.find(renewed.reveal().decode())
    assert fresh is not None and sessions.is_fresh(fresh) and fresh.id == session.id
    _, other_cookie = await begin(box, sessions)
    with pytest.raises(NotFound):
        await sessions.confirm(session, other_cookie)


async def test_ending_one_and_all_others_is_told(box: Box) -> None:
    sessions = sessions_of(box)
    told: list[ModSeq] = []
    box.store.feed.subscribe(ended.ENDED, told.append)
    (one, first), (two, second), (three, third) = [await begin(box, sessions) for _ in range(3)]
    await sessions.end(box.alice.id, one.id)
    assert await sessions.find(first) is None
    with pytest.raises(NotFound):
        await sessions.end(box.alice.id, one.id)
    bob = await box.new_account("bob@example.org")
    with pytest.raises(NotFound):
        await sessions.end(bob.id, two.id)
    assert await sessions.end_others(box.alice.id, three.id) == 1
    assert await sessions.find(second) is None and await sessions.find(third) is not None
    rows = await box.store.read(lambda db: ended.since(db, 0))
    assert [(row.account, row.session) for row in rows] == [
        (box.alice.id, one.id),
        (box.alice.id, two.id),
    ]
    assert told == [rows[0].number, rows[1].number]
    assert await sessions.end_others(box.alice.id, None) == 1
    assert await sessions.all(box.alice.id) == []


async def test_a_disabled_account_has_no_sessions_that_work(box: Box) -> None:
    sessions = sessions_of(box)
    _, cookie = await begin(box, sessions)
    await box.store.write(lambda tx: accounts.set_enabled(tx, box.alice.id, False))
    assert await sessions.find(cookie) is None
    await box.store.write(lambda tx: accounts.set_enabled(tx, box.alice.id, True))
    assert await sessions.find(cookie) is not None


async def test_too_many_sessions_end_the_one_unused_longest(box: Box) -> None:
    sessions = sessions_of(box, sessions_per_account=3)
    made = []
    for _ in range(4):
        made.append(await begin(box, sessions))
        await box.clock.advance(600)
        await sessions.find(made[0][1])  # the first one is in use
    alive = [session.id for session in await sessions.all(box.alice.id)]
    assert sorted(alive) == [made[0][0].id, made[2][0].id, made[3][0].id]
