"""A letter in a window of its own: nothing is lost on the way there, nor when it is closed."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from support.browsing import THEMES
from support.web_site import Person, Site
from support.writing import Composer, letters_of, until, wait_for_letters

pytestmark = pytest.mark.timed

POP_OUT = "Open in a window of its own"
CLOSE = "Close and keep as draft"
PLAN = {"name": "plan.txt", "mimeType": "text/plain", "buffer": b"A plan"}


@pytest.fixture
def friend(site: Site) -> Person:
    """Whom one writes to."""
    return site.new_person(0)


def _pop_out(page: Page, composer: Composer) -> Composer:
    """By the button; the letter in its own window."""
    with page.expect_popup() as opened:
        composer.window.get_by_role("button", name=POP_OUT).click()
    return _shown(opened.value)


def _shown(page: Page) -> Composer:
    made = Composer(page)
    made.field("To").wait_for()
    return made


def _subject(composer: Composer) -> str:
    return composer.window.get_by_role("textbox", name="Subject").input_value()


def test_everything_typed_goes_along(page: Page, site: Site, person: Person) -> None:
    """The last word, too, half an address, and a file; and the server has it once."""
    composer = Composer.open(page, site)
    composer.address("bob@example.org", "On its way")
    composer.attach(PLAN)
    composer.window.get_by_role("button", name="Cc", exact=True).click()
    composer.field("Cc").fill("carol at home")
    composer.write("Dear Bob, the last word is here")
    other = _pop_out(page, composer)
    expect(composer.window).to_have_count(0)
    expect(other.letter).to_contain_text("Dear Bob, the last word is here")
    assert re.search(r"/mail/letter/[0-9a-f-]{36}$", other.page.url)
    assert _subject(other) == "On its way"
    expect(other.window.get_by_text("bob@example.org", exact=True)).to_be_visible()
    expect(other.window.get_by_text("plan.txt")).to_be_visible()
    expect(other.field("Cc")).to_have_value("carol at home")
    expect(other.page).to_have_title("On its way")
    other.field("Cc").fill("")
    other.write("Once more. ")
    other.wait_saved()
    [letter] = letters_of(site, person, "Drafts", "On its way")
    assert "Once more. Dear Bob, the last word is here" in letter.get_body(("plain",)).get_content()
    assert [part.get_filename() for part in letter.iter_attachments()] == ["plan.txt"]


def test_a_closed_window_leaves_a_draft(page: Page, site: Site, person: Person) -> None:
    """By the browser's own button, with a word that no server has seen."""
    composer = Composer.open(page, site)
    composer.address("bob@example.org", "Shut")
    composer.wait_saved()
    other = _pop_out(page, composer)
    other.write("The last word")
    other.page.wait_for_timeout(1_000)  # as long as it may take until this device has it
    other.page.close()
    expect(page.get_by_text("Kept in Drafts")).to_be_visible()
    [letter] = letters_of(site, person, "Drafts", "Shut")
    assert "The last word" in letter.get_body(("plain",)).get_content()
    page.reload()
    page.wait_for_timeout(4_000)
    expect(page.get_by_role("button", name="Go on writing")).to_have_count(0)


@pytest.mark.web_long
def test_its_own_button_closes_the_window(page: Page, site: Site, person: Person) -> None:
    """As Escape does; the draft is on the server, and can be opened beside the list."""
    composer = Composer.open(page, site)
    composer.address("bob@example.org", "By Escape")
    other = _pop_out(page, composer)
    other.write("Enough")
    with other.page.expect_event("close"):
        other.page.keyboard.press("Escape")
    found = until(
        lambda: letters_of(site, person, "Drafts", "By Escape"), lambda found: len(found) == 1
    )
    assert "Enough" in found[0].get_body(("plain",)).get_content()


@pytest.mark.web_long
def test_an_untouched_letter_leaves_nothing(page: Page, site: Site, person: Person) -> None:
    """Neither in Drafts nor on this device."""
    composer = Composer.open(page, site)
    other = _pop_out(page, composer)
    other.letter.wait_for()
    other.page.close()
    page.wait_for_timeout(1_500)
    assert letters_of(site, person, "Drafts", "") == []
    page.reload()
    page.wait_for_timeout(4_000)
    expect(page.get_by_role("button", name="Go on writing")).to_have_count(0)


@pytest.mark.web_long
def test_it_survives_a_reload_of_either_window(page: Page, site: Site, person: Person) -> None:
    """Each shows what it showed: the letter is never in both, nor offered as left behind."""
    composer = Composer.open(page, site)
    composer.address("bob@example.org", "Twice")
    other = _pop_out(page, composer)
    other.write("Still here")
    other.wait_saved()
    other.page.reload()
    expect(other.letter).to_contain_text("Still here")
    page.reload()
    page.wait_for_timeout(4_000)
    expect(composer.window).to_have_count(0)
    expect(page.get_by_role("button", name="Go on writing")).to_have_count(0)


def test_what_is_sent_there_is_taken_back_here(
    page: Page, site: Site, person: Person, friend: Person
) -> None:
    """The window goes; the list offers the undo, and has the letter again."""
    composer = Composer.open(page, site)
    composer.address(friend.login, "Not yet")
    other = _pop_out(page, composer)
    other.write("I resign.")
    with other.page.expect_event("close"):
        other.send()
    composer.undo.click()
    expect(composer.letter).to_contain_text("I resign.")
    assert _subject(composer) == "Not yet"
    page.wait_for_timeout(12_000)  # longer than it would have been held
    assert letters_of(site, friend, "INBOX", "Not yet") == []


@pytest.mark.web_long
def test_it_arrives_once(page: Page, site: Site, person: Person, friend: Person) -> None:
    """Sent over there, by the keyboard alone."""
    composer = Composer.open(page, site)
    button = composer.window.get_by_role("button", name=POP_OUT)
    button.focus()
    with page.expect_popup() as opened:
        page.keyboard.press("Enter")
    other = _shown(opened.value)
    keys = other.page.keyboard
    expect(other.field("To")).to_be_focused()
    keys.type(friend.login)
    keys.press("Enter")
    other.window.get_by_role("textbox", name="Subject").focus()
    keys.type("By keys")
    with other.page.expect_event("close"):
        keys.press("Control+Enter")
    assert len(wait_for_letters(site, friend, "INBOX", "By keys", seconds=40)) == 1
    page.wait_for_timeout(1_000)
    assert len(letters_of(site, friend, "INBOX", "By keys")) == 1
    assert letters_of(site, person, "Drafts", "By keys") == []


@pytest.mark.web_long
def test_without_its_first_window_it_sends_by_itself(
    page: Page, site: Site, person: Person, friend: Person
) -> None:
    """And offers the undo itself, until it is final."""
    composer = Composer.open(page, site)
    composer.address(friend.login, "Alone")
    other = _pop_out(page, composer)
    other.write("Nobody else is there.")
    page.close()
    other.send()
    other.undo.click()
    expect(other.letter).to_contain_text("Nobody else is there.")
    with other.page.expect_event("close", timeout=60_000):
        other.send()
        expect(other.page.get_by_text("Message sent")).to_be_visible()
    assert len(wait_for_letters(site, friend, "INBOX", "Alone", seconds=40)) == 1


@pytest.mark.web_long
def test_where_no_window_opens_the_letter_stays(page: Page, site: Site, person: Person) -> None:
    """And says why."""
    page.add_init_script("window.open = () => null")
    composer = Composer.open(page, site)
    composer.address("bob@example.org", "Blocked")
    composer.write("Still here")
    composer.window.get_by_role("button", name=POP_OUT).click()
    alert = composer.window.get_by_role("alert")
    expect(alert).to_contain_text("Your browser did not open a new window")
    expect(composer.letter).to_contain_text("Still here")
    composer.wait_saved()


@pytest.mark.web_long
def test_a_letter_that_is_not_here_is_said_to_be_gone(
    page: Page, site: Site, person: Person
) -> None:
    """An old address leads to Drafts."""
    page.goto(f"{site.url}/mail/letter/00000000-0000-4000-8000-000000000000")
    expect(page.get_by_role("alert")).to_contain_text("no longer here")
    page.get_by_role("link", name="Drafts").click()
    expect(page).to_have_url(f"{site.url}/mail/drafts")


@pytest.mark.web_long
def test_its_draft_leads_to_its_window(page: Page, site: Site, person: Person) -> None:
    """Opened from Drafts meanwhile, it is not open twice."""
    composer = Composer.open(page, site)
    composer.address("bob@example.org", "In another window")
    composer.wait_saved()
    other = _pop_out(page, composer)
    other.write("Here. ")
    other.wait_saved()
    page.get_by_role("link", name=re.compile("^Drafts")).click()
    page.get_by_text("In another window").first.click()
    page.get_by_role("button", name="Edit", exact=True).click()
    page.wait_for_timeout(1_000)
    expect(composer.window).to_have_count(0)
    expect(other.window).to_have_count(1)


@pytest.mark.context(viewport={"width": 390, "height": 800}, has_touch=True)
@pytest.mark.web_long
def test_a_telephone_has_no_such_button(page: Page, site: Site, person: Person) -> None:
    """There the letter has the whole window already."""
    page.goto(f"{site.url}/mail/")
    page.get_by_role("button", name="Write").click()
    composer = _shown(page)
    composer.window.get_by_role("button", name="Formatting").click()
    expect(composer.window.get_by_role("toolbar")).to_be_visible()
    expect(composer.window.get_by_role("button", name=POP_OUT)).to_have_count(0)
    expect(composer.window.get_by_role("button", name="Large window")).to_have_count(0)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.web_long
def test_axe_finds_nothing(
    page: Page,
    site: Site,
    person: Person,
    axe: Callable[..., None],
    picture: Callable[[Page, str], Path],
    theme: Literal["light", "dark"],
) -> None:
    """In both themes."""
    page.emulate_media(color_scheme=theme)
    composer = Composer.open(page, site)
    composer.address("bob@example.org", "For everybody")
    axe(page, f"docked, {theme}")
    picture(page, f"compose-docked-{theme}")
    with page.expect_popup() as opened:
        composer.window.get_by_role("button", name=POP_OUT).click()
    other = _shown(opened.value)
    other.page.emulate_media(color_scheme=theme)
    other.write("Dear Bob,")
    other.wait_saved()
    color = "e => getComputedStyle(e).backgroundColor"
    is_white = other.frame.locator("html").evaluate(color) == "rgb(255, 255, 255)"
    assert is_white == (theme == "light")
    axe(other.page, f"own window, {theme}")
    picture(other.page, f"compose-window-{theme}")
