"""When signing out does not get through, and what a session leaves behind that ends by itself."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Error, Page, Route, expect

from support.browsing import sign_in
from support.reading import ROWS, open_mail
from support.web_site import Person, Site
from support.writing import Composer, until

OpenContext = Callable[..., BrowserContext]
LIMIT = 20_000  # until a sign-out without an answer is told of, with a busy machine
STILL = "You are still signed in"
READER = ".conversation:not([inert])"
_KEPT = """async () => {
    const bases = (await indexedDB.databases()).map((one) => one.name)
    return [bases, localStorage.getItem('pillarbox-account')]
}"""


def read_something(page: Page, site: Site) -> str:
    """With a message open; its subject."""
    open_mail(page, site)
    page.locator(ROWS).first.click()
    heading = page.locator(f"{READER} h1").first
    expect(heading).to_be_visible()
    return heading.inner_text()


def leave(page: Page, person: Person) -> None:
    """By the menu."""
    page.get_by_role("button", name=re.compile(f"Account {person.login}")).click()
    page.get_by_role("menuitem", name="Sign out").click()


def end_session(context: BrowserContext, site: Site) -> None:
    """The server knows it no more, and no page was told by the browser."""
    state = context.request.get(f"{site.url}/account/state").json()
    answer = context.request.delete(
        f"{site.url}/account/sessions/{state['sessionId']}",
        headers={"X-Csrf-Token": state["csrf"]},
    )
    assert answer.ok, answer.text()


def nothing_in_the_page(page: Page, subject: str) -> None:
    """Also for one who presses F12."""
    expect(page.locator(ROWS)).to_have_count(0)
    expect(page.locator(".conversation")).to_have_count(0)
    assert subject not in page.content()


def kept(page: Page) -> str | None:
    """Whose mail a start without a server would show."""
    found: str | None = page.evaluate("localStorage.getItem('pillarbox-account')")
    return found


def refuse(route: Route) -> None:
    route.fulfill(status=503, body="")


def abort(route: Route) -> None:
    route.abort()


def hang(_route: Route) -> None:
    """It never gets there."""


@pytest.mark.parametrize("fault", [refuse, abort, pytest.param(hang, marks=pytest.mark.web_long)])
def test_a_sign_out_that_fails_is_told_in_every_tab(
    page: Page,
    context: BrowserContext,
    site: Site,
    person: Person,
    fault: Callable[[Route], None],
) -> None:
    """Nothing is shown or kept, nobody believes to be signed out, and trying again helps."""
    subject = read_something(page, site)
    other = context.new_page()
    open_mail(other, site)
    page.bring_to_front()
    context.route("**/sign-out", fault)
    leave(page, person)
    for one in (page, other):
        expect(one.get_by_role("dialog", name=STILL)).to_be_visible(timeout=LIMIT)
        nothing_in_the_page(one, subject)
        assert one.evaluate(_KEPT) == [[], None]
    assert context.request.get(f"{site.url}/account/state").status == 200
    other.wait_for_timeout(1500)
    assert other.get_by_role("dialog", name=STILL).is_visible()
    context.unroute("**/sign-out")
    page.get_by_role("button", name="Try again").click()
    for one in (page, other):
        one.wait_for_url(re.compile("/sign-in"))
    assert context.request.get(f"{site.url}/account/state").status == 401


def test_signing_out_without_a_network_stays_on_a_page_of_ours(
    page: Page, context: BrowserContext, site: Site, person: Person
) -> None:
    subject = read_something(page, site)
    page.evaluate("navigator.serviceWorker.ready")
    context.set_offline(True)
    leave(page, person)
    expect(page.get_by_role("dialog", name=STILL)).to_be_visible(timeout=LIMIT)
    nothing_in_the_page(page, subject)
    context.set_offline(False)
    page.get_by_role("button", name="Try again").click()
    page.wait_for_url(re.compile("/sign-in"))


def test_a_tab_that_was_away_while_somebody_else_signed_in_is_theirs(
    page: Page, context: BrowserContext, site: Site
) -> None:
    """It saw no session end; its stream would connect with the other's cookie."""
    subject = read_something(page, site)
    other = context.new_page()
    open_mail(other, site)
    page.bring_to_front()
    friend = site.new_person(3)
    context.set_offline(True)
    end_session(context, site)
    sign_in(context, site, friend)
    assert context.request.get(f"{site.url}/account/state").json()["login"] == friend.login
    context.set_offline(False)
    for one in (page, other):
        expect(one).to_have_title(re.compile(re.escape(friend.login)), timeout=LIMIT)
        assert subject not in one.content()


@pytest.mark.web_long
def test_an_ended_session_shows_nothing_without_a_network(
    page: Page, context: BrowserContext, site: Site, person: Person
) -> None:
    """What is kept for a start without a server goes with the session, and comes with the next."""
    subject = read_something(page, site)
    page.evaluate("navigator.serviceWorker.ready")
    until(lambda: kept(page), lambda account: account is not None)
    end_session(context, site)
    page.evaluate("dispatchEvent(new Event('offline')); dispatchEvent(new Event('online'))")
    field = page.get_by_role("dialog").locator("input[type=password]")
    expect(field).to_be_visible(timeout=LIMIT)
    until(lambda: kept(page), lambda account: account is None)
    second = context.new_page()
    context.set_offline(True)
    second.goto(f"{site.url}/mail/")
    second.wait_for_timeout(6000)  # longer than anything waits for the server
    nothing_in_the_page(second, subject)
    second.close()
    context.set_offline(False)
    field.fill(person.password)
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    until(lambda: kept(page), lambda account: account is not None)


@pytest.mark.web_long
def test_a_start_that_leads_to_signing_in_is_the_last_without_a_network(
    page: Page, context: BrowserContext, site: Site
) -> None:
    """The session ended while no page was open; what was kept is not shown any more."""
    subject = read_something(page, site)
    page.evaluate("navigator.serviceWorker.ready")
    until(lambda: kept(page), lambda account: account is not None)
    page.goto("about:blank")
    end_session(context, site)
    page.goto(f"{site.url}/mail/")
    expect(page.locator("#email")).to_be_visible()
    until(lambda: page.evaluate("caches.has('shell')"), lambda has: not has)
    context.set_offline(True)
    with contextlib.suppress(Error):  # the browser's own page, which says that there is no network
        page.goto(f"{site.url}/mail/")
    page.wait_for_timeout(3000)
    nothing_in_the_page(page, subject)


def test_under_the_sheet_there_is_no_mail_in_the_page(
    page: Page, context: BrowserContext, open_context: OpenContext, site: Site, person: Person
) -> None:
    """Not even for one who takes the veil away; the letter and the place are there afterwards."""
    subject = read_something(page, site)
    composer = Composer.open(page, site)
    composer.address("bob@example.org", "Half a letter")
    composer.write("To be gone on with.")
    composer.wait_saved()
    elsewhere = open_context()
    sign_in(elsewhere, site, person)
    csrf = elsewhere.request.get(f"{site.url}/account/state").json()["csrf"]
    headers = {"X-Csrf-Token": csrf}
    assert elsewhere.request.post(f"{site.url}/account/sessions/end-others", headers=headers).ok
    field = page.get_by_role("dialog").locator("input[type=password]")
    expect(field).to_be_visible(timeout=LIMIT)
    page.evaluate("document.documentElement.removeAttribute('data-veiled')")
    nothing_in_the_page(page, subject)
    field.fill(person.password)
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator(ROWS).first).to_be_visible()
    expect(page.locator(f"{READER} h1").first).to_have_text(subject)
    expect(composer.letter).to_contain_text("To be gone on with.")


@pytest.mark.parametrize("stays", [False, True])
def test_the_sheet_keeps_what_was_chosen_about_staying(
    open_context: OpenContext, site: Site, person: Person, stays: bool
) -> None:
    context = open_context()
    given = {"email": person.login, "password": person.password, "stay": stays}
    assert context.request.post(f"{site.url}/sign-in", data=given).ok
    page = context.new_page()
    open_mail(page, site)
    end_session(context, site)
    page.evaluate("dispatchEvent(new Event('offline')); dispatchEvent(new Event('online'))")
    field = page.get_by_role("dialog").locator("input[type=password]")
    expect(field).to_be_visible(timeout=LIMIT)
    field.fill(person.password)
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    sessions = context.request.get(f"{site.url}/account/sessions").json()
    now = next(one for one in sessions if one["current"])
    assert now["stays"] is stays
