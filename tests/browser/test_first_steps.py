"""What a new account is asked for: SIGN-5, three steps for a start, and REC-5, a way back in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from support.browsing import sign_in
from support.reading import open_mail
from support.way_back import sign_in_by_page
from support.web_site import Person, Site

OpenContext = Callable[..., BrowserContext]
STEPS = {
    "A way back in": "Sign-in and recovery",
    "A second step": "Sign-in and recovery",
    "Your phone and computer": "Phones and programs",
}


def steps(page: Page) -> Locator:
    return page.get_by_role("region", name="Three steps for a start")


def banner(page: Page) -> Locator:
    return page.get_by_role("status").filter(has_text="forget your password")


def state(context: BrowserContext, site: Site) -> dict[str, object]:
    found: dict[str, object] = context.request.get(f"{site.url}/account/state").json()
    return found


@pytest.mark.web_long
def test_sign_5_the_first_sign_in_offers_three_steps(
    open_context: OpenContext, site: Site, person: Person
) -> None:
    """Each leads to its page; skipped, they are gone for good, in every browser."""
    page = open_context().new_page()
    sign_in_by_page(page, site, person)
    expect(steps(page)).to_be_visible()
    links = steps(page).get_by_role("link")
    expect(links).to_have_count(3)
    for number, heading in enumerate(STEPS.values()):
        links.nth(number).click()
        expect(page.get_by_role("heading", name=heading, exact=True).first).to_be_visible()
        page.goto(f"{site.url}/mail/")
    expect(steps(page)).to_be_visible()
    steps(page).get_by_role("button", name="Skip for now").click()
    expect(steps(page)).to_have_count(0)
    page.wait_for_function("fetch('/account/state').then(a => a.json()).then(s => s.checklistDone)")
    open_mail(page, site)
    expect(steps(page)).to_have_count(0)
    other = open_context()
    sign_in(other, site, person)
    again = other.new_page()
    open_mail(again, site)
    expect(steps(again)).to_have_count(0)


@pytest.mark.web_long
def test_rec_5_who_has_no_way_back_is_told_until_there_is_one(
    page: Page, context: BrowserContext, site: Site, person: Person
) -> None:
    """Put away for thirty days, in every browser; then it is there again; a method ends it."""
    csrf = str(state(context, site)["csrf"])
    headers = {"X-Csrf-Token": csrf}
    context.request.post(f"{site.url}/account/checklist", data={"done": True}, headers=headers)
    open_mail(page, site)
    expect(banner(page)).to_be_visible()
    banner(page).get_by_role("button", name="Set up a way back").click()
    expect(page.get_by_role("heading", name="Recovery address")).to_be_visible()
    open_mail(page, site)
    with page.expect_response("**/account/preferences"):
        banner(page).get_by_role("button", name="Close").click()
    expect(banner(page)).to_have_count(0)
    open_mail(page, site)
    expect(banner(page)).to_have_count(0)

    url = f"{site.url}/account/preferences"
    kept = context.request.get(url).json()
    [name] = [key for key in kept if key.startswith("recovery") or "WayBack" in key]
    now = datetime.now(UTC)
    for days, is_shown in ((29, False), (31, True)):
        kept[name] = (now - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
        assert context.request.put(url, data=kept, headers=headers).ok
        open_mail(page, site)
        expect(banner(page)).to_have_count(1 if is_shown else 0)
    made = context.request.post(f"{site.url}/account/recovery/codes", headers=headers)
    assert made.ok, made.text()
    open_mail(page, site)
    expect(banner(page)).to_have_count(0)
