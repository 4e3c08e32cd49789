"""The composer as a person uses it."""

from __future__ import annotations

import email
import re
import time
from collections.abc import Callable
from email.message import EmailMessage
from email.policy import default as modern
from typing import Any, TypeVar

from playwright.sync_api import FrameLocator, Locator, Page, expect

from support.web_site import Person, Site

SENT = "Message sent"
T = TypeVar("T")


class Composer:
    """The one that is open in a page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.window = page.locator("section.sheet")

    @classmethod
    def open(cls, page: Page, site: Site) -> Composer:
        """By the button of the side bar."""
        if not page.url.startswith(site.url):
            page.goto(f"{site.url}/mail/")
        page.get_by_role("button", name="Write").click()
        made = cls(page)
        made.field("To").wait_for()
        made.letter.wait_for()
        return made

    @property
    def frame(self) -> FrameLocator:
        """The editor's own page."""
        return self.page.frame_locator("iframe[title='Message text']")

    @property
    def letter(self) -> Locator:
        """What is written."""
        return self.frame.get_by_role("textbox")

    @property
    def state(self) -> Locator:
        """The words about saving."""
        return self.window.locator("header [role=status]")

    @property
    def undo(self) -> Locator:
        """Of sending."""
        return self.page.get_by_role("button", name="Undo", exact=True)

    def field(self, name: str) -> Locator:
        """Of recipients."""
        return self.window.get_by_role("combobox", name=name, exact=True)

    def address(self, person: str, subject: str) -> None:
        """To one person."""
        self.field("To").fill(person)
        self.page.keyboard.press("Enter")
        self.window.get_by_role("textbox", name="Subject").fill(subject)

    def write(self, text: str, delay: float = 0) -> None:
        """At the beginning of the letter."""
        self.letter.click(position={"x": 30, "y": 20})
        self.page.keyboard.press("Control+Home")
        self.page.keyboard.type(text, delay=delay)

    def attach(self, *files: dict[str, Any]) -> None:
        """As if picked in the dialog of the system."""
        self.window.locator("input[type=file]").set_input_files(list(files))

    def send(self) -> None:
        """The button."""
        self.window.get_by_role("button", name="Send", exact=True).click()

    def wait_saved(self) -> None:
        """Until the server has it."""
        expect(self.state).to_have_text(re.compile(r"Saved \d"), timeout=20_000)


def letters_of(site: Site, person: Person, mailbox: str, subject: str) -> list[EmailMessage]:
    """Those with that subject, read by IMAP."""
    with site.imap(person) as client:
        client.select(mailbox, readonly=True)
        _, found = client.search(None, "SUBJECT", f'"{subject}"')
        letters = []
        for number in found[0].split():
            _, data = client.fetch(number, "(BODY.PEEK[])")
            letters.append(email.message_from_bytes(data[0][1], policy=modern))
        return letters


def wait_for_letters(
    site: Site, person: Person, mailbox: str, subject: str, count: int = 1, seconds: float = 20
) -> list[EmailMessage]:
    """Until there are so many."""
    return until(
        lambda: letters_of(site, person, mailbox, subject),
        lambda found: len(found) >= count,
        seconds,
    )


def until(look: Callable[[], T], is_right: Callable[[T], bool], seconds: float = 20) -> T:
    """What is looked at, once it is right."""
    end = time.monotonic() + seconds
    while True:
        seen = look()
        if is_right(seen):
            return seen
        assert time.monotonic() < end, f"still {seen!r}"
        time.sleep(0.2)
