"""At 400 %, where a window of 1280 by 1024 has room for 320 by 256 (WCAG 2.2, 1.4.10)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from support.browsing import sign_in
from support.reading import ROWS, body, open_mail
from support.web_site import Person, Site

OpenContext = Callable[..., BrowserContext]
SIZE = {"width": 320, "height": 256}
_ROWS_SEEN = """rows => rows.filter(row => {
    const box = row.getBoundingClientRect()
    const middle = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2)
    return middle && row.contains(middle)
}).length"""
_TOO_WIDE = "document.scrollingElement.scrollWidth > innerWidth"


@pytest.fixture
def small(open_context: OpenContext, site: Site, person: Person) -> Page:
    """Signed in for the first time, so that the steps of a first day want room, too."""
    context = open_context(viewport=SIZE)
    sign_in(context, site, person)
    return context.new_page()


def test_mail_is_read_and_answered_at_four_times_the_size(small: Page, site: Site) -> None:
    """Rows can be seen and pressed beside everything else, and nothing is cut off at the side."""
    open_mail(small, site)
    expect(small.get_by_role("region", name="Three steps for a start")).to_be_visible()
    assert small.locator(ROWS).evaluate_all(_ROWS_SEEN) >= 1
    assert not small.evaluate(_TOO_WIDE)
    small.get_by_role("button", name="Skip for now").click()
    small.get_by_role("status").get_by_role("button", name="Close").click()  # no way back yet
    expect(small.get_by_role("status").get_by_role("button")).to_have_count(0)
    assert small.locator(ROWS).evaluate_all(_ROWS_SEEN) >= 2
    small.locator(ROWS).first.click()
    expect(body(small).locator("body")).to_contain_text("harbour")
    small.get_by_role("button", name="Reply", exact=True).first.click()
    text = small.get_by_role("textbox").last
    expect(text).to_be_in_viewport()
    small.keyboard.type("Thank you.")
    small.get_by_role("button", name="Send", exact=True).click()
    expect(small.get_by_text("Message sent")).to_be_visible()
    assert not small.evaluate(_TOO_WIDE)
