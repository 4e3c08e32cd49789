"""The mail without JavaScript, in a browser that has none (web.md §2.3)."""

from __future__ import annotations

import email
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from support.browsing import THEMES, WIDTHS, sign_in, watch_faults
from support.server import wait_until
from support.web_site import Person, Site

OpenContext = Callable[..., BrowserContext]
LETTER = (
    b"From: Carol <carol@example.net>\r\nSubject: Say hello\r\nMessage-ID: <hello@example.net>\r\n"
    b"\r\nDear reader,\r\nsee https://example.net/a?b=1. Is 1 < 2 & 3?\r\n"
)


@pytest.fixture
def plain_page(open_context: OpenContext) -> Page:
    """A window without scripts, not signed in."""
    return open_context(java_script_enabled=False).new_page()


def enter(page: Page, site: Site, person: Person) -> None:
    page.goto(f"{site.url}/basic/")
    page.fill("[name=email]", person.login)
    page.fill("[name=password]", person.password)
    page.press("[name=password]", "Enter")
    expect(page.locator("h1")).to_have_text("Inbox")


def subjects(page: Page) -> list[str]:
    return page.locator(".messages .subject").all_text_contents()


def test_open_7(site: Site, plain_page: Page) -> None:
    """Sign-in, list, read, delete and reply with JavaScript off."""
    page, faults = plain_page, watch_faults(plain_page)
    person, other = site.new_person(), site.new_person(0)
    site.send(person, LETTER.replace(b"carol@example.net", other.login.encode()))
    enter(page, site, person)
    assert subjects(page)[0] == "Say hello"

    page.click(".subject:text-is('Say hello')")
    expect(page.locator(".text")).to_contain_text("Is 1 < 2 & 3?")
    expect(page.locator(".text a")).to_have_attribute("href", "https://example.net/a?b=1")
    with site.imap(person) as imap:
        imap.select()
        assert imap.search(None, "SUBJECT", '"Say hello"', "SEEN")[1] == [b"61"]

    page.click("text='Reply'")
    assert page.input_value("#to") == f"Carol <{other.login}>"
    assert page.input_value("#subject") == "Re: Say hello"
    written = page.input_value("#text")
    assert "> Dear reader," in written
    page.fill("#text", f"Grüße!\n{written}")
    octets = bytes(range(256)) * 64 + b"\r\n--\r\n"
    given: Any = {"name": 'a "b" ü.bin', "mimeType": "application/x-thing", "buffer": octets}
    page.set_input_files("#files", files=[given])
    page.click("text='Send'")
    expect(page.locator(".alert.done")).to_have_text("The message is on its way.")

    got = received(site, other)
    assert got["Subject"] == "Re: Say hello"
    assert got["In-Reply-To"] == "<hello@example.net>"
    text, file = got.get_payload()
    assert text.get_payload(decode=True).decode().startswith("Grüße!")
    assert file.get_payload(decode=True) == octets
    assert file.get_filename() == 'a "b" ü.bin'
    page.click("nav >> text='Sent'")
    assert subjects(page) == ["Re: Say hello"]

    page.click("nav >> text='Inbox'")
    page.click(".subject:text-is('Say hello')")
    page.click("text='Delete'")
    expect(page.locator(".alert.done")).to_contain_text("1 moved to the Trash")
    assert "Say hello" not in subjects(page)
    page.click("nav >> text='Trash'")
    assert subjects(page) == ["Say hello"]
    assert not faults

    page.click("text='Sign out'")
    page.goto(f"{site.url}/basic/")
    expect(page.locator("[name=password]")).to_be_visible()


def received(site: Site, person: Person) -> Any:
    """The first message of an account that had none."""
    with site.imap(person) as imap:
        wait_until(lambda: imap.select()[1] != [b"0"], what="the message")
        _, data = imap.fetch("1", "(BODY.PEEK[])")
    return email.message_from_bytes(data[0][1])


@pytest.mark.mail(130)
def test_pages_and_searches(site: Site, plain_page: Page, person: Person) -> None:
    page = plain_page
    enter(page, site, person)
    first = subjects(page)
    assert len(first) == 50
    page.click("text='Older'")
    page.click("text='Older'")
    expect(page.locator(".pages span")).to_have_text("Page 3 of 3 (130 messages)")
    assert len(subjects(page)) == 30
    page.fill("#q", "Invoice")
    page.press("#q", "Enter")
    found = subjects(page)
    assert found and all("Invoice" in one for one in found)
    page.click(".messages .subject")
    page.click("text='Back to the list'")
    assert subjects(page) == found
    page.fill("#q", "surely-in-no-letter")
    page.press("#q", "Enter")
    expect(page.locator(".empty")).to_be_visible()


@pytest.mark.mail(130)
def test_ticked_messages_and_whole_lists(site: Site, plain_page: Page, person: Person) -> None:
    page = plain_page
    enter(page, site, person)
    page.click("text='Delete'")
    expect(page.locator(".alert")).to_contain_text("Tick at least one")
    page.locator(".tick input").nth(0).check()
    page.locator(".tick input").nth(2).check()
    kept = subjects(page)[1]
    page.click("text='Delete'")
    expect(page.locator(".alert.done")).to_contain_text("2 moved")
    assert subjects(page)[0] == kept
    page.click("text=/Tick all 50/")
    assert page.locator(".tick input:checked").count() == 50
    page.click("text='Mark as read'")
    expect(page.locator(".alert.done")).to_contain_text("50 marked as read")
    assert page.locator(".messages .new").count() == 0

    page.locator("[name=scope]").check()
    page.click("text='Delete'")
    expect(page.locator(".alert.done")).to_contain_text("128 moved")
    with site.imap(person) as imap:
        wait_until(lambda: imap.select("Trash")[1] == [b"130"], what="130 messages in the Trash")
    page.click("text='See how far it is'")
    expect(page.locator("form.alert")).to_contain_text("Done: 128 of 128")
    page.click("text='Undo'")
    with site.imap(person) as imap:
        wait_until(lambda: imap.select("INBOX")[1] == [b"128"], what="128 messages in the Inbox")

    page.click("nav >> text='Trash'")
    page.locator("[name=scope]").check()
    page.click("text='Delete for ever'")
    expect(page.locator("h1")).to_have_text("Delete 2 messages for ever?")
    page.click("text='Delete 2 for ever'")
    with site.imap(person) as imap:
        wait_until(lambda: imap.select("Trash")[1] == [b"0"], what="an empty Trash")


def test_a_draft_is_gone_on_with_and_sent_once(site: Site, plain_page: Page) -> None:
    page = plain_page
    person, other = site.new_person(1), site.new_person(0)
    enter(page, site, person)
    page.click("text='New message'")
    page.fill("#subject", "To be continued")
    page.fill("#text", "First half.")
    page.click("text='Save as draft'")
    assert subjects(page) == ["To be continued"]
    page.click(".subject")
    page.click("text='Go on writing'")
    page.click("text='Send'")
    expect(page.locator(".alert.error")).to_contain_text("Say who")
    page.fill("#to", "nobody at all")
    page.click("text='Send'")
    expect(page.locator(".alert.error")).to_contain_text("no e-mail address")
    assert page.input_value("#text") == "First half."
    page.fill("#to", f'"Other, Somebody" <{other.login}>')
    form = page.locator("form.compose")
    fields = form.evaluate("f => Array.from(f.elements).map(e => [e.name, e.value])")
    page.click("text='Send'")
    expect(page.locator(".alert.done")).to_have_text("The message is on its way.")
    again = {name: value for name, value in fields if name not in ("", "file", "action")}
    answer = page.request.post(
        f"{site.url}/basic/compose", multipart={**again, "action": "send"}, max_redirects=0
    )
    assert (answer.status, "told=sent" in answer.headers["location"]) == (303, True)
    got = received(site, other)
    assert got.get_payload().rstrip() == "First half."
    with site.imap(other) as imap:
        assert imap.select() == ("OK", [b"1"])
    page.click("nav >> text='Drafts'")
    assert subjects(page) == []


@pytest.mark.parametrize("theme", [THEMES[0], pytest.param(THEMES[1], marks=pytest.mark.web_long)])
def test_axe(site: Site, open_context: OpenContext, axe: Callable[..., None], theme: str) -> None:
    person = site.new_person()
    site.send(person, LETTER)
    page = open_context(color_scheme=theme).new_page()
    sign_in(page.context, site, person)
    folders = page.goto(f"{site.url}/basic/")
    assert folders is not None
    message = page.locator(".messages a").first.get_attribute("href")
    number = str(message).partition("/basic/message/")[2].partition("?")[0]
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        for path in (
            "/basic/?told=deleted&n=3",
            "/basic/?q=letter",
            "/basic/?q=surely-in-no-letter",
            message,
            f"/basic/compose?all={number}",
            "/basic/compose?forward=M0",
        ):
            page.goto(f"{site.url}{path}")
            axe(page, f"{path} {width} {theme}")
            over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert over <= 0, f"{path} is {over} pixels wider than {width}"


@pytest.mark.parametrize(("locale", "heading"), [("de-DE", "Posteingang"), ("zh-CN", "收件箱")])
def test_languages(
    site: Site, open_context: OpenContext, person: Person, locale: str, heading: str
) -> None:
    page = open_context(locale=locale).new_page()
    sign_in(page.context, site, person)
    page.goto(f"{site.url}/basic/")
    expect(page.locator("h1")).to_have_text(heading)
    page.click("text='Español'")
    expect(page.locator("h1")).to_have_text("Recibidos")
    page.goto(f"{site.url}/basic/")
    expect(page.locator("h1")).to_have_text("Recibidos")
