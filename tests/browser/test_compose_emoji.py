"""Emoji: found by name or by kind, with the pointer or by keys, in both editors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from support.browsing import THEMES, sign_in
from support.web_site import Person, Site
from support.writing import Composer, letters_of

PARTY = "🎉"


def _picker(page: Page, name: str = "Emoji") -> Locator:
    return page.get_by_role("dialog", name=name)


def test_by_keys_at_the_cursor(page: Page, site: Site, person: Person) -> None:
    """Ctrl and the full stop, a word, Enter; writing goes on behind it."""
    composer = Composer.open(page, site)
    composer.address("bob@example.org", "A feast")
    composer.write("Come! Bring cake.")
    for _ in "Bring cake.":
        page.keyboard.press("ArrowLeft")
    page.keyboard.press("Control+.")
    search = _picker(page).get_by_role("searchbox")
    expect(search).to_be_focused()
    page.keyboard.type("party pop")
    expect(_picker(page).get_by_role("gridcell")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(_picker(page)).to_have_count(0)
    expect(composer.letter).to_be_focused()
    page.keyboard.type(" ")
    expect(composer.letter).to_contain_text(f"Come! {PARTY} Bring cake.")
    composer.wait_saved()
    [letter] = letters_of(site, person, "Drafts", "A feast")
    assert f"Come! {PARTY} Bring cake." in letter.get_body(("plain",)).get_content()


@pytest.mark.web_long
def test_arrows_lead_through_the_grid(page: Page, site: Site, person: Person) -> None:
    """Down from the field, right, down a row, up again into the field; Escape leaves the letter."""
    composer = Composer.open(page, site)
    composer.write("x")
    page.keyboard.press("Control+.")
    cells = _picker(page).get_by_role("gridcell")
    expect(cells.first).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(cells.nth(0)).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    expect(cells.nth(9)).to_be_focused()
    page.keyboard.press("Home")
    expect(cells.nth(8)).to_be_focused()
    name = cells.nth(8).get_attribute("aria-label")
    assert name is not None and len(name) > 3
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(_picker(page).get_by_role("searchbox")).to_be_focused()
    page.keyboard.press("Tab")
    tabs = _picker(page).get_by_role("tab")
    expect(tabs.first).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(_picker(page).get_by_role("tab", name="People")).to_have_attribute(
        "aria-selected", "true"
    )
    expect(_picker(page).get_by_role("grid", name="People")).to_be_visible()
    page.keyboard.press("Escape")
    expect(_picker(page)).to_have_count(0)
    expect(composer.window).to_have_count(1)
    expect(composer.letter).to_be_focused()


def test_several_into_plain_text(page: Page, site: Site, person: Person) -> None:
    """With Shift it stays open for the next one."""
    composer = Composer.open(page, site)
    composer.window.get_by_role("button", name="Plain text").click()
    text = composer.window.get_by_role("textbox", name="Message text")
    text.fill("ab")
    text.press("Home")
    text.press("ArrowRight")
    composer.window.get_by_role("button", name="Emoji", exact=True).click()
    expect(_picker(page).get_by_role("searchbox")).to_be_focused()
    expect(_picker(page).get_by_role("gridcell").first).to_be_visible()
    page.keyboard.type("party pop")
    page.keyboard.press("Shift+Enter")
    page.keyboard.press("Enter")
    expect(text).to_have_value(f"a{PARTY}{PARTY}b")
    expect(text).to_be_focused()


@pytest.mark.parametrize(
    ("locale", "word", "name"),
    [
        ("de-DE", "konfetti", "Konfettibombe"),
        ("es-ES", "confeti", "cañón de confeti"),
        ("zh-CN", "庆祝", "拉炮彩带"),
    ],
)
@pytest.mark.web_long
def test_they_have_names_in_the_language_of_the_page(
    open_context: Callable[..., BrowserContext],
    site: Site,
    person: Person,
    locale: str,
    word: str,
    name: str,
) -> None:
    """What is typed, and what is read out."""
    context = open_context(locale=locale)
    sign_in(context, site, person)
    page = context.new_page()
    page.goto(f"{site.url}/mail/")
    page.locator("[role=grid] [role=row]").first.wait_for()
    page.keyboard.press("c")
    page.locator("section.sheet iframe").wait_for()
    page.keyboard.press("Control+.")
    page.get_by_role("searchbox").last.fill(word)
    cell = page.get_by_role("gridcell", name=name, exact=True)
    expect(cell).to_have_text(PARTY)


@pytest.mark.web_long
def test_without_its_file_it_says_so(page: Page, site: Site, person: Person) -> None:
    """And the letter goes on."""
    page.route("**/assets/en-*.json", lambda route: route.abort())
    composer = Composer.open(page, site)
    composer.write("x")
    page.keyboard.press("Control+.")
    expect(_picker(page).get_by_text("could not be loaded")).to_be_visible()


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.web_long
def test_axe_finds_nothing(
    page: Page,
    site: Site,
    person: Person,
    axe: Callable[..., None],
    picture: Callable[[Page, str], Path],
    theme: str,
    width: int,
) -> None:
    """In both themes, and it is within the window on a telephone."""
    page.set_viewport_size({"width": width, "height": 740})
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    page.goto(f"{site.url}/mail/")
    page.get_by_role("button", name="Write").click()
    composer = Composer(page)
    composer.letter.wait_for()
    composer.window.get_by_role("button", name="Emoji", exact=True).click()
    cells = _picker(page).get_by_role("gridcell")
    expect(cells.first).to_be_visible()
    box = _picker(page).bounding_box()
    assert box is not None
    assert box["x"] >= 0 and box["x"] + box["width"] <= width and box["y"] >= 0
    axe(page, f"emoji, {theme}, {width}")
    picture(page, f"compose-emoji-{theme}-{width}")
