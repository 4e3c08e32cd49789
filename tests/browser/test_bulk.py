"""BULK: hundreds or thousands of messages in one go (web.md §2.2)."""

from __future__ import annotations

import re
import smtplib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, Request, expect

from pillarbox.node.administration import Opened
from pillarbox.store.sql import accounts
from support.browsing import MANY, sign_in
from support.reading import ROWS, jmap, open_mail
from support.web_site import Person, Site, running_site

pytestmark = pytest.mark.timed

# So slow that there is time to look: it rests ten times as long as it works, a quarter of a second
# at most. SOME take half a minute where everything is slow, and some seconds elsewhere.
SLOW = {
    "first_step_messages": 5,
    "most_step_messages": 5,
    "rest_percent": 1000,
    "quiet_rest_percent": 1000,
    "lease_seconds": 2,
}
SOME = 600
MANY_AT_ONCE = 12_000
DELIVERIES = 100
WORKING = "[data-operation][data-phase=running], [data-operation][data-phase=waiting]"

Open = Callable[..., BrowserContext]


@pytest.fixture
def slow_site(tmp_path: Path) -> Iterator[Site]:
    """Its own server, whose operations take some seconds, and alice's SOME messages."""
    with running_site(tmp_path, settings={"bulk": SLOW}) as running:
        running.fill(running.alice, SOME)
        yield running


@pytest.fixture
def full_site(tmp_path: Path, mail_of_many: Path) -> Iterator[Site]:
    """Where alice has MANY messages, for one try alone: it moves them all."""
    with running_site(tmp_path, data=mail_of_many) as running:
        yield running


def window(open_context: Open, site: Site, person: Person) -> Page:
    context = open_context(service_workers="block", viewport={"width": 1280, "height": 900})
    sign_in(context, site, person)
    page = context.new_page()
    open_mail(page, site)
    return page


def choose_all(page: Page) -> None:
    """The checkbox of the header, then everything that matches."""
    page.locator("header .all input").click()
    page.get_by_role("button", name=re.compile("^Select all")).click()


def delete_all(page: Page) -> None:
    choose_all(page)
    page.locator(".bar").get_by_role("button", name="Delete", exact=True).click()


def open_tray(page: Page) -> None:
    page.get_by_role("button", name=re.compile("^Activity")).click()


def mailboxes(page: Page) -> dict[str, dict[str, Any]]:
    """By their roles."""
    [answer] = jmap(page, ["Mailbox/get", {"ids": None}])
    return {one["role"] or one["name"]: one for one in answer["list"]}


def total(page: Page, role: str) -> int:
    return int(mailboxes(page)[role]["totalEmails"])


def operations(page: Page) -> list[dict[str, Any]]:
    [answer] = jmap(page, ["BulkOperation/get", {"ids": None}])
    found: list[dict[str, Any]] = answer["list"]
    return found


def done_so_far(page: Page) -> int:
    """Of the newest operation; 0 while the page has not asked for one yet."""
    found = operations(page)
    return int(found[0]["done"]) if found else 0


def until(holds: Callable[[], bool], seconds: float, what: str) -> float:
    """How long it took."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds, what
        time.sleep(0.05)
    return time.monotonic() - began


def until_done(page: Page, count: int = 1, seconds: float = 60) -> list[dict[str, Any]]:
    """So many operations, all of them at their end."""
    ended = {"done", "doneWithProblems", "cancelled", "failed"}

    def all_ended() -> bool:
        found = operations(page)
        return len(found) >= count and all(one["status"] in ended for one in found)

    until(all_ended, seconds, "it does not end")
    return operations(page)


def placed(site: Site, person: Person) -> list[tuple[Any, ...]]:
    """Every message with its mailboxes, flags and keywords."""

    async def work(opened: Opened) -> list[tuple[Any, ...]]:
        account = await opened.store.read(lambda db: accounts.find(db, person.login))
        assert account is not None
        select = (
            "SELECT message_id, mailbox_id, flags, keywords FROM placement"
            " WHERE account_id = ? ORDER BY message_id, mailbox_id"
        )
        rows = await opened.store.read(lambda db: db.rows(select, (account.id,)))
        return [tuple(row) for row in rows]

    return site.server.administer(work)


# Clicks; in ms, when the rows were gone and the page had painted again.
_CLICK = """([button, rows]) => new Promise((done) => {
    const began = performance.now()
    const passed = () => performance.now() - began
    document.querySelector(button).click()
    const look = () => {
        if (!document.querySelector(rows)) requestAnimationFrame(() => done(passed()))
        else if (passed() > 10000) done(1e9)
        else requestAnimationFrame(look)
    }
    requestAnimationFrame(look)
})"""


def methods_of(request: Request) -> str:
    """What a request asks for, in words for who reads a failure."""
    calls = (request.post_data_json or {}).get("methodCalls", [])
    return " ".join([request.url.split("/", 3)[3], *(name for name, _, _ in calls)])


@pytest.mark.timeout(900)  # three tries, each on 100,000 messages
def test_bulk_1_and_4_all_to_the_trash_and_back(full_site: Site, open_context: Open) -> None:
    """Free at once, few requests, done in time; and every message exactly where it was."""
    site, person = full_site, full_site.alice
    page = window(open_context, site, person)
    before = placed(site, person)
    in_inbox = total(page, "inbox")
    assert in_inbox >= MANY
    page.wait_for_timeout(4000)  # until what the page fetches for later is there
    choose_all(page)
    requests: list[str] = []
    page.on("request", lambda one: requests.append(methods_of(one)))
    free_after = page.evaluate(_CLICK, [".bar button", ROWS])
    assert free_after <= 200, free_after
    in_time = 30_000 * max(1, in_inbox / 50_000)
    expect(page.get_by_text(re.compile(r"\d+ moved to Trash")).first).to_be_visible(timeout=in_time)
    asked = [one for one in requests if "eventsource" not in one]
    assert len(asked) <= 3, "\n".join(asked)
    assert total(page, "inbox") == 0
    assert placed(site, person) != before
    page.get_by_role("button", name="Undo", exact=True).first.click()
    until_done(page, 2, seconds=180)
    assert total(page, "inbox") == in_inbox
    assert placed(site, person) == before
    expect(page.locator(ROWS).first).to_be_visible()


def deliveries(site: Site, person: Person, goes_on: Callable[[int], bool]) -> list[float]:
    """Seconds from MAIL to 250, one after the other, the fastest first."""
    letter = b"Subject: Meanwhile\r\n\r\nIt came meanwhile.\r\n"
    took: list[float] = []
    with smtplib.SMTP("localhost", site.server.smtp, timeout=20) as client:
        while goes_on(len(took)):
            began = time.perf_counter()
            client.sendmail("carol@example.net", [person.login], letter)
            took.append(time.perf_counter() - began)
    return sorted(took)


@pytest.mark.web_long
def test_bulk_1_deliveries_hardly_wait(site: Site, open_context: Open) -> None:
    """Meanwhile, 95 of 100 take twice as long at most as without; in the best of some tries."""
    person = site.new_person(0)
    page = window_at(open_context, site, person, "activity", rows=False)
    boxes = mailboxes(page)
    inbox, trash = boxes["inbox"]["id"], boxes["trash"]["id"]
    create = {"filter": {"inMailbox": inbox}, "action": {"type": "move", "toMailboxId": trash}}
    seen = []
    for number in range(3):
        site.fill(person, MANY_AT_ONCE)
        calm = deliveries(site, person, lambda count: count < DELIVERIES)
        jmap(page, ["BulkOperation/set", {"create": {"b": create}}])
        busy = deliveries(site, person, lambda count: count < DELIVERIES)
        assert operations(page)[0]["status"] == "running"  # it was all the while
        until_done(page, number + 1)
        seen.append(busy[-len(busy) // 20] / calm[-len(calm) // 20])
        if seen[-1] <= 2:
            break
    assert min(seen) <= 2, seen


@pytest.mark.page_faults
def test_bulk_2_the_server_dies_in_the_middle(slow_site: Site, open_context: Open) -> None:
    site, person = slow_site, slow_site.alice
    page = window(open_context, site, person)
    before = {row[0] for row in placed(site, person)}
    delete_all(page)
    until(lambda: done_so_far(page) >= SOME * 0.3, 30, "it does not begin")
    site.server.kill9()
    site.server.change({"bulk": {"lease_seconds": 2}})  # what is left needs no rests
    site.server.start()
    page.reload()
    open_tray(page)
    expect(page.locator("[data-operation]")).to_have_count(1)
    [one] = until_done(page)
    expect(page.locator("[data-operation][data-phase=done]")).to_be_visible()
    assert (one["status"], one["done"], one["failed"]) == ("done", SOME, 0)
    trash = int(mailboxes(page)["trash"]["id"][1:])
    after = placed(site, person)
    assert {row[0] for row in after} == before
    assert len(after) == SOME
    assert {row[1] for row in after} == {trash}


def test_bulk_2_a_reload_loses_nothing(slow_site: Site, open_context: Open) -> None:
    page = window(open_context, slow_site, slow_site.alice)
    delete_all(page)
    page.wait_for_timeout(600)
    page.reload()
    open_tray(page)
    expect(page.locator(WORKING)).to_have_count(1)
    expect(page.locator("[data-operation] progress")).to_be_visible()


def test_bulk_3_cancel_and_continue(slow_site: Site, open_context: Open) -> None:
    page = window(open_context, slow_site, slow_site.alice)
    delete_all(page)
    until(lambda: done_so_far(page) > 50, 30, "it does not begin")
    open_tray(page)
    page.locator(WORKING).get_by_role("button", name="Cancel").click()
    stopped = page.locator("[data-operation][data-phase=stopped]")
    expect(stopped).to_be_visible(timeout=1000)
    said = re.search(r"Stopped at ([\d,]+) of", stopped.inner_text())
    assert said
    moved = int(said[1].replace(",", ""))
    assert 50 < moved < SOME
    assert moved == total(page, "trash")
    assert total(page, "inbox") == SOME - moved
    expect(stopped.get_by_role("button", name="Undo these")).to_be_visible()
    stopped.get_by_role("button", name="Continue").click()
    until(lambda: total(page, "trash") == SOME, 60, "it does not go on")


@pytest.mark.web_long
def test_bulk_5_what_arrives_meanwhile_stays(slow_site: Site, open_context: Open) -> None:
    site, person = slow_site, slow_site.alice
    page = window(open_context, site, person)
    delete_all(page)
    until(lambda: done_so_far(page) > 50, 30, "it does not begin")
    for n in range(20):
        site.send(person, f"Subject: Late {n}\r\n\r\nIt came meanwhile.\r\n".encode())
    assert operations(page)[0]["status"] == "running"
    until_done(page)
    until(lambda: total(page, "inbox") == 20, 10, "they are not there")
    assert total(page, "trash") == SOME
    expect(page.locator(ROWS, has_text="Late").first).to_be_visible()


@pytest.mark.web_long
def test_bulk_6_others_see_it(slow_site: Site, open_context: Open) -> None:
    """A second browser and a mail program see the counts fall, and neither an error."""
    site, person = slow_site, slow_site.alice
    page = window(open_context, site, person)
    other = window(open_context, site, person)
    with site.imap(person) as imap:
        imap.select("INBOX")
        delete_all(page)
        seen: list[int] = []
        until(lambda: done_so_far(page) > 50, 30, "it does not begin")
        while operations(page)[0]["status"] == "running" and len(seen) < 6:
            imap.noop()
            seen.append(SOME - len(imap.response("EXPUNGE")[1] or []))
            time.sleep(0.2)
        until_done(page)
        took = until(lambda: not other.locator(ROWS).count(), 5, "the other browser still has rows")
        assert took <= 1.5
        assert imap.noop()[0] == "OK"
        assert imap.select("INBOX")[1] == [b"0"]
    expect(other.get_by_role("alert")).to_have_count(0)


def test_bulk_7_some_fail(site: Site, open_context: Open) -> None:
    """Reasons are told, and those that failed can be tried again."""
    person = site.new_person(30)
    page = window(open_context, site, person)
    boxes = mailboxes(page)
    inbox, archive = boxes["inbox"]["id"], boxes["archive"]["id"]
    take_out = {"type": "removeMailbox", "mailboxId": inbox}
    jmap(
        page,
        [
            "BulkOperation/set",
            {"create": {"b": {"filter": {"inMailbox": inbox}, "action": take_out}}},
        ],
    )
    [one] = until_done(page)
    assert one["status"] == "doneWithProblems"
    assert one["failed"] == 30
    open_tray(page)
    problems = page.locator("[data-operation][data-phase=problems]")
    problems.locator("summary").click()
    expect(problems.locator("li").first).to_contain_text("it is in no other folder")
    also = {"type": "addMailbox", "mailboxId": archive}
    jmap(
        page,
        ["BulkOperation/set", {"create": {"b": {"filter": {"inMailbox": inbox}, "action": also}}}],
    )
    until_done(page, 2)
    problems.get_by_role("button", name="Retry the 30").click()
    until(lambda: total(page, "inbox") == 0, 15, "they are still there")
    assert total(page, "archive") == 30


def test_bulk_8_the_same_key_twice(site: Site, open_context: Open) -> None:
    page = window(open_context, site, site.new_person(5))
    inbox = mailboxes(page)["inbox"]["id"]
    create = {
        "filter": {"inMailbox": inbox},
        "action": {"type": "setKeywords", "keywords": {"$flagged": True}},
        "idempotencyKey": "the same",
    }
    ids = [
        jmap(page, ["BulkOperation/set", {"create": {"b": create}}])[0]["created"]["b"]["id"]
        for _ in range(2)
    ]
    assert ids[0] == ids[1]
    assert len(operations(page)) == 1


def folder_menu(page: Page, name: str, entry: str) -> None:
    page.get_by_role("link", name=re.compile(f"^{name}")).hover()
    page.get_by_role("button", name=f"Menu of {name}").click()
    page.get_by_role("menuitem", name=entry).click()


def test_bulk_9_mark_a_folder_as_read(site: Site, open_context: Open) -> None:
    page = window(open_context, site, site.new_person(90))
    unread = mailboxes(page)["inbox"]["unreadEmails"]
    assert unread > 0
    folder_menu(page, "Inbox", "Mark all as read")
    [one] = until_done(page)
    assert (one["action"]["type"], one["done"]) == ("setKeywords", unread)
    assert mailboxes(page)["inbox"]["unreadEmails"] == 0


def test_bulk_9_delete_a_folder_with_what_is_in_it(site: Site, open_context: Open) -> None:
    person = site.new_person(3)
    site.fill(person, 40, "Harbour")
    page = window(open_context, site, person)
    folder_menu(page, "Harbour", "Delete folder")
    question = page.get_by_role("dialog")
    expect(question).to_contain_text("40")
    question.get_by_role("button", name="Delete the folder").click()
    expect(page.get_by_role("link", name=re.compile("^Harbour"))).to_have_count(0)
    assert total(page, "trash") == 40
    assert [one["action"]["type"] for one in operations(page)] == ["move"]


@pytest.mark.parametrize("where", ["at once", "from the history"])
def test_bulk_9_a_deleted_folder_comes_back(site: Site, open_context: Open, where: str) -> None:
    """With the folder in it, all their mail, and flags as they were."""
    person = site.new_person(3)
    site.fill(person, 25, "Harbour")
    site.fill(person, 15, "Harbour/Lamps")
    before = contents(site, person)
    page = window(open_context, site, person)
    folder_menu(page, "Harbour", "Delete folder")
    page.get_by_role("dialog").get_by_role("button", name=re.compile("^Delete the folder")).click()
    expect(page.get_by_role("link", name=re.compile("^Harbour"))).to_have_count(0)
    until_done(page)
    assert total(page, "trash") == 40
    if where == "at once":
        page.get_by_role("button", name="Undo", exact=True).first.click()
    else:
        page.goto(f"{site.url}/mail/activity")
        main = page.locator("main [data-operation]")
        main.get_by_role("button", name="Undo", exact=True).click()
    expect(page.get_by_role("link", name=re.compile("^Harbour")).first).to_be_visible()
    until_done(page, 2)
    until(lambda: total(page, "trash") == 0, 15, "they are in the trash still")
    assert contents(site, person) == before


def contents(site: Site, person: Person) -> dict[str, list[str]]:
    """Of each folder, as another program sees it: subjects and flags."""
    found = {}
    with site.imap(person) as imap:
        for line in imap.list()[1]:
            assert isinstance(line, bytes)
            path = line.decode().rpartition(' "/" ')[2].strip('"')
            [count] = imap.select(f'"{path}"', readonly=True)[1]
            if count and int(count):
                wanted = "(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])"
                told = [one for one in imap.fetch("1:*", wanted)[1] if isinstance(one, tuple)]
                found[path] = sorted(f"{state(one[0])} {one[1]!r}" for one in told)
    return found


def state(told: bytes) -> str:
    """The flags in an answer to FETCH, in order; whether it is recent is no state."""
    flags = re.search(rb"FLAGS \(([^)]*)\)", told)
    assert flags, told
    return " ".join(sorted(set(flags[1].decode().split()) - {"\\Recent"}))


def test_bulk_9_empty_trash_is_an_operation(site: Site, open_context: Open) -> None:
    person = site.new_person(0)
    site.fill(person, 80, "Trash")
    page = window_at(open_context, site, person, "trash")
    page.get_by_role("button", name="Empty Trash").click()
    question = page.get_by_role("dialog")
    expect(question).to_contain_text("80")
    question.get_by_role("button", name=re.compile("Delete 80 messages")).click()
    [one] = until_done(page)
    assert (one["action"]["type"], one["done"]) == ("destroy", 80)
    assert total(page, "trash") == 0


def window_at(
    open_context: Open, site: Site, person: Person, path: str, *, rows: bool = True
) -> Page:
    context = open_context(service_workers="block", viewport={"width": 1280, "height": 900})
    sign_in(context, site, person)
    page = context.new_page()
    if rows:
        open_mail(page, site, path)
    else:
        page.goto(f"{site.url}/mail/{path}")
    return page


def test_bulk_9_rows_of_the_trash_say_when_they_go(site: Site, open_context: Open) -> None:
    person = site.new_person(0)
    site.fill(person, 3, "Trash")
    page = window_at(open_context, site, person, "trash")
    expect(page.locator(ROWS).first).to_contain_text("deleted in 30 days")
