"""Writing: nothing is lost, nothing is sent twice (web.md §2.4, §2.9)."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import time
from collections.abc import Callable
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from support.browsing import CHROMIUM, sign_in
from support.web_site import Person, Site
from support.writing import Composer, letters_of, until, wait_for_letters

pytestmark = pytest.mark.timed

MIB = 1024 * 1024


@pytest.fixture
def friend(site: Site) -> Person:
    """Whom one writes to."""
    return site.new_person(0)


def _processes_of(profile: Path) -> list[int]:
    """Of the browser with that profile; the first one first."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if str(profile).encode() in words:
                found.append(int(entry.name))
    return sorted(found)


@pytest.mark.web_long
def test_comp_1_a_killed_browser_loses_a_second_of_typing_at_most(
    browser: Browser, site: Site, person: Person, tmp_path: Path
) -> None:
    """Killed in the midst of a sentence; what was typed more than a second before is there."""
    profile = tmp_path / "profile"

    def start() -> BrowserContext:
        return browser.browser_type.launch_persistent_context(
            profile, executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"]
        )

    context = start()
    sign_in(context, site, person)
    page = context.new_page()
    composer = Composer.open(page, site)
    composer.address("bob@example.org", "Half a letter")
    composer.write("alpha bravo charlie delta echo foxtrot golf hotel india juliet ", delay=15)
    composer.page.keyboard.type("kilo lima mike", delay=40)
    before = time.monotonic()  # the second that may be lost begins with its last letter
    while time.monotonic() - before < 1.0:
        page.wait_for_timeout(50)
    page.keyboard.type(" november")
    for process in _processes_of(profile):
        os.kill(process, signal.SIGKILL)
    with pytest.raises(Exception, match="closed"):
        page.wait_for_timeout(10_000)
    for lock in profile.glob("Singleton*"):
        lock.unlink()

    context = start()
    sign_in(context, site, person)
    page = context.new_page()
    page.goto(f"{site.url}/mail/")
    page.get_by_role("button", name="Go on writing").click()
    composer = Composer(page)
    expect(composer.letter).to_contain_text("india juliet kilo lima mike")
    expect(composer.window.get_by_role("textbox", name="Subject")).to_have_value("Half a letter")
    expect(composer.window.get_by_text("bob@example.org", exact=True)).to_be_visible()
    context.close()


@pytest.mark.web_long
def test_comp_2_a_large_file_over_a_line_that_drops_twice_arrives_once(
    page: Page, site: Site, person: Person, friend: Person
) -> None:
    """25 MB; the line is cut at the first two attempts."""
    octets = os.urandom(25 * 1000 * 1000)
    attempts: list[int] = []

    def cut_twice(route: Route) -> None:
        attempts.append(1)
        if len(attempts) <= 2:
            route.abort("connectionreset")
        else:
            route.continue_()

    composer = Composer.open(page, site)
    composer.address(friend.login, "A large file")
    page.route("**/jmap/upload/**", cut_twice)
    path = {"name": "large.bin", "mimeType": "application/octet-stream", "buffer": octets}
    composer.attach(path)
    expect(composer.window.get_by_text("large.bin")).to_be_visible()
    composer.send()
    expect(page.get_by_text("Message sent")).to_be_visible(timeout=40_000)
    letters = wait_for_letters(site, friend, "INBOX", "A large file", seconds=60)
    assert len(letters) == 1
    files = list(letters[0].iter_attachments())
    assert [part.get_filename() for part in files] == ["large.bin"]
    digest = hashlib.sha256(files[0].get_payload(decode=True)).digest()
    assert digest == hashlib.sha256(octets).digest()
    assert len(attempts) == 3


@pytest.mark.web_long
def test_comp_3_undo_never_sends_and_never_loses(
    page: Page, site: Site, person: Person, friend: Person
) -> None:
    """Taken back: nobody gets it, and it is open again as it was."""
    composer = Composer.open(page, site)
    composer.address(friend.login, "Second thoughts")
    composer.write("I resign.")
    composer.send()
    expect(composer.window).to_have_count(0)
    composer.undo.click()
    expect(composer.letter).to_contain_text("I resign.")
    expect(composer.window.get_by_role("textbox", name="Subject")).to_have_value("Second thoughts")
    composer.write("On reflection: ")
    composer.wait_saved()
    page.wait_for_timeout(12_000)  # longer than it would have been held
    assert letters_of(site, friend, "INBOX", "Second thoughts") == []
    drafts = letters_of(site, person, "Drafts", "Second thoughts")
    assert len(drafts) == 1
    assert "On reflection: I resign." in drafts[0].get_body(("plain",)).get_content()
    composer.send()
    letters = wait_for_letters(site, friend, "INBOX", "Second thoughts", seconds=30)
    assert len(letters) == 1
    assert "On reflection" in letters[0].get_body(("plain",)).get_content()
    assert letters_of(site, person, "Drafts", "Second thoughts") == []
    assert len(letters_of(site, person, "Sent", "Second thoughts")) == 1


@pytest.mark.web_long
def test_comp_3_undo_is_gone_when_it_is_too_late(
    page: Page, site: Site, person: Person, friend: Person
) -> None:
    """While the button is there nothing was sent; it goes when the letter does."""
    composer = Composer.open(page, site)
    composer.address(friend.login, "On its way")
    composer.write("Hello")
    began = time.monotonic()
    composer.send()
    expect(composer.undo).to_be_visible()
    page.wait_for_timeout(7_000)
    assert letters_of(site, friend, "INBOX", "On its way") == []
    expect(composer.undo).to_be_visible()
    expect(composer.undo).to_have_count(0, timeout=15_000)
    assert 8 < time.monotonic() - began < 20
    assert len(wait_for_letters(site, friend, "INBOX", "On its way")) == 1


def _stored_draft(page: Page, site: Site, friend: Person, subject: str) -> Composer:
    """With a file, closed, and taken up again from Drafts."""
    composer = Composer.open(page, site)
    composer.address(friend.login, subject)
    composer.write("See the plan.")
    composer.attach({"name": "plan.txt", "mimeType": "text/plain", "buffer": b"A plan"})
    composer.wait_saved()
    composer.window.get_by_role("button", name="Close and keep as draft").click()
    expect(composer.window).to_have_count(0)
    page.goto(f"{site.url}/mail/drafts")
    page.get_by_text(subject).first.click()
    page.get_by_role("button", name="Go on writing").click()
    composer.letter.wait_for()
    expect(composer.window.get_by_text("plan.txt")).to_be_visible()
    return composer


def _plan_of(letters: list[EmailMessage]) -> str:
    """What is in the file of the only letter."""
    [letter] = letters
    [file] = letter.iter_attachments()
    assert file.get_filename() == "plan.txt"
    return str(file.get_content()).strip()


@pytest.mark.web_long
@pytest.mark.parametrize("is_later", [False, True], ids=["undo", "taken back"])
def test_a_stored_draft_with_a_file_can_be_sent_after_it_was_taken_back(
    page: Page, site: Site, person: Person, friend: Person, is_later: bool
) -> None:
    """Its file was a part of the version that went when the letter was sent first."""
    composer = _stored_draft(page, site, friend, "The plan")
    if is_later:
        composer.window.get_by_role("button", name="Send later").click()
        page.get_by_role("button", name="Tomorrow morning").click()
        expect(composer.window).to_have_count(0)
        page.goto(f"{site.url}/mail/settings/scheduled")
        page.get_by_role("button", name="Take back and edit").click()
    else:
        composer.send()
        expect(composer.window).to_have_count(0)
        composer.undo.click()
    expect(composer.window.get_by_text("plan.txt")).to_be_visible()
    composer.letter.wait_for()
    composer.send()
    expect(composer.window).to_have_count(0)
    sent = page.locator(".toast", has_text="Message sent")
    sent.get_by_role("button", name="Undo", exact=True).click()
    expect(composer.window.get_by_text("plan.txt")).to_be_visible()
    composer.write("Once more: ")
    composer.wait_saved()
    assert _plan_of(letters_of(site, person, "Drafts", "The plan")) == "A plan"
    composer.send()
    found = wait_for_letters(site, friend, "INBOX", "The plan", seconds=40)
    assert _plan_of(found) == "A plan"
    gone = until(lambda: letters_of(site, person, "Drafts", "The plan"), lambda left: not left)
    assert gone == []


def test_what_is_sent_later_says_so_in_sent(
    page: Page, site: Site, person: Person, friend: Person, picture: Callable[[Page, str], Path]
) -> None:
    """Over the list and in the letter, from where it is taken back."""
    composer = Composer.open(page, site)
    composer.address(friend.login, "For tomorrow")
    composer.write("Not yet.")
    expect(composer.state).to_have_text("Saved on this device")
    composer.window.get_by_role("button", name="Send later").click()
    page.get_by_role("button", name="Tomorrow morning").click()
    expect(composer.window).to_have_count(0)
    page.goto(f"{site.url}/mail/sent")
    expect(page.get_by_text("1 message here waits for its time")).to_be_visible()
    listed = page.get_by_role("row", name="For tomorrow")
    expect(listed).to_contain_text("Will be sent")
    expect(listed).to_have_accessible_name(re.compile("Will be sent .*, row 1 of 1"))
    page.get_by_text("For tomorrow").first.click()
    note = page.get_by_role("note").filter(has_text="Will be sent")
    expect(note).to_be_visible()
    picture(page, "waiting-in-sent")
    note.get_by_role("button", name="Take back and edit").click()
    expect(composer.letter).to_contain_text("Not yet.")
    expect(page.get_by_text("1 message here waits for its time")).to_have_count(0)


@pytest.mark.web_long
@pytest.mark.parametrize("is_sent", [False, True], ids=["saving", "sending"])
def test_a_file_that_the_server_has_forgotten_is_taken_from_the_draft(
    page: Page, site: Site, person: Person, friend: Person, is_sent: bool
) -> None:
    """The version that holds it is not removed before the next one is there."""
    composer = _stored_draft(page, site, friend, "Forgotten")
    spoilt: list[str] = []

    def spoil(route: Route) -> None:
        body = route.request.post_data or ""
        right = "EmailSubmission/set" in body if is_sent else '"create":{"d"' in body
        if right and not spoilt:
            spoilt.append(body)
            body = re.sub(r'"blobId":"[^"]+"', '"blobId":"B999999_9"', body)
            assert body != spoilt[0]
        route.continue_(post_data=body)

    page.route("**/jmap/api", spoil)
    if is_sent:
        composer.send()
        expect(page.get_by_text("Message sent")).to_be_visible()
        found = wait_for_letters(site, friend, "INBOX", "Forgotten", seconds=40)
    else:
        composer.write("Changed. ")
        composer.wait_saved()
        found = letters_of(site, person, "Drafts", "Forgotten")
        assert "Changed." in str(found[0].get_body(("plain",)))
    assert spoilt
    assert _plan_of(found) == "A plan"


def test_comp_4_a_double_click_on_send_sends_once(
    page: Page, site: Site, person: Person, friend: Person
) -> None:
    """And so does a click beside Ctrl+Enter."""
    composer = Composer.open(page, site)
    composer.address(friend.login, "Twice")
    composer.write("Once only")
    composer.window.get_by_role("button", name="Send", exact=True).dblclick()
    expect(composer.window).to_have_count(0)
    assert len(wait_for_letters(site, friend, "INBOX", "Twice", seconds=30)) == 1
    page.wait_for_timeout(3_000)
    assert len(letters_of(site, friend, "INBOX", "Twice")) == 1
    assert len(letters_of(site, person, "Sent", "Twice")) == 1


@pytest.mark.context(service_workers="block")
@pytest.mark.web_long
def test_what_comes_after_the_window_is_asked_for_again(
    page: Page, site: Site, person: Person, friend: Person
) -> None:
    """The line breaks when the window is there, but not what sends and what shows files."""

    def lose(route: Route) -> None:
        if "/assets/" in route.request.url or route.request.method == "HEAD":
            route.abort("internetdisconnected")
        else:
            route.continue_()

    lost = re.compile(r"/assets/rest-[^/]+\.js$")
    page.route(lost, lose)
    # The page asks so whether there is another build; were it answered just then, it would reload.
    page.route(re.compile("/mail/$"), lose)
    composer = Composer.open(page, site)
    composer.address(friend.login, "In two parts")
    composer.write("Hello")
    alert = composer.window.get_by_role("alert")
    composer.send()
    expect(alert).to_contain_text("could not be loaded")
    alert.get_by_role("button").click()
    composer.attach({"name": "plan.txt", "mimeType": "text/plain", "buffer": b"A plan"})
    expect(alert).to_contain_text("could not be loaded")
    page.unroute(lost)
    # Saving asks for it by itself, and then the file is shown with what became of it.
    composer.window.get_by_role("button", name="Try again").click(timeout=30_000)
    composer.wait_saved()
    composer.send()
    [letter] = wait_for_letters(site, friend, "INBOX", "In two parts", seconds=30)
    assert "Hello" in str(letter.get_body(("plain",)))
    [file] = letter.iter_attachments()
    assert file.get_content().strip() == "A plan"


@pytest.mark.web_long
def test_comp_4_an_answer_that_is_lost_does_not_send_twice(
    page: Page, site: Site, person: Person, friend: Person
) -> None:
    """The server took it, but the line broke before it could say so."""
    lost: list[str] = []

    def lose_answer(route: Route) -> None:
        body = route.request.post_data or ""
        if "EmailSubmission/set" in body and not lost:
            lost.append(route.fetch().text())
            route.abort("connectionreset")
        else:
            route.continue_()

    composer = Composer.open(page, site)
    composer.address(friend.login, "Lost answer")
    composer.write("Only once")
    page.route("**/jmap/api", lose_answer)
    composer.send()
    expect(page.get_by_text("will be sent later")).to_be_visible()
    page.get_by_role("button", name="Send now").click()
    assert len(wait_for_letters(site, friend, "INBOX", "Lost answer", seconds=30)) == 1
    page.wait_for_timeout(3_000)
    assert lost
    assert len(letters_of(site, friend, "INBOX", "Lost answer")) == 1


@pytest.mark.web_long
def test_sign_3_a_session_that_ends_while_somebody_writes_loses_nothing(
    page: Page,
    context: BrowserContext,
    open_context: Callable[..., BrowserContext],
    site: Site,
    person: Person,
    friend: Person,
) -> None:
    """2,000 characters and three files; signed in again over the page, it is sent as it was."""
    text = ("All work and no play makes a dull letter. " * 50)[:2000]
    composer = Composer.open(page, site)
    composer.address(friend.login, "A long letter")
    composer.write(text[:1000])
    files = [
        {"name": f"part-{n}.txt", "mimeType": "text/plain", "buffer": f"file {n}".encode() * 1000}
        for n in range(3)
    ]
    composer.attach(files[0], files[1])
    composer.wait_saved()

    held: list[Route] = []  # what the page asks while the session ends

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/jmap/**", hold)
    composer.letter.click()
    page.keyboard.press("Control+End")
    page.keyboard.type(text[1000:])
    composer.attach(files[2])
    until_held(page, held)
    elsewhere = open_context()
    sign_in(elsewhere, site, person)
    state = elsewhere.request.get(f"{site.url}/account/state").json()
    ended = elsewhere.request.post(
        f"{site.url}/account/sessions/end-others", headers={"X-Csrf-Token": state["csrf"]}
    )
    assert ended.ok, ended.text()
    for route in held:
        route.continue_()
    page.unroute("**/jmap/**")

    sheet = page.get_by_role("dialog")
    expect(sheet.locator("input[type=password]")).to_be_visible(timeout=20_000)
    sheet.locator("input[type=password]").fill(person.password)
    page.keyboard.press("Enter")
    expect(sheet).to_have_count(0)
    composer.send()
    letters = wait_for_letters(site, friend, "INBOX", "A long letter", seconds=40)
    assert len(letters) == 1
    content = letters[0].get_body(("plain",)).get_content()
    assert "".join(content.split()) == "".join(text.split())
    names = [part.get_filename() for part in letters[0].iter_attachments()]
    assert names == ["part-0.txt", "part-1.txt", "part-2.txt"]


def until_held(page: Page, held: list[Route]) -> None:
    """The upload and a draft are on their way."""
    for _ in range(150):
        if {"upload", "api"} <= {one.request.url.split("/")[4] for one in held}:
            return
        page.wait_for_timeout(100)
    raise AssertionError([one.request.url for one in held])


def test_a_letter_survives_a_reload(page: Page, site: Site, person: Person) -> None:
    """It is open again without being asked for."""
    composer = Composer.open(page, site)
    composer.address("bob@example.org", "Reload")
    composer.write("Still here")
    composer.wait_saved()
    page.reload()
    expect(composer.letter).to_contain_text("Still here")


@pytest.mark.web_long
def test_sync_5_two_devices_lose_no_text(
    page: Page,
    open_context: Callable[..., BrowserContext],
    site: Site,
    person: Person,
) -> None:
    """SYNC-5 for drafts: whoever comes second is asked, and both versions are there."""
    composer = Composer.open(page, site)
    composer.address("bob@example.org", "Shared draft")
    composer.write("From the first device.")
    composer.wait_saved()

    other_context = open_context()
    sign_in(other_context, site, person)
    other = other_context.new_page()
    other.goto(f"{site.url}/mail/drafts")
    other.get_by_text("Shared draft").first.click()
    other.get_by_role("button", name="Go on writing").click()
    second = Composer(other)
    expect(second.letter).to_contain_text("From the first device.")
    second.write("The second says more. ")
    second.wait_saved()

    composer.write("The first goes on. ")
    expect(page.get_by_text("changed, sent or deleted on another device")).to_be_visible(
        timeout=20_000
    )
    drafts = letters_of(site, person, "Drafts", "Shared draft")
    texts = " ".join(one.get_body(("plain",)).get_content() for one in drafts)
    assert "The second says more." in texts
    assert "The first goes on." in texts
    page.get_by_role("button", name="Keep both").click()
    composer.wait_saved()
    kept = letters_of(site, person, "Drafts", "Shared draft")
    assert len(kept) == 2
    assert len({one["Message-ID"] for one in kept}) == 2


@pytest.mark.web_long
def test_an_answer_keeps_the_other_letter_as_it_was(
    page: Page, site: Site, person: Person, friend: Person
) -> None:
    """Tables, colours and pictures inside; the picture goes along as a part."""
    picture = bytes.fromhex(
        "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
        "0000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
    )
    letter = EmailMessage()
    letter["From"] = f"Friend <{friend.login}>"
    letter["To"] = person.login
    letter["Subject"] = "Offer"
    letter["Message-ID"] = "<offer@example.org>"
    letter.set_content("Offer in a table")
    letter.add_alternative(
        "<html><head><style>.price{color:rgb(200, 0, 0)}</style></head><body>"
        '<table width="300"><tr><td class="price" bgcolor="#eeeeee">Rope</td></tr></table>'
        '<img src="cid:dot@example.org" width="7"></body></html>',
        subtype="html",
    )
    html = letter.get_payload()[1]
    html.add_related(picture, "image", "png", cid="<dot@example.org>", filename="dot.png")
    site.send(person, letter.as_bytes(policy=SMTP), sender=friend.login)
    page.goto(f"{site.url}/mail/")
    page.get_by_text("Offer").first.click()
    page.get_by_role("button", name="Reply", exact=True).first.click()
    composer = Composer(page)
    cell = composer.frame.locator("blockquote td")
    expect(cell).to_have_attribute("bgcolor", "#eeeeee")
    expect(cell).to_have_css("color", "rgb(200, 0, 0)")
    width = composer.frame.locator("blockquote img").evaluate("image => image.naturalWidth")
    assert width == 1
    composer.write("Yes, please.")
    composer.send()
    answers = wait_for_letters(site, friend, "INBOX", "Re: Offer", seconds=30)
    answer = answers[0]
    assert answer["In-Reply-To"] == "<offer@example.org>"
    body: Any = answer.get_body(("related", "html"))
    source = answer.get_body(("html",)).get_content()
    assert 'src="cid:dot@example.org"' in source
    assert "bgcolor" in source
    assert any(part["Content-ID"] == "<dot@example.org>" for part in body.walk())
    assert "> Offer" in answer.get_body(("plain",)).get_content() or "Rope" in source
    answered = until(lambda: _flags(site, person), lambda flags: b"\\Answered" in flags)
    assert b"\\Answered" in answered


def _flags(site: Site, person: Person) -> bytes:
    with site.imap(person) as client:
        client.select("INBOX", readonly=True)
        _, found = client.search(None, "SUBJECT", '"Offer"')
        _, data = client.fetch(found[0].split()[-1], "(FLAGS)")
        return bytes(data[0])


@pytest.mark.web_long
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_composer_is_usable_by_everybody(
    open_context: Callable[..., BrowserContext],
    site: Site,
    person: Person,
    axe: Callable[..., None],
    picture: Callable[[Page, str], Path],
    theme: Any,
) -> None:
    """Nothing serious for axe on a desktop and a phone, with files, a quote and an error."""
    for width, height, name in ((1280, 800, "desktop"), (390, 844, "phone")):
        context = open_context(
            color_scheme=theme, viewport={"width": width, "height": height}, has_touch=width < 500
        )
        sign_in(context, site, person)
        page = context.new_page()
        page.goto(f"{site.url}/mail/")
        page.get_by_role("button", name="Write").first.click()
        composer = Composer(page)
        composer.letter.wait_for()
        composer.field("To").fill("Bob Example <bob@example.org>, Carol <carol@example.org>")
        page.keyboard.press("Enter")
        composer.window.get_by_role("textbox", name="Subject").fill("Plans for the harbour")
        composer.write("The attached plan needs another look.")
        composer.attach({"name": "plan.pdf", "mimeType": "application/pdf", "buffer": b"%PDF"})
        composer.wait_saved()
        axe(page, f"composer, {theme}, {name}")
        picture(page, f"composer-{name}-{theme}")
