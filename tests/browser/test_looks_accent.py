"""The administrator's accent is on every page, in both themes, and no policy objects to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from support.browsing import sign_in, watch_faults, wrong_for_axe
from support.reading import ROWS, open_mail
from support.web_site import Site, running_site

COLORS = {"light": "#7b1fa2", "dark": "#ffb74d"}
INKS = {"light": "rgb(255, 255, 255)", "dark": "rgb(13, 17, 23)"}
_PAINTED = "(one) => [getComputedStyle(one).backgroundColor, getComputedStyle(one).color]"


def _rgb(color: str) -> str:
    return f"rgb({', '.join(str(int(color[at : at + 2], 16)) for at in (1, 3, 5))})"


@pytest.fixture(scope="module")
def coloured_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """With an accent for each theme."""
    accents = {"accent": COLORS["light"], "accent_dark": COLORS["dark"]}
    folder = tmp_path_factory.mktemp("accent")
    with running_site(folder, settings={"web": accents}) as running:
        running.fill(running.alice, 5)
        yield running


def _button(page: Page, selector: str) -> tuple[str, str]:
    background, color = page.locator(selector).first.evaluate(_PAINTED)
    return background, color


@pytest.mark.parametrize("theme", COLORS)
def test_buttons_have_the_accent_and_words_that_can_be_read(
    coloured_site: Site,
    open_context: Callable[..., BrowserContext],
    picture: Callable[[Page, str], Path],
    theme: str,
) -> None:
    site = coloured_site
    context = open_context(color_scheme=theme)
    wanted = (_rgb(COLORS[theme]), INKS[theme])
    page = context.new_page()
    faults = watch_faults(page)
    page.goto(f"{site.url}/sign-in")
    assert _button(page, "main button:not(.quiet)") == wanted
    assert not wrong_for_axe(page)
    sign_in(context, site, site.alice)
    open_mail(page, site)
    assert _button(page, ".button.primary") == wanted
    page.locator(ROWS).nth(1).click()
    expect(page.locator(".row.open")).to_be_visible()
    assert not wrong_for_axe(page)
    picture(page, f"accent-{theme}")
    page.goto(f"{site.url}/basic/")
    assert page.locator(".bar a").nth(1).evaluate(_PAINTED)[1] == wanted[0]
    assert not faults


@pytest.mark.web_long
def test_somebodys_own_theme_has_its_accent_whatever_the_system_says(
    coloured_site: Site, open_context: Callable[..., BrowserContext]
) -> None:
    context = open_context(color_scheme="dark")
    sign_in(context, coloured_site, coloured_site.alice)
    page = context.new_page()
    open_mail(page, coloured_site)
    page.evaluate("document.documentElement.dataset.theme = 'light'")
    expect(page.locator(".button.primary").first).to_have_css(
        "background-color", _rgb(COLORS["light"])
    )


def test_the_sheet_is_kept_for_ever_under_its_own_address(coloured_site: Site, page: Page) -> None:
    page.goto(f"{coloured_site.url}/sign-in")
    path = page.locator("link[href*='accent.css']").get_attribute("href")
    assert path
    assert "immutable" in page.request.get(coloured_site.url + path).headers["cache-control"]
    older = page.request.get(f"{coloured_site.url}/assets/accent.css?v=older")
    assert older.headers["cache-control"] == "no-cache"
    assert COLORS["dark"] in older.text()


def test_without_an_accent_there_is_no_sheet(site: Site, page: Page) -> None:
    page.goto(f"{site.url}/sign-in")
    assert page.locator("link[href*='accent.css']").count() == 0
    open_mail(page, site)
    assert page.locator("link[href*='accent.css']").count() == 0
