"""What the pages say: in the language of the page, and only what is so."""

from __future__ import annotations

from base64 import encodebytes
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, expect

from support.browsing import sign_in
from support.reading import body, open_mail, row
from support.web_site import Person, Site
from support.writing import Composer


def test_a_folder_is_refused_in_the_language_of_the_page(
    open_context: Callable[..., BrowserContext], site: Site, person: Person
) -> None:
    """A slash and a name that is taken; the server says why in English only."""
    context = open_context(locale="de-DE")
    sign_in(context, site, person)
    page = context.new_page()
    page.goto(f"{site.url}/mail/")
    page.get_by_role("button", name="Neuer Ordner").click()
    dialog = page.get_by_role("dialog")
    name = dialog.get_by_role("textbox")
    make = dialog.get_by_role("button", name="Anlegen")
    name.fill("Projekte 2026/27")
    make.click()
    expect(dialog.get_by_role("alert")).to_have_text("Der Name darf kein „/“ enthalten.")
    name.fill("Projekte")
    make.click()
    expect(dialog).to_have_count(0)
    page.get_by_role("button", name="Neuer Ordner").click()
    name.fill("Projekte")
    make.click()
    expect(dialog.get_by_role("alert")).to_contain_text("gibt es schon")
    page.keyboard.press("Escape")
    # What the page cannot foresee is not told in English either.
    page.get_by_role("button", name="Neuer Ordner").click()
    name.fill("Bad\u0007name")
    make.click()
    expect(dialog.get_by_role("alert")).to_have_text("Der Server hat es nicht angenommen.")


def test_an_empty_folder_is_said_to_be_empty(page: Page, site: Site, person: Person) -> None:
    """Before it is deleted."""
    with site.imap(person) as client:
        client.create("Empty")
    page.goto(f"{site.url}/mail/settings/folders")
    page.get_by_role("button", name="Remove Empty").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("It is empty.")
    expect(dialog).not_to_contain_text("0 messages")
    expect(dialog).not_to_contain_text("Folders that go")


def test_an_empty_letter_is_not_said_to_be_saved(page: Page, site: Site, person: Person) -> None:
    """Nothing was written."""
    composer = Composer.open(page, site)
    page.wait_for_timeout(2_000)
    expect(composer.state).to_have_text("")


def test_a_sender_has_one_colour(page: Page, site: Site, person: Person) -> None:
    """In the list and in the reader."""
    site.send(person, b"From: carol@example.net\r\nSubject: Colours\r\n\r\nHello.\r\n")
    page.goto(f"{site.url}/mail/")
    row = page.locator("[role=row][data-id]", has_text="Colours")
    colour = "one => getComputedStyle(one).backgroundColor"
    wanted = row.locator(".avatar").evaluate(colour)
    row.click()
    assert page.locator("article .avatar").first.evaluate(colour) == wanted


def test_the_settings_do_not_move_when_another_page_is_chosen(
    open_context: Callable[..., BrowserContext],
    site: Site,
    person: Person,
    picture: Callable[[Page, str], Path],
) -> None:
    """In the language with the longest names."""
    context = open_context(locale="de-DE", viewport={"width": 1280, "height": 900})
    sign_in(context, site, person)
    page = context.new_page()
    page.goto(f"{site.url}/mail/settings/account")
    last = page.locator(".settings nav a").last
    before = last.bounding_box()
    for section in ("security", "appearance", "rules", "devices"):
        page.locator(f".settings nav a[href$='/{section}']").click()
        page.wait_for_timeout(100)
        assert last.bounding_box() == before, section
    picture(page, "settings-de")
    page.goto(f"{site.url}/mail/settings/restore")
    page.wait_for_timeout(1_000)
    picture(page, "restore-de")


def test_lines_of_text_end_where_the_eye_finds_the_next(
    open_context: Callable[..., BrowserContext], site: Site, person: Person
) -> None:
    """On a wide screen, too; what has a design of its own takes all the room."""
    send(site, person, "Plain", "text/plain", "harbour " * 200)
    send(site, person, "Designed", "text/html", "<table width='100%'><td>" + "harbour " * 200)
    context = open_context(viewport={"width": 1900, "height": 900})
    sign_in(context, site, person)
    page = context.new_page()
    open_mail(page, site)
    widths = []
    for subject, what in (("Plain", ".pb-text"), ("Designed", "table")):
        row(page, subject).click()
        shown = body(page).locator(what)
        expect(shown).to_contain_text("harbour")
        widths.append(shown.evaluate("one => one.getBoundingClientRect().width"))
    assert widths[0] <= 760 < widths[1]


def send(site: Site, person: Person, subject: str, kind: str, text: str) -> None:
    head = f"From: bob@example.org\r\nTo: {person.login}\r\nSubject: {subject}\r\n"
    kind = f"MIME-Version: 1.0\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: base64"
    with site.imap(person) as client:
        octets = f"{head}{kind}\r\n\r\n".encode() + encodebytes(text.encode())
        client.append("INBOX", None, None, octets)
