"""What another wrote, as it stands in the letter that answers it or passes it on."""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP

import pytest
from playwright.sync_api import Locator, Page, expect

from support.web_site import Person, Site
from support.writing import Composer

WHITE = "rgb(255, 255, 255)"


def _open(page: Page, site: Site, person: Person, subject: str, html: str) -> None:
    letter = EmailMessage()
    letter["From"] = "Carol <carol@example.net>"
    letter["To"] = person.login
    letter["Subject"] = subject
    letter.set_content("In words")
    letter.add_alternative(html, subtype="html")
    site.send(person, letter.as_bytes(policy=SMTP))
    page.goto(f"{site.url}/mail/")
    page.get_by_text(subject).first.click()
    page.locator(".answers button").first.wait_for()


def _paper(quote: Locator) -> str:
    return str(quote.evaluate("element => getComputedStyle(element).backgroundColor"))


@pytest.mark.context(color_scheme="dark")
def test_colours_of_another_stay_legible_in_the_dark(
    page: Page, site: Site, person: Person
) -> None:
    """A pale table in a dark letter had pale words: it stands on white, as it was made for."""
    table = '<table style="background:#fee"><tr><td>Roses</td></tr></table>'
    _open(page, site, person, "In colours", table)
    page.keyboard.press("r")
    composer = Composer(page)
    quote = composer.frame.locator("blockquote[type=cite]")
    expect(quote).to_contain_text("Roses")
    assert _paper(quote) == WHITE
    expect(composer.frame.locator("td")).to_have_css("color", "rgb(26, 29, 33)")
    page.keyboard.press("Escape")
    expect(composer.window).to_have_count(0)
    page.keyboard.press("f")
    passed_on = composer.frame.locator("[data-forwarded] > :last-child")
    expect(passed_on).to_contain_text("Roses")
    assert _paper(passed_on) == WHITE


@pytest.mark.context(color_scheme="dark")
def test_words_without_colours_are_as_dark_as_the_letter(
    page: Page, site: Site, person: Person
) -> None:
    """And there is a line for the answer, and an empty one between it and what is quoted."""
    _open(page, site, person, "In words", "<p>Roses</p>")
    page.keyboard.press("r")
    composer = Composer(page)
    quote = composer.frame.locator("blockquote[type=cite]")
    expect(quote).to_contain_text("Roses")
    assert _paper(quote) != WHITE
    composer.write("Yes.")
    lines = composer.letter.inner_text().split("\n")
    assert lines[0] == "Yes."
    assert lines[1].strip() == ""
