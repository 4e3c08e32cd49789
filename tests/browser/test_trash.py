"""BULK-10: what is thrown away goes thirty days after it was thrown away, and can still be had
back then (web.md §2.2).

The server's clock is the computer's, so the time is moved in the store: since when a message is in
the trash, as the row of its place says.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from pillarbox.node.administration import Opened
from support.browsing import sign_in
from support.reading import ROWS, open_mail
from support.web_site import Person, Site, running_site
from support.writing import until

DAY = 86_400
OLD = "Thrown away a month ago"
FRESH = "Thrown away lately"
ANCIENT = "From long ago, thrown away today"


@pytest.fixture
def site(tidy_site: Site) -> Site:
    return tidy_site


def throw_away(site: Site, person: Person, subject: str, date: str) -> None:
    """As a mail program does: it comes to the inbox, and is moved."""
    letter = f"From: carol@example.net\r\nSubject: {subject}\r\n\r\nWords about it.\r\n".encode()
    with site.imap(person) as imap:
        assert imap.append("INBOX", None, date, letter)[0] == "OK"
        imap.select()
        assert imap._simple_command("MOVE", "1", "Trash")[0] == "OK"


def let_pass(site: Site, person: Person, subject: str, days: float) -> None:
    """So long ago was it moved."""

    async def work(opened: Opened) -> None:
        account = await opened.admin.find_account(person.login)
        update = (
            "UPDATE placement SET saved_at = saved_at - ? WHERE account_id = ? AND message_id IN"
            " (SELECT message_id FROM message WHERE account_id = ? AND folded_subject = ?)"
            " RETURNING 1"
        )
        given = (int(days * DAY), account.id, account.id, subject.casefold())
        rows = await opened.store.write(lambda tx: tx.run(update, given))
        assert len(rows) == 1

    site.server.administer(work)


def in_trash(site: Site, person: Person) -> int:
    with site.imap(person) as imap:
        return int(imap.select("Trash", readonly=True)[1][0])


@pytest.mark.mail(0)
def test_bulk_10_the_trash_goes_thirty_days_after_the_move(
    page: Page, site: Site, person: Person
) -> None:
    """Not after its arrival; rows say when; what went is restored by its owner, to where it was."""
    today = '"23-Nov-2026 10:00:00 +0000"'
    throw_away(site, person, OLD, today)
    throw_away(site, person, FRESH, today)
    throw_away(site, person, ANCIENT, '"01-Feb-2019 10:00:00 +0000"')
    let_pass(site, person, FRESH, 18)
    let_pass(site, person, OLD, 29.5)
    open_mail(page, site, "trash")
    for subject, days in ((FRESH, "deleted in 12 days"), (ANCIENT, "deleted in 30 days")):
        expect(page.locator(ROWS, has_text=subject)).to_contain_text(days)
    expect(page.locator(ROWS, has_text=OLD)).to_contain_text(re.compile("deleted (in 1 day|today)"))
    let_pass(site, person, OLD, 1)
    expect(page.locator(ROWS, has_text=OLD)).to_have_count(0)
    until(lambda: in_trash(site, person), lambda now: now == 2, 10)
    expect(page.locator(ROWS)).to_have_count(2)

    page.goto(f"{site.url}/mail/settings/restore")
    page.get_by_role("checkbox", name=re.compile(OLD)).check()
    page.get_by_role("button", name="Restore 1", exact=True).click()
    open_mail(page, site, "inbox")
    expect(page.locator(ROWS, has_text=OLD)).to_be_visible()
    assert in_trash(site, person) == 2


@pytest.mark.web_long
@pytest.mark.parametrize(("days", "said"), [(7, "stays here for 7 days"), (0, "Nothing in this")])
def test_an_empty_trash_says_how_long_it_keeps(
    tmp_path: Path, browser: Browser, days: int, said: str
) -> None:
    """As whoever runs the server has chosen."""
    with running_site(tmp_path, settings={"bulk": {"trash_days": days}}) as site:
        context = browser.new_context()
        sign_in(context, site, site.alice)
        page = context.new_page()
        page.goto(f"{site.url}/mail/trash")
        expect(page.get_by_text(said)).to_be_visible()
        context.close()
