"""Moving in and out in the settings: another provider connected, watched, taken back; all mail
downloaded as files (web.md §2.7).
"""

from __future__ import annotations

import mailbox
import ssl
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from pillarbox.testing import RunningServer, running_server
from support import web_mail
from support.authority import new_authority
from support.browsing import sign_in
from support.lying_servers import LOGIN, Liar, lying_imap
from support.store_box import letter
from support.web_site import Person, Site, running_site

OLD = Person("old@example.net", "the-password-of-long-ago")
ROOT = new_authority()
WAIT = 40_000  # milliseconds, for work of several processes
TITLE = "Moving in and out"


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Another Pillarbox, with somebody's mail of years."""
    folder: Path = tmp_path_factory.mktemp("elsewhere")
    with running_server(folder, accounts={OLD.login: OLD.password}) as running:
        for name, count in (("INBOX", 40), ("Work/Plans", 7), ("Junk", 3)):
            running.administer(
                lambda opened, name=name, count=count: web_mail.fill(
                    opened.store, OLD.login, count, name
                )
            )
        yield running


@pytest.fixture(scope="module")
def liar(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Liar]:
    """A server that holds on in the middle, until it is told to go on."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    folder = tmp_path_factory.mktemp("liar")
    context.load_cert_chain(*ROOT.issue("localhost").write(folder))
    with lying_imap(context) as server:
        yield server


@pytest.fixture(scope="module")
def site(
    elsewhere: RunningServer, liar: Liar, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """One whose administrator allows servers on this computer, and trusts them."""
    folder: Path = tmp_path_factory.mktemp("connect")
    trusted = folder / "trusted.pem"
    trusted.write_bytes(elsewhere.certificate.read_bytes() + ROOT.pem)
    collect = {"allow_private": True, "authorities": str(trusted), "round_seconds": 0.5}
    no_names = {"try_seconds": 0.2, "tries": 1, "total_seconds": 0.5}
    settings = {"collect": {**collect, "progress_seconds": 0.5}, "dns": no_names}
    with running_site(folder / "site", settings=settings) as running:
        yield running


def open_page(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/mail/settings/import")
    expect(page.get_by_role("heading", name=TITLE, exact=True).first).to_be_visible()
    expect(page.get_by_role("heading", name="Connect another account")).to_be_visible()
    expect(page.locator(".settings [aria-busy=true]")).to_have_count(0)


def fill_in(page: Page, address: str, port: int, password: str, protocol: str = "imap") -> None:
    """As far as the button that tries it."""
    page.get_by_label("E-mail address there").fill(address)
    page.get_by_role("button", name="Find its server").click()
    page.get_by_label("Protocol").select_option(protocol, timeout=WAIT)
    page.get_by_label("Server", exact=True).fill("localhost")
    page.get_by_label("Port").fill(str(port))
    page.get_by_label("User name there").fill(address)
    page.get_by_label("Password there").fill(password)


def fits(page: Page) -> None:
    """Nothing is wider than a telephone's window."""
    page.set_viewport_size({"width": 390, "height": 844})
    excess = """() => Math.max(...['html', '.page'].map((one) => {
        const area = document.querySelector(one)
        return area.scrollWidth - area.clientWidth
    }))"""
    expect(page.locator(".phone.settings")).to_be_visible()
    assert page.evaluate(excess) <= 0
    page.set_viewport_size({"width": 1280, "height": 800})


def row(page: Page) -> Locator:
    return page.get_by_test_id("connected")


def test_from_looking_to_taking_back(
    page: Page, site: Site, elsewhere: RunningServer, axe: Callable[..., None]
) -> None:
    open_page(page, site)
    axe(page, "nothing connected")
    fill_in(page, OLD.login, elsewhere.imaps, "wrong-password")
    page.get_by_role("button", name="Test", exact=True).click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("does not take the user name or the password", timeout=WAIT)
    page.get_by_label("Password there").fill(OLD.password)
    page.get_by_role("button", name="Test", exact=True).click()
    expect(page.get_by_text("47 messages would come")).to_be_visible(timeout=WAIT)
    expect(page.get_by_text("There is room for all of it.")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="Work/Plans")).to_contain_text("7")
    expect(page.get_by_text("Left out: Junk")).to_be_visible()
    axe(page, "looked at")
    fits(page)
    page.get_by_label("Name for it here").fill("Old mail")
    page.get_by_role("button", name="Add and begin").click()
    expect(row(page)).to_contain_text("Old mail")
    expect(row(page)).to_contain_text("All is here", timeout=WAIT)
    expect(row(page)).to_contain_text("47 messages")
    axe(page, "connected")
    fits(page)
    assert OLD.password not in page.content()


@pytest.mark.mail(1)
def test_what_becomes_of_each_folder(
    page: Page, site: Site, person: Person, elsewhere: RunningServer, axe: Callable[..., None]
) -> None:
    site.fill(person, 2, "Archive/Harbour")
    open_page(page, site)
    fill_in(page, OLD.login, elsewhere.imaps, OLD.password)
    page.get_by_role("button", name="Test", exact=True).click()
    expect(page.get_by_text("47 messages would come")).to_be_visible(timeout=WAIT)
    page.get_by_label("What INBOX becomes here").select_option("Archive/Harbour")
    page.get_by_label("What Work/Plans becomes here").select_option("Leave out")
    expect(page.get_by_text("40 messages would come")).to_be_visible()
    page.get_by_label("Keep fetching new mail").check()
    page.get_by_label("Both ways").check()
    page.get_by_label("Label on what it brings").first.fill("old")
    axe(page, "choices")
    fits(page)
    page.get_by_role("button", name="Add and begin").click()
    expect(row(page)).to_contain_text("New mail comes at once", timeout=WAIT)
    expect(row(page)).to_contain_text("40 messages")
    assert counts(site, person) == {**counts(site, person), "INBOX": 1, "Archive/Harbour": 42}
    assert "Work/Plans" not in counts(site, person)
    with site.imap(person) as client:
        client.select("Archive/Harbour")
        assert len(client.uid("SEARCH", "KEYWORD", "old")[1][0].split()) == 40
    page.get_by_role("button", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove", exact=True).click()
    expect(row(page)).to_have_count(0)


def test_where_no_password_is_taken(page: Page, site: Site, axe: Callable[..., None]) -> None:
    open_page(page, site)
    page.get_by_label("E-mail address there").fill("somebody@outlook.com")
    page.get_by_role("button", name="Find its server").click()
    expect(page.get_by_text("this server is not known there")).to_be_visible(timeout=WAIT)
    expect(page.get_by_label("Password there")).to_have_count(0)
    axe(page, "no password")
    page.get_by_role("button", name="Bring a file instead").click()
    expect(page.get_by_label("File", exact=True)).to_be_focused()
    page.get_by_role("button", name="Name a server by hand").click()
    expect(page.get_by_label("Server", exact=True)).to_have_value("outlook.office365.com")
    page.get_by_label("E-mail address there").fill("somebody@gmail.com")
    page.get_by_role("button", name="Find its server").click()
    guide = page.get_by_role("link", name="Open the page of Gmail")
    expect(guide).to_have_attribute("href", "https://myaccount.google.com/apppasswords")


def test_a_search_that_fails_keeps_no_other_address_s_server(page: Page, site: Site) -> None:
    open_page(page, site)
    fill_in(page, OLD.login, 993, "the password there")
    page.route("**/account/remotes/find", lambda route: route.fulfill(status=503))
    page.get_by_label("E-mail address there").fill("other@example.org")
    page.get_by_role("button", name="Find its server").click()
    expect(page.get_by_label("Server", exact=True)).to_have_value("", timeout=WAIT)
    expect(page.get_by_label("User name there")).to_have_value("other@example.org")


def counts(site: Site, person: Person) -> dict[str, int]:
    """Messages by mailbox, as another program sees them."""
    with site.imap(person) as client:
        listed = [one.decode().rpartition(' "/" ')[2] for one in client.list()[1]]
        return {
            name.strip('"'): int(client.select(name, readonly=True)[1][0].decode())
            for name in listed
            if client.select(name, readonly=True)[0] == "OK"
        }


@pytest.mark.mail(5)
def test_it_is_here_and_gone_again(
    page: Page, site: Site, person: Person, elsewhere: RunningServer
) -> None:
    open_page(page, site)
    fill_in(page, OLD.login, elsewhere.imaps, OLD.password)
    page.get_by_role("button", name="Test", exact=True).click()
    page.get_by_role("button", name="Add and begin").click(timeout=WAIT)
    expect(row(page)).to_contain_text("All is here", timeout=WAIT)
    came = counts(site, person)
    assert (came["INBOX"], came["Work/Plans"]) == (45, 7)
    page.get_by_role("button", name="Take back what").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("47 messages")
    dialog.get_by_role("button", name="Take back").click()
    expect(row(page)).to_contain_text("Taken back: 47 messages removed", timeout=WAIT)
    left = counts(site, person)
    assert left["INBOX"] == 5
    assert "Work/Plans" not in left
    page.get_by_role("button", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove", exact=True).click()
    expect(row(page)).to_have_count(0)


def test_pop3_goes_on_by_itself(page: Page, site: Site, elsewhere: RunningServer) -> None:
    open_page(page, site)
    fill_in(page, OLD.login, elsewhere.pop3s, OLD.password, "pop3")
    page.get_by_role("button", name="Test", exact=True).click()
    expect(page.get_by_text("40 messages would come")).to_be_visible(timeout=WAIT)
    page.get_by_label("Keep fetching new mail").check()
    page.get_by_label("Minutes between two looks").fill("30")
    page.get_by_label("It stays there").check()
    page.get_by_role("button", name="Add and begin").click()
    expect(row(page)).to_contain_text("Next look", timeout=WAIT)
    expect(row(page)).to_contain_text("40 messages")
    page.get_by_role("button", name="Pause").click()
    expect(row(page)).to_contain_text("Paused")
    page.get_by_role("button", name="Fetch from").click()
    expect(row(page)).to_contain_text("Next look", timeout=WAIT)


def test_how_far_it_is_moves_and_it_can_be_stopped(page: Page, site: Site, liar: Liar) -> None:
    """Closing the page changes nothing."""
    go_on = threading.Event()
    liar.fill([letter(f"Letter {number}") for number in range(60)])
    liar.lies.after_bodies = (25, lambda: go_on.wait(WAIT / 1000))
    try:
        open_page(page, site)
        fill_in(page, LOGIN, liar.port, "any")
        page.get_by_role("button", name="Test", exact=True).click()
        page.get_by_role("button", name="Add and begin").click(timeout=WAIT)
        expect(row(page)).to_contain_text("Folder 1 of 1: INBOX", timeout=WAIT)
        expect(row(page)).to_contain_text("of 60 messages")
        page.goto("about:blank")
        open_page(page, site)
        expect(row(page)).to_contain_text("Fetching now", timeout=WAIT)
        page.get_by_role("button", name="Pause").click()
        expect(row(page)).to_contain_text("Paused", timeout=WAIT)
    finally:
        go_on.set()
    page.get_by_role("button", name="Fetch from").click()
    expect(row(page)).to_contain_text("All is here", timeout=WAIT)
    expect(row(page)).to_contain_text("60")


@pytest.mark.mail(30)
@pytest.mark.parametrize("form", ["mbox", "maildir"])
def test_all_mail_as_files(
    page: Page, site: Site, person: Person, tmp_path: Path, form: str
) -> None:
    site.fill(person, 12, "Projects/Harbour")
    open_page(page, site)
    page.get_by_label("Format mbox").select_option(form)
    with page.expect_download() as begun:
        page.get_by_role("button", name="Download all mail").click()
    assert begun.value.suggested_filename.startswith(person.login)
    path = tmp_path / "all.zip"
    begun.value.save_as(path)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path / "all")
    if form == "mbox":
        inbox: mailbox.Mailbox = mailbox.mbox(tmp_path / "all/Mail/INBOX.mbox", create=False)
        inner: mailbox.Mailbox = mailbox.mbox(
            tmp_path / "all/Mail/Projects/Harbour.mbox", create=False
        )
    else:
        inbox = mailbox.Maildir(tmp_path / "all/Maildir", create=False)
        inner = inbox.get_folder("Projects.Harbour")
    assert (len(inbox), len(inner)) == (30, 12)
    assert all(one["Subject"] for one in inbox)
    expect(page.get_by_text("The download begins")).to_be_visible()


@pytest.mark.parametrize("locale", ["de-DE", "es-ES", "zh-CN"])
@pytest.mark.web_long
def test_in_every_language_and_both_themes(
    open_context: Callable[..., BrowserContext],
    site: Site,
    person: Person,
    axe: Callable[..., None],
    locale: str,
) -> None:
    theme = "dark" if locale == "de-DE" else "light"
    context = open_context(
        locale=locale, color_scheme=theme, viewport={"width": 390, "height": 800}
    )
    sign_in(context, site, person)
    page = context.new_page()
    page.goto(f"{site.url}/mail/settings/import")
    page.locator("input[type=email]").fill("somebody@gmail.com")
    page.locator("form:has(input[type=email]) button").click()
    expect(page.locator("input[type=password]")).to_be_visible(timeout=WAIT)
    expect(page.get_by_text("myaccount.google.com").first).to_be_visible()
    assert "settings." not in page.locator(".inner").inner_text()
    axe(page, locale)
