"""A new user's first day: started as `make run` does it, then everything by what is printed."""

from __future__ import annotations

import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from pillarbox.testing.server import free_ports
from support.reading import ROWS, body
from support.way_back import ANOTHER, choose_password, confirm_with
from support.writing import Composer

OpenContext = Callable[..., BrowserContext]
START_SECONDS = 60.0


@dataclass
class Printed:
    """What the program told whoever started it."""

    text: str

    @property
    def url(self) -> str:
        found = re.search(r"In a browser: (http://\S+?)/?\s", self.text)
        assert found, self.text
        return found[1]

    def password(self, login: str) -> str:
        found = re.search(rf"^\s*{re.escape(login)}\s+(\S+)$", self.text, re.MULTILINE)
        assert found, self.text
        return found[1]


@pytest.fixture
def printed(tmp_path: Path) -> Iterator[Printed]:
    """`pillarbox run` in a folder of its own."""
    base = min(free_ports().values()) // 1000 * 1000
    for port_base in range(base, base + 20_000, 1000):
        process = subprocess.Popen(
            [sys.executable, "-m", "pillarbox.cli", "run", "--workers", "1"],
            cwd=tmp_path,
            env={**os.environ, "PORT_BASE": str(port_base)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        text = _until_told(process)
        if process.poll() is None:
            break
        assert b"already listens" in process.communicate()[1]
    try:
        yield Printed(text)
    finally:
        process.terminate()
        assert process.wait(30) == 0
        assert b"Traceback" not in process.communicate()[1]


def _until_told(process: subprocess.Popen[bytes]) -> str:
    """What it printed, by itself or until it ended."""
    assert process.stdout is not None
    told, until = b"", time.monotonic() + START_SECONDS
    while b"outgoing SMTP" not in told and time.monotonic() < until:
        if select.select([process.stdout], [], [], 1)[0]:
            piece = os.read(process.stdout.fileno(), 65_536)
            if not piece:
                process.wait(10)
                break
            told += piece
    return told.decode()


def enter(page: Page, login: str, password: str) -> None:
    page.get_by_label("E-mail address").fill(login)
    page.get_by_label("Password", exact=True).fill(password)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/mail/"))


@pytest.mark.web_long
def test_the_first_day(open_context: OpenContext, printed: Printed) -> None:
    """Sign in, read, reply, delete everything, undo, forget the password, come back."""
    alice, bob = "alice@example.test", "bob@example.test"
    page = open_context(viewport={"width": 1280, "height": 900}).new_page()
    page.goto(f"{printed.url}/")
    enter(page, alice, printed.password(alice))

    paper = print_codes(page, printed.password(alice))

    # Read what is there, and write to the other one.
    page.goto(f"{printed.url}/mail/")
    page.locator(ROWS, has_text="Welcome to Pillarbox").click()
    expect(body(page).locator("body")).to_contain_text("This mailbox lives on your own computer")
    page.get_by_role("button", name="Write").click()
    composer = Composer(page)
    composer.letter.wait_for()
    composer.address(bob, "Hello Bob")
    composer.write("Are you there?")
    composer.send()

    # Bob reads and replies; the reply arrives in the open page by itself.
    other = open_context(viewport={"width": 1280, "height": 900}).new_page()
    other.goto(printed.url)
    enter(other, bob, printed.password(bob))
    expect(other.locator(ROWS, has_text="Hello Bob")).to_be_visible(timeout=40_000)
    other.locator(ROWS, has_text="Hello Bob").click()
    expect(body(other).locator("body")).to_contain_text("Are you there?")
    other.locator(".conversation").get_by_role("button", name=re.compile("^Reply")).first.click()
    answer = Composer(other)
    answer.letter.wait_for()
    answer.write("Yes, here I am.")
    answer.send()
    expect(page.locator(ROWS, has_text="Yes, here I am")).to_be_visible(timeout=40_000)

    # Delete everything, and think better of it.
    page.goto(f"{printed.url}/mail/inbox")
    expect(page.locator(ROWS)).to_have_count(3)  # with the notice that there are codes now
    page.locator("header .all input").click()
    page.locator(".bar").get_by_role("button", name="Delete", exact=True).click()
    expect(page.locator(ROWS)).to_have_count(0)
    page.get_by_role("button", name="Undo", exact=True).first.click()
    expect(page.locator(ROWS)).to_have_count(3)

    # Forgotten. A code from paper, another password, and back in.
    page.get_by_role("button", name=re.compile(f"Account {alice}")).click()
    page.get_by_role("menuitem", name="Sign out").click()
    come_back(page, alice, paper[0])
    page.goto(f"{printed.url}/")
    enter(page, alice, ANOTHER)
    expect(page.locator(ROWS, has_text="Welcome to Pillarbox")).to_be_visible()


def print_codes(page: Page, password: str) -> list[str]:
    """Three steps are offered; the first is taken: codes to print."""
    steps = page.get_by_role("region", name="Three steps for a start")
    expect(steps).to_be_visible()
    steps.get_by_role("link", name=re.compile("A way back in")).click()
    page.get_by_role("button", name="Make new codes").click()
    codes = page.locator(".codes-sheet code")
    asked = page.get_by_role("dialog").locator("input[type=password]")
    codes.first.or_(asked).first.wait_for()
    if asked.count():
        confirm_with(page, password)
    expect(codes).to_have_count(10)
    return codes.all_inner_texts()


def come_back(page: Page, login: str, code: str) -> None:
    """From the sign-in page, with a code from paper."""
    expect(page.get_by_label("E-mail address")).to_be_visible()
    page.get_by_role("link", name="Forgot password?").click()
    page.get_by_role("link", name="I have a recovery code").click()
    page.get_by_label("Your e-mail address here").fill(login)
    page.get_by_label("Recovery code").fill(code)
    page.get_by_role("button", name="Continue").click()
    choose_password(page)
