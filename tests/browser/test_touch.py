"""With a finger: a row that is held is chosen and not opened."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, CDPSession, Locator, Page, expect

from support.browsing import sign_in
from support.reading import ROWS, open_mail
from support.web_site import Person, Site

OpenContext = Callable[..., BrowserContext]
HELD_MS = 700


@pytest.fixture
def phone(open_context: OpenContext, site: Site, person: Person) -> Page:
    """Signed in, with the list of the inbox."""
    context = open_context(viewport={"width": 390, "height": 780}, has_touch=True, is_mobile=True)
    sign_in(context, site, person)
    page = context.new_page()
    open_mail(page, site)
    return page


def test_a_row_that_is_held_is_chosen(phone: Page) -> None:
    """Then a tap chooses another, and the last one taken away ends it."""
    finger = phone.context.new_cdp_session(phone)
    first, second = phone.locator(ROWS).nth(0), phone.locator(ROWS).nth(1)
    hold(phone, finger, first)
    expect(phone.get_by_role("toolbar")).to_contain_text("1 selected")
    expect(phone).to_have_url(re.compile("/mail/inbox$"))
    second.tap()
    expect(phone.get_by_role("toolbar")).to_contain_text("2 selected")
    for row in (second, first):
        row.tap()
    expect(phone.get_by_role("toolbar")).to_have_count(0)
    first.tap()
    expect(phone.get_by_role("button", name="Reply", exact=True).first).to_be_visible()


def test_a_row_that_is_scrolled_is_not_chosen(phone: Page) -> None:
    """However long the finger stays on it."""
    finger = phone.context.new_cdp_session(phone)
    hold(phone, finger, phone.locator(ROWS).nth(3), moved=-60)
    expect(phone.get_by_role("toolbar")).to_have_count(0)


def hold(page: Page, finger: CDPSession, row: Locator, moved: int = 0) -> None:
    """Down, perhaps drawn up or down, and up again after a while."""
    box = row.bounding_box()
    assert box is not None
    point = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    finger.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
    if moved:
        point["y"] += moved
        finger.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
    page.wait_for_timeout(HELD_MS)
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
