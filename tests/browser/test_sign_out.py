"""Signing out, and sessions that end: whoever sits at this computer next reads nothing."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from functools import partial

import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, expect

from support.browsing import sign_in
from support.reading import ROWS, open_mail
from support.web_site import Person, Site
from support.writing import Composer

OpenContext = Callable[..., BrowserContext]
SECONDS = 5.0  # for what the server's word starts; in one browser it takes far less
# What is there to be read: by a person, by one who presses F12, and in the tab's name.
_SEEN = """() => {
    const seen = (one) => one.checkVisibility({visibilityProperty: true, opacityProperty: true})
    return {
        rows: [...document.querySelectorAll('[role=row][data-id]')].filter(seen).length,
        reader: [...document.querySelectorAll('.conversation, .conversation iframe')]
            .filter(seen).length,
        letters: [...document.querySelectorAll('section.sheet')].filter(seen).length,
    }
}"""
# Tells what can be read still in the moment in which the page is veiled.
VEILED = "veiled "
_TELL = f"""() => new MutationObserver(() => console.log('{VEILED}' + JSON.stringify(({_SEEN})())))
    .observe(document.documentElement, {{attributes: true, attributeFilter: ['data-veiled']}})"""
_KEPT = """async () => ({
    bases: (await indexedDB.databases()).map((one) => one.name),
    local: Object.keys(localStorage).filter((key) => key.startsWith('pillarbox')),
    session: Object.keys(sessionStorage).filter((key) => key.startsWith('pillarbox')),
    shells: await caches.has('shell'),
})"""
NOTHING = {"rows": 0, "reader": 0, "letters": 0}
NOTHING_KEPT = {"bases": [], "local": [], "session": [], "shells": False}


def read_something(page: Page, site: Site) -> str:
    """With a message open; its subject."""
    open_mail(page, site)
    page.locator(ROWS).first.click()
    heading = page.locator(".conversation:not([inert]) h1").first
    expect(heading).to_be_visible()
    seen = page.evaluate(_SEEN)
    assert seen["rows"], seen
    assert seen["reader"], seen
    return heading.inner_text()


def leave(page: Page, person: Person) -> None:
    """By the menu."""
    page.get_by_role("button", name=re.compile(f"Account {person.login}")).click()
    page.get_by_role("menuitem", name="Sign out").click()


def sheet_of(page: Page) -> tuple[Page, str]:
    field = page.get_by_role("dialog").locator("input[type=password]")
    expect(field).to_be_visible(timeout=SECONDS * 1000)
    return page, page.title()


def end_others(context: BrowserContext, site: Site, person: Person) -> None:
    """From another device."""
    sign_in(context, site, person)
    csrf = context.request.get(f"{site.url}/account/state").json()["csrf"]
    headers = {"X-Csrf-Token": csrf}
    assert context.request.post(f"{site.url}/account/sessions/end-others", headers=headers).ok


def test_sign_out_leaves_nothing_in_any_tab(
    page: Page, context: BrowserContext, site: Site, person: Person
) -> None:
    """The other tabs go, too; nothing is kept on this device, and there is no way back."""
    read_something(page, site)
    other = context.new_page()
    read_something(other, site)
    page.bring_to_front()
    page.evaluate("navigator.serviceWorker.ready")
    leave(page, person)
    for one in (page, other):
        one.wait_for_url(re.compile("/sign-in"))
        expect(one.locator("#email")).to_be_visible()
        assert one.evaluate(_KEPT) == NOTHING_KEPT
    assert context.request.get(f"{site.url}/account/state").status == 401
    for one in (page, other):
        one.go_back()
        expect(one.locator("#email")).to_be_visible()
        assert one.evaluate(_SEEN) == NOTHING


def test_sign_out_hides_other_tabs_before_the_server_knows(
    page: Page, context: BrowserContext, site: Site, person: Person
) -> None:
    """Without waiting for an answer; and a letter that is open there holds nobody up."""
    read_something(page, site)
    other = context.new_page()
    composer = Composer.open(other, site)
    composer.address("bob@example.org", "In another tab")
    composer.write("This stays with its writer.")
    composer.wait_saved()
    context.route("**/sign-out", lambda route: None)  # it never gets there
    hidden: dict[Page, dict[str, int]] = {}
    for one in (page, other):
        one.on("console", partial(_note, hidden, one))
        one.evaluate(_TELL)
    page.bring_to_front()
    leave(page, person)
    end = time.monotonic() + SECONDS
    while len(hidden) < 2 and time.monotonic() < end:
        page.wait_for_timeout(50)
    assert list(hidden.values()) == [NOTHING, NOTHING]


def _note(hidden: dict[Page, dict[str, int]], page: Page, said: ConsoleMessage) -> None:
    if said.text.startswith(VEILED):
        hidden[page] = json.loads(said.text.removeprefix(VEILED))


def test_sign_out_asks_about_letters_that_only_another_tab_has(
    page: Page, context: BrowserContext, site: Site, person: Person
) -> None:
    open_mail(page, site)
    other = context.new_page()
    composer = Composer.open(other, site)
    other.route("**/jmap/api", lambda route: route.abort())
    composer.write("Nobody else has this.")
    other.wait_for_timeout(1500)  # until this device has it
    page.bring_to_front()
    leave(page, person)
    question = page.get_by_role("dialog")
    expect(question).to_contain_text("One letter is only on this device")
    question.get_by_role("button", name="Cancel").click()
    assert other.evaluate(_SEEN)["letters"] == 1
    leave(page, person)
    question.get_by_role("button", name="Sign out").click()
    for one in (page, other):
        one.wait_for_url(re.compile("/sign-in"))
        assert one.evaluate(_KEPT) == NOTHING_KEPT


def test_a_session_that_ends_hides_the_mail_in_every_tab(
    page: Page, context: BrowserContext, open_context: OpenContext, site: Site, person: Person
) -> None:
    """By themselves, with the tabs' names; the same person goes on where they were, in all."""
    subject = read_something(page, site)
    other = context.new_page()
    read_something(other, site)
    composer = Composer.open(other, site)
    composer.address("bob@example.org", "Half a letter")
    composer.write("To be gone on with.")
    composer.wait_saved()
    assert subject in page.title()
    began = time.monotonic()
    end_others(open_context(), site, person)
    for one in (page, other):
        _, title = sheet_of(one)
        assert title == "Please sign in again"
        assert one.evaluate(_SEEN) == NOTHING
    assert time.monotonic() - began < SECONDS
    other.bring_to_front()
    other.get_by_role("dialog").locator("input[type=password]").fill(person.password)
    other.keyboard.press("Enter")
    expect(other.get_by_role("dialog")).to_have_count(0)
    expect(composer.letter).to_contain_text("To be gone on with.")
    expect(composer.letter).to_be_visible()
    page.bring_to_front()
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert page.evaluate(_SEEN)["reader"]
    assert subject in page.title()


def test_somebody_else_who_signs_in_never_sees_it(
    page: Page, context: BrowserContext, site: Site, person: Person
) -> None:
    """Signed out without scripts, and in again as another: the first one's tab is theirs then."""
    subject = read_something(page, site)
    plain = context.new_page()
    plain.goto(f"{site.url}/basic/")
    plain.get_by_role("button", name="Sign out").click()
    sheet_of(page)
    assert page.evaluate(_SEEN) == NOTHING
    friend = site.new_person(3)
    sign_in(context, site, friend)
    page.bring_to_front()
    page.evaluate("dispatchEvent(new Event('focus'))")
    page.wait_for_url(f"{site.url}/mail/**")
    expect(page.locator(ROWS).first).to_be_visible()
    assert subject not in page.content()
    assert friend.login in page.title()


@pytest.mark.parametrize("width", [1280, 360])
def test_the_sheet_is_usable_by_everybody(
    open_context: OpenContext,
    site: Site,
    person: Person,
    axe: Callable[..., None],
    width: int,
) -> None:
    context = open_context(viewport={"width": width, "height": 800})
    sign_in(context, site, person)
    page = context.new_page()
    open_mail(page, site)
    page.locator(ROWS).first.focus()
    end_others(open_context(), site, person)
    sheet_of(page)
    axe(page)
    expect(page.get_by_role("dialog").locator("input[type=password]")).to_be_focused()
    page.keyboard.type(person.password)
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator(ROWS).first).to_be_focused()
