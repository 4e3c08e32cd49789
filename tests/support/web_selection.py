"""The list of the webmail as somebody uses it who selects: ticks, counts, and what was said."""

from __future__ import annotations

import re
import smtplib
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Locator, Page, expect

from support.browsing import IS_LONG, PATIENCE_SECONDS
from support.reading import ROWS, jmap
from support.web_site import Person, Site

GRID = "[role=grid]"
COUNT = ".bar strong"
# How much longer things may take here: `make test-web` has the machine for itself.
SLOWNESS = 1.0 if IS_LONG else 4.0

# From the first press on, until the bar says that so many are chosen and that was painted, in ms.
_ARM = """([wanted, kind]) => {
    window.painted = new Promise((done) => {
        let began = null
        const shown = () => parseInt(
            (document.querySelector('.bar strong')?.textContent ?? '0').replaceAll(',', ''))
        const look = () => {
            if (shown() === wanted) {
                const after = new MessageChannel() // comes when this frame was painted
                after.port1.onmessage = () => done(performance.now() - began)
                after.port2.postMessage(0)
            } else if (performance.now() - began > 10000) done(1e9)
            else requestAnimationFrame(look)
        }
        addEventListener(kind, (event) => {
            began = event.timeStamp
            requestAnimationFrame(look)
        }, {capture: true, once: true})
    })
}"""

# Writes down whatever any live region says, and how politely.
_LISTEN = """() => {
    window.heard = []
    const LIVE = '[aria-live], [role=status], [role=alert], [role=log], output'
    const last = new WeakMap()
    let regions = 0
    const names = new WeakMap()
    const look = () => {
        for (const one of document.querySelectorAll(LIVE)) {
            const text = one.textContent.trim()
            if (last.get(one) === text) continue
            last.set(one, text)
            if (!names.has(one)) names.set(one, ++regions)
            const loud = one.closest('[role=alert], [aria-live=assertive]') !== null
            if (text) window.heard.push({region: names.get(one), text, polite: !loud})
        }
    }
    new MutationObserver(look).observe(document.body,
        {subtree: true, childList: true, characterData: true, attributes: true})
    look()
    window.heard.length = 0
}"""


def box(page: Page, index: int) -> Locator:
    """Where a row is ticked; rows are counted from 0."""
    return page.locator(f"{ROWS}[aria-rowindex='{index + 1}'] [data-tick]")


def tick(page: Page, index: int, *, shift: bool = False) -> None:
    """With the mouse."""
    box(page, index).click(modifiers=["Shift"] if shift else [])


def expect_count(page: Page, wanted: int) -> None:
    """As the bar tells it; without a selection there is no bar."""
    if wanted:
        expect(page.locator(COUNT)).to_have_text(re.compile(f"^{wanted:,} selected"))
    else:
        expect(page.locator(COUNT)).to_have_count(0)


def rows_in_list(page: Page) -> int:
    """How long the list is, not how much of it is drawn."""
    return int(page.locator(GRID).get_attribute("aria-rowcount") or -1)


def wait_rows(page: Page, wanted: int) -> None:
    """Until the list is that long."""
    rows = expect(page.locator(GRID))
    rows.to_have_attribute("aria-rowcount", str(wanted), timeout=PATIENCE_SECONDS * 1000)


def scroll_to(page: Page, index: int) -> None:
    """By the scrollbar, until the row is there and read."""
    rows = rows_in_list(page)
    expect(page.locator(ROWS).first).to_be_visible()
    page.evaluate(
        """([index, rows]) => {
            const grid = document.querySelector('[role=grid]')
            const most = grid.scrollHeight - grid.clientHeight
            const height = document.querySelector('[role=row][data-id]').clientHeight
            const top = Math.max(0, index * height - grid.clientHeight / 2)
            const end = Math.max(1, rows * height - grid.clientHeight)
            grid.scrollTop = most < end ? (Math.min(top, end) / end) * most : top
        }""",
        [index, rows],
    )
    # Where a pixel stands for several rows, the scrollbar leads only to about there.
    near = ", ".join(f"{ROWS}[aria-rowindex='{one}']" for one in _near(index, rows))
    expect(page.locator(near).first).to_be_visible()


def _near(index: int, rows: int) -> range:
    """Of these rows one has to be there."""
    spare = rows // 10_000
    return range(max(1, index + 1 - spare), min(rows, index + 1 + spare) + 1)


def ticked(page: Page) -> dict[str, bool]:
    """Of the rows that are drawn: whether their box is ticked, by id."""
    found: dict[str, bool] = page.evaluate(
        """(rows) => Object.fromEntries([...document.querySelectorAll(rows)]
            .map((one) => [one.dataset.id, one.getAttribute('aria-selected') === 'true']))""",
        ROWS,
    )
    return found


def painted_after(page: Page, wanted: int, press: Callable[[], None], kind: str) -> float:
    """Milliseconds from what a person did (its first event of that kind) to the new count."""
    page.evaluate(_ARM, [wanted, kind])
    press()
    return float(page.evaluate("window.painted"))


def listen(page: Page) -> None:
    """From now on, what live regions say is written down."""
    page.evaluate(_LISTEN)


def heard(page: Page) -> list[dict[str, Any]]:
    """Everything since, and forget it: {text, region, polite}."""
    found: list[dict[str, Any]] = page.evaluate("window.heard.splice(0)")
    return found


def expect_said(page: Page, sentence: re.Pattern[str]) -> str:
    """A sentence comes in one polite region, and nothing else is said beside it."""
    page.wait_for_function(
        "(wanted) => window.heard.some((one) => new RegExp(wanted).test(one.text))",
        arg=sentence.pattern,
    )
    page.wait_for_timeout(150)  # whoever else speaks does so now
    said = heard(page)
    assert all(one["polite"] for one in said), said
    assert len({one["region"] for one in said}) == 1, said
    assert sentence.search(said[-1]["text"]), said
    return str(said[-1]["text"])


def deliver(site: Site, person: Person, count: int, subject: str) -> None:
    """By SMTP, over one connection, each a conversation of its own."""
    with smtplib.SMTP("localhost", site.server.smtp, timeout=30) as client:
        for n in range(count):
            text = f"From: carol@example.net\r\nTo: {person.login}\r\nSubject: {subject} {n}\r\n"
            client.sendmail("carol@example.net", [person.login], f"{text}\r\nNew.\r\n".encode())


def expunge(site: Site, person: Person, subject: str, mailbox: str = "INBOX") -> None:
    """Destroy messages by another program."""
    with site.imap(person) as client:
        client.select(mailbox)
        _, found = client.search(None, "SUBJECT", f'"{subject}"')
        for number in found[0].split():
            client.store(number, "+FLAGS", "\\Deleted")
        client.expunge()


def threads_in(page: Page, role: str) -> set[str]:
    """The conversations of a mailbox, read anew."""
    [boxes] = jmap(page, ["Mailbox/get", {"ids": None, "properties": ["role"]}])
    mailbox = next(one["id"] for one in boxes["list"] if one["role"] == role)
    query = {"filter": {"inMailbox": mailbox}, "collapseThreads": True, "limit": 5000}
    [found] = jmap(page, ["Email/query", query])
    return threads_of(page, found["ids"])


def threads_of(page: Page, ids: list[str]) -> set[str]:
    """The conversations that messages belong to."""
    found: set[str] = set()
    for at in range(0, len(ids), 500):
        asked = {"ids": ids[at : at + 500], "properties": ["threadId"]}
        [told] = jmap(page, ["Email/get", asked])
        found |= {one["threadId"] for one in told["list"]}
    return found
