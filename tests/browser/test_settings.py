"""Pages of one's own account in the app (web.md §2.4 to §2.6)."""

from __future__ import annotations

import base64
import imaplib
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from pillarbox.accounts.totp import code_of
from pillarbox.net.secret import Secret
from support.browsing import sign_in
from support.web_site import Person, Site

PAGES = (
    ("account", "Overview"),
    ("security", "Sign-in and recovery"),
    ("passwords", "App passwords"),
    ("sessions", "Where you are signed in"),
    ("devices", "Phones and programs"),
    ("appearance", "Appearance and reading"),
    ("identities", "Names and signatures"),
    ("vacation", "Absence reply"),
    ("rules", "Forwarding and rules"),
    ("folders", "Folders"),
    ("scheduled", "Waiting to be sent"),
    ("storage", "Space and clean-up"),
    ("restore", "Restore deleted mail"),
    ("import", "Moving in and out"),
)


def open_settings(page: Page, site: Site, section: str, title: str) -> None:
    """Until its heading is there and everything was read."""
    page.goto(f"{site.url}/mail/settings/{section}")
    expect(page.get_by_role("heading", name=title, exact=True).first).to_be_visible()
    expect(page.locator(".settings [aria-busy=true]")).to_have_count(0)


def confirm(page: Page, person: Person) -> None:
    """Answer the question for the password, if it is asked."""
    field = page.get_by_role("dialog").locator("input[type=password]")
    field.wait_for()
    field.fill(person.password)
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_an_app_password_made_in_the_browser_opens_imap(
    page: Page, site: Site, person: Person
) -> None:
    """Until it is removed; it opens nothing that it was not made for."""
    open_settings(page, site, "passwords", "App passwords")
    page.get_by_label("What is it for?").fill("My phone")
    page.get_by_label("send mail (SMTP)").uncheck()
    page.get_by_role("button", name="Make password").click()
    made = page.get_by_test_id("app-password")
    made.or_(page.get_by_role("dialog").locator("input[type=password]")).first.wait_for()
    if made.count() == 0:
        confirm(page, person)
    secret = made.inner_text()
    with site.imap(Person(person.login, secret)) as client:
        assert client.select("INBOX")[0] == "OK"
    page.reload()
    expect(page.get_by_test_id("app-password")).to_have_count(0)
    expect(page.get_by_text("last used: never")).to_have_count(0)
    page.get_by_role("button", name="Remove My phone").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove", exact=True).click()
    expect(page.get_by_role("button", name="Remove My phone")).to_have_count(0)
    with pytest.raises(imaplib.IMAP4.error), site.imap(Person(person.login, secret)):
        pass


def test_codes_of_a_phone_are_asked_for_once_they_are_set_up(
    page: Page, open_context: Callable[..., BrowserContext], site: Site, person: Person
) -> None:
    """Set up with the shown key, used at the sign-in page."""
    open_settings(page, site, "security", "Sign-in and recovery")
    page.get_by_role("button", name="Set up").click()
    key = page.get_by_test_id("totp-secret")
    page.locator("summary").or_(
        page.get_by_role("dialog").locator("input[type=password]")
    ).first.wait_for()
    if page.get_by_role("dialog").count():
        confirm(page, person)
    page.get_by_text("Or type the key in").click()
    secret = Secret(base64.b32decode(key.inner_text().replace(" ", "")))
    page.get_by_label("Six digits").fill(code_of(secret, int(time.time()) // 30))
    page.get_by_role("button", name="Turn on").click()
    expect(page.get_by_text("The sign-in page asks for a code.")).to_be_visible()

    fresh = open_context().new_page()
    fresh.goto(f"{site.url}/sign-in")
    fresh.locator("input[name=email]").fill(person.login)
    fresh.locator("input[name=password]").fill(person.password)
    fresh.keyboard.press("Enter")
    code = fresh.locator("input[name=code]")
    code.wait_for()
    code.fill(
        code_of(secret, int(time.time()) // 30 + 1)
    )  # the one before was used for setting it up
    fresh.keyboard.press("Enter")
    fresh.wait_for_url("**/mail/**")


def test_a_session_is_ended_from_another_browser(
    page: Page, open_context: Callable[..., BrowserContext], site: Site, person: Person
) -> None:
    """It is listed, ended, and has to sign in again."""
    other = open_context(user_agent="Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0")
    sign_in(other, site, person)
    open_settings(page, site, "sessions", "Where you are signed in")
    row = page.get_by_role("listitem").filter(has_text="Firefox")
    row.get_by_role("button", name="End", exact=True).click()
    expect(row).to_have_count(0)
    assert other.request.get(f"{site.url}/account/state").status == 401


def test_an_absence_reply_is_kept(page: Page, site: Site, person: Person) -> None:
    """And can be switched off again."""
    open_settings(page, site, "vacation", "Absence reply")
    page.get_by_label("Answer for me").check()
    page.get_by_label("Answer", exact=True).fill("I am away until Monday.")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The absence reply is on")).to_be_visible()
    page.reload()
    expect(page.get_by_label("Answer for me")).to_be_checked()
    expect(page.get_by_label("Answer", exact=True)).to_have_value("I am away until Monday.")


def test_a_signature_is_in_the_next_letter(page: Page, site: Site, person: Person) -> None:
    """Also in those that are begun before the page is loaded again."""
    open_settings(page, site, "identities", "Names and signatures")
    page.get_by_role("button", name=f"Edit {person.login}").click()
    page.get_by_label("Your name as others see it").fill("A Person")
    page.get_by_label("Signature", exact=True).fill("A Person\nHarbour office")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("with signature")).to_be_visible()
    page.goto(f"{site.url}/mail/")
    page.get_by_role("button", name="Write").click()
    letter = page.frame_locator("iframe[title='Message text']").get_by_role("textbox")
    expect(letter).to_contain_text("Harbour office")


def test_blocked_senders_are_listed(page: Page, site: Site, person: Person) -> None:
    """One is added and taken away."""
    open_settings(page, site, "rules", "Forwarding and rules")
    page.get_by_label("Address or @domain").first.fill("@spam.example")
    page.get_by_role("button", name="Block", exact=True).click()
    expect(page.get_by_role("button", name="Unblock @spam.example")).to_be_visible()
    page.get_by_role("button", name="Unblock @spam.example").click()
    expect(page.get_by_role("button", name="Unblock @spam.example")).to_have_count(0)


@pytest.mark.web_long
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_is_usable_by_everybody(
    open_context: Callable[..., BrowserContext],
    site: Site,
    person: Person,
    axe: Callable[..., None],
    picture: Callable[[Page, str], Path],
    theme: str,
) -> None:
    """Nothing serious for axe, nothing wider than the window, on a desktop and a phone."""
    for width, height, name in ((1280, 900, "desktop"), (390, 844, "phone")):
        context = open_context(color_scheme=theme, viewport={"width": width, "height": height})
        sign_in(context, site, person)
        page = context.new_page()
        for section, title in PAGES:
            open_settings(page, site, section, title)
            picture(page, f"settings-{section}-{name}-{theme}")
            axe(page, f"{section}, {theme}, {name}")
            excess = page.evaluate(
                "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            assert excess <= 0, section
