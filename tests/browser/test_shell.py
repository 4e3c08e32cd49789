"""The app's page and its files, as a browser gets them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, Response, expect

from pillarbox.web.app.build import current_build
from support.browsing import sign_in
from support.reading import open_mail
from support.web_site import Person, Site

pytestmark = pytest.mark.skipif(current_build() is None, reason="no front end was built")


def asked_for(page: Page) -> list[Response]:
    """A list that grows by the answers that the page gets."""
    found: list[Response] = []

    def take(answer: Response) -> None:  # Playwright marks what it calls; a method takes no mark
        found.append(answer)

    page.on("response", take)
    return found


@pytest.mark.context(service_workers="block")
def test_the_first_list_comes_with_the_page(site: Site, page: Page) -> None:
    """No method call is answered here, and the rows are there; at most six requests (web.md §5)."""
    page.route("**/jmap/**", lambda route: None)
    page.route("**/account/**", lambda route: None)
    before = asked_for(page)
    page.goto(f"{site.url}/mail/")
    expect(page.locator("[role=row][data-id]").first).to_be_visible()
    assert 0 < len(before) <= 6, [one.url for one in before]
    files = [one for one in before if "/assets/" in one.url]
    assert files
    for one in files:
        headers = one.all_headers()
        assert "immutable" in headers["cache-control"], one.url
        is_text = any(word in headers["content-type"] for word in ("script", "css"))
        assert headers.get("content-encoding") in ("br", "gzip") or not is_text, one.url


@pytest.mark.context(service_workers="block")
def test_files_are_not_fetched_twice(site: Site, page: Page) -> None:
    page.goto(f"{site.url}/mail/")
    expect(page.locator("[role=row][data-id]").first).to_be_visible()
    page.goto(f"{site.url}/mail/")
    expect(page.locator("[role=row][data-id]").first).to_be_visible()
    sizes = page.evaluate(
        "performance.getEntriesByType('resource').filter(e => e.name.includes('/assets/'))"
        ".map(e => [e.name, e.transferSize])"
    )
    assert sizes and not [one for one in sizes if one[1] > 0]


def test_without_scripts_the_page_leads_to_basic(
    site: Site, open_context: Callable[..., BrowserContext], person: Person
) -> None:
    page = open_context(java_script_enabled=False).new_page()
    sign_in(page.context, site, person)
    page.goto(f"{site.url}/mail/")
    page.click("noscript a")
    expect(page.locator("h1")).to_have_text("Inbox")


def test_nobody_gets_it_without_signing_in(
    site: Site, open_context: Callable[..., BrowserContext]
) -> None:
    page = open_context().new_page()
    page.goto(f"{site.url}/mail/inbox")
    assert page.url.endswith("/sign-in?next=/mail/inbox")


@pytest.mark.page_faults
def test_what_the_policy_forbids_is_reported(page: Page, site: Site) -> None:
    """The browser does so by itself, and the server takes it without a word of our page's."""
    open_mail(page, site)
    with page.expect_response("**/policy-report") as told:
        page.evaluate("new Image().src = 'http://127.0.0.1:9/pixel.gif'")
    assert told.value.status == 204
