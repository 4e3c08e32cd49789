"""Anybody may ask for any address: no stranger closes the way over another device, or opens it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from pillarbox.store.sql import recovery
from support.approval_box import ALICE, ApprovalBox, go_on, number_on, patient, state_of
from support.browser_client import Browser

STRANGE = [f"198.51.{index}.1" for index in range(6)]
HOME = "192.0.2.44"  # where alice's page is signed in, too
AWAY = "203.0.113.9"


@pytest.fixture
def box(tmp_path: Path) -> ApprovalBox:
    return ApprovalBox(tmp_path)


async def flood(box: ApprovalBox, times: int) -> list[Browser]:
    """From six networks in turn."""
    return [await box.ask_for(ALICE, STRANGE[index % 6]) for index in range(times)]


async def came_back(box: ApprovalBox) -> None:
    """Alice's page, signed in anew: a yes is only for who has shown lately who it is."""
    box.session, cookie = await box.services.sessions.begin(
        box.context().identity, peer="192.0.2.1", agent="a browser", stays=False
    )
    box.cookie = f"__Host-pillarbox={cookie.reveal().decode()}"


async def look(box: ApprovalBox) -> int:
    """Alice's page is told of all that wait."""
    await came_back(box)
    answer = await box.ask(
        "/account/approvals/look",
        signed_in=False,
        method="POST",
        body=b"",
        cookie=box.cookie,
        x_csrf_token=box.session.csrf,
    )
    assert answer.status == 200
    return int(msgspec.json.decode(answer.body)["waiting"])


async def lets_in(box: ApprovalBox, browser: Browser, peer: str) -> bool:
    """Alice finds the question of her own browser, and chooses its number."""
    await came_back(box)
    number = await number_on(browser)
    hers = [ask for ask in await box.asks() if ask["peer"] == peer]
    if len(hers) != 1:
        return False
    assert msgspec.json.decode((await box.answer(number, of=hers[0]["id"])).body) == {
        "answer": "approved"
    }
    return (await go_on(browser)).headers["location"].startswith("/reset/")


@pytest.mark.parametrize("hours", [1, 26])
async def test_the_owner_gets_in_although_a_stranger_asked_a_hundred_times(
    box: ApprovalBox, hours: int
) -> None:
    for _ in range(hours):
        await flood(box, 100 // hours)
        await box.clock.advance(3600)
    await flood(box, 12)
    browser = await box.ask_for(ALICE, AWAY)
    assert AWAY not in [ask["peer"] for ask in await box.asks()]  # the strangers used that up
    assert await look(box) == 5
    assert await lets_in(box, browser, AWAY)


async def test_at_home_it_comes_up_by_itself_all_the_same(box: ApprovalBox) -> None:
    await flood(box, 100)
    browser = await box.ask_for(ALICE, HOME)
    await flood(box, 60)  # and nobody takes its place
    assert await lets_in(box, browser, HOME)


async def test_the_owner_may_say_no_as_often_as_it_needs(box: ApprovalBox) -> None:
    for peer in STRANGE:
        await box.ask_for(ALICE, peer)
        await look(box)
        assert (await box.answer(None)).status == 200
    assert await box.asks() == []
    browser = await box.ask_for(ALICE, AWAY)
    assert await box.asks() == []  # she is left in peace
    assert await look(box) == 1
    assert await lets_in(box, browser, AWAY)


async def test_what_comes_up_in_a_day_is_bounded(box: ApprovalBox) -> None:
    """`asks_per_day`: six from strange networks and six from her own, whoever asks how often."""
    up: dict[str, set[str]] = {"strange": set(), "home": set()}
    for hour in range(12):
        for peer in (*STRANGE, HOME):
            await box.ask_for(ALICE, f"{peer.rpartition('.')[0]}.{hour + 2}")
            for ask in await box.asks():
                up["home" if ask["peer"].startswith("192.0.2.") else "strange"].add(ask["id"])
        await box.clock.advance(3600)
    assert {side: len(found) for side, found in up.items()} == {"strange": 6, "home": 6}


async def test_one_waits_for_each_network_and_five_in_all(box: ApprovalBox) -> None:
    first = await box.ask_for(ALICE, STRANGE[0])
    again = await box.ask_for(ALICE, STRANGE[0].replace(".1", ".2"))
    (ask,) = await box.asks()
    assert await number_on(again) in ask["numbers"]
    for peer in (*STRANGE[1:], AWAY):
        await box.ask_for(ALICE, peer)
    assert await look(box) == 5
    assert [ask["peer"] for ask in await box.asks()] == [*STRANGE[2:], AWAY]
    assert {await state_of(browser) for browser in (first, again)} == {"waiting"}  # told nothing


async def test_guesses_of_a_day_are_bounded(box: ApprovalBox) -> None:
    """`denials_per_day`: only an owner who chooses wrongly gives a stranger a guess; three, and
    nothing is approved that day, not even what waits already."""
    waiting = await flood(box, 5)
    await look(box)
    for browser in waiting[:3]:
        number = await number_on(browser)
        ask = next(one for one in await box.asks() if number in one["numbers"])
        wrong = next(one for one in range(10, 100) if one != number)
        answer = await box.answer(wrong, of=ask["id"])
        assert msgspec.json.decode(answer.body) == {"answer": "wrong"}
    assert await box.asks() == []
    late = await box.ask_for(ALICE, HOME)
    assert await look(box) == 0
    assert {await state_of(browser) for browser in (*waiting, late)} == {"waiting"}
    for browser in (*waiting, late):
        assert "/reset/" not in str((await go_on(browser)).headers)
    await box.clock.advance(86_400)
    assert await lets_in(box, await box.ask_for(ALICE, HOME), HOME)


async def test_what_nobody_saw_is_no_refusal_and_no_guess(box: ApprovalBox) -> None:
    for _ in range(4):
        await flood(box, 24)
        await box.clock.advance(3600)
        await box.store.write(recovery.forget)
    browser = await box.ask_for(ALICE, AWAY)
    await look(box)
    assert await lets_in(box, browser, AWAY)


async def test_only_the_account_s_own_page_looks(box: ApprovalBox) -> None:
    await flood(box, 30)
    shown = len(await box.asks())
    for more in ({"cookie": ""}, {"cookie": box.cookie, "x_csrf_token": "x" * 43}):
        answer = await box.ask(
            "/account/approvals/look",
            signed_in=False,
            method="POST",
            body=b"",
            accept="application/json",
            **more,
        )
        assert answer.status in (401, 403)
    assert len(await box.asks()) == shown


async def test_fewer_may_wait(tmp_path: Path) -> None:
    async with patient(tmp_path, asks_waiting=1) as box:
        await flood(box, 6)
        browser = await box.ask_for(ALICE, AWAY)
        assert await look(box) == 1
        assert await lets_in(box, browser, AWAY)
