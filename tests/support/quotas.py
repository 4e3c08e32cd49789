"""Limits of accounts, and what is used of them, in tests of the site."""

from __future__ import annotations

import smtplib

from playwright.sync_api import Page

from pillarbox.node.administration import Opened
from support.reading import jmap
from support.web_site import Person, Site


def used(site: Site, person: Person) -> int:
    """Octets."""

    async def work(opened: Opened) -> int:
        return (await opened.admin.find_account(person.login)).used_octets

    return site.server.administer(work)


def set_quota(site: Site, person: Person, octets: int) -> None:
    """0: none."""
    site.server.administer(lambda opened: opened.admin.set_quota(person.login, octets))


def fill_up(site: Site, person: Person, percent: int = 100) -> None:
    """So that what there is makes that share."""
    set_quota(site, person, used(site, person) * 100 // percent)


def limit_of(site: Site, person: Person) -> int:
    """The account's quota."""

    async def work(opened: Opened) -> int:
        return (await opened.admin.find_account(person.login)).quota_octets

    return site.server.administer(work)


def refuses(site: Site, person: Person, octets: bytes = b"Subject: More\r\n\r\nMore.\r\n") -> bool:
    """Whether new mail is held back for now, so that its sender tries again."""
    try:
        site.send(person, octets)
    except smtplib.SMTPRecipientsRefused as refused:
        assert refused.recipients[person.login][0] == 452, refused.recipients
        return True
    except smtplib.SMTPDataError as error:
        assert error.smtp_code == 452, error
        return True
    return False


def counts(page: Page) -> dict[str, int]:
    """Messages of each mailbox, by its role or name."""
    [answer] = jmap(page, ["Mailbox/get", {"ids": None}])
    return {one["role"] or one["name"]: one["totalEmails"] for one in answer["list"]}
