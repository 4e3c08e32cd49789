"""What pages tell of what was done, and of what could not be had for a while."""

from __future__ import annotations

from collections.abc import Callable
from email.message import EmailMessage
from email.policy import SMTP

from playwright.sync_api import BrowserContext, Page, expect

from support.browsing import sign_in
from support.web_site import Person, Site


def test_muting_says_what_it_means(page: Page, site: Site, person: Person) -> None:
    """By its words, by the row, and by the button that takes it back."""
    page.goto(f"{site.url}/mail/inbox")
    page.get_by_role("row").nth(1).click()
    page.get_by_role("button", name="Mute", exact=True).click()
    expect(page.get_by_text("answers go to the Archive")).to_be_visible()
    expect(page.locator("[role=row][aria-label*='Muted']")).to_have_count(1)
    page.get_by_role("button", name="Unmute", exact=True).click()
    expect(page.get_by_text("No longer muted")).to_be_visible()
    expect(page.locator("[role=row][aria-label*='Muted']")).to_have_count(0)


def test_files_that_could_not_be_listed_are_asked_for_again(
    page: Page, context: BrowserContext, site: Site, person: Person
) -> None:
    """By itself, once there is a connection."""
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "bob@example.org", person.login, "With a plan"
    made.set_content("See the plan.")
    made.add_attachment(b"A plan", "text", "plain", filename="plan.txt")
    site.send(person, made.as_bytes(policy=SMTP), sender="bob@example.org")
    page.goto(f"{site.url}/mail/inbox")
    row = page.get_by_text("With a plan").first
    row.wait_for()
    page.wait_for_timeout(500)
    context.set_offline(True)
    row.click()
    expect(page.get_by_text("could not be listed")).to_be_visible(timeout=20_000)
    context.set_offline(False)
    expect(page.get_by_text("plan.txt")).to_be_visible(timeout=30_000)
    expect(page.get_by_text("could not be listed")).to_have_count(0)


def test_equal_attempts_to_sign_in_are_counted(
    page: Page,
    open_context: Callable[..., BrowserContext],
    site: Site,
    person: Person,
) -> None:
    """Of an hour: one line, which says how many they were."""
    sign_in(open_context(), site, person)
    page.goto(f"{site.url}/mail/settings/sessions")
    expect(page.get_by_text("times since")).to_be_visible()
