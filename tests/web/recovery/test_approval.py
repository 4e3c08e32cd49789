"""Approved in another browser: what a stranger may learn, what the owner is asked, what is good."""

from __future__ import annotations

import asyncio
import random
import re
import statistics
import time
from pathlib import Path

import msgspec
import pytest

from pillarbox.accounts.identity import Identity
from pillarbox.accounts.recovery_approval import shown_number
from pillarbox.jmap.approval_news import ApprovalNews
from pillarbox.net.secret import Secret
from pillarbox.store.sql import accounts, browser_sessions, recovery
from support.approval_box import ALICE, WAIT, ApprovalBox, go_on, number_on, patient, state_of
from support.asgi import Answered
from support.browser_client import Browser
from support.recovery_box import FAR, GOOD, bare

MOST_SECONDS = 0.010  # between the medians of kinds of names
ROUNDS = 40
TRIES = 3
OVER = 301  # seconds


@pytest.fixture
def box(tmp_path: Path) -> ApprovalBox:
    return ApprovalBox(tmp_path)


async def test_approved_with_the_right_number(box: ApprovalBox) -> None:
    """It is asked where alice is signed in, and what comes of it is a link and no session."""
    await box.has_address()
    browser = await box.ask_for(" Alice@Example.org ")
    number = await number_on(browser)
    assert await state_of(browser) == "waiting"
    assert "/reset/" not in str((await go_on(browser)).headers)
    (ask,) = await box.asks()
    assert number in ask["numbers"]
    assert len(set(ask["numbers"])) == 3
    assert all(10 <= one <= 99 for one in ask["numbers"])
    assert (ask["peer"], ask["seconds"]) == ("198.51.100.7", 300)
    answer = await box.answer(number)
    assert (answer.status, msgspec.json.decode(answer.body)) == (200, {"answer": "approved"})
    assert await state_of(browser) == "approved"
    for _ in range(3):  # looking uses nothing up
        assert (await browser.go(WAIT)).status == 200
    led = await go_on(browser)
    assert led.status == 303
    path = led.headers["location"]
    assert re.fullmatch(r"/reset/[\w-]{43}", path)
    assert "__Host-pillarbox" not in browser.cookies
    hidden = await browser.hidden(path)
    done = await browser.post(path, {**hidden, "password": GOOD, "again": GOOD})
    assert done.status == 200
    assert await box.opens(GOOD)
    assert "__Host-pillarbox" not in browser.cookies
    assert await box.store.read(lambda db: browser_sessions.all_sessions(db, box.alice.id)) == []
    assert (await box.second_factors.of(box.alice.id)).required
    assert [to for to, text in await box.sent(2) if "The password of" in text] == [FAR]


async def test_everybody_gets_the_same_answer(box: ApprovalBox) -> None:
    """Asked, with nobody to ask, without codes, disabled, of nobody, nonsense; a refusal and
    what is beyond the limits look the same until the time is over, and then, too."""
    await box.store.write(lambda tx: accounts.create(tx, "plain@example.org", ""))
    off = await box.store.write(lambda tx: accounts.create(tx, "off@example.org", ""))
    await box.codes_for(off.id)
    await box.store.write(lambda tx: accounts.set_enabled(tx, off.id, False))
    names = [ALICE, "plain@example.org", "off@example.org", "nobody@example.org", "\x00", ALICE]
    waiting = []
    for index, name in enumerate(names):
        waiting.append(await box.ask_for(name, f"198.51.{index}.1"))
    await box.answer(None, of=(await box.asks())[-1]["id"])  # the last is refused
    crowd = [await box.ask_for("nobody@example.org", "203.0.113.1") for _ in range(12)]
    waiting.append(crowd[-1])

    def seen(answer: Answered) -> str:
        return repr((bare(answer)[:2], re.sub(r">\d\d</p>", "", bare(answer)[2].decode())))

    told = {seen(await browser.go(WAIT)) for browser in waiting}
    assert len(told) == 1
    assert {await state_of(browser) for browser in waiting} == {"waiting"}
    assert {(await go_on(browser)).status for browser in waiting} == {200}
    await box.clock.advance(OVER)
    assert len({seen(await browser.go(WAIT)) for browser in waiting}) == 1
    assert {await state_of(browser) for browser in waiting} == {"over"}


async def test_the_answers_take_the_same_time(tmp_path: Path) -> None:
    kinds = {"asked": ALICE, "of nobody": "nobody@example.org"}
    order = random.Random(5)
    async with patient(tmp_path) as box:
        browser = Browser(box)
        hidden = await browser.hidden("/forgot/device")
        for _ in range(TRIES):
            took: dict[str, list[float]] = {kind: [] for kind in kinds}
            for kind in (one for _ in range(ROUNDS) for one in order.sample(list(kinds), 2)):
                began = time.perf_counter()
                await browser.post("/forgot/device", {**hidden, "email": kinds[kind]})
                took[kind].append(time.perf_counter() - began)
                await box.settled()
            medians = [statistics.median(of) for of in took.values()]
            if max(medians) - min(medians) < MOST_SECONDS:
                break
        assert max(medians) - min(medians) < MOST_SECONDS, medians
        asked = "SELECT count(*) FROM approval WHERE account_id IS NOT NULL"
        (count,) = await box.store.read(lambda db: db.row(asked)) or (0,)
        assert count >= ROUNDS  # each was really asked, though only the last one waits


async def test_a_wrong_number_refuses(box: ApprovalBox) -> None:
    """Even one that was offered; the right one comes too late then."""
    browser = await box.ask_for(ALICE)
    number = await number_on(browser)
    (ask,) = await box.asks()
    wrong = next(one for one in ask["numbers"] if one != number)
    answer = await box.answer(wrong)
    assert msgspec.json.decode(answer.body) == {"answer": "wrong"}
    assert (await box.answer(number, of=ask["id"])).status == 404
    assert await box.asks() == []
    assert await state_of(browser) == "waiting"
    assert (await go_on(browser)).status == 200


async def test_no_is_noted_and_counts(box: ApprovalBox) -> None:
    """In the history, with who asked; after three in a day nobody is asked any more."""
    for _ in range(3):
        await box.ask_for(ALICE)
        assert msgspec.json.decode((await box.answer(None)).body) == {"answer": "refused"}
        await box.clock.advance(3600)
    noted = [
        row
        for row in await box.authenticator.history.recent(box.alice.id, 10)
        if row.credential == "device"
    ]
    assert {(row.outcome, row.peer) for row in noted} == {("failed", "198.51.100.7")}
    assert sum(row.times for row in noted) == 3
    await box.ask_for(ALICE)
    assert await box.asks() == []
    await box.clock.advance(86_400)
    await box.ask_for(ALICE)
    assert len(await box.asks()) == 1


async def test_three_for_an_account_and_ten_for_a_network_in_an_hour(box: ApprovalBox) -> None:
    """REC-2, `per_account_and_hour`; silently. A stranger who asks uses up no letter to the owner,
    nor the other way."""
    await box.has_address()
    for index in range(5):
        await box.ask_for(ALICE, f"198.51.{index}.1")
    assert len(await box.asks()) == 3
    for index in range(4):
        await box.post("/forgot", f"198.51.{index + 77}.1", email=ALICE)
    assert len(await box.sent(3)) == 3
    await box.clock.advance(3601)
    for index in range(1, 14):
        await box.ask_for("nobody@example.org", f"203.0.113.{index}")
    await box.ask_for(ALICE, "203.0.113.200")
    assert await box.asks() == []
    await box.ask_for(ALICE, "203.0.114.1")
    assert len(await box.asks()) == 1


async def test_only_accounts_with_codes_are_asked(box: ApprovalBox) -> None:
    """Whoever sits at an open browser has the session; two digits on top are no proof."""
    await box.second_factors.remove_totp(box.alice.id)
    browser = await box.ask_for(ALICE)
    assert await box.asks() == []
    assert await state_of(browser) == "waiting"


async def test_yes_is_only_for_who_has_shown_lately_who_it_is(box: ApprovalBox) -> None:
    """No may be said at once."""
    await box.clock.advance(box.services.sessions.settings.fresh_minutes * 60 + 1)
    browser = await box.ask_for(ALICE)
    number = await number_on(browser)
    refused = await box.answer(number)
    assert refused.status == 403
    assert msgspec.json.decode(refused.body)["reason"] == "confirm"
    assert await state_of(browser) == "waiting"
    assert (await box.answer(None)).status == 200


async def test_another_account_cannot_answer(box: ApprovalBox) -> None:
    """Nor a page of another site, nor a program with a password."""
    bob = await box.admin.create_account("bob@example.org", Secret("the password of bob"))
    session, cookie = await box.services.sessions.begin(
        Identity(bob.id, bob.login, "password"), peer="192.0.2.7", agent="", stays=False
    )
    his = f"__Host-pillarbox={cookie.reveal().decode()}"
    browser = await box.ask_for(ALICE)
    number = await number_on(browser)
    (ask,) = await box.asks()
    for chosen in (number, None):
        assert (await box.tell(session, his, ask["id"], chosen)).status == 404
        assert (await box.tell(session, "", ask["id"], chosen)).status == 401
        assert (await box.answer(chosen, x_csrf_token="x" * 43)).status == 403
        assert (await box.answer(chosen, sec_fetch_site="cross-site")).status == 403
    assert len(await box.asks()) == 1
    for credential in ("password", "app:1"):
        program = Identity(box.alice.id, ALICE, credential)
        assert await ApprovalNews(box.store, program).read() is None
    assert (await box.answer(number)).status == 200


async def test_it_is_good_once_and_in_one_browser(box: ApprovalBox) -> None:
    browser = await box.ask_for(ALICE)
    kept = dict(browser.cookies)
    await box.answer(await number_on(browser))
    stranger = Browser(box)
    assert (await stranger.go(WAIT)).headers["location"] == "/forgot/device"
    hidden = await stranger.hidden("/forgot/device")
    assert (await stranger.post(WAIT, hidden)).headers["location"] == "/forgot/device"
    fields = await browser.hidden(WAIT)
    answers = await asyncio.gather(*(browser.post(WAIT, fields) for _ in range(4)))
    assert sorted(answer.status for answer in answers)[-1] == 303
    led = [one.headers["location"] for one in answers if one.status == 303]
    assert len([path for path in led if path.startswith("/reset/")]) == 1
    browser.cookies = kept
    assert await state_of(browser) == "waiting"
    assert (await browser.post(WAIT, fields)).status == 200


@pytest.mark.parametrize("when", ["before the answer", "after it"])
async def test_five_minutes(box: ApprovalBox, when: str) -> None:
    browser = await box.ask_for(ALICE)
    number = await number_on(browser)
    (ask,) = await box.asks()
    if when == "after it":
        await box.answer(number)
    await box.clock.advance(OVER)
    if when == "before the answer":
        assert await box.asks() == []
        assert (await box.answer(number, of=ask["id"])).status == 404
    fields = await browser.hidden("/forgot/device")
    assert (await browser.post(WAIT, fields)).status == 200
    assert await state_of(browser) == "over"
    await box.store.write(recovery.forget)
    left = await box.store.read(lambda db: db.rows("SELECT 1 FROM approval", ()))
    assert list(left) == []


@pytest.mark.parametrize("why", ["session", "disabled", "reset"])
async def test_what_was_approved_ends_with_its_reason(box: ApprovalBox, why: str) -> None:
    """The browser that said yes was signed out; the account is closed; another way was quicker."""
    browser = await box.ask_for(ALICE)
    await box.answer(await number_on(browser))
    await box.ask_for(ALICE)  # another question, still open
    if why == "session":
        await box.services.sessions.end(box.alice.id, box.session.id)
    elif why == "disabled":
        await box.store.write(lambda tx: accounts.set_enabled(tx, box.alice.id, False))
    else:
        token = await box.store.write(
            lambda tx: box.recovering.new_link(tx, box.alice.id, "administrator", 60)
        )
        await box.recovering.choose_password(token, Secret(GOOD), with_app_passwords=False)
        assert await box.asks() == []
    assert await state_of(browser) == "waiting"
    assert (await go_on(browser)).status == 200


ALARMS = ["the password", "disabled", "all others", "signed out"]


async def raise_alarm(box: ApprovalBox, how: str) -> None:
    """What an owner does who was careless; by the browser that approved, if by one."""
    path = {"the password": "password", "all others": "sessions/end-others"}.get(how)
    if path:
        answer = await box.ask(
            f"/account/{path}",
            signed_in=False,
            method="POST",
            body=msgspec.json.encode(
                {"new": "quite another elephant"} if path == "password" else {}
            ),
            content_type="application/json",
            accept="application/json",
            cookie=box.cookie,
            x_csrf_token=box.session.csrf,
        )
        assert answer.status < 300, answer.body
    elif how == "disabled":
        await box.admin.set_enabled(ALICE, False)
        await box.admin.set_enabled(ALICE, True)
    else:
        await box.services.sessions.end(box.alice.id, box.session.id)


@pytest.mark.parametrize("how", ALARMS)
async def test_an_alarm_ends_what_was_approved(box: ApprovalBox, how: str) -> None:
    """The link, though its page was opened already, and a word that was not used yet."""
    browser = await box.ask_for(ALICE)
    await box.answer(await number_on(browser))
    path = (await go_on(browser)).headers["location"]
    fields = {**await browser.hidden(path), "password": GOOD, "again": GOOD}
    late = await box.ask_for(ALICE)
    await box.answer(await number_on(late))
    await raise_alarm(box, how)
    assert (await browser.post(path, fields)).status == 404
    assert not await box.opens(GOOD)
    assert await state_of(late) == "waiting"
    assert (await go_on(late)).status == 200


async def test_an_alarm_ends_links_of_every_way(box: ApprovalBox) -> None:
    """Who signs one browser out has given no alarm: what an administrator made stays then."""
    link = await box.store.write(
        lambda tx: box.recovering.new_link(tx, box.alice.id, "administrator", 60)
    )
    await raise_alarm(box, "signed out")
    assert await box.recovering.find_link(link)
    await box.admin.set_password(ALICE, Secret("quite another elephant"))
    assert await box.recovering.find_link(link) is None


async def test_only_where_signing_in_takes_a_code(box: ApprovalBox) -> None:
    """Codes that are prepared and not asked for guard nothing after a careless tap."""
    await box.second_factors.require(box.alice.id, False)
    await box.ask_for(ALICE)
    assert await box.asks() == []
    await box.second_factors.require(box.alice.id, True)
    await box.ask_for(ALICE)
    assert len(await box.asks()) == 1


async def history_of(box: ApprovalBox) -> list[tuple[str, str, int]]:
    found = await box.authenticator.history.recent(box.alice.id, 20)
    return sorted((row.outcome, row.peer, row.times) for row in found if row.credential == "device")


@pytest.mark.parametrize("per_day", [2, 6])
async def test_who_is_asked_and_says_nothing_is_left_in_peace(tmp_path: Path, per_day: int) -> None:
    """So many questions a day, however they end; those that nobody answered are in the history."""
    async with patient(tmp_path, asks_per_day=per_day) as box:
        shown = 0
        for hour in range(8):
            await box.ask_for(ALICE, f"198.51.{hour}.1")
            shown += len(await box.asks())
            await box.clock.advance(3600)
        assert shown == per_day
        await box.store.write(recovery.forget)
        await box.store.write(recovery.forget)
        assert await history_of(box) == [
            ("ignored", f"198.51.{hour}.1", 1) for hour in range(per_day)
        ]
        await box.clock.advance(86_400)
        await box.ask_for(ALICE)
        assert len(await box.asks()) == 1
        await box.admin.set_password(ALICE, Secret(GOOD))  # takes the question away, not its trace
        assert await box.asks() == []
        assert ("ignored", "198.51.100.7", 1) in await history_of(box)


async def test_the_owner_finds_what_was_approved_and_used(
    box: ApprovalBox, caplog: pytest.LogCaptureFixture
) -> None:
    """In a letter, in the history and in the log; the number and the token are nowhere."""
    await box.has_address()
    with caplog.at_level("INFO"):
        browser = await box.ask_for(ALICE)
        number = await number_on(browser)
        await box.answer(number)
        browser.peer = "203.0.113.5"
        led = await go_on(browser)
    [(to, text)] = await box.sent(1)
    assert to == FAR and "A browser at 198.51.100.7 may choose a new password" in text
    assert await history_of(box) == [("approved", "198.51.100.7", 1), ("used", "203.0.113.5", 1)]
    told = {one.getMessage(): vars(one).get("pillarbox_fields") for one in caplog.records}
    for event, peer in (
        ("accounts.approval_asked", "198.51.100.7"),
        ("web.approval_approved", "198.51.100.7"),
        ("web.approval_used", "203.0.113.5"),
    ):
        assert told[event] == {"account": box.alice.id, "peer": peer}
    token = led.headers["location"].removeprefix("/reset/")
    assert token not in str(told) and token not in text


async def test_the_cookie_is_out_of_reach_and_only_its_digest_is_kept(box: ApprovalBox) -> None:
    browser = Browser(box)
    hidden = await browser.hidden("/forgot/device")
    answer = await browser.post("/forgot/device", {**hidden, "email": ALICE})
    (cookie,) = [one for one in answer.set_cookies if "waiting" in one]
    assert {"HttpOnly", "Secure", "SameSite=Lax", "Max-Age=300"} <= set(cookie.split("; "))
    token = browser.cookies["__Host-waiting"].partition(".")[2]
    rows = await box.store.read(lambda db: db.rows("SELECT * FROM approval", ()))
    assert token not in repr(list(rows))
    assert shown_number(Secret(token)) == await number_on(browser)
    for wrong in ("x", f"1.{'A' * 43}", f"{'9' * 12}.{'A' * 43}", f"1.{token[:-1]}"):
        browser.cookies["__Host-waiting"] = wrong
        assert (await browser.post(WAIT, hidden)).status in (200, 303)
        assert await state_of(browser) != "approved"


async def test_the_event_source_tells_it(box: ApprovalBox) -> None:
    """Before the state that woke it, and again to who connects later; answered, it goes away."""
    stream = "/jmap/eventsource?types=*&closeafter=state&ping=0"
    listening = asyncio.create_task(box.ask(stream, accept="text/event-stream"))
    await asyncio.sleep(0.05)
    began = time.monotonic()
    await box.ask_for(ALICE)
    told = (await listening).text
    assert time.monotonic() - began < 2
    assert told.index("event: approval") < told.index("event: state")
    listening = asyncio.create_task(box.ask(stream, accept="text/event-stream"))
    await asyncio.sleep(0.05)
    await box.answer(None)
    later = (await listening).text
    assert re.findall(r"event: approval\ndata: (\S)(\S)", later) == [("[", "{"), ("[", "]")]


async def test_without_this_way(tmp_path: Path) -> None:
    async with patient(tmp_path, by_device=False) as box:
        assert (await box.page("/forgot/device")).status == 404
        assert (await box.page(WAIT)).status == 404
        assert b"/forgot/device" not in (await box.page("/forgot")).body
