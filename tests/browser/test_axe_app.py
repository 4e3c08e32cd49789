"""axe finds nothing serious or critical in the app: whatever is open, light or dark, at any width.

Pages of the account at other widths are in test_settings, the composer with files in test_compose.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import BrowserContext, Error, Page, Route, expect

from support.browsing import IS_LONG, sign_in, wrong_for_axe
from support.reading import READER, ROWS, SHOWN, jmap, open_mail, row
from support.stored_mail import deliver_all
from support.web_selection import scroll_to, tick
from support.web_site import Person, Site
from support.writing import Composer

SIZES = {360: 740, 768: 1024, 1280: 860}
MESSAGES = 160  # more than the first page of a list, so that the rest can be asked for
SETTINGS = (
    *("account", "security", "passwords", "sessions", "devices", "appearance", "identities"),
    *("vacation", "rules", "folders", "scheduled", "storage", "restore", "import"),
)
NEWSLETTER = (
    b"From: Ropes and More <news@shop.example>\r\nTo: alice@example.org\r\n"
    b"Subject: This week: ropes\r\nMIME-Version: 1.0\r\nList-Unsubscribe: <https://shop.example/o>"
    b"\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    b"<html><body><h1>Ropes</h1><img src='https://shop.example/a.png' width=90 height=40 alt=''>"
    b"<img src='https://shop.example/t.gif' width=1 height=1>"
    b"<p><a href='https://elsewhere.example/'>https://shop.example/</a></p>"
    b"<form action='https://shop.example/'><input name=q></form></body></html>\r\n"
)
PLAIN = (
    b"From: Bob <bob@example.net>\r\nTo: alice@example.org\r\nSubject: Opening hours\r\n\r\n"
    b"When does the harbour open? See https://example.net/harbour\r\n\r\n> At nine.\r\n"
)
# Colours of what is just appearing are not its colours yet.
AT_REST = """() => Promise.all(document.getAnimations()
    .filter((one) => one.effect.getComputedTiming().endTime !== Infinity)
    .map((one) => one.finished.catch(() => null)))"""
Scene = Callable[[Page, Site], None]


@pytest.fixture(scope="module")
def reader_of_all(site: Site) -> Iterator[Person]:
    """Somebody with mail of every kind."""
    person = site.new_person(MESSAGES)
    site.fill(person, 12, "Trash")
    site.fill(person, 3, "Projects/Harbour")
    deliver_all(site.server, person.login, [NEWSLETTER, PLAIN])
    yield person


def a_list(page: Page, site: Site) -> None:
    """With a row under the pointer, its actions and checkbox."""
    open_mail(page, site)
    page.locator(ROWS).nth(2).hover()


def selecting(page: Page, site: Site) -> None:
    """The bar, the offer to take the rest as well, and what tells that it was cleared."""
    open_mail(page, site)
    tick(page, 1)
    page.keyboard.press("Escape")
    page.keyboard.press("*")
    page.keyboard.press("a")
    expect(page.get_by_role("button", name=re.compile("^Select all"))).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("*")
    page.keyboard.press("a")
    expect(page.get_by_text("Selection cleared")).to_be_visible()
    expect(page.locator(".bar")).to_be_visible()


def a_plain_message(page: Page, site: Site) -> None:
    open_mail(page, site)
    row(page, "Opening hours").click()
    expect(page.locator(SHOWN)).to_be_visible()


def a_newsletter(page: Page, site: Site) -> None:
    """Pictures that wait, a tracker, a link that lies, a form that was taken out; its menu."""
    open_mail(page, site)
    row(page, "This week: ropes").click()
    expect(page.locator(SHOWN)).to_be_visible()
    expect(page.locator(READER).get_by_role("button", name="Show once")).to_be_visible()
    page.locator(READER).get_by_role("button", name="More").first.click()
    expect(page.get_by_role("menu")).to_be_visible()


def a_conversation(page: Page, site: Site) -> None:
    """All of its messages unfolded."""
    open_mail(page, site)
    page.locator(ROWS, has=page.locator(".count")).first.click()
    expect(page.locator(SHOWN).first).to_be_visible()
    page.keyboard.press(";")
    expect(page.locator(SHOWN).nth(1)).to_be_visible()


def a_message_that_does_not_open(page: Page, site: Site) -> None:
    """The card of errors, and before that the ways out of waiting."""

    def held(_route: Route) -> None:
        """Never answered."""

    open_mail(page, site)
    page.route("**/m/*/*/body?*", held)
    row(page, "Opening hours").click()
    expect(page.locator(f"{READER} .slow button").first).to_be_visible()
    wrong = wrong_for_axe(page)
    assert not wrong, "\n".join(["while it waits", *wrong])
    expect(page.locator(f"{READER} .card")).to_be_visible(timeout=12_000)
    page.unroute_all(behavior="ignoreErrors")


def its_source(page: Page, site: Site) -> None:
    a_newsletter(page, site)
    page.get_by_role("menuitem", name="View source").click()
    expect(page.locator("dialog pre")).to_be_visible()


def writing(page: Page, site: Site) -> None:
    """With a recipient, the tools for looks, and the choice of a time."""
    open_mail(page, site)
    page.keyboard.press("c")
    composer = Composer(page)
    composer.letter.wait_for()
    composer.address("Bob Example <bob@example.org>", "Ropes")
    composer.write("The attached plan needs another look.")
    composer.window.get_by_role("button", name="Send later").click()


def writing_wrongly(page: Page, site: Site) -> None:
    """To an address that is none."""
    open_mail(page, site)
    page.keyboard.press("c")
    composer = Composer(page)
    composer.letter.wait_for()
    composer.address("not an address", "Ropes")
    composer.send()


def a_search(page: Page, site: Site) -> None:
    """Its results, with the suggestions over them."""
    open_mail(page, site, "search?q=harbour")
    field = page.get_by_role("combobox", name="Search mail")
    field.fill("from:")
    expect(page.get_by_role("option").first).to_be_visible()
    page.keyboard.press("ArrowDown")


def a_search_for_nothing(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/mail/search?q=zzzyyyxxx")
    expect(page.get_by_text("Nothing found")).to_be_visible()


def the_tray(page: Page, site: Site) -> None:
    """An operation that is done; on a phone it is a page."""
    open_mail(page, site)
    [boxes] = jmap(page, ["Mailbox/get", {"ids": None, "properties": ["role"]}])
    trash = next(one["id"] for one in boxes["list"] if one["role"] == "trash")
    mark = {"type": "setKeywords", "keywords": {"$flagged": True}}
    create = {"a": {"filter": {"inMailbox": trash}, "action": mark}}
    jmap(page, ["BulkOperation/set", {"create": create}])
    page.locator("header.top").get_by_role("button", name=re.compile("^Activity")).click()
    expect(page.locator("[data-operation]").first).to_be_visible()
    expect(page.locator("[data-phase=done]").first).to_be_visible()


def the_history(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/mail/activity")
    expect(page.get_by_role("heading", level=1).first).to_be_visible()


def a_question(page: Page, site: Site) -> None:
    """Before what cannot be undone."""
    open_mail(page, site, "trash")
    page.get_by_role("button", name="Empty Trash").click()
    expect(page.get_by_role("dialog")).to_be_visible()


def the_keys(page: Page, site: Site) -> None:
    open_mail(page, site)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()


def a_new_folder(page: Page, site: Site) -> None:
    """By the side bar, which is a drawer where there is no room."""
    the_folders(page, site)
    page.get_by_role("button", name="New folder", exact=True).click()
    expect(page.get_by_role("dialog").get_by_role("textbox")).to_be_visible()


def the_folders(page: Page, site: Site) -> None:
    open_mail(page, site)
    drawer = page.get_by_role("button", name="Folders", exact=True)
    if drawer.is_visible():
        drawer.click()
    expect(page.get_by_role("link", name=re.compile("^Harbour"))).to_be_visible()


def where_to_move(page: Page, site: Site) -> None:
    open_mail(page, site)
    page.keyboard.press("j")
    page.keyboard.press("v")
    expect(page.get_by_role("option").first).to_be_visible()


def menus(page: Page, site: Site) -> None:
    open_mail(page, site)
    page.get_by_role("button", name=re.compile("^Account ")).click()
    expect(page.get_by_role("menuitem", name="Sign out")).to_be_visible()


def a_notice(page: Page, site: Site) -> None:
    """And a list that was scrolled."""
    open_mail(page, site)
    scroll_to(page, 60)
    page.locator(ROWS).nth(8).focus()
    page.keyboard.press("e")
    expect(page.get_by_role("button", name="Undo", exact=True)).to_be_visible()


def cleaning_up(page: Page, site: Site) -> None:
    """The cards, with what they would free."""
    page.goto(f"{site.url}/mail/settings/storage")
    expect(page.locator(".settings [aria-busy=true]")).to_have_count(0)
    expect(page.get_by_role("heading", name="Space and clean-up").first).to_be_visible()
    expect(page.get_by_text(re.compile("newsletter", re.I)).first).to_be_visible()


def every_setting(page: Page, site: Site) -> None:
    """One after the other; the last is looked at by who calls."""
    for section in SETTINGS:
        page.goto(f"{site.url}/mail/settings/{section}")
        expect(page.get_by_role("heading", level=1).last).to_be_visible()
        expect(page.locator(".settings [aria-busy=true]")).to_have_count(0)
        wrong = wrong_for_axe(page)
        assert not wrong, "\n".join([section, *wrong])


SHORT: tuple[Scene, ...] = (selecting, a_newsletter)
WHOLE: tuple[Scene, ...] = (
    *SHORT,
    a_list,
    a_new_folder,
    the_tray,
    *(a_plain_message, a_conversation, a_message_that_does_not_open, its_source),
    *(writing, writing_wrongly, a_search, a_search_for_nothing, the_history),
    *(a_question, the_keys, the_folders, where_to_move, menus, a_notice, cleaning_up),
    every_setting,
)
LOOKS = [
    pytest.param(
        width, theme, marks=() if (width, theme) == (360, "dark") else pytest.mark.web_long
    )
    for width in SIZES
    for theme in ("light", "dark")
]


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_axe_finds_nothing_serious(
    open_context: Callable[..., BrowserContext],
    site: Site,
    reader_of_all: Person,
    width: int,
    theme: str,
) -> None:
    size = {"width": width, "height": SIZES[width]}
    context = open_context(service_workers="block", color_scheme=theme, viewport=size)
    sign_in(context, site, reader_of_all)
    found: list[str] = []
    for scene in WHOLE if IS_LONG else SHORT:
        if scene is every_setting and width == 1280:
            continue  # test_settings looks at them at this width
        page = context.new_page()
        try:
            scene(page, site)
            page.evaluate(AT_REST)
            wrong = wrong_for_axe(page)
            if wrong:  # a notice that came or went meanwhile is half transparent: at rest again
                page.evaluate(AT_REST)
                wrong = wrong_for_axe(page)
            wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        except (AssertionError, Error) as error:  # the others are looked at all the same
            wrong, wide = [str(error)], 0
        if wide > 0:
            wrong.append(f"{wide} pixels wider than the window")
        found += [f"{scene.__name__} at {width}, {theme}: {one}" for one in wrong]
        page.close()
    assert not found, "\n".join(found)


@pytest.mark.web_long
def test_axe_is_asked(site: Site, page: Page) -> None:
    """What it is there for is found when it is there."""
    open_mail(page, site)
    page.evaluate("document.body.append(document.createElement('button'))")
    assert any("button-name" in one for one in wrong_for_axe(page))
