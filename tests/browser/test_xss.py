"""Markup in every field that mail controls: in the list, the reader, the composer, settings, and on
the pages without JavaScript. Nothing runs, and a policy has nothing to refuse either: `page` fails
the test when one does.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from support.browsing import sign_in, watch_faults
from support.evil_fields import FIRED, WATCH, evil_letter, payload
from support.reading import READER, ROWS, SHOWN, id_of, jmap, open_mail
from support.web_site import Person, Site
from support.writing import Composer

OpenContext = Callable[..., BrowserContext]
FOLDER = "a\"'><img src=x onerror=fire('folder')><script>fire(1)</script>"
LABEL = "x'><svg/onload=fire`label`>"


@pytest.fixture
def hunted(page: Page) -> Page:
    """A window that notices what runs, in its frames, too."""
    page.context.add_init_script(WATCH)
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    return page


def nothing_ran(page: Page) -> None:
    for frame in page.frames:
        assert frame.evaluate(f"window.{FIRED} ?? []") == [], frame.url
    assert page.evaluate("document.querySelectorAll('img[src=x], [onerror], [onload]').length") == 0


def put_everything(site: Site, person: Person) -> None:
    """The message, a folder and a label of such names."""
    site.send(person, evil_letter(person.login))
    with site.imap(person) as imap:
        name = FOLDER.replace("\\", "\\\\").replace('"', '\\"').replace("&", "&-")
        assert imap.create(f'"{name}"')[0] == "OK"
        imap.select()
        assert imap.store("*", "+FLAGS", LABEL)[0] == "OK", LABEL


def test_the_markup_would_run(open_context: OpenContext) -> None:
    """Else nothing here proves anything."""
    page = open_context().new_page()
    page.set_content(f'<script>{WATCH}</script><p title="{payload("control")}">')
    assert "control" in page.evaluate(f"window.{FIRED}")


@pytest.mark.mail(0)
def test_nothing_runs_in_list_reader_and_composer(hunted: Page, site: Site, person: Person) -> None:
    put_everything(site, person)
    page = hunted
    open_mail(page, site)
    row = page.locator(ROWS).first
    expect(row).to_contain_text("\"'><img src=x onerror=")
    expect(page.get_by_role("link", name=re.compile("onerror=fire"))).to_be_visible()
    nothing_ran(page)
    row.click()
    expect(page.locator(f"{READER} h1")).to_contain_text(payload("subject")[:40])
    page.locator(SHOWN).first.wait_for()
    expect(page.locator(READER)).to_contain_text("<svg/onload=")  # names, as they are
    for more in page.locator(f"{READER} button[aria-expanded=false]").all():
        more.click()
    page.keyboard.press("Escape")
    nothing_ran(page)
    page.locator(READER).get_by_role("button", name=re.compile("^Reply")).first.click()
    composer = Composer(page)
    composer.letter.wait_for()
    expect(composer.window.get_by_role("textbox", name="Subject")).to_have_value(
        re.compile(re.escape("\"'><img src=x onerror="))
    )
    expect(composer.letter).to_contain_text("<img src=x")
    nothing_ran(page)
    composer.write("Answered. ")
    composer.wait_saved()
    nothing_ran(page)
    open_mail(page, site, "drafts")
    nothing_ran(page)


@pytest.mark.web_long
@pytest.mark.mail(0)
def test_nothing_runs_in_search_settings_and_notices(
    hunted: Page, site: Site, person: Person
) -> None:
    """Folders, who signed in with what program, forwards, and toasts that name a folder."""
    put_everything(site, person)
    page = hunted
    named = page.context.browser
    assert named is not None
    evil = named.new_context(user_agent=payload("agent"))
    sign_in(evil, site, person)
    evil.close()
    open_mail(page, site)
    id_of(page, "img")
    page.get_by_role("combobox", name=re.compile("Search")).first.fill(payload("search"))
    page.keyboard.press("Enter")
    page.wait_for_timeout(300)
    nothing_ran(page)
    for section, words in (
        ("folders", "onerror=fire"),
        ("sessions", "Unknown browser"),
        ("storage", ""),
        ("restore", ""),
        ("rules", ""),
    ):
        page.goto(f"{site.url}/mail/settings/{section}")
        expect(page.locator(".settings [aria-busy=true]")).to_have_count(0)
        if words:
            expect(page.locator(".settings")).to_contain_text(words)
        nothing_ran(page)
    open_mail(page, site)
    [boxes] = jmap(page, ["Mailbox/get", {"ids": None}])
    [target] = [one for one in boxes["list"] if "onerror" in one["name"]]
    page.locator(ROWS).first.locator("[data-tick]").click()
    page.locator(".bar").get_by_role("button", name=re.compile("^Move")).click()
    page.get_by_role("option", name=re.compile("onerror=fire")).click()
    expect(page.get_by_text(re.compile("Moved to .*onerror")).first).to_be_visible()
    nothing_ran(page)
    page.goto(f"{site.url}/mail/{target['id']}")
    expect(page.locator(ROWS).first).to_be_visible()
    nothing_ran(page)


@pytest.mark.mail(0)
def test_nothing_runs_without_scripts_of_ours(
    open_context: OpenContext, site: Site, person: Person
) -> None:
    """The pages of /basic/ in a browser that would run what stood there."""
    put_everything(site, person)
    context = open_context()
    context.add_init_script(WATCH)
    sign_in(context, site, person)
    page = context.new_page()
    faults = watch_faults(page)
    page.goto(f"{site.url}/basic/")
    expect(page.locator(".messages")).to_contain_text("<img src=x onerror=")
    nothing_ran(page)
    page.locator(".messages .subject").first.click()
    expect(page.locator(".text")).to_contain_text("<script>")
    nothing_ran(page)
    assert page.locator("a[href^='javascript:' i]").count() == 0
    page.click("text='Reply'")
    assert "<img src=x" in page.input_value("#subject")
    nothing_ran(page)
    page.goto(f"{site.url}/basic/?q={'%22%3E%3Cimg src=x onerror=fire(1)%3E'}")
    nothing_ran(page)
    assert not faults


@pytest.mark.mail(0)
def test_files_that_are_pages_are_saved_and_not_shown(
    page: Page, site: Site, person: Person
) -> None:
    """HTML and SVG, attached or uploaded, whatever type is asked for."""
    site.send(person, evil_letter(person.login))
    open_mail(page, site)
    [found] = jmap(page, ["Email/query", {}])
    [told] = jmap(page, ["Email/get", {"ids": found["ids"], "properties": ["attachments"]}])
    account = page.evaluate(
        "Object.keys(JSON.parse(document.getElementById('session').textContent).session.accounts)[0]"
    )
    blobs = [one["blobId"] for one in told["list"][0]["attachments"]]
    assert len(blobs) >= 2
    queries = ("", "?type=text/html", "?type=image/svg%2Bxml&inline=1")
    for blob, query in itertools.product(blobs, queries):
        answer = page.request.get(f"{site.url}/jmap/download/{account}/{blob}/x{query}")
        assert answer.status == 200
        kind = answer.headers["content-type"].partition(";")[0]
        assert kind not in ("text/html", "image/svg+xml", "application/xhtml+xml", "text/xml")
        assert "sandbox" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        is_shown = kind == "text/plain" and "inline=1" in query
        assert answer.headers["content-disposition"].startswith("attachment") or is_shown


@pytest.mark.mail(0)
@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("text/html", "<!doctype html><script>(window.fire||parent.fire)('page')</script><p>seen"),
        ("image/svg+xml", "<svg xmlns='http://www.w3.org/2000/svg' onload='parent.fire(1)'/>"),
        (
            "application/xhtml+xml",
            "<html xmlns='http://www.w3.org/1999/xhtml'><script>parent.fire(1)</script></html>",
        ),
    ],
)
def test_the_source_of_an_attached_page_is_read(
    hunted: Page, site: Site, person: Person, kind: str, content: str
) -> None:
    """Looked at in the reader: its text is seen, with a word about why, and nothing of it runs."""
    page = hunted
    raw = (
        f"From: carol@example.net\r\nTo: {person.login}\r\nSubject: a page\r\n"
        'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'
        f"--b\r\n\r\nwords\r\n--b\r\nContent-Type: {kind}\r\n"
        "Content-Disposition: attachment; filename=page.x\r\n\r\n" + content + "\r\n--b--\r\n"
    )
    site.send(person, raw.encode())
    open_mail(page, site)
    page.click(ROWS)
    page.click("button.file:has-text('page.x')")
    sheet = page.locator("dialog[aria-label='page.x']")
    expect(sheet).to_contain_text("Shown as it is written.")
    shown = sheet.frame_locator("iframe").locator("body")
    expect(shown).to_have_text(content)
    assert shown.evaluate("one => one.ownerDocument.contentType") == "text/plain"
    assert shown.locator("script, svg, p").count() == 0
    nothing_ran(page)
