"""Roundcube as one uses it, timed as Pillarbox's page is."""

from __future__ import annotations

import json

from playwright.sync_api import Page

from benchmarks.web.roundcube import Roundcube
from benchmarks.web.window import clicked, clicked_on, pressed

# A row that was deleted stays for a while, unseen.
ROWS = "#messagelist tbody tr.message:not([style*=none])"
# Its own state: an answer is still to come, or a request is under way.
_QUIET = "(!rcmail.busy && !document.querySelector('#messagestack .loading'))"
_CAME = f"(document.querySelectorAll('{ROWS}').length > 0)"
# Two clicks in less than that are taken for a walk through the list, and it waits longer.
REST = 600


def has_text(uid: str) -> str:
    """Whether this message's text can be read in the pane."""
    return f"""() => {{
        const pane = document.getElementById('messagecontframe')
        const inner = pane?.checkVisibility() && pane.contentDocument
        return inner && inner.URL.includes('_uid={uid}&')
            && inner.querySelector('#messagebody')?.textContent.includes('Letter number')
    }}"""


class RoundcubePage:
    """A window of Roundcube."""

    def __init__(self, page: Page, server: Roundcube) -> None:
        self.page = page
        self._server = server
        self._chosen: str | None = None

    def sign_in(self) -> None:
        """By its form."""
        self.page.goto(self._server.url)
        self.page.fill("#rcmloginuser", self._server.login)
        self.page.fill("#rcmloginpwd", self._server.password)
        self.page.click("#rcmloginsubmit")
        self.page.wait_for_selector(ROWS)

    def start(self) -> float:
        """The page from its address; milliseconds until rows were painted."""
        self.page.goto(f"{self._server.url}/?_task=mail", wait_until="commit")
        return float(self.page.evaluate(f"() => bench.painted(() => {_CAME}, () => 0.001)"))

    def open(self, index: int) -> float:
        """A click on a row, until its text is painted."""
        self.rest()
        row = self.page.locator(ROWS).nth(index)
        row.scroll_into_view_if_needed()
        address = row.locator(".subject a").get_attribute("href") or ""
        uid = address.partition("_uid=")[2].partition("&")[0]
        box = row.locator(".fromto").bounding_box()
        assert box is not None
        return clicked(self.page, box["x"] + 40, box["y"] + box["height"] / 2, has_text(uid))

    def next_rows(self) -> float:
        """The button for the next page."""
        first = json.dumps(self._first())
        came = f"{_CAME} && document.querySelector('{ROWS}').id !== {first}"
        return clicked_on(self.page, "a.nextpage", f"() => {came} && {_QUIET}")

    def jump(self, share: float) -> float:
        """The number of a page, and Enter."""
        number = max(2, int(self.page.evaluate("rcmail.env.pagecount") * share))
        first = json.dumps(self._first())
        came = f"{_CAME} && document.querySelector('{ROWS}').id !== {first}"
        self.page.fill(".pagenav input", str(number))
        return pressed(self.page, "Enter", f"() => {came} && {_QUIET}")

    def search(self, words: str) -> float:
        """From Enter until there are rows of what was found."""
        self.page.fill("#mailsearchform", words)
        found = json.dumps(words)
        every = f"[...document.querySelectorAll('{ROWS} .subject a')]"
        holds = f"{_CAME} && {every}.every((one) => one.textContent.includes({found})) && {_QUIET}"
        return pressed(self.page, "Enter", f"() => {holds}")

    def leave_search(self) -> None:
        """Back to the inbox."""
        self.page.evaluate("rcmail.command('reset-search')")
        self.page.wait_for_function(f"{_QUIET} && rcmail.env.search_request == null && {_CAME}")

    def choose(self, index: int) -> None:
        """Open a row, so that its message can be deleted."""
        self.open(index)
        self._chosen = self.page.locator(ROWS).nth(index).get_attribute("id")
        self.rest()

    def delete(self) -> float:
        """The button, until the chosen row is gone."""
        gone = f"() => !document.getElementById('{self._chosen}')?.checkVisibility()"
        return clicked_on(self.page, "a.delete", gone)

    def rest(self) -> None:
        """While it works on one thing it takes no other."""
        self.page.wait_for_function(_QUIET)
        self.page.wait_for_timeout(REST)

    def _first(self) -> str:
        return self.page.locator(ROWS).first.get_attribute("id") or ""
