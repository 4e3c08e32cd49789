"""OPEN-6: a page that is older than its server finds its way to the new one (web.md §2.3)."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from support.old_build import OldBuild, count_starts
from support.reading import ROWS, open_mail
from support.web_site import Site
from support.writing import Composer

# The service worker keeps the files of an old build; here it is not there yet.
pytestmark = pytest.mark.context(service_workers="block")


@pytest.fixture
def old(context: BrowserContext) -> OldBuild:
    """What the context sees until `update`."""
    return OldBuild(context)


def go_to_settings(page: Page) -> None:
    page.get_by_role("button", name=re.compile("^Account")).click()
    page.get_by_role("menuitem", name="Settings").click()


def test_open_6_one_reload_and_the_letter_is_intact(site: Site, old: OldBuild, page: Page) -> None:
    """A letter is open, half of it typed just now; then a part is needed that is gone."""
    composer = Composer.open(page, site)
    composer.address("bob@example.org", "Half a letter")
    composer.write("Saved before. ")
    composer.wait_saved()
    starts = count_starts(page)
    old.update()
    composer.letter.click()
    page.keyboard.press("Control+End")
    page.keyboard.type("Typed just before.")
    page.wait_for_timeout(1000)  # what is typed is kept on the device after a second at most
    go_to_settings(page)
    expect(page.get_by_role("heading", name="Overview").first).to_be_visible()
    expect(composer.letter).to_contain_text("Saved before. Typed just before.")
    expect(composer.window.get_by_role("textbox", name="Subject")).to_have_value("Half a letter")
    assert any(name.startswith("Settings") for name in old.missed), old.missed
    assert len(starts) == 1, starts


@pytest.mark.web_long
def test_open_6_a_part_that_the_page_fetches_by_itself(
    site: Site, old: OldBuild, page: Page
) -> None:
    """Updated right after the start: the composer's code is gone before it was needed."""
    open_mail(page, site)
    starts = count_starts(page)
    old.update()
    page.wait_for_event("domcontentloaded")
    expect(page.locator(ROWS).first).to_be_visible()
    Composer.open(page, site).write("Hello")
    assert any(name.startswith("Composer") for name in old.missed), old.missed
    assert len(starts) == 1, starts


@pytest.mark.web_long
def test_open_6_no_second_reload_where_the_part_is_missing_still(
    site: Site, old: OldBuild, page: Page
) -> None:
    """A broken installation: the page says so and stays."""
    open_mail(page, site)
    starts = count_starts(page)
    old.update()
    old.lose("Settings")
    go_to_settings(page)
    page.wait_for_event("domcontentloaded")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("could not be loaded")
    expect(alert.get_by_role("button", name="Reload")).to_be_visible()
    page.wait_for_timeout(4000)
    assert len(starts) == 1, starts


@pytest.mark.web_long
def test_open_6_a_network_that_is_gone_is_no_update(
    site: Site, context: BrowserContext, page: Page
) -> None:
    """A part cannot be fetched, but by no fault of the page: what it shows stays."""
    open_mail(page, site)
    starts = count_starts(page)
    context.set_offline(True)
    page.wait_for_timeout(4000)  # the composer's code is fetched meanwhile
    assert starts == []
    expect(page.locator(ROWS).first).to_be_visible()
    context.set_offline(False)
    Composer.open(page, site).write("Hello")
    assert starts == []
