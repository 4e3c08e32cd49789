"""Letters of 50 kB above a mailbox of any size, and opening them."""

from __future__ import annotations

from playwright.sync_api import Browser, BrowserContext, Page

from benchmarks.web.mail_page import MailPage
from benchmarks.web.window import LOOPBACK, Network, new_page, opened
from support.browsing import sign_in
from support.stored_mail import deliver_all
from support.web_site import Site

LARGE = 50_000  # octets of a large letter
LARGE_LETTERS, STEP = 50, 5  # every fifth is opened; the page fetches two on either side itself


class SignedIn:
    """`with SignedIn(…) as (context, page)`: as alice, and empty."""

    def __init__(self, browser: Browser, site: Site, network: Network = LOOPBACK) -> None:
        self._opened = opened(browser)
        self._site, self._network = site, network

    def __enter__(self) -> tuple[BrowserContext, Page]:
        context = self._opened.__enter__()
        sign_in(context, self._site, self._site.alice)
        return context, new_page(context, self._network)

    def __exit__(self, *raised: object) -> None:
        self._opened.__exit__(None, None, None)


def deliver_large(site: Site) -> None:
    """Letters of 50 kB above all others."""
    line = "<p>The harbour plan needs another look before we sign it, so please read on.</p>\r\n"
    body = line * (LARGE // len(line))
    deliver_all(
        site.server,
        site.alice.login,
        (
            f"From: Bob <bob@example.net>\r\nTo: {site.alice.login}\r\n"
            f"Subject: Large letter {number}\r\nMessage-ID: <large-{number}@example.net>\r\n"
            "MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
            f"<h1>This is large letter {number}.</h1>\r\n{body}".encode()
            for number in reversed(range(LARGE_LETTERS))
        ),
    )


def open_large(
    browser: Browser, site: Site, network: Network = LOOPBACK
) -> tuple[list[float], list[float], list[float]]:
    """Every fifth for the first time, those again, and the neighbours of some."""
    places = range(0, LARGE_LETTERS, STEP)
    with SignedIn(browser, site, network) as (_, page):
        mail = MailPage(page, site)
        mail.start()
        page.wait_for_timeout(3500)
        first = [mail.open(place, f"large letter {place}.") for place in places]
        again = [mail.open(place, f"large letter {place}.") for place in places]
        last = places[-1]
        mail.open(last - 12, f"large letter {last - 12}.")
        ahead = [
            mail.open_next(place, f"large letter {place}.") for place in range(last - 11, last)
        ]
    return first, again, ahead
