"""How everything looks where it is looked at otherwise: the system's colours, lines that run to the
left, a page that is enlarged, a language of long words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from support.browsing import sign_in
from support.reading import READER, ROWS, SHOWN, open_mail
from support.web_selection import tick
from support.web_site import Person, Site
from support.writing import Composer

Picture = Callable[..., Path]
OpenContext = Callable[..., BrowserContext]
SIZES = {360: 740, 800: 1000, 1280: 860}
SETTINGS = (
    *("account", "security", "passwords", "sessions", "devices", "appearance", "identities"),
    *("vacation", "rules", "folders", "scheduled", "storage", "restore", "import"),
)
# How an element is told from what is around it: colours as the browser paints them.
_PAINTED = """(one) => {
    const style = getComputedStyle(one)
    return {
        background: style.backgroundColor, color: style.color, outline: style.outlineColor,
        outlined: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0,
        bordered: style.borderTopStyle !== 'none' && parseFloat(style.borderTopWidth) > 0,
    }
}"""
_SYSTEM = """(name) => {
    const one = document.createElement('i')
    one.style.cssText = `forced-color-adjust: none; color: ${name}`
    document.body.append(one)
    const color = getComputedStyle(one).color
    one.remove()
    return color
}"""
# What is broader than the page or cut off at its edges; what may be scrolled itself is not.
_BEYOND = """() => {
    const wide = document.documentElement.clientWidth
    const inside = (one) => {
        for (let up = one.parentElement; up; up = up.parentElement)
            if (getComputedStyle(up).overflowX !== 'visible') return true
        return false
    }
    const beyond = [...document.querySelectorAll('body *')].filter((one) => {
        const box = one.getBoundingClientRect()
        return box.width > 1 && box.height > 1 && (box.left < -1 || box.right > wide + 1)
            && one.checkVisibility({visibilityProperty: true, opacityProperty: true})
            && !one.closest('[data-floating], .under, svg') && !inside(one)
    })
    const scrolled = [...document.querySelectorAll('html, body, body *')].filter((one) =>
        one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 40
        && ['auto', 'scroll'].includes(getComputedStyle(one).overflowX)
        && !one.closest('pre, [data-wide], .source, .toolbar'))
    return [...beyond, ...scrolled].map((one) => one.outerHTML.slice(0, 120))
}"""
# Words that do not fit into what is to be pressed, and are not shortened on purpose.
_CLIPPED = """() => [...document.querySelectorAll(
    'button, .button, [role=tab], [role^=menuitem], [role=option], summary, label, h1, h2, th')]
    .filter((one) => one.checkVisibility({visibilityProperty: true})
        && !one.closest('.unseen, [data-id]') && !one.matches('.unseen')
        && getComputedStyle(one).textOverflow !== 'ellipsis'
        && (one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).display !== 'inline'
            || one.getBoundingClientRect().right > innerWidth + 1))
    .map((one) => `${one.textContent.trim().slice(0, 40)}: ${one.scrollWidth} > ${one.clientWidth}`)
"""


def painted(one: Locator) -> dict[str, Any]:
    """By the browser's own account."""
    found: dict[str, Any] = one.evaluate(_PAINTED)
    return found


def overlap(page: Page, first: str, second: str) -> bool:
    """Whether two things that stand beside one another stand on one another."""
    one, other = (page.locator(name).first.bounding_box() for name in (first, second))
    assert one and other
    across = min(one["x"] + one["width"], other["x"] + other["width"]) - max(one["x"], other["x"])
    down = min(one["y"] + one["height"], other["y"] + other["height"]) - max(one["y"], other["y"])
    return across > 1 and down > 1


def beyond(page: Page) -> list[str]:
    """Elements that one would have to scroll sideways for."""
    found: list[str] = page.evaluate(_BEYOND)
    return found


@pytest.fixture(scope="module")
def reader(site: Site) -> Iterator[Person]:
    """Somebody with mail, read by all tests here and changed by none."""
    person = site.new_person(40)
    site.fill(person, 3, "Projects/Harbour")
    yield person


@pytest.fixture
def open_page(open_context: OpenContext, site: Site, reader: Person) -> Callable[..., Page]:
    """A window of that person's: `open_page(800, locale="de-DE")`."""

    def open_one(width: int, height: int = 0, **options: Any) -> Page:
        size = {"width": width, "height": height or SIZES[width]}
        context = open_context(viewport=size, **options)
        sign_in(context, site, reader)
        return context.new_page()

    return open_one


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_in_the_systems_colours_what_is_chosen_or_focused_is_seen(
    open_page: Callable[..., Page], site: Site, picture: Picture, theme: str
) -> None:
    page = open_page(1280, forced_colors="active", color_scheme=theme)
    open_mail(page, site)
    chosen = page.evaluate(_SYSTEM, "Highlight")
    canvas = page.evaluate(_SYSTEM, "Canvas")
    assert chosen != canvas

    unread = page.locator(".row.unread").first
    assert painted(unread.locator(".dot"))["background"] == chosen
    tick(page, 1)
    row = page.locator(ROWS).nth(1)
    assert painted(row.locator(".face"))["background"] == chosen
    assert painted(page.locator(ROWS).nth(3).locator(".face"))["background"] != chosen
    assert painted(row.locator(".box"))["background"] == page.evaluate(_SYSTEM, "HighlightText")
    page.locator(ROWS).nth(3).focus()
    page.keyboard.press("ArrowDown")
    focused = painted(page.locator(f"{ROWS}:focus"))
    assert focused["outlined"] and focused["outline"] not in (canvas, focused["background"])
    picture(page, f"forced-{theme}-chosen")
    page.keyboard.press("Escape")

    page.locator(ROWS).nth(2).click()
    expect(page.locator(SHOWN).first).to_be_visible()
    assert painted(page.locator(ROWS).nth(2).locator(".face"))["background"] == chosen
    assert painted(page.locator("nav a[aria-current=page]").first)["background"] == chosen
    picture(page, f"forced-{theme}-reader")


@pytest.mark.web_long
def test_in_the_systems_colours_menus_letters_and_notices_have_edges(
    open_page: Callable[..., Page], site: Site, picture: Picture
) -> None:
    page = open_page(1280, forced_colors="active")
    open_mail(page, site)
    page.locator(ROWS).nth(2).click()
    page.locator(READER).get_by_role("button", name="More").first.click()
    menu = page.get_by_role("menu").first
    expect(menu).to_be_visible()
    assert painted(menu)["bordered"]
    assert painted(menu.locator(":focus"))["outlined"]
    picture(page, "forced-menu")
    page.keyboard.press("Escape")
    Composer.open(page, site)
    page.get_by_role("button", name="Bold").click()
    pressed = painted(page.get_by_role("button", name="Bold"))
    assert pressed["background"] == page.evaluate(_SYSTEM, "Highlight")
    picture(page, "forced-composer")
    for section in ("appearance", "folders"):
        page.goto(f"{site.url}/mail/settings/{section}")
        expect(page.locator(".settings h1, .settings h2").first).to_be_visible()
        picture(page, f"forced-settings-{section}")


def test_in_the_systems_colours_the_pages_without_scripts_say_where_one_is(
    open_page: Callable[..., Page], site: Site, picture: Picture
) -> None:
    page = open_page(1280, forced_colors="active")
    chosen = page.goto(f"{site.url}/basic/") and page.evaluate(_SYSTEM, "Highlight")
    assert painted(page.locator("nav#folders a[aria-current=page]"))["background"] == chosen
    page.keyboard.press("Tab")
    assert painted(page.locator(":focus"))["outlined"]
    picture(page, "forced-basic")
    page.context.clear_cookies()
    page.goto(f"{site.url}/sign-in")
    here = painted(page.locator(".languages a[aria-current]"))
    assert here["background"] == chosen and here["color"] == page.evaluate(_SYSTEM, "HighlightText")
    assert painted(page.locator("button:not([hidden])").first)["bordered"]
    picture(page, "forced-sign-in")


def _mirrored(page: Page) -> None:
    """Whatever language the texts are in."""
    page.add_init_script(
        "new MutationObserver(() => { if (document.dir !== 'rtl') document.dir = 'rtl' })"
        ".observe(document, {attributes: true, childList: true, subtree: true})"
    )


def _write(page: Page) -> None:
    """By the key: the button is elsewhere on a phone."""
    page.keyboard.press("c")
    Composer(page).letter.wait_for()


@pytest.mark.parametrize("width", SIZES)
@pytest.mark.web_long
def test_lines_that_run_to_the_left_mirror_the_app(
    open_page: Callable[..., Page], site: Site, picture: Picture, width: int
) -> None:
    page = open_page(width)
    _mirrored(page)
    open_mail(page, site)
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    row = page.locator(ROWS).nth(2)
    tickbox, date = (row.locator(one).bounding_box() for one in (".tick", ".date"))
    assert tickbox and date and tickbox["x"] > date["x"]
    assert not beyond(page)
    picture(page, f"rtl-{width}-list")
    if width == 1280:
        side, listed = (page.locator(one).bounding_box() for one in (".side", "#list"))
        assert side and listed and side["x"] > listed["x"]
    row.click()
    expect(page.locator(SHOWN).first).to_be_visible()
    assert not beyond(page)
    assert not overlap(page, f"{READER} article .from > *", f"{READER} article time")
    picture(page, f"rtl-{width}-reader")
    _write(page)
    assert not beyond(page)
    picture(page, f"rtl-{width}-composer")
    for section in SETTINGS:
        page.goto(f"{site.url}/mail/settings/{section}")
        expect(page.locator(".settings h1, .settings h2").first).to_be_visible()
        expect(page.locator(".settings [aria-busy=true]")).to_have_count(0)
        assert not beyond(page), section
    picture(page, f"rtl-{width}-settings")


def test_a_menu_opens_inside_the_page_on_its_buttons_side(
    open_page: Callable[..., Page], site: Site, picture: Picture
) -> None:
    page = open_page(1280)
    _mirrored(page)
    open_mail(page, site)
    page.locator(".me").click()
    menu = page.get_by_role("menu").first
    expect(menu).to_be_visible()
    button, box = page.locator(".me").bounding_box(), menu.bounding_box()
    assert button and box
    assert abs(box["x"] - button["x"]) < 24, "its end is at the button's end"
    picture(page, "rtl-menu")
    page.keyboard.press("Escape")
    listed = page.locator("#list").bounding_box()
    page.get_by_role("separator").first.focus()
    page.keyboard.press("ArrowLeft")
    wider = page.locator("#list").bounding_box()
    assert listed and wider and wider["width"] > listed["width"]


@pytest.mark.parametrize(("percent", "width", "height"), [(200, 640, 430), (400, 320, 256)])
def test_enlarged_pages_need_no_scrolling_sideways(
    open_page: Callable[..., Page],
    site: Site,
    picture: Picture,
    percent: int,
    width: int,
    height: int,
) -> None:
    """A window of 1280 pixels at that size has so many of its own."""
    page = open_page(width, height, device_scale_factor=percent / 100)
    open_mail(page, site)
    assert not beyond(page)
    picture(page, f"zoom-{percent}-list")
    page.locator(ROWS).nth(2).click()
    expect(page.locator(SHOWN).first).to_be_visible()
    assert not beyond(page)
    assert not overlap(page, f"{READER} article .from > *", f"{READER} article time")
    picture(page, f"zoom-{percent}-reader")
    _write(page)
    assert not beyond(page)
    page.get_by_role("button", name="Send", exact=True).scroll_into_view_if_needed()
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_in_viewport(ratio=0.9)
    picture(page, f"zoom-{percent}-composer")
    for section in SETTINGS:
        page.goto(f"{site.url}/mail/settings/{section}")
        expect(page.locator(".settings h1, .settings h2").first).to_be_visible()
        expect(page.locator(".settings [aria-busy=true]")).to_have_count(0)
        assert not beyond(page), section
    picture(page, f"zoom-{percent}-settings")
    for path in ("/basic/", "/account/security", "/sign-in?next=/basic/"):
        page.goto(f"{site.url}{path}")
        assert not beyond(page), path


@pytest.mark.parametrize("width", SIZES)
@pytest.mark.web_long
def test_german_words_are_not_cut_off(
    open_page: Callable[..., Page], site: Site, picture: Picture, width: int
) -> None:
    page = open_page(width, locale="de-DE")
    open_mail(page, site)
    expect(page.locator("html")).to_have_attribute("lang", "de")
    assert not page.evaluate(_CLIPPED)
    tick(page, 1)
    assert not page.evaluate(_CLIPPED)
    page.keyboard.press("Escape")
    page.locator(ROWS).nth(2).click()
    expect(page.locator(SHOWN).first).to_be_visible()
    assert not page.evaluate(_CLIPPED)
    picture(page, f"de-{width}-reader")
    for section in SETTINGS:
        page.goto(f"{site.url}/mail/settings/{section}")
        expect(page.locator(".settings h1, .settings h2").first).to_be_visible()
        expect(page.locator(".settings [aria-busy=true]")).to_have_count(0)
        assert not page.evaluate(_CLIPPED), section
        assert not beyond(page), section
    picture(page, f"de-{width}-settings")
