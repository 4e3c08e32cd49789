"""The webmail as tests of the reader and of operations see it."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Locator, Page, expect

from support.web_site import Site

ROWS = "[role=row][data-id]"
READER = ".conversation:not([inert])"
SHOWN = f"{READER} .body[data-rung=shown] iframe:not(.waits)"
# Whatever the page shows must say what it is about; the bare word says nothing (web.md §2.3).
BARE = """() => [...document.querySelectorAll('body *')].filter(one =>
    !one.childElementCount && /^loading\\W*$/i.test((one.textContent || '').trim())).length"""
# Opens a message and writes down when what was first seen, in ms; ends with `last`, or in time.
_WATCH = """([id, marks, last, limit]) => new Promise((done) => {
    const seen = {bare: 0}, began = performance.now()
    document.querySelector(`[role=row][data-id="${id}"]`).click()
    const look = () => {
        const now = performance.now() - began
        for (const [name, selector] of Object.entries(marks)) {
            const found = document.querySelector(selector)
            if (!(name in seen) && found && found.checkVisibility({visibilityProperty: true})
                && (found.textContent.trim() || found.matches('iframe'))) seen[name] = now
        }
        seen.bare += (BARE)()
        if (last in seen || now > limit) done(seen)
        else requestAnimationFrame(look)
    }
    requestAnimationFrame(look)
})""".replace("BARE", BARE)
MARKS = {
    "header": f"{READER} h1",
    "sender": f"{READER} .from",
    "preview": f"{READER} .preview",
    "ways": f"{READER} .slow button",
    "card": f"{READER} .card",
    "shown": SHOWN,
}
_JMAP = """async (calls) => {
    const boot = JSON.parse(document.getElementById('session').textContent)
    const answer = await fetch('/jmap/api', {
        method: 'POST',
        headers: {'Content-Type': 'application/json', 'X-Csrf-Token': boot.csrf},
        body: JSON.stringify({using: Object.keys(boot.session.capabilities), methodCalls: calls}),
    })
    return (await answer.json()).methodResponses
}"""


def open_mail(page: Page, site: Site, path: str = "inbox") -> None:
    """The app, with the rows of a list."""
    page.goto(f"{site.url}/mail/{path}")
    expect(page.locator(ROWS).first).to_be_visible()


def row(page: Page, words: str) -> Locator:
    """The row in which something stands."""
    return page.locator(ROWS, has_text=words).first


def id_of(page: Page, words: str) -> str:
    """Of the message of that row."""
    found = row(page, words).get_attribute("data-id")
    assert found
    return found


def open_watching(
    page: Page, message: str, last: str = "shown", seconds: float = 12
) -> dict[str, float]:
    """Open a message; after how many milliseconds what was there. `bare` must stay 0."""
    seen: dict[str, float] = page.evaluate(_WATCH, [message, MARKS, last, seconds * 1000])
    return seen


def body(page: Page) -> Any:
    """The frame of the message that is open."""
    return page.frame_locator(SHOWN).first


def jmap(page: Page, *calls: list[Any]) -> list[dict[str, Any]]:
    """Asked by the page's own session, but not by its code."""
    account = page.evaluate(
        "JSON.parse(document.getElementById('session').textContent)"
        ".session.primaryAccounts['urn:ietf:params:jmap:mail']"
    )
    asked = [[name, {"accountId": account, **args}, str(n)] for n, (name, args) in enumerate(calls)]
    return [answer[1] for answer in page.evaluate(_JMAP, asked)]
