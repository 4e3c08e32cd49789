"""SYNC: what somebody or something else does is seen soon, and nothing is lost (web.md §2.8)."""

from __future__ import annotations

import imaplib
import itertools
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from support.browsing import CHROMIUM, IS_LONG, sign_in
from support.deaf_proxy import DeafProxy
from support.old_build import count_starts
from support.reading import open_mail, row
from support.web_site import Person, Site
from support.web_sync import FarSite, Sleeper, Witness, idling, share

# `make test-web` has the machine for itself.
SLOWNESS = 1.0 if IS_LONG else 4.0
TRIES = 20 if IS_LONG else 4
CLI_TRIES = 10 if IS_LONG else 2
HALF = 0.3 * SLOWNESS  # seconds, for half of all changes
MOST = 1.0 * SLOWNESS  # for nearly all (95 of 100)

_numbers = itertools.count()


def letter(subject: str) -> bytes:
    head = f"From: Carol <carol@example.net>\r\nTo: alice@example.org\r\nSubject: {subject}\r\n"
    return f"{head}Message-ID: <sync-{next(_numbers)}@example.net>\r\n\r\nHello\r\n".encode()


@pytest.fixture
def witness(site: Site, page: Page) -> Witness:
    """Looks at the inbox, which has a letter `Target` at its top."""
    open_mail(page, site)
    return Witness(page)


@pytest.fixture
def target(site: Site, person: Person, witness: Witness) -> str:
    """The subject of a letter that just came."""
    site.send(person, letter("Target"))
    expect(row(witness.page, "Target")).to_be_visible()
    return "Target"


def told(name: str, latencies: list[float]) -> None:
    """Half of them and nearly all came in time."""
    half, most = share(latencies, 0.5), share(latencies, 0.95)
    print(f"\n{name}: p50 {half * 1000:.0f} ms, p95 {most * 1000:.0f} ms of {len(latencies)}")
    assert half <= HALF, latencies
    assert most <= MOST, latencies


def number_of(client: imaplib.IMAP4_SSL, subject: str) -> str:
    found: bytes = client.search(None, "SUBJECT", f'"{subject}"')[1][0]
    return found.split()[-1].decode()


def test_sync_1_a_flag_by_imap(site: Site, person: Person, witness: Witness, target: str) -> None:
    latencies = []
    with site.imap(person) as client:
        client.select("INBOX")
        number = number_of(client, target)
        for sign, kind in itertools.islice(
            itertools.cycle((("+", "read"), ("-", "unread"))), TRIES
        ):
            wish = witness.wish(kind, target)
            assert client.store(number, f"{sign}FLAGS", r"\Seen")[0] == "OK"
            acknowledged = time.time()
            latencies.append(witness.moment(wish) - acknowledged)
    told("IMAP STORE", latencies)


def test_sync_1_a_deletion_by_pop3(site: Site, person: Person, witness: Witness) -> None:
    subjects = [f"Dropped {n}." for n in range(TRIES)]
    for subject in subjects:
        site.send(person, letter(subject))
    expect(row(witness.page, subjects[-1])).to_be_visible()
    latencies = []
    for subject in reversed(subjects):
        wish = witness.wish("gone", subject)
        with site.pop3(person) as client:
            client.dele(client.stat()[0])
        acknowledged = time.time()  # by the answer to QUIT
        latencies.append(witness.moment(wish) - acknowledged)
    told("POP3 DELE, QUIT", latencies)


def test_sync_1_a_delivery_by_smtp(site: Site, person: Person, witness: Witness) -> None:
    latencies = []
    for n in range(TRIES):
        wish = witness.wish("shown", f"Arrived {n}.")
        site.send(person, letter(f"Arrived {n}."))
        acknowledged = time.time()
        latencies.append(witness.moment(wish) - acknowledged)
    told("SMTP", latencies)


@pytest.mark.parametrize("where", ["tab", "browser"])
def test_sync_1_another_window(
    site: Site,
    person: Person,
    open_context: Callable[..., BrowserContext],
    witness: Witness,
    target: str,
    where: str,
) -> None:
    """From the press in the other window on, before the server knows of it."""
    context = witness.page.context
    if where == "browser":
        context = open_context()
        sign_in(context, site, person)
    other = context.new_page()
    open_mail(other, site)
    there = Witness(other)
    latencies = []
    for kind in itertools.islice(itertools.cycle(("starred", "plain")), TRIES):
        wish = witness.wish(kind, target)
        row(other, target).locator("[data-act=star]").click()
        latencies.append(witness.moment(wish) - there.clicked())
    told(f"another {where}", latencies)


def test_sync_1_the_command_line(site: Site, person: Person, witness: Witness, target: str) -> None:
    latencies = []
    for verb, kind in itertools.islice(
        itertools.cycle((("flag", "starred"), ("unflag", "plain"))), CLI_TRIES
    ):
        wish = witness.wish(kind, target)
        run_bulk(site, person, verb, "--subject", target, "--keyword", "$flagged")
        acknowledged = time.time()
        latencies.append(witness.moment(wish) - acknowledged)
    told("pillarbox bulk", latencies)


def run_bulk(site: Site, person: Person, verb: str, *options: str) -> None:
    """The command of an administrator, in a process of its own."""
    command = [sys.executable, "-m", "pillarbox.cli", "bulk", "run", verb]
    command += ["--account", person.login, "--config", str(site.server.config), *options]
    subprocess.run(command, check=True, capture_output=True, timeout=60)


def test_sync_2_a_client_that_idles(site: Site, person: Person, witness: Witness) -> None:
    """Read, archived and deleted in the page, from the press on."""
    page = witness.page
    seen: dict[str, list[float]] = {"read": [], "archive": [], "remove": []}
    subjects = [f"Idle {n}." for n in range(TRIES)]
    for subject in subjects:
        site.send(person, letter(subject))
    expect(row(page, subjects[-1])).to_be_visible()
    with idling(site, person) as idler:
        for n, subject in enumerate(subjects):
            away = ("archive", "remove")[n % 2]
            for act, word in (("read", rb"\Seen"), (away, b"EXPUNGE")):
                mark = idler.mark()
                row(page, subject).hover()
                row(page, subject).locator(f"[data-act={act}]").click()
                at = idler.moment(word, mark)
                seen[act].append(at - witness.clicked())
    for act, latencies in seen.items():
        told(f"idle client, {act}", latencies)


@pytest.fixture
def laptop(browser: Browser, tmp_path: Path) -> Iterator[BrowserContext]:
    """A browser with processes of its own."""
    context = browser.browser_type.launch_persistent_context(
        tmp_path / "profile",
        executable_path=str(CHROMIUM),
        args=["--no-sandbox", "--disable-gpu"],
    )
    yield context
    context.close()


@pytest.mark.parametrize(
    ("seconds", "line"),
    [
        (2, "kept"),
        pytest.param(60, "kept", marks=pytest.mark.web_long),
        pytest.param(60, "forgotten", marks=pytest.mark.web_long),
    ],
)
def test_sync_4_after_sleep(
    site: Site, person: Person, laptop: BrowserContext, tmp_path: Path, seconds: int, line: str
) -> None:
    """The connections are as they were, or what lay between has forgotten them."""
    with DeafProxy(site.server.web) as between:
        page, witness, starts = at_work(FarSite(site, between.port), person, laptop)
        sleeper = Sleeper(tmp_path / "profile")
        wishes = [witness.wish(*wish) for wish in MEANWHILE]
        sleeper.sleep()
        try:
            if line == "forgotten":
                assert between.go_deaf() > 0
            change_much(site, person)
            time.sleep(seconds)
        finally:
            woken = sleeper.wake()
        right = max(witness.moment(wish, 20) for wish in wishes)
        told_after_sleep(page, right - woken, starts)


MEANWHILE = (("shown", "While asleep"), ("starred", "To star"), ("gone", "To delete"))


def at_work(site: Site, person: Person, context: BrowserContext) -> tuple[Page, Witness, list[str]]:
    """Somebody at the inbox, where one row is ticked."""
    for subject in ("To star", "To delete", "Ticked"):
        site.send(person, letter(subject))
    sign_in(context, site, person)
    page = context.new_page()
    open_mail(page, site)
    row(page, "Ticked").locator("[data-tick]").click()
    starts = count_starts(page)
    expect(page.locator(".status.live")).to_be_visible()
    return page, Witness(page), starts


def change_much(site: Site, person: Person) -> None:
    """What `MEANWHILE` is about."""
    site.send(person, letter("While asleep"))
    with site.imap(person) as client:
        client.select("INBOX")
        client.store(number_of(client, "To star"), "+FLAGS", r"\Flagged")
        client.store(number_of(client, "To delete"), "+FLAGS", r"\Deleted")
        client.expunge()


def told_after_sleep(page: Page, seconds: float, starts: list[str]) -> None:
    """All was right soon, without a start, and what was ticked is so still."""
    print(f"\nafter sleep: {seconds * 1000:.0f} ms")
    assert seconds <= 2.0 * SLOWNESS
    assert starts == []
    expect(row(page, "Ticked")).to_have_attribute("aria-selected", "true")
    expect(page.locator("[role=row][aria-selected=true]")).to_have_count(1)
    expect(page.locator(".status.live")).to_be_visible()
