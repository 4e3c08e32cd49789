"""SYNC-3: many windows and programs act on one account at once, and end equal (web.md §2.8)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext

from support.browsing import CHROMIUM, sign_in
from support.crowd_clients import (
    ImapProgram,
    Pop3Program,
    Program,
    Row,
    Sender,
    imap_message_ids,
    imap_view,
    pop3_view,
    settle,
)
from support.crowd_tab import CrowdTab, Streams
from support.reading import jmap
from support.web_site import Person, Site

pytestmark = pytest.mark.timed

MAIL = 120
SETTLED = 15  # seconds in which every window is right after the last act
NAMES = {"INBOX": "Inbox"}  # of mailboxes whose name the page translates
_WORKING = {"queued", "running", "cancelling"}


@dataclass
class Crowd:
    """Who takes part."""

    site: Site
    person: Person
    tabs: list[CrowdTab] = field(default_factory=list)
    streams: list[Streams] = field(default_factory=list)
    programs: list[Program] = field(default_factory=list)

    def add_browser(self, context: BrowserContext, tabs: int) -> None:
        """A browser with so many tabs."""
        sign_in(context, self.site, self.person)
        no_conversations(context, self.site)
        self.streams.append(Streams(context))
        for _ in range(tabs):
            self.add_tab(context)

    def add_tab(self, context: BrowserContext) -> CrowdTab:
        """One more."""
        tab = CrowdTab(context, self.site, seed=len(self.tabs) + 1)
        self.tabs.append(tab)
        return tab

    def add_programs(self, imap: int) -> None:
        """So many IMAP clients, one of POP3, and who sends."""
        kinds: list[type[Program]] = [*[ImapProgram] * imap, Pop3Program, Sender]
        self.programs = [kind(self.site, self.person, n) for n, kind in enumerate(kinds)]

    def begin(self, least: float = 0.3, most: float = 1.5) -> None:
        """All at once; the pauses of who acts in windows."""
        for tab in self.tabs:
            tab.begin(least, most)
        for program in self.programs:
            program.start()

    def pass_time(self, seconds: float) -> None:
        """While they act."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.tabs[0].page.wait_for_timeout(200)

    def end(self) -> list[str]:
        """Nobody acts any more; what was complained of."""
        acts = [tab.end() for tab in self.tabs]
        wrong = settle(self.programs)
        print(f"\nacts: tabs {acts}, programs {[one.acts for one in self.programs]}")
        for n, tab in enumerate(self.tabs):
            wrong += [f"tab {n}: {said}" for said in tab.complaints()]
        return wrong

    def wait_for_operations(self) -> None:
        """Until the server has done what was begun."""
        end = time.monotonic() + 30
        while time.monotonic() < end:
            [answer] = jmap(self.tabs[0].page, ["BulkOperation/get", {"ids": None}])
            if not any(one["status"] in _WORKING for one in answer["list"]):
                return
            time.sleep(0.2)


def no_conversations(context: BrowserContext, site: Site) -> None:
    """A row is a message, so that views can be compared."""
    state = context.request.get(f"{site.url}/account/state")
    assert state.ok, state.text()
    answer = context.request.put(
        f"{site.url}/account/preferences",
        data={"conversations": False},
        headers={"X-Csrf-Token": state.json()["csrf"]},
    )
    assert answer.ok, answer.text()


def jmap_view(tab: CrowdTab) -> tuple[dict[str, list[Row]], list[str]]:
    """Every mailbox as JMAP shows it to the page's session, and what does not add up there."""
    [boxes] = jmap(tab.page, ["Mailbox/get", {"ids": None}])
    view, wrong = {}, []
    for box in boxes["list"]:
        [found] = jmap(tab.page, ["Email/query", {"filter": {"inMailbox": box["id"]}}])
        rows = []
        for at in range(0, len(found["ids"]), 500):
            part = {"ids": found["ids"][at : at + 500], "properties": ["keywords"]}
            [got] = jmap(tab.page, ["Email/get", part])
            rows += [_row(one) for one in got["list"]]
        view["INBOX" if box["role"] == "inbox" else box["name"]] = sorted(rows)
        counted = box["totalEmails"], box["unreadEmails"]
        if counted != (len(rows), sum(unread for _, unread, _ in rows)):
            wrong.append(f"{box['name']} counts {counted}: {rows}")
    return view, wrong


def _row(email: dict[str, Any]) -> Row:
    return email["id"], "$seen" not in email["keywords"], "$flagged" in email["keywords"]


def as_emails(places: dict[str, list[Row]]) -> dict[str, list[Row]]:
    """What IMAP shows as JMAP does: a message has one set of flags, and is in a mailbox once."""
    every = [row for rows in places.values() for row in rows]
    read = {one for one, unread, _ in every if not unread}
    starred = {one for one, _, is_starred in every if is_starred}
    return {
        name: sorted({(one, one not in read, one in starred) for one, _, _ in rows})
        for name, rows in places.items()
    }


def shown_wrong(tab: CrowdTab, truth: dict[str, list[Row]]) -> str:
    """What differs in the list on screen and in the side bar; nothing: it is right."""
    view = {NAMES.get(name, name): rows for name, rows in truth.items()}
    every = sorted({row for name, rows in truth.items() for row in rows})
    kept = {row for name, rows in truth.items() if name not in ("Trash", "Junk") for row in rows}
    view["Starred"] = [row for row in every if row[2]]
    view["All mail"] = sorted(kept)
    folder = tab.folder
    total, rows = tab.rows()
    wrong = []
    if total != len(view[folder]) or rows != view[folder]:
        missing, extra = set(view[folder]) - set(rows), set(rows) - set(view[folder])
        wrong.append(f"{folder}: {total} for {len(view[folder])}, missing {missing}, extra {extra}")
    counts = tab.counts()
    for name in ("Inbox", "Archive", "Junk"):
        unread = sum(one for _, one, _ in view[name])
        if counts[name] != unread:
            wrong.append(f"{name}: counts {counts[name]} for {unread}")
    return "; ".join(wrong)


def wait_until_equal(tabs: list[CrowdTab], truth: dict[str, list[Row]]) -> list[str]:
    """Without a touch; what is wrong still when the time is over."""
    began = time.monotonic()
    wrong = dict.fromkeys(range(len(tabs)), "?")
    while wrong:
        wrong = {n: said for n in wrong if (said := shown_wrong(tabs[n], truth))}
        if time.monotonic() - began > SETTLED:
            break
    print(f"looked at after {time.monotonic() - began:.1f} s")
    return [f"tab {n}: {said}" for n, said in wrong.items()]


def compare(crowd: Crowd) -> list[str]:
    """Every view of the account is the same; what is not."""
    crowd.wait_for_operations()
    truth = as_emails(imap_view(crowd.site, crowd.person))
    print({name: len(rows) for name, rows in truth.items()})
    assert sum(map(len, truth.values())) > 0
    view, wrong = jmap_view(crowd.tabs[0])
    wrong += [
        f"{name}: IMAP {truth[name]}, JMAP {view[name]}"
        for name in truth
        if truth[name] != view[name]
    ]
    if pop3_view(crowd.site, crowd.person) != imap_message_ids(crowd.site, crowd.person):
        wrong.append("POP3 and IMAP show different inboxes")
    wrong += wait_until_equal(crowd.tabs, truth)
    for name in truth:
        for tab in crowd.tabs:
            tab.go(NAMES.get(name, name))
        wrong += wait_until_equal(crowd.tabs, truth)
    return wrong


@pytest.fixture
def second_browser(browser: Browser) -> Iterator[Browser]:
    """Other processes."""
    launched = browser.browser_type.launch(
        executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"]
    )
    yield launched
    launched.close()


def test_sync_3_a_few(site: Site, open_context: Callable[..., BrowserContext]) -> None:
    """Three windows and three programs, for some seconds."""
    crowd = Crowd(site, site.new_person(MAIL))
    crowd.add_browser(open_context(), 2)
    crowd.add_browser(open_context(), 1)
    crowd.add_programs(imap=1)
    crowd.begin(0.1, 0.8)
    crowd.pass_time(8)
    wrong = crowd.end()
    wrong += compare(crowd)
    assert not wrong, "\n".join(wrong)
    assert [(one.all, one.most, one.now) for one in crowd.streams] == [(1, 1, 1)] * 2


@pytest.mark.web_long
@pytest.mark.timeout(900)
def test_sync_3_ten_windows_and_four_programs(
    site: Site, open_context: Callable[..., BrowserContext], second_browser: Browser
) -> None:
    """For five minutes; halfway the window that listens for its browser is closed."""
    crowd = Crowd(site, site.new_person(MAIL))
    first = open_context()
    crowd.add_browser(first, 5)
    crowd.add_browser(open_context(), 3)
    crowd.add_browser(second_browser.new_context(), 2)
    crowd.add_programs(imap=3)
    crowd.begin()
    crowd.pass_time(150)
    listening = crowd.tabs.pop(0)
    wrong = listening.complaints()
    listening.page.close()
    crowd.add_tab(first).begin()
    crowd.pass_time(150)
    wrong += crowd.end()
    wrong += compare(crowd)
    assert not wrong, "\n".join(wrong)
    assert [one.now for one in crowd.streams] == [1, 1, 1]
    assert [one.most for one in crowd.streams] == [1, 1, 1]
    assert [one.all for one in crowd.streams] == [2, 1, 1]
