"""What POP3 shows and leaves, chosen in the settings."""

from __future__ import annotations

import pytest

from pillarbox.store.sql import pop_view
from pillarbox.store.sql.pop_view import AfterFetching, PopView
from support.account_app import App, entered
from support.web_people import PeopleBox

FIRST = {"days": None, "after": "delete", "hidesFetched": False, "deletedGoesTo": "nowhere"}
WISH = {"days": 30, "after": "keep", "hidesFetched": True}


async def test_nobody_else_reads_or_chooses(box: PeopleBox) -> None:
    stranger = App(box)
    assert (await stranger.call("GET", "fetching")).status == 401
    assert (await stranger.call("PUT", "fetching", WISH)).status == 401
    app = await entered(box)
    for headers in ({"x_csrf_token": "x"}, {"sec_fetch_site": "cross-site"}):
        assert (await app.call("PUT", "fetching", WISH, **headers)).status == 403
    assert (await app.call("GET", "fetching", sec_fetch_site="cross-site")).status == 403
    found = await box.store.read(lambda db: pop_view.get(db, box.alice.id))
    assert found == PopView()


async def test_chosen_as_a_whole(box: PeopleBox) -> None:
    app = await entered(box)
    told = await app.get("fetching")
    assert {name: told[name] for name in FIRST} == FIRST
    await app.done("PUT", "fetching", WISH)
    told = await app.get("fetching")
    assert {name: told[name] for name in WISH} == WISH
    found = await box.store.read(lambda db: pop_view.get(db, box.alice.id))
    assert found == PopView(30, AfterFetching.KEEP, True)


async def test_the_password_is_asked_for_again(box: PeopleBox) -> None:
    app = await entered(box)
    await box.clock.advance(11 * 60)
    answer = await app.call("PUT", "fetching", WISH)
    assert (answer.status, '"reason":"confirm"' in answer.text) == (403, True)
    assert (await app.get("fetching"))["after"] == "delete"


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"days": 30},
        {**WISH, "days": 0},
        {**WISH, "days": -1},
        {**WISH, "days": 36_501},
        {**WISH, "days": "30"},
        {**WISH, "after": "burn"},
        {**WISH, "hidesFetched": 1},
    ],
)
async def test_what_is_no_choice(box: PeopleBox, wrong: object) -> None:
    app = await entered(box)
    assert (await app.call("PUT", "fetching", wrong)).status == 400
    assert (await app.get("fetching"))["after"] == "delete"
