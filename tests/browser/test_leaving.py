"""A newsletter is left with one click, from the clean-up assistant and from the reader."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from pillarbox.message.digest import digest
from pillarbox.node.administration import Opened
from pillarbox.store.sql import accounts, mailboxes, messages
from support.browsing import sign_in
from support.list_server import HOST, NEWS, ListServer, running_list
from support.quotas import set_quota
from support.reading import open_mail, row
from support.web_site import FEW, Person, Site, running_site

OpenContext = Callable[..., BrowserContext]


@pytest.fixture(scope="module")
def list_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ListServer]:
    with running_list(tmp_path_factory.mktemp("list")) as running:
        yield running


@pytest.fixture(scope="module")
def near_site(tmp_path_factory: pytest.TempPathFactory, list_server: ListServer) -> Iterator[Site]:
    """A server for which the list's name leads to this computer."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(list_server.folder))
        with running_site(tmp_path_factory.mktemp("near")) as running:
            yield running


@pytest.fixture
def reader(near_site: Site, list_server: ListServer) -> Person:
    """Somebody who gets news, and other mail."""
    list_server.asked.clear()
    list_server.status = 200
    person = near_site.new_person(FEW)
    near_site.server.administer(lambda opened: deliver(opened, person, list_server))
    return person


async def deliver(opened: Opened, person: Person, list_server: ListServer) -> None:
    """As the mail exchanger does with a letter whose signature held."""
    store = opened.store
    account = await store.read(lambda db: accounts.find(db, person.login))
    assert account is not None
    inbox = await store.read(lambda db: mailboxes.find(db, account.id, "INBOX"))
    assert inbox is not None
    for number in range(5):
        trace, octets = list_server.letter(number, person.login)
        with store.spool() as spool:
            spool.write(octets)
            new = messages.NewMessage(
                account=account.id,
                mailbox=inbox.id,
                digest=digest(octets),
                blob=await spool.seal(),
                trace=trace,
                check_quota=False,
            )
            await store.write(lambda tx, new=new: messages.append(tx, new))


@pytest.fixture
def desk(open_context: OpenContext, near_site: Site, reader: Person) -> Page:
    context = open_context(service_workers="block", viewport={"width": 1280, "height": 900})
    sign_in(context, near_site, reader)
    return context.new_page()


def agree(page: Page) -> None:
    """Whose server is asked is told before."""
    question = page.get_by_role("dialog")
    expect(question).to_contain_text(HOST)
    question.get_by_role("button", name="Unsubscribe", exact=True).click()


def expect_asked(list_server: ListServer) -> None:
    """Once, with what the standard says and nothing of the person."""
    [asked] = list_server.asked
    assert (asked.method, asked.path) == ("POST", "/leave?who=7")
    assert asked.body == b"List-Unsubscribe=One-Click"
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
    assert not {"cookie", "referer", "authorization", "x-csrf-token"} & set(asked.headers)


def test_one_click_from_the_newsletters_card(
    desk: Page, near_site: Site, reader: Person, list_server: ListServer
) -> None:
    set_quota(near_site, reader, 1 << 30)
    desk.goto(f"{near_site.url}/mail/settings/storage")
    button = desk.get_by_role("button", name=f"Unsubscribe from {NEWS}")
    button.click()
    question = desk.get_by_role("dialog")
    question.get_by_role("button", name="Cancel").click()
    assert list_server.asked == []  # nobody is asked before the person wants it
    button.click()
    agree(desk)
    expect(desk.get_by_text(re.compile("unsubscribed", re.IGNORECASE)).first).to_be_visible()
    expect_asked(list_server)


def test_a_list_that_refuses_is_told_with_another_way(
    desk: Page, near_site: Site, reader: Person, list_server: ListServer
) -> None:
    list_server.status = 500
    desk.goto(f"{near_site.url}/mail/settings/storage")
    desk.get_by_role("button", name=f"Unsubscribe from {NEWS}").click()
    agree(desk)
    expect(desk.get_by_text(f"{HOST} refused it with status 500.").first).to_be_visible()
    expect(desk.get_by_role("button", name="Open the page").first).to_be_visible()
    expect_asked(list_server)


def test_one_click_from_the_reader(
    desk: Page, near_site: Site, reader: Person, list_server: ListServer
) -> None:
    open_mail(desk, near_site)
    row(desk, "News, number").click()
    desk.locator(".conversation:not([inert])").get_by_role(
        "button", name="Unsubscribe", exact=True
    ).first.click()
    agree(desk)
    expect(desk.get_by_text(re.compile("unsubscribed", re.IGNORECASE)).first).to_be_visible()
    expect_asked(list_server)
