"""The targets of web.md §5, each measured in the browser against a running server."""

from __future__ import annotations

import random
import smtplib
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from email.utils import formatdate

from playwright.sync_api import Browser, Page
from playwright.sync_api import Error as PlaywrightError

from benchmarks.web.acts import ARRIVED, SCROLL, THROUGH, use_everything
from benchmarks.web.figures import Figure, percentile, timing
from benchmarks.web.mail_page import MailPage
from benchmarks.web.opening import SignedIn, open_large
from benchmarks.web.window import LOOPBACK, Network, clicked_on, heap, new_page, opened
from support.reading import ROWS, jmap
from support.web_site import Site

STARTS, JUMPS, ARRIVALS, DELETIONS = 10, 20, 20, 12
SEARCHES = (
    "invoice",
    "harbour",
    "Urlaub",
    "会议",
    "subject:garden",
    "from:person3@example.net",
    "has:attachment",
    "is:unread",
    "contract ropes",
    "letter number 777",
)
IDLE_SECONDS = 20
BESIDE = "eventsource"  # the one request that stays open
ENDED = {"done", "doneWithProblems", "cancelled", "failed"}


@dataclass(frozen=True, slots=True)
class Times:
    """What §5 allows for nearly all, in ms, on loopback and on Fast 4G."""

    loopback: float
    fast_4g: float

    def on(self, network: Network) -> float:
        """The one for this network."""
        return self.loopback if network == LOOPBACK else self.fast_4g


@dataclass(slots=True)
class Targets:
    """One run; its figures grow."""

    browser: Browser
    site: Site
    network: Network = LOOPBACK
    figures: list[Figure] = field(default_factory=list)
    opened: list[float] = field(default_factory=list)  # times of first openings

    def timed(
        self, what: str, samples: Iterable[float], times: Times, p50: float | None = None
    ) -> None:
        """One more row."""
        limit = times.on(self.network)
        self.figures.append(timing(what, list(samples), p95=limit, p50=p50))

    def sign_in_page(self) -> None:
        """Largest paint of the sign-in page, nothing cached."""
        times: list[float] = []
        for _ in range(STARTS):
            with opened(self.browser) as context:
                page = new_page(context, self.network)
                page.goto(f"{self.site.url}/sign-in", wait_until="networkidle")
                times.append(float(page.evaluate("bench.lcp")))
        self.timed("sign-in page, largest paint", times, Times(300, 800))

    def starts(self) -> None:
        """Cold: a browser that was never here, but signed in. Warm: it comes again."""
        cold: list[float] = []
        requests: list[int] = []
        for _ in range(STARTS):
            with self._window() as (_, page):
                cold.append(MailPage(page, self.site).start())
                requests.append(_requests_before_rows(page))
        self.timed("cold start to the first rows", cold, Times(700, 2000))
        most = max(requests)
        self.figures.append(Figure("requests before them", "≤ 6", str(most), most <= 6))
        with self._window() as (context, page):
            mail = MailPage(page, self.site)
            mail.start()
            page.wait_for_timeout(6000)  # the service worker takes over, what is kept is written
            warm: list[float] = []
            for _ in range(STARTS):
                page.close()
                page = new_page(context, self.network)
                warm.append(MailPage(page, self.site).start())
                page.wait_for_timeout(300)
            by_worker = page.evaluate("!!navigator.serviceWorker.controller")
        what = "warm start" + (", service worker" if by_worker else ", **no service worker**")
        self.timed(f"{what}, to rows", warm, Times(250, 500))

    def everything(self) -> Iterator[Figure]:
        """All rows, in an order in which none disturbs the next; what fails is a row, too."""
        for measure in (
            self.sign_in_page,
            self.starts,
            self.opening,
            self.list_moves,
            self.inputs,
            self.searches,
            self.deletions,
            self.arrivals,
            self.idle,
            self.bulk,
        ):
            try:
                measure()
            except PlaywrightError as error:
                what = measure.__name__.replace("_", " ")
                said = error.message.partition("\n")[0][:80]
                self.figures.append(Figure(what, "", f"failed: {said}", is_met=False))
            yield from self.figures
            self.figures.clear()

    def opening(self) -> None:
        """Letters of 50 kB: never seen, seen before, and fetched ahead by the page."""
        self.opened, again, ahead = open_large(self.browser, self.site, self.network)
        self.timed("open 50 kB, not cached", self.opened, Times(150, 500))
        self.timed("open 50 kB, opened before", again, Times(50, 50))
        self.timed("open the next message", ahead, Times(50, 50))

    def list_moves(self) -> None:
        """Jumps, scrolling, and what both cost in memory."""
        chance = random.Random(5)
        with self._window() as (_, page):
            mail = MailPage(page, self.site)
            mail.start()
            page.wait_for_timeout(3500)  # until what comes later is there
            jumps = [mail.jump(chance.uniform(0.05, 0.95)) for _ in range(JUMPS)]
            self.timed("jump into the list, to rows", jumps, Times(150, 600))
            mail.jump(0)
            self._smoothness(page)
            self._memory(mail)
            shifts = float(page.evaluate("bench.cls"))
        self.figures.append(
            Figure(
                "layout shift, start to end of all this", "≤ 0.02", f"{shifts:.3f}", shifts <= 0.02
            )
        )

    def inputs(self) -> None:
        """Many clicks and keys of many kinds: until something was seen (Event Timing)."""
        with self._window() as (_, page):
            MailPage(page, self.site).start()
            page.wait_for_timeout(3500)
            count = use_everything(page)
            page.wait_for_timeout(500)
            slow = [float(one) for one in page.evaluate("Object.values(bench.inputs)")]
        quick = [16.0] * max(0, count - len(slow))  # below 16 ms nothing is told
        self.timed("any input, until something is seen", slow + quick, Times(100, 200))
        most = percentile(slow + quick, 75)
        self.figures.append(Figure("the same, p75", "50 ms", f"{most:.0f} ms", most <= 50))

    def searches(self) -> None:
        """From Enter to rows, over all mail, each search for the first time."""
        with self._window() as (_, page):
            mail = MailPage(page, self.site)
            mail.start()
            page.wait_for_timeout(3500)
            times = []
            for text in SEARCHES:
                times.append(mail.search(text))
                page.wait_for_timeout(300)
        self.timed("search, to the first results", times, Times(200, 700))

    def deletions(self) -> None:
        """The button of a row, until the row is gone."""
        with self._window() as (_, page):
            mail = MailPage(page, self.site)
            mail.start()
            page.wait_for_timeout(3500)
            times = []
            for index in range(DELETIONS):
                times.append(mail.delete(3 + index % 5))
                page.wait_for_timeout(400)
        self.timed("delete, until the row is gone", times, Times(50, 50))

    def arrivals(self) -> None:
        """From the server's 250 until the row is painted."""
        with self._window() as (_, page):
            MailPage(page, self.site).start()
            page.wait_for_timeout(3500)
            times = [self._arrival(page, number) for number in range(ARRIVALS)]
        self.timed("new mail, SMTP's 250 to the row", times, Times(1000, 1165), p50=300)

    def bulk(self) -> None:
        """Everything in the inbox to the trash: free at once, and done in time."""
        with self._window() as (_, page):
            mail = MailPage(page, self.site)
            mail.start()
            page.wait_for_timeout(3500)
            count = mail.total()
            page.locator("header .all input").click()
            page.get_by_role("button", name="Select all").click()
            page.wait_for_timeout(300)
            began = time.monotonic()
            free = clicked_on(page, ".bar button", f"() => !document.querySelector('{ROWS}')")
            while not _all_ended(page):
                time.sleep(0.1)
            seconds = time.monotonic() - began
        what = f"{count:,} messages to the trash"
        self.figures.append(Figure(f"{what}, page free", "200 ms", f"{free:.0f} ms", free <= 200))
        limit = 30 * max(1.0, count / 50_000)
        self.figures.append(
            Figure(f"{what}, done", "30 s for 50,000", f"{seconds:.1f} s", seconds <= limit)
        )

    def idle(self) -> None:
        """Nothing but the open connection for changes."""
        asked: list[str] = []
        with self._window() as (_, page):
            mail = MailPage(page, self.site)
            mail.start()
            page.wait_for_timeout(8000)
            page.on("request", lambda one: asked.append(one.url))
            page.evaluate("() => { bench.short = 0; bench.frames = 0 }")
            page.wait_for_timeout(IDLE_SECONDS * 1000)
            short, frames = page.evaluate("[bench.short, bench.frames]")
        beside = [one for one in asked if BESIDE not in one]
        self.figures.append(
            Figure(
                f"idle for {IDLE_SECONDS} s: requests, timers below 15 s, frames",
                "0, 0",
                f"{len(beside)}, {short}, {frames}",
                not beside and not short,
            )
        )

    def _smoothness(self, page: Page) -> None:
        found = page.evaluate(SCROLL, 4000)
        rate, late, rows = found["rate"], found["late"] * 100, found["rows"]
        self.figures += [
            Figure("scroll, frames a second", "≥ 58", f"{rate:.1f}", rate >= 58),
            Figure("scroll, frames above 33 ms", "< 1 %", f"{late:.1f} %", late < 1),
            Figure("rows in the page", "≤ 60", str(rows), rows <= 60),
        ]

    def _memory(self, mail: MailPage) -> None:
        """Twice through ten thousand rows, all of them read."""
        page = mail.page
        used: list[float] = []
        for _ in range(2):
            page.evaluate(THROUGH, 10_000)
            mail.jump(0)
            page.wait_for_timeout(500)
            used.append(heap(page))
        grown = used[1] / used[0] * 100 - 100
        what = "objects after 10,000 rows scrolled"
        self.figures += [
            Figure(what, "≤ 120 MB", f"{used[0]:.0f} MB", used[0] <= 120),
            Figure(f"{what} again", "+ 10 %", f"{grown:+.0f} %", grown <= 10),
        ]

    def _arrival(self, page: Page, number: int) -> float:
        subject = f"Just arrived {number} {random.randrange(10**9)}"
        letter = (
            f"From: Carol <carol@example.net>\r\nTo: {self.site.alice.login}\r\n"
            f"Subject: {subject}\r\nDate: {formatdate()}\r\n\r\nHere I am.\r\n"
        ).encode()
        page.evaluate(ARRIVED, subject)
        with smtplib.SMTP("localhost", self.site.server.smtp, timeout=20) as client:
            client.sendmail("carol@example.net", [self.site.alice.login], letter)
            said = time.time() * 1000
        seen = float(page.evaluate("() => bench.arrived"))
        page.wait_for_timeout(random.randrange(100, 500))
        return max(0.0, seen - said)

    def _window(self) -> SignedIn:
        return SignedIn(self.browser, self.site, self.network)


def _requests_before_rows(page: Page) -> int:
    """The page itself included."""
    return int(
        page.evaluate(
            """() => {
                const rows = performance.getEntriesByName('rows-painted')[0].startTime
                return 1 + performance.getEntriesByType('resource')
                    .filter((one) => one.startTime < rows).length
            }"""
        )
    )


def _all_ended(page: Page) -> bool:
    [answer] = jmap(page, ["BulkOperation/get", {"ids": None}])
    return bool(answer["list"]) and all(one["status"] in ENDED for one in answer["list"])
