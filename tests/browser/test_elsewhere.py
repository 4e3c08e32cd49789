"""Another service fetches from here: set up in the settings, tried by poplib (web.md §2.7)."""

from __future__ import annotations

import imaplib
import poplib
import smtplib
from collections.abc import Callable
from dataclasses import replace

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from support.browsing import sign_in
from support.web_site import Person, Site

TITLE = "Let another service fetch from here"
OLD = b"Date: Mon, 2 Jan 2023 08:00:00 +0000\r\nSubject: Long ago\r\n\r\nOld.\r\n"
LONG_AGO = '"02-Jan-2023 08:00:00 +0000"'


def open_card(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/mail/settings/import")
    expect(page.get_by_role("heading", name=TITLE)).to_be_visible()
    page.get_by_role("button", name="Show how").click()
    expect(page.get_by_label("Messages of the inbox that it sees")).to_be_visible()


def choose(page: Page, shown: str, after: str, *, hide: bool = False) -> None:
    page.get_by_label("Messages of the inbox that it sees").select_option(label=shown)
    page.get_by_label(after).check()
    if hide:
        page.get_by_label("Do not show again").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()


def make_password(page: Page) -> str:
    page.get_by_label("What is it for?").fill("The office")
    page.get_by_role("button", name="Make password").click()
    return page.get_by_test_id("pop-password").inner_text()


def fits(page: Page) -> bool:
    """Nothing is wider than the window."""
    area = "document.querySelector('.page')"
    return bool(page.evaluate(f"{area}.scrollWidth <= {area}.clientWidth"))


def unique_ids(site: Site, person: Person) -> list[str]:
    with site.pop3(person) as client:
        return [line.split()[1].decode() for line in client.uidl()[1]]


@pytest.mark.mail(3)
def test_from_the_page_to_the_other_service(
    page: Page, site: Site, person: Person, axe: Callable[..., None]
) -> None:
    with site.imap(person) as client:
        client.append("INBOX", "", LONG_AGO, OLD)
        client.select("INBOX")
        client.store("1:*", "-FLAGS", r"(\Seen)")
    *new, old = unique_ids(site, person)
    open_card(page, site)
    axe(page, "as it is at first")
    choose(page, "Those of the last 30 days", "marked as read", hide=True)
    password = make_password(page)
    axe(page, "with a password")
    row = page.get_by_role("listitem").filter(has_text=str(site.server.pop3s))
    expect(row).to_contain_text("POP3")
    expect(row).to_contain_text("SSL/TLS")
    office = replace(person, password=password)
    shown = unique_ids(site, office)  # and there is the letter that tells of the password
    assert shown[:3] == new
    assert old not in shown
    with site.pop3(office) as fetching:
        fetching.retr(1)
        fetching.dele(1)
    assert unique_ids(site, office)[:2] == new[1:]
    with site.imap(person) as client:
        client.select("INBOX")
        assert client.fetch("1:2", "(UID FLAGS)")[1] == [
            b"1 (UID 1 FLAGS (\\Seen))",
            b"2 (UID 2 FLAGS ())",
        ]
    page.reload()
    page.get_by_role("button", name="Show how").click()
    expect(page.get_by_label("marked as read")).to_be_checked()
    expect(page.get_by_label("Do not show again")).to_be_checked()
    expect(page.get_by_label("Messages of the inbox that it sees")).to_contain_text("30 days")


@pytest.mark.mail(2)
def test_the_password_opens_nothing_else(page: Page, site: Site, person: Person) -> None:
    open_card(page, site)
    office = replace(person, password=make_password(page))
    assert len(unique_ids(site, office)) >= 2
    with pytest.raises(imaplib.IMAP4.error), site.imap(office):
        pass
    with pytest.raises(smtplib.SMTPAuthenticationError), site.submission(office):
        pass
    page.goto(f"{site.url}/mail/settings/passwords")
    page.get_by_role("button", name="Remove The office").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove", exact=True).click()
    expect(page.get_by_text("No app passwords yet.")).to_be_visible()
    with pytest.raises(poplib.error_proto), site.pop3(office):
        pass


@pytest.mark.parametrize(
    ("locale", "title"),
    [
        ("de-DE", "Einen anderen Dienst hier abholen lassen"),
        ("es-ES", "Dejar que otro servicio recoja el correo de aquí"),
        ("zh-CN", "让其他服务从这里收取邮件"),
    ],
)
@pytest.mark.web_long
def test_in_every_language_on_a_telephone(
    open_context: Callable[..., BrowserContext],
    site: Site,
    person: Person,
    axe: Callable[..., None],
    picture: Callable[..., object],
    locale: str,
    title: str,
) -> None:
    theme = "dark" if locale == "de-DE" else "light"
    context = open_context(
        locale=locale, color_scheme=theme, viewport={"width": 390, "height": 800}
    )
    sign_in(context, site, person)
    page = context.new_page()
    page.goto(f"{site.url}/mail/settings/import")
    card = page.locator("section.card").filter(has_text=title)
    card.get_by_role("button").click()
    expect(card.locator("input[type=radio]").first).to_be_visible()
    card.locator("input[value=keep]").check()
    assert "moving." not in page.locator(".inner").inner_text()
    assert fits(page)
    axe(page, locale)
    card.scroll_into_view_if_needed()
    picture(page, f"elsewhere-{locale}")
