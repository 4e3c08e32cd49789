"""Pillarbox's webmail as one uses it: rows, opening, moving, searching, deleting, each timed."""

from __future__ import annotations

import json

from playwright.sync_api import Page

from benchmarks.web.window import clicked, clicked_on, done, pressed
from support.reading import READER, ROWS, SHOWN, jmap
from support.web_site import Site

ROW_PIXELS = 56
_LIST = "document.querySelector('.list .scroller')"
# The bar of a list of very many stands for more pixels than it has.
_SCROLL = f"""
    const whole = Number(list.getAttribute('aria-rowcount')) * {ROW_PIXELS} - list.clientHeight
    const bar = list.scrollHeight - list.clientHeight
    list.scrollTop = %d * Math.min(1, bar / whole)
"""
# In whole rows: those that are seen have come, and there are some.
_ROWS_CAME = f"""() => {{
    const box = {_LIST}.getBoundingClientRect(), seen = [...{_LIST}.querySelectorAll('.slot')]
        .filter((one) => {{
            const {{top, bottom}} = one.getBoundingClientRect()
            return top < box.bottom && bottom > box.top
        }})
    return seen.length > 0 && seen.every((one) => one.querySelector('[data-id]'))
}}"""


def shows(subject: str, text: str) -> str:
    """Whether this message is open, and its text can be read."""
    head, words = json.dumps(subject), json.dumps(text)
    return f"""() => {{
        const head = document.querySelector('{READER} h1')
        const frame = document.querySelector('{SHOWN}')
        return head?.textContent.trim() === {head}
            && frame?.checkVisibility({{visibilityProperty: true}})
            && frame.contentDocument.body.textContent.includes({words})
    }}"""


class MailPage:
    """A signed-in window."""

    def __init__(self, page: Page, site: Site) -> None:
        self.page = page
        self._site = site

    def start(self, path: str = "inbox") -> float:
        """The page from its address; milliseconds until rows were painted."""
        self.page.goto(f"{self._site.url}/mail/{path}")
        self.page.locator(ROWS).first.wait_for()
        mark = "performance.getEntriesByName('rows-painted')[0]?.startTime ?? 0"
        self.page.wait_for_function(f"({mark}) > 0")
        return float(self.page.evaluate(mark))

    def bring(self, index: int) -> str:
        """Scroll until a row stands a little below the top; its subject."""
        top = max(0, index - 2) * ROW_PIXELS
        done(self.page, f"() => {{ const list = {_LIST}; {_SCROLL % top} }}", _ROWS_CAME)
        row = self.page.locator(f"{ROWS}[aria-rowindex='{index + 1}']")
        # The bar of a list of very many has a scale of its own: the last bit goes by sight.
        below = row.bounding_box()
        around = self.page.locator(".list .scroller").bounding_box()
        assert below is not None and around is not None, index
        if not 0 <= below["y"] - around["y"] <= around["height"] - 2 * ROW_PIXELS:
            step = below["y"] - around["y"] - 2 * ROW_PIXELS
            done(self.page, f"() => {{ {_LIST}.scrollTop += {step} }}", _ROWS_CAME)
        return row.locator(".subject").inner_text().strip()

    def open(self, index: int, text: str) -> float:
        """A click on a row, until its text is painted; it is brought into view before."""
        self.page.mouse.move(0, 0)  # a row that comes to lie under the pointer is fetched ahead
        subject = self.bring(index)
        self.rest()
        where = f"{ROWS}[aria-rowindex='{index + 1}'] .people"
        return clicked_on(self.page, where, shows(subject, text))

    def open_next(self, index: int, text: str) -> float:
        """The key for the next message, when the one before it has been looked at for a while."""
        self.page.wait_for_timeout(900)
        subject = self.page.locator(f"{ROWS}[aria-rowindex='{index + 1}'] .subject").inner_text()
        return pressed(self.page, "j", shows(subject.strip(), text))

    def rest(self) -> None:
        """The list stands still, as it does for a person who looks at it."""
        self.page.wait_for_timeout(300)

    def seen(self) -> int:
        """The place in the list of a row near the top of what is seen."""
        first = self.page.evaluate(
            f"""() => {{
                const top = {_LIST}.getBoundingClientRect().top
                return Math.min(...[...document.querySelectorAll('{ROWS}')]
                    .filter((one) => one.getBoundingClientRect().top >= top)
                    .map((one) => Number(one.getAttribute('aria-rowindex'))))
            }}"""
        )
        return int(first) + 1

    def jump(self, share: float) -> float:
        """The scroll bar drawn to a place in the list."""
        act = f"() => {{ const list = {_LIST}; list.scrollTop = {share} * list.scrollHeight }}"
        return done(self.page, act, _ROWS_CAME)

    def next_rows(self, count: int = 50) -> float:
        """As far down as another program's page of so many rows."""
        act = f"() => {{ {_LIST}.scrollTop += {count * ROW_PIXELS} }}"
        return done(self.page, act, _ROWS_CAME)

    def search(self, text: str) -> float:
        """From Enter until there are rows of what was found."""
        self.page.get_by_role("combobox").first.fill(text)
        query = json.dumps(text)
        return pressed(
            self.page,
            "Enter",
            f"""() => new URLSearchParams(location.search).get('q') === {query}
                && {_LIST}?.getAttribute('aria-busy') === 'false' && ({_ROWS_CAME})()""",
        )

    def leave_search(self) -> None:
        """Back to the inbox."""
        self.page.get_by_role("button", name="Clear the search").click()
        self.page.wait_for_function(f"location.pathname === '/mail/inbox' && ({_ROWS_CAME})()")

    def delete(self, index: int) -> float:
        """The button of a row, until the row is gone."""
        self.bring(index)
        row = self.page.locator(f"{ROWS}[aria-rowindex='{index + 1}']")
        found = row.get_attribute("data-id")
        row.hover()
        self.page.wait_for_timeout(200)
        box = row.locator("[data-act=remove]").bounding_box()
        assert box is not None
        gone = f"() => !document.querySelector('[role=row][data-id=\"{found}\"]')"
        return clicked(self.page, box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, gone)

    def total(self) -> int:
        """Messages in the inbox, as the server tells."""
        [answer] = jmap(self.page, ["Mailbox/get", {"ids": None}])
        return next(int(one["totalEmails"]) for one in answer["list"] if one["role"] == "inbox")
