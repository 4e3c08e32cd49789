"""REC: back into an account whose password is forgotten (web.md §2.5), as people and programs see
it. What a stranger may learn, limits and tokens are in tests/web/recovery/test_criteria.py.
"""

from __future__ import annotations

import contextlib
import imaplib
import poplib
import re
import smtplib
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from playwright.sync_api import Error as PlaywrightError

from pillarbox.node.administration import Opened
from pillarbox.store.sql import accounts, recovery
from support.browsing import sign_in
from support.reading import open_mail
from support.virtual_passkey import add_authenticator, make_passkey
from support.way_back import (
    ANOTHER,
    ask_for_link,
    choose_password,
    confirm_with,
    letters_to,
    link_in,
    sign_in_by_page,
    wait_for_letter,
)
from support.web_site import Person, Site, running_site

pytestmark = pytest.mark.timed

OpenContext = Callable[..., BrowserContext]
END_SECONDS = 5.0  # REC-6


def far_of(person: Person) -> str:
    return person.login.replace("@example.org", ".private@example.net")


def open_security(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/mail/settings/security")
    expect(page.get_by_role("heading", name="Recovery address")).to_be_visible()


def set_address(page: Page, site: Site, person: Person, address: str) -> None:
    """In the settings, with the code that came there."""
    open_security(page, site)
    page.get_by_label(re.compile("Address at another provider|Another address instead")).fill(
        address
    )
    page.get_by_role("button", name="Send a code there").click()
    field = page.get_by_label("Code from the message")
    asked = page.get_by_role("dialog").locator("input[type=password]")
    field.or_(asked).first.wait_for()
    if asked.count():
        confirm_with(page, person.password)
    text = wait_for_letter(site, address, "Code for the recovery address")
    code = re.search(r"\b\d{8}\b", text)
    assert code
    field.fill(code[0])
    page.get_by_role("button", name="Confirm", exact=True).click()
    expect(page.get_by_text("Recovery address confirmed")).to_be_visible()


def gets_in(site: Site, person: Person) -> bool:
    """By IMAP."""
    try:
        with site.imap(person):
            return True
    except imaplib.IMAP4.error:
        return False


def test_rec_1_by_the_recovery_address(
    page: Page, open_context: OpenContext, site: Site, person: Person
) -> None:
    """Set up with a code, forgotten, a letter, a link, another password; and no door opens by
    itself. Looking at the link, as scanners do, uses nothing up."""
    set_address(page, site, person, far_of(person))
    stranger = open_context(java_script_enabled=False).new_page()
    ask_for_link(stranger, site, person.login)
    link = link_in(wait_for_letter(site, far_of(person), "A new password for"))
    assert link.startswith(f"{site.url}/reset/")
    for _ in range(3):
        assert stranger.request.get(link).status == 200
        assert stranger.request.head(link).status in (200, 405)
    stranger.goto(link)
    choose_password(stranger)
    assert not [one for one in stranger.context.cookies() if one["name"].endswith("pillarbox")]
    fresh = Person(person.login, ANOTHER)
    assert gets_in(site, fresh)
    assert not gets_in(site, person)
    sign_in_by_page(stranger, site, fresh)
    expect(stranger).to_have_url(f"{site.url}/mail/")
    told = wait_for_letter(site, far_of(person), "was changed")
    assert person.login in told
    with site.imap(fresh) as imap:
        imap.select()
        assert imap.search(None, "SUBJECT", '"was changed"')[1] != [b""]


def test_rec_1_by_a_printed_code(
    page: Page, open_context: OpenContext, site: Site, person: Person
) -> None:
    """Ten codes are made in the settings; each opens the page for a new password once."""
    open_security(page, site)
    page.get_by_role("button", name="Make new codes").click()
    codes = page.locator(".codes-sheet code")
    asked = page.get_by_role("dialog").locator("input[type=password]")
    codes.first.or_(asked).first.wait_for()
    if asked.count():
        confirm_with(page, person.password)
    expect(codes).to_have_count(10)
    printed = codes.all_inner_texts()
    stranger = open_context().new_page()
    stranger.goto(f"{site.url}/forgot")
    stranger.get_by_role("link", name="I have a recovery code").click()
    stranger.get_by_label("Your e-mail address here").fill(person.login)
    stranger.get_by_label("Recovery code").fill(printed[6])
    stranger.get_by_role("button", name="Continue").click()
    choose_password(stranger)
    assert gets_in(site, Person(person.login, ANOTHER))
    stranger.goto(f"{site.url}/forgot/code")
    stranger.get_by_label("Your e-mail address here").fill(person.login)
    stranger.get_by_label("Recovery code").fill(printed[6])
    stranger.get_by_role("button", name="Continue").click()
    expect(stranger.get_by_role("alert")).to_contain_text("Address or code is wrong")


@pytest.mark.web_long
def test_rec_1_by_a_passkey(page: Page, site: Site, person: Person) -> None:
    """It opens the mail without the password, and another one can be chosen at once."""
    add_authenticator(page)
    make_passkey(page, site)
    page.context.clear_cookies()
    page.goto(f"{site.url}/sign-in?next=/mail/settings/security")
    with contextlib.suppress(PlaywrightError):  # or the device answered in the field by itself
        page.get_by_role("button", name="Sign in with a passkey").click(timeout=2000)
    page.get_by_label("New password", exact=True).fill(ANOTHER)
    page.get_by_label("New password again").fill(ANOTHER)
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_text("Password changed")).to_be_visible()
    assert gets_in(site, Person(person.login, ANOTHER))


def test_rec_1_by_a_link_of_the_administrator(
    open_context: OpenContext, site: Site, person: Person
) -> None:
    """For a day, once; whoever made it never learns the password."""
    command = [sys.executable, "-m", "pillarbox.cli", "account", "reset-link", person.login]
    done = subprocess.run(
        [*command, "--config", str(site.server.config)], capture_output=True, text=True, check=True
    )
    assert "for 24 hours" in done.stdout
    link = link_in(done.stdout)
    assert link.startswith(f"{site.url}/reset/")
    page = open_context().new_page()
    page.goto(link)
    expect(page.get_by_text(person.login)).to_be_visible()
    choose_password(page)
    assert gets_in(site, Person(person.login, ANOTHER))
    page.goto(link)
    expect(page.get_by_role("heading", name="This link is good no longer")).to_be_visible()


@pytest.mark.web_long
def test_rec_2_more_wishes_than_three_are_silent(tmp_path: Path, open_context: OpenContext) -> None:
    """In an hour: the same page each time, three letters, and the account is open all the while.

    A server of its own, which counts as strictly as any.
    """
    with running_site(tmp_path) as site:
        person = site.new_person(1)
        site.server.administer(lambda opened: give_address(opened, person))
        stranger = open_context().new_page()
        seen = set()
        for _ in range(5):
            ask_for_link(stranger, site, person.login)
            seen.add(stranger.locator("main").inner_text())
        assert len(seen) == 1
        wait_for_letter(site, far_of(person), "A new password for", count=3)
        other = site.new_person(1)  # wishes are done in turn: after this one none waits
        site.server.administer(lambda opened: give_address(opened, other))
        ask_for_link(stranger, site, other.login)
        wait_for_letter(site, far_of(other), "A new password for")
        assert len(letters_to(site, far_of(person))) == 3
        assert gets_in(site, person)
        sign_in(open_context(), site, person)


async def give_address(opened: Opened, person: Person) -> None:
    """One that was confirmed long ago."""
    account = await opened.store.read(lambda db: accounts.find(db, person.login))
    assert account is not None
    given = recovery.Recovery(address=far_of(person), since=1)
    await opened.store.write(lambda tx: recovery.put(tx, account.id, given))


@pytest.mark.web_long
def test_rec_3_the_token_is_in_no_log_and_no_referer(
    page: Page, open_context: OpenContext, site: Site, person: Person
) -> None:
    """Wherever one goes from its page, however often it was opened, used or not."""
    set_address(page, site, person, far_of(person))
    stranger = open_context().new_page()
    told: list[str] = []
    stranger.on("request", lambda one: told.append(one.headers.get("referer", "")))
    ask_for_link(stranger, site, person.login)
    link = link_in(wait_for_letter(site, far_of(person), "A new password for"))
    token = link.rpartition("/")[2]
    stranger.goto(link)
    stranger.get_by_role("link", name="Deutsch").click()
    stranger.get_by_role("link", name="English").click()
    stranger.goto(link)
    choose_password(stranger)
    stranger.goto(link)
    stranger.get_by_role("link").first.click()
    assert told
    assert not [one for one in told if token in one]
    assert token not in site.server.log.read_text()


@pytest.mark.web_long
def test_rec_4_a_changed_address_waits_and_its_owner_can_object(
    page: Page, open_context: OpenContext, site: Site, person: Person
) -> None:
    """The new address opens nothing for 72 hours, and the former one gets “This was not me”."""
    former, fresh = far_of(person), f"other.{far_of(person)}"
    set_address(page, site, person, former)
    set_address(page, site, person, fresh)
    notice = wait_for_letter(site, former, "The recovery address of")
    assert "72 hours" in notice
    stranger = open_context().new_page()
    ask_for_link(stranger, site, person.login)
    stranger.goto(link_in(notice))
    stranger.get_by_role("button", name="This was not me").click()
    expect(stranger.get_by_role("heading", name="Your former address is back")).to_be_visible()
    ask_for_link(stranger, site, person.login)
    assert "/reset/" in wait_for_letter(site, former, "A new password for")
    assert [str(one["Subject"]) for one in letters_to(site, fresh)] == [
        f"Code for the recovery address of {person.login}"
    ]
    state = page.request.get(f"{site.url}/account/state")
    assert state.status == 401  # whoever changed it is out


@pytest.mark.web_long
def test_rec_6_everybody_else_is_out_within_seconds(
    page: Page, open_context: OpenContext, site: Site, person: Person
) -> None:
    """The reset ends sessions on other devices, which their pages say by themselves, and drops
    connections of IMAP, POP3 and SMTP; another's connection stays."""
    set_address(page, site, person, far_of(person))
    stranger = open_context().new_page()
    ask_for_link(stranger, site, person.login)
    link = link_in(wait_for_letter(site, far_of(person), "A new password for"))
    other = open_context()
    sign_in(other, site, person)
    laptop = other.new_page()
    open_mail(laptop, site)
    bystander = site.new_person(1)
    with site.imap(bystander) as calm, programs_of(site, person) as took:
        stranger.goto(link)
        began = time.monotonic()
        choose_password(stranger)
        sheet = laptop.get_by_role("dialog").locator("input[type=password]")
        expect(sheet).to_be_visible(timeout=END_SECONDS * 1000)
        assert time.monotonic() - began < END_SECONDS
        for _ in range(100):
            if len(took) == 3:
                break
            time.sleep(0.05)
        assert sorted(took) == ["imap", "pop3", "smtp"]
        assert max(took.values()) - began < END_SECONDS, took
        assert calm.noop()[0] == "OK"
    assert other.request.get(f"{site.url}/account/state").status == 401


@contextlib.contextmanager
def programs_of(site: Site, person: Person) -> Iterator[dict[str, float]]:
    """Mail programs that are signed in and wait; when each was let go."""
    imap = imaplib.IMAP4_SSL("localhost", site.server.imaps, ssl_context=site.trust())
    imap.login(person.login, person.password)
    imap.select()
    imap.send(b"a1 IDLE\r\n")
    assert imap.readline().startswith(b"+")
    pop3 = poplib.POP3_SSL("localhost", site.server.pop3s, context=site.trust())
    pop3.user(person.login)
    pop3.pass_(person.password)
    smtp = smtplib.SMTP_SSL("localhost", site.server.submissions, context=site.trust())
    smtp.login(person.login, person.password)
    took: dict[str, float] = {}
    assert smtp.sock is not None
    sockets = {"imap": imap.sock, "pop3": pop3.sock, "smtp": smtp.sock}
    threads = [
        threading.Thread(target=_watch, args=(name, sock, took)) for name, sock in sockets.items()
    ]
    for thread in threads:
        thread.start()
    try:
        yield took
    finally:
        for sock in sockets.values():
            sock.close()
        for thread in threads:
            thread.join(10)


def _watch(name: str, sock: Any, took: dict[str, float]) -> None:
    """Until nothing comes any more."""
    sock.settimeout(30)
    with contextlib.suppress(OSError):
        while sock.recv(4096):
            pass
    took[name] = time.monotonic()
