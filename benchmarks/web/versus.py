"""The same acts on the same mail in Pillarbox's page and in Roundcube's, in turn: A, B, A, B."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

from playwright.sync_api import Browser

from benchmarks import process_tree
from benchmarks.web.figures import percentile
from benchmarks.web.mail_page import MailPage
from benchmarks.web.roundcube import Roundcube
from benchmarks.web.roundcube_page import RoundcubePage
from benchmarks.web.window import new_page, opened
from support.browsing import sign_in
from support.web_site import Site

ROUNDS = 5
WORDS = ("garden", "contract", "roof", "tickets", "Urlaub", "notes", "order", "Invoice")
ACTS = {
    "start": "the page again, to its rows",
    "jump": "to the middle of the list",
    "open": "open a message: click to text",
    "next": "open the one below it",
    "turn": "the next 50 rows",
    "search": "search by subject",
    "delete": "delete one: its row is gone",
}


@dataclass(slots=True)
class Side:
    """One of the two: what it took."""

    name: str
    roots: tuple[int, ...]
    times: dict[str, list[float]] = field(default_factory=dict)
    cpu: dict[str, float] = field(default_factory=dict)

    def add(self, act: str, do: Callable[[], float], rest: Callable[[], None]) -> None:
        """The page's time until it was painted; the server's, with what it does right behind it."""
        before = process_tree.cpu_seconds(self.roots)
        self.times.setdefault(act, []).append(do())
        rest()
        used = process_tree.cpu_seconds(self.roots) - before
        self.cpu[act] = self.cpu.get(act, 0.0) + used

    def middle(self, act: str) -> float:
        """Of the times, in ms."""
        return percentile(self.times[act], 50)

    def most(self, act: str) -> float:
        """The 95th percentile."""
        return percentile(self.times[act], 95)

    def cpu_each(self, act: str) -> float:
        """Milliseconds for one."""
        return self.cpu[act] / len(self.times[act]) * 1000


def compare(browser: Browser, site: Site, roundcube: Roundcube) -> tuple[Side, Side]:
    """Both windows stay open; each act is done by one, then by the other."""
    ours = Side("Pillarbox", (site.server.pid,))
    theirs = Side("Roundcube", roundcube.roots)
    with _windows(browser, site, roundcube) as (mail, other):
        for number in range(ROUNDS):
            share = (number + 1) / (ROUNDS + 1)
            mail.page.bring_to_front()
            _own_round(ours, mail, number, share)
            other.page.bring_to_front()
            _other_round(theirs, other, number, share)
    return ours, theirs


@contextlib.contextmanager
def _windows(
    browser: Browser, site: Site, roundcube: Roundcube
) -> Iterator[tuple[MailPage, RoundcubePage]]:
    """Signed in; each has been there before, so files are in the browser's cache."""
    with opened(browser) as here, opened(browser) as there:
        sign_in(here, site, site.alice)
        mail = MailPage(new_page(here), site)
        mail.start()
        other = RoundcubePage(new_page(there), roundcube)
        other.sign_in()
        mail.page.wait_for_timeout(6000)  # the service worker, and the rest of the files
        yield mail, other


def _own_round(side: Side, mail: MailPage, number: int, share: float) -> None:
    side.add("start", mail.start, lambda: mail.page.wait_for_timeout(1500))
    side.add("jump", lambda: mail.jump(share), mail.rest)
    place = mail.seen()
    for step in (0, 4, 8):
        mail.bring(place + step)
        side.add("open", partial(mail.open, place + step, "Letter number"), mail.rest)
    mail.page.wait_for_timeout(900)  # a glance at the message; the next is fetched meanwhile
    side.add("next", lambda: mail.open_next(place + 9, "Letter number"), mail.rest)
    side.add("turn", mail.next_rows, mail.rest)
    side.add("search", lambda: mail.search(f"subject:{WORDS[number % len(WORDS)]}"), mail.rest)
    mail.leave_search()
    mail.rest()
    side.add("delete", lambda: mail.delete(4), mail.rest)


def _other_round(side: Side, other: RoundcubePage, number: int, share: float) -> None:
    side.add("start", other.start, lambda: other.page.wait_for_timeout(1500))
    side.add("jump", lambda: other.jump(share), other.rest)
    for step in (1, 5, 9):
        side.add("open", partial(other.open, step), other.rest)
    other.page.wait_for_timeout(900)
    side.add("next", lambda: other.open(10), other.rest)
    side.add("turn", other.next_rows, other.rest)
    side.add("search", lambda: other.search(WORDS[number % len(WORDS)]), other.rest)
    other.leave_search()
    other.rest()
    other.choose(4)
    side.add("delete", other.delete, other.rest)


def table(ours: Side, theirs: Side) -> list[str]:
    """`×`: how many times as long the other takes."""
    lines = [
        f"| p50 / p95 in ms; CPU of the server, ms | {ours.name} | CPU | {theirs.name} | CPU "
        "| time × | CPU × |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for act, what in ACTS.items():
        cells = [
            cell
            for side in (ours, theirs)
            for cell in (
                f"{side.middle(act):,.0f} / {side.most(act):,.0f}",
                f"{side.cpu_each(act):,.0f}",
            )
        ]
        used = ours.cpu_each(act)
        saved = f"{theirs.cpu_each(act) / used:.1f}" if used >= 1 else ""
        ratio = theirs.middle(act) / ours.middle(act)
        lines.append(f"| {what} | {' | '.join(cells)} | {ratio:.1f} | {saved} |")
    return lines
