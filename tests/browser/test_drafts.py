"""What was begun: taken up from Drafts, thrown away and brought back, or never really begun."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from support.web_site import Person, Site
from support.writing import Composer, letters_of, until, wait_for_letters

CLOSE = "Close and keep as draft"


def _write_draft(page: Page, site: Site, subject: str, to: str = "bob@example.org") -> None:
    """One with a file, which the server has; its window is closed."""
    composer = Composer.open(page, site)
    composer.address(to, subject)
    composer.write("See the plan.")
    composer.attach({"name": "plan.txt", "mimeType": "text/plain", "buffer": b"A plan"})
    composer.wait_saved()
    composer.window.get_by_role("button", name=CLOSE).click()
    expect(composer.window).to_have_count(0)


def _read_draft(page: Page, site: Site, subject: str) -> None:
    page.goto(f"{site.url}/mail/drafts")
    page.get_by_text(subject).first.click()
    page.locator("[data-message]").first.wait_for()


def _answers(page: Page) -> list[str]:
    """The buttons below what is open."""
    buttons = page.locator(".conversation:not([inert]) .answers button")
    buttons.first.wait_for()
    return buttons.all_inner_texts()


def test_a_draft_thrown_away_comes_back_with_its_file(
    page: Page, site: Site, person: Person
) -> None:
    """Its file was nowhere but in the version on the server."""
    _write_draft(page, site, "Thrown away")
    _read_draft(page, site, "Thrown away")
    _go_on(page)
    composer = Composer(page)
    composer.letter.wait_for()
    composer.window.get_by_role("button", name="Delete this draft").click()
    expect(composer.window).to_have_count(0)
    deleted = page.locator(".toast", has_text="Draft deleted")
    deleted.get_by_role("button", name="Undo", exact=True).click()
    expect(composer.window.get_by_text("plan.txt")).to_be_visible()
    composer.write("Once more: ")
    composer.wait_saved()
    [letter] = letters_of(site, person, "Drafts", "Thrown away")
    [file] = letter.iter_attachments()
    assert str(file.get_content()).strip() == "A plan"
    assert "Once more: See the plan." in letter.get_body(("plain",)).get_content()
    assert letters_of(site, person, "Trash", "Thrown away") == []


def test_a_draft_thrown_away_lies_in_the_trash(page: Page, site: Site, person: Person) -> None:
    """And, brought back without a change, in Drafts again."""
    _write_draft(page, site, "Second thoughts")
    _read_draft(page, site, "Second thoughts")
    _go_on(page)
    composer = Composer(page)
    composer.letter.wait_for()
    composer.window.get_by_role("button", name="Delete this draft").click()
    deleted = page.locator(".toast", has_text="Draft deleted")
    undo = deleted.get_by_role("button", name="Undo", exact=True)
    undo.wait_for()
    assert letters_of(site, person, "Drafts", "Second thoughts") == []
    assert len(letters_of(site, person, "Trash", "Second thoughts")) == 1
    undo.click()
    expect(composer.window.get_by_text("plan.txt")).to_be_visible()
    composer.window.get_by_role("button", name=CLOSE).click()
    expect(composer.window).to_have_count(0)
    assert len(letters_of(site, person, "Drafts", "Second thoughts")) == 1
    assert letters_of(site, person, "Trash", "Second thoughts") == []


def test_the_reader_never_stays_blank_where_a_draft_was(
    page: Page, site: Site, person: Person
) -> None:
    """Sent while it was open beside the list: the list is what is left."""
    friend = site.new_person(0)
    _write_draft(page, site, "Going out", friend.login)
    _read_draft(page, site, "Going out")
    _go_on(page)
    composer = Composer(page)
    composer.letter.wait_for()
    composer.send()
    expect(composer.window).to_have_count(0)
    expect(page.locator("[data-reader]")).to_have_count(0)
    expect(page).to_have_url(f"{site.url}/mail/drafts")
    assert len(wait_for_letters(site, friend, "INBOX", "Going out", seconds=40)) == 1


def test_a_draft_is_not_answered_but_gone_on_with(page: Page, site: Site, person: Person) -> None:
    """One button below it; the key of answers does the same."""
    _write_draft(page, site, "Unfinished")
    _read_draft(page, site, "Unfinished")
    assert _answers(page) == ["Edit"]
    page.keyboard.press("r")
    composer = Composer(page)
    subject = composer.window.get_by_role("textbox", name="Subject")
    expect(subject).to_have_value("Unfinished")
    composer.window.get_by_role("button", name=CLOSE).click()
    expect(composer.window).to_have_count(0)
    page.get_by_role("button", name="Edit", exact=True).click()
    expect(subject).to_have_value("Unfinished")


def test_an_answer_without_a_letter_typed_is_no_draft(
    page: Page, site: Site, person: Person
) -> None:
    """Opened and closed: nothing is kept or said, and the focus is where it was."""
    page.goto(f"{site.url}/mail/inbox")
    page.get_by_role("row").nth(1).click()
    assert _answers(page)[0] == "Reply"
    reply = page.locator(".answers button").first
    reply.click()
    composer = Composer(page)
    composer.letter.wait_for()
    expect(composer.letter.locator("blockquote")).to_be_visible()
    page.wait_for_timeout(4_000)  # longer than typing rests before it is saved
    composer.letter.press("Escape")
    expect(composer.window).to_have_count(0)
    expect(reply).to_be_focused()
    expect(page.get_by_text("Kept in Drafts")).to_have_count(0)
    with site.imap(person) as client:
        assert client.select("Drafts", readonly=True)[1] == [b"0"]

    # With a word it is one.
    page.keyboard.press("r")
    composer.letter.wait_for()
    composer.write("Yes")
    composer.letter.press("Escape")
    expect(page.get_by_text("Kept in Drafts")).to_be_visible()
    until(lambda: letters_of(site, person, "Drafts", "Re: "), lambda found: len(found) == 1)


def _go_on(page: Page) -> None:
    page.get_by_role("button", name="Go on writing").click()
