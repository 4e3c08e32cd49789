"""The keyboard alone does everything, and where it is can always be seen (web.md §2.1, §7)."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, expect

from support.browsing import PATIENCE_SECONDS, sign_in, watch_faults
from support.reading import READER, ROWS, open_mail
from support.web_keyboard import Hands
from support.web_selection import expect_count, rows_in_list, threads_in, wait_rows
from support.web_site import Person, Site
from support.writing import Composer, wait_for_letters

Open = Callable[..., BrowserContext]
WIDTHS = (1280, 768, 360)


def skip_checklist(context: BrowserContext, site: Site) -> None:
    """What the first sign-in asks is another test's."""
    state = context.request.get(f"{site.url}/account/state").json()
    done = context.request.post(
        f"{site.url}/account/checklist",
        data={"done": True},
        headers={"X-Csrf-Token": state["csrf"]},
    )
    assert done.ok, done.text()


def hands(open_context: Open, site: Site, person: Person, width: int) -> Hands:
    """Signed in, with the list on screen."""
    context = open_context(service_workers="block", viewport={"width": width, "height": 860})
    sign_in(context, site, person)
    skip_checklist(context, site)
    page = context.new_page()
    made = Hands(page)
    open_mail(page, site)
    page.keyboard.press("j")  # a page that was just loaded has the focus nowhere yet
    made.look()
    return made


def letter(sender: str, subject: str) -> bytes:
    head = f"From: Bob <{sender}>\r\nSubject: {subject}\r\nMessage-ID: <{subject}@example.org>"
    return f"{head}\r\n\r\nWhen does the harbour open?\r\n".encode()


def test_keyboard_signs_in_reads_and_answers(open_context: Open, site: Site) -> None:
    """Next, previous, a reply that arrives, back to the list, and out again."""
    person, friend = site.new_person(30), site.new_person(0)
    site.send(person, letter(friend.login, "Opening"), sender=friend.login)
    context = open_context(service_workers="block", viewport={"width": 1280, "height": 860})
    sign_in(context, site, person)
    skip_checklist(context, site)
    context.clear_cookies()
    page = context.new_page()
    faults = watch_faults(page)
    person_hands = Hands(page)
    page.goto(f"{site.url}/sign-in")
    person_hands.type(person.login)
    person_hands.tab_to("^Password")
    person_hands.type(person.password)
    page.keyboard.press("Enter")
    expect(page.locator(ROWS).first).to_be_visible()
    read_and_answer(person_hands, site, friend)
    person_hands.press("g", "i")
    person_hands.tab_to(f"^Account {person.login}", back=True)
    person_hands.press("Enter")
    person_hands.press("End")
    assert person_hands.look()["name"] == "Sign out"
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/sign-in"))
    expect(page.locator("#email")).to_be_focused()
    person_hands.used_no_mouse()
    assert not faults
    assert len(wait_for_letters(site, friend, "INBOX", "Re: Opening", seconds=30)) == 1


def read_and_answer(my: Hands, site: Site, friend: Person) -> None:
    """The first message is the friend's."""
    page = my.page
    my.press("j")
    first = my.row
    my.press("j")
    assert my.row != first
    my.press("k")
    assert my.row == first
    my.press("Enter")
    expect(page.locator(f"{READER} h1")).to_have_text("Opening")
    my.press("j")
    expect(page.locator(f"{READER} h1")).not_to_have_text("Opening")
    my.press("k")
    expect(page.locator(f"{READER} h1")).to_have_text("Opening")
    my.press("r")
    composer = Composer(page)
    expect(composer.letter).to_be_focused()
    my.type("At nine, by the lights.")
    my.tab_to("^Send$")
    my.press("Enter")
    expect(composer.window).to_have_count(0)
    my.look()
    my.press("u")
    expect(page).to_have_url(re.compile("/mail/(inbox)?$"))


@pytest.mark.parametrize(
    "width", [1280, *(pytest.param(width, marks=pytest.mark.web_long) for width in WIDTHS[1:])]
)
def test_keyboard_selects_deletes_and_undoes(open_context: Open, site: Site, width: int) -> None:
    """A few and all that match; taken back by the tray, by the notice, and by z."""
    person = site.new_person(220)
    my = hands(open_context, site, person, width)
    page, rows = my.page, rows_in_list(my.page)
    before = threads_in(page, "inbox")
    my.press("x")
    my.press("Shift+J")
    my.press("Shift+ArrowDown")
    expect_count(page, 3)
    my.press("#")
    wait_rows(page, rows - 3)
    my.tab_to("^Undo$")
    my.press("Enter")
    wait_rows(page, rows)
    my.tab_to(", row [0-9]+ of", back=True)
    my.press("Delete")
    wait_rows(page, rows - 1)
    my.press("z")
    wait_rows(page, rows)
    my.press("*", "a")
    my.tab_to("^Select all", back=True)
    my.press("Enter")
    expect_count(page, rows)
    my.tab_to("^Delete$", back=True)
    page.keyboard.press("Enter")
    wait_rows(page, 0)
    done = page.get_by_text(re.compile(r"\d+ moved to Trash")).first
    expect(done).to_be_visible(timeout=PATIENCE_SECONDS * 1000)
    my.look()
    undo_by_tray(my, width)
    my.press("g", "i")
    wait_rows(page, rows)
    my.used_no_mouse()
    assert threads_in(page, "inbox") == before


def undo_by_tray(my: Hands, width: int) -> None:
    """On a phone it is a page."""
    my.tab_to("^Activity", back=width >= 768)
    my.press("Enter")
    my.tab_to("^Undo$")
    my.press("Enter")
    my.press("Escape")


@pytest.mark.web_long
@pytest.mark.parametrize("width", WIDTHS)
def test_keyboard_searches_and_goes_through_folders(
    open_context: Open, site: Site, width: int
) -> None:
    """Results are opened and left; another folder by its link and by its keys."""
    person = site.new_person(30)
    site.fill(person, 6, "Receipts")
    my = hands(open_context, site, person, width)
    page = my.page
    my.press("/")
    my.type("harbour")
    my.press("Enter")
    expect(page).to_have_url(re.compile(r"/search\?q=harbour"))
    expect(page.locator(ROWS).first).to_be_visible()
    my.press("j")
    my.press("Enter")
    expect(page.locator(READER)).to_be_visible()
    my.press("u")
    expect(page.locator(ROWS).first).to_be_visible()
    my.press("/")
    my.press("Escape", "Escape")
    my.press("g", "a")
    expect(page).to_have_url(f"{site.url}/mail/all")
    if width < 1200:
        my.tab_to("^Folders$", back=True)
        my.press("Enter")
    my.tab_to("^Receipts", back=width >= 1200)
    my.press("Enter")
    expect(page.get_by_role("heading", level=1, name=re.compile("^Receipts"))).to_be_visible()
    expect(page.locator(ROWS).first).to_be_visible()
    my.press("j")
    assert my.row
    my.used_no_mouse()


@pytest.mark.web_long
@pytest.mark.parametrize("width", WIDTHS)
def test_keyboard_changes_a_setting_and_asks_for_help(
    open_context: Open, site: Site, width: int
) -> None:
    """The list of keys, a theme, and the way back."""
    my = hands(open_context, site, site.new_person(10), width)
    page = my.page
    my.press("?")
    help_sheet = page.get_by_role("dialog")
    expect(help_sheet).to_be_visible()
    my.tab_to("^Close")
    my.press("Escape")
    expect(help_sheet).to_have_count(0)
    my.rests_on_a_row()  # where it was before
    my.press("g", ",")
    my.tab_to("^Appearance and reading$")
    my.press("Enter")
    my.tab_to("^Theme of the system|^As the system|^System")
    with page.expect_response("**/account/preferences") as saved:
        my.press("ArrowDown", "ArrowDown")
    assert saved.value.ok
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    my.press("g", "i")
    expect(page.locator(ROWS).first).to_be_visible()
    my.press("j")
    assert my.row
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    my.used_no_mouse()


@pytest.mark.web_long
@pytest.mark.parametrize("width", WIDTHS)
def test_keyboard_makes_a_folder_and_moves_into_it(
    open_context: Open, site: Site, width: int
) -> None:
    """Dialogs give the focus back to where it was, also when they are given up."""
    my = hands(open_context, site, site.new_person(12), width)
    page, rows = my.page, rows_in_list(my.page)
    open_folders(my, width)
    my.tab_to("^New folder$", back=width >= 1200)
    dialog = page.get_by_role("dialog")
    my.press("Enter")
    expect(dialog).to_be_visible()
    my.press("Escape")
    expect(dialog).to_have_count(0)
    assert my.look()["name"] == "New folder"
    my.press("Enter")
    expect(dialog).to_be_visible()
    my.type("Ropes")
    my.press("Enter")
    expect(dialog).to_have_count(0)
    my.look()
    my.press("g", "i")
    page.keyboard.press("j")
    my.press("v")
    expect(dialog).to_be_visible()
    my.type("Rop")
    my.press("Enter")
    expect(dialog).to_have_count(0)
    wait_rows(page, rows - 1)
    my.rests_on_a_row()
    my.press("v")
    expect(dialog).to_be_visible()
    my.press("Escape")
    expect(dialog).to_have_count(0)
    my.rests_on_a_row()
    my.used_no_mouse()


def open_folders(my: Hands, width: int) -> None:
    """Where there is no room for them they are behind a button."""
    if width >= 1200:
        return
    my.tab_to("^Folders$", back=True)
    my.press("Enter")


@pytest.mark.web_long
def test_keyboard_the_focus_is_noticed_when_it_is_lost(open_context: Open, site: Site) -> None:
    """What all of these look for is found when it is there."""
    my = hands(open_context, site, site.new_person(3), 1280)
    my.page.evaluate("document.activeElement.blur()")
    with pytest.raises(pytest.fail.Exception, match="the focus is at None"):
        my.look()
    my.page.locator(ROWS).first.focus()
    my.look()
    my.page.evaluate("""() => {
        const sheet = new CSSStyleSheet()
        sheet.replaceSync('* {outline: none !important; box-shadow: none !important}')
        document.adoptedStyleSheets = [sheet]
    }""")
    with pytest.raises(pytest.fail.Exception, match="'seen': False"):
        my.look()
