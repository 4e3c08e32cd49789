"""SYNC: what somebody or something else does is seen soon, and nothing is lost (web.md §2.8)."""

from __future__ import annotations

import imaplib
import itertools
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from email.policy import SMTP
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from support.browsing import CHROMIUM, IS_LONG, sign_in
from support.deaf_proxy import DeafProxy
from support.old_build import count_starts
from support.reading import open_mail, row
from support.web_site import Person, Site
from support.web_sync import FarSite, Sleeper, Witness, idling, share
from support.writing import Composer, letters_of, until, wait_for_letters

pytestmark = pytest.mark.timed

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
        for n, subject in enumerate(reversed(subjects)):  # the newest is at the top, in sight
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


@pytest.mark.web_long
def test_sync_4_sleep_that_no_timer_counted(
    site: Site, person: Person, context: BrowserContext
) -> None:
    """An hour by the clock on the wall, none by that of timers: so it is where all stands still."""
    with DeafProxy(site.server.web) as between:
        page, witness, starts = at_work(FarSite(site, between.port), person, context)
        wishes = [witness.wish(*wish) for wish in MEANWHILE]
        assert between.go_deaf() > 0
        change_much(site, person)
        woken = page.evaluate("""() => {
            const before = Date.now
            Date.now = () => before.call(Date) + 3600000
            return Date.now()
        }""")
        page.mouse.move(5, 5)  # whoever wakes a computer touches it
        right = max(witness.moment(wish, 20) for wish in wishes)
        told_after_sleep(page, right - woken / 1000, starts)


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


class Device:
    """A browser in which a draft is open."""

    def __init__(self, context: BrowserContext, site: Site, person: Person) -> None:
        sign_in(context, site, person)
        self.context = context
        self.page = context.new_page()
        self._drafts = f"{site.url}/mail/drafts"
        self.composer = Composer(self.page)

    def take_up(self, subject: str, words: str) -> None:
        """Open the draft that another device began."""
        self.page.goto(self._drafts)
        row(self.page, subject).click()
        self.page.get_by_role("button", name="Go on writing").click()
        expect(self.composer.letter).to_contain_text(words)

    def choose(self, name: str) -> None:
        """The answer to the question which version counts."""
        question = self.page.get_by_text("changed, sent or deleted on another device")
        expect(question).to_be_visible(timeout=30_000)
        self.page.get_by_role("button", name=name).click()
        expect(question).to_have_count(0)


@pytest.fixture
def devices(
    site: Site, person: Person, open_context: Callable[..., BrowserContext]
) -> tuple[Device, Device]:
    """Two, with the same draft; in both more was written, and the second saved first."""
    first, second = (Device(open_context(), site, person) for _ in range(2))
    first.composer = Composer.open(first.page, site)
    first.composer.address(site.new_person(0).login, "Shared draft")
    first.composer.write("From the first device. ")
    first.composer.wait_saved()
    second.take_up("Shared draft", "From the first device.")
    return first, second


def texts(site: Site, person: Person) -> list[str]:
    """Of all versions in Drafts, without the breaks of lines."""
    drafts = letters_of(site, person, "Drafts", "Shared draft")
    return [" ".join(one.get_body(("plain",)).get_content().split()) for one in drafts]


@pytest.mark.web_long
@pytest.mark.parametrize(
    ("choice", "left"),
    [("Keep mine", ["first goes on"]), ("Take the other", ["second says more"])],
)
def test_sync_5_one_of_two_versions_is_chosen(
    site: Site, person: Person, devices: tuple[Device, Device], choice: str, left: list[str]
) -> None:
    """Until it is, both are there; then the one that was chosen is, and is open."""
    first, second = devices
    second.composer.write("The second says more. ")
    second.composer.wait_saved()
    first.composer.write("The first goes on. ")
    expect(first.page.get_by_text("on another device")).to_be_visible(timeout=30_000)
    both = " ".join(texts(site, person))
    assert "second says more" in both
    assert "first goes on" in both
    first.choose(choice)
    expect(first.composer.letter).to_contain_text(left[0])
    first.composer.wait_saved()
    found = until(lambda: texts(site, person), lambda now: len(now) == 1)
    assert left[0] in found[0]


@pytest.mark.web_long
def test_sync_5_a_device_without_a_network(
    site: Site, person: Person, devices: tuple[Device, Device]
) -> None:
    """What was written offline comes beside what was written elsewhere meanwhile."""
    first, second = devices
    second.context.set_offline(True)
    second.composer.write("Written on the train. ")
    second.page.wait_for_timeout(4000)
    first.composer.write("Written at home. ")
    first.composer.wait_saved()
    second.context.set_offline(False)
    second.choose("Keep both")
    second.composer.wait_saved()
    found = until(lambda: texts(site, person), lambda now: len(now) == 2)
    assert "Written on the train. From the first device." in " ".join(found)
    assert "Written at home. From the first device." in " ".join(found)


@pytest.mark.web_long
def test_sync_5_sent_on_one_device_while_the_other_writes(
    site: Site, person: Person, devices: tuple[Device, Device]
) -> None:
    """What was written too late for the letter is a draft still, and was said to be."""
    first, second = devices
    second.composer.send()
    wait_for_letters(site, person, "Sent", "Shared draft", seconds=60)
    first.composer.write("One more thing. ")
    first.choose("Keep both")
    first.composer.wait_saved()
    until(
        lambda: texts(site, person),
        lambda now: "One more thing. From the first device." in now,
    )
    assert "One more thing" not in str(letters_of(site, person, "Sent", "Shared draft")[0])


@pytest.mark.web_long
def test_sync_5_a_draft_that_is_only_looked_at(
    site: Site, person: Person, devices: tuple[Device, Device]
) -> None:
    """No new version is made of it, and nobody is asked anything."""
    first, second = devices
    second.page.wait_for_timeout(6000)  # a draft is saved three seconds after a change
    first.composer.write("The first goes on. ")
    first.composer.wait_saved()
    assert texts(site, person) == ["The first goes on. From the first device."]
    second.composer.window.get_by_role("button", name="Close and keep").first.click()
    expect(second.composer.window).to_have_count(0)
    assert texts(site, person) == ["The first goes on. From the first device."]


@pytest.mark.web_long
def test_sync_5_a_mail_program_changes_the_draft(
    site: Site, person: Person, devices: tuple[Device, Device]
) -> None:
    """As programs do: a new version is appended, the old one expunged."""
    first, _ = devices
    draft = letters_of(site, person, "Drafts", "Shared draft")[0]
    draft.get_body(("plain",)).set_content("Written in a mail program.")
    with site.imap(person) as client:
        client.select("Drafts")
        client.append("Drafts", r"(\Draft \Seen)", None, draft.as_bytes(policy=SMTP))
        client.store("1", "+FLAGS", r"(\Deleted)")
        client.expunge()
    first.composer.write("Written in the page. ")
    first.choose("Keep both")
    first.composer.wait_saved()
    both = " ".join(until(lambda: texts(site, person), lambda now: len(now) == 2))
    assert "Written in a mail program." in both
    assert "Written in the page." in both
