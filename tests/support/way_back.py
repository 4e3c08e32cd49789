"""Who forgot a password, as a person does it: letters that went elsewhere, links, pages."""

from __future__ import annotations

import email
import re
import time
from email.message import EmailMessage
from email.policy import default as modern

from playwright.sync_api import Page, expect

from support.web_site import Person, Site

ANOTHER = "seven brown umbrellas"
LETTER_SECONDS = 60.0


def letters_to(site: Site, address: str) -> list[EmailMessage]:
    """What left for somebody elsewhere, the oldest first."""
    found = []
    for path in (site.server.data_dir / "outbound").glob("*.eml"):
        letter = email.message_from_bytes(path.read_bytes(), policy=modern)
        assert isinstance(letter, EmailMessage)
        if address in str(letter["To"]):
            found.append((path.stat().st_mtime_ns, letter))
    return [letter for _, letter in sorted(found, key=lambda one: one[0])]


def wait_for_letter(site: Site, address: str, subject: str, count: int = 1) -> str:
    """The text of the newest one, once so many came."""
    until = time.monotonic() + LETTER_SECONDS
    while True:
        found = [one for one in letters_to(site, address) if subject in str(one["Subject"])]
        if len(found) >= count:
            return str(found[-1].get_content())
        assert time.monotonic() < until, f"{len(found)} letters “{subject}” to {address}"
        time.sleep(0.05)


def link_in(text: str) -> str:
    """Of a letter."""
    found = re.search(r"https?://\S+", text)
    assert found, text
    return found[0]


def ask_for_link(page: Page, site: Site, login: str) -> None:
    """From the sign-in page on."""
    page.goto(f"{site.url}/sign-in")
    page.get_by_role("link", name="Forgot password?").click()
    page.get_by_label("Your e-mail address here").fill(login)
    page.get_by_role("button", name="Send the link").click()
    expect(page.get_by_role("heading", name="Look at your recovery address")).to_be_visible()


def choose_password(page: Page, password: str = ANOTHER) -> None:
    """On the page of a link."""
    page.get_by_label("New password").fill(password)
    page.get_by_label("The same once more").fill(password)
    page.get_by_role("button", name="Set the password").click()
    expect(page.get_by_role("heading", name="Your password is changed")).to_be_visible()


def sign_in_by_page(page: Page, site: Site, person: Person) -> None:
    """Typed into the form."""
    page.goto(f"{site.url}/sign-in")
    page.locator("#email").fill(person.login)
    page.locator("#password").fill(person.password)
    page.locator("#sign-in button.full").first.click()


def confirm_with(page: Page, password: str) -> None:
    """What guards the account asks for the password once more, if it was not just given."""
    asked = page.get_by_role("dialog").locator("input[type=password]")
    asked.fill(password)
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
