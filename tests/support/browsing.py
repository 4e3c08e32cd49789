"""Debian's Chromium by Playwright, and what is asked of every page."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from support.web_site import Person, Site

CHROMIUM = Path("/usr/bin/chromium")
IS_LONG = os.environ.get("PILLARBOX_BROWSER", "") == "long"
MANY = 100_000 if IS_LONG else 2_000  # messages in the inbox of `large_site`
PATIENCE_SECONDS = 30  # for what a test waits; the machine may be busy
WIDTHS = (360, 800, 1280)
THEMES = ("light", "dark")
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@contextlib.contextmanager
def running_browser() -> Iterator[Browser]:
    """A process of its own."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=list(_ARGUMENTS), chromium_sandbox=False
        )
        yield running
        running.close()


def sign_in(context: BrowserContext, site: Site, person: Person) -> None:
    """Give a context the cookie of a session, as the app's own sheet gets it, without a window."""
    given = {"email": person.login, "password": person.password}
    answer = context.request.post(f"{site.url}/sign-in", data=given)  # JSON
    assert answer.status == 200, f"{answer.status}: {answer.text()[:500]}"


def watch_faults(page: Page) -> list[str]:
    """A list that grows by the errors of a page's scripts and what its policies refused."""
    faults: list[str] = []

    def said(message: Any) -> None:
        text = message.text
        if message.type == "error" and ("Policy" in text or "Trusted" in text):
            faults.append(text)

    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", said)
    return faults


def wrong_for_axe(page: Page) -> list[str]:
    """What is serious or critical for people who cannot see well or point."""
    results = Axe().run(page, options={"resultTypes": ["violations"]})
    return [
        f"{one['id']}: {node['html'][:300]}\n{node['failureSummary'][:400]}"
        for one in results.response["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]
